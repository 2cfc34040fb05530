#import "core_ml.h"

#import <CoreML/CoreML.h>

#include <cstdlib>
#include <thread>

fake::CoreMlState fake::core_ml;

namespace {

NSError* error_of(NSString* text) {
  return [NSError errorWithDomain:@"com.apple.CoreML"
                             code:0
                         userInfo:@{NSLocalizedDescriptionKey : text}];
}

bool ends_in(NSURL* url, NSString* ending) { return [[url pathExtension] isEqualToString:ending]; }

// What Core ML does on a queue of its own, which GNUstep has none of.
void elsewhere(void (^work)()) {
  std::thread([work] {
    @autoreleasepool {
      work();
    }
  }).join();
}

NSArray<NSNumber*>* dense_strides(NSArray<NSNumber*>* shape) {
  NSMutableArray<NSNumber*>* strides = [NSMutableArray array];
  NSInteger stride = 1;
  for (NSInteger i = static_cast<NSInteger>([shape count]); i-- > 0;) {
    [strides insertObject:[NSNumber numberWithLong:stride] atIndex:0];
    stride *= [[shape objectAtIndex:static_cast<NSUInteger>(i)] integerValue];
  }
  return strides;
}

}  // namespace

@interface MLMultiArray (Fake)
- (float*)data;
@end

@implementation NSProcessInfo (macOSVersion)
- (NSOperatingSystemVersion)operatingSystemVersion {
  return {fake::core_ml.macos, 2, 0};
}
@end

@implementation MLModelConfiguration
@end

@implementation MLPredictionOptions
@synthesize outputBackings = _outputBackings;
- (void)setOutputBackings:(NSDictionary<NSString*, id>*)outputBackings {
  _outputBackings = [outputBackings copy];
}
@end

@implementation MLMultiArray {
  float* _data;
  bool _isOwner;
}
@synthesize strides = _strides;
@synthesize shape = _shape;
@synthesize dataType = _dataType;
@synthesize count = _count;
- (instancetype)initWithShape:(NSArray<NSNumber*>*)shape
                     dataType:(MLMultiArrayDataType)dataType
                        error:(NSError**)error {
  if (!(self = [super init])) return nil;
  if (dataType != MLMultiArrayDataTypeFloat32) {
    if (error) *error = error_of(@"the fake has no such type");
    return nil;
  }
  _shape = [shape copy];
  _dataType = dataType;
  _count = 1;
  for (NSNumber* size in shape) _count *= [size integerValue];
  _data = static_cast<float*>(std::calloc(static_cast<size_t>(_count), sizeof(float)));
  _isOwner = true;
  _strides = dense_strides(shape);
  ++fake::core_ml.arrays_alive;
  return self;
}
- (instancetype)initWithDataPointer:(void*)dataPointer
                              shape:(NSArray<NSNumber*>*)shape
                           dataType:(MLMultiArrayDataType)dataType
                            strides:(NSArray<NSNumber*>*)strides
                        deallocator:(void (^)(void*))deallocator
                              error:(NSError**)error {
  static_cast<void>(deallocator);
  if (!(self = [super init])) return nil;
  if (!dataPointer || [shape count] != [strides count]) {
    if (error) *error = error_of(@"no memory, or not a stride for each dimension");
    return nil;
  }
  _shape = [shape copy];
  _strides = [strides copy];
  _dataType = dataType;
  _count = 1;
  for (NSNumber* size in shape) _count *= [size integerValue];
  _data = static_cast<float*>(dataPointer);
  ++fake::core_ml.arrays_alive;
  return self;
}
- (float*)data {
  return _data;
}
- (void)dealloc {
  if (!_data) return;
  if (_isOwner) std::free(_data);
  --fake::core_ml.arrays_alive;
}
- (void)getBytesWithHandler:(void (^)(const void*, NSInteger))handler {
  handler(_data, _count * static_cast<NSInteger>(sizeof(float)));
}
- (void)getMutableBytesWithHandler:(void (^)(void*, NSInteger, NSArray<NSNumber*>*))handler {
  handler(_data, _count * static_cast<NSInteger>(sizeof(float)), _strides);
}
@end

@implementation MLFeatureValue
@synthesize multiArrayValue = _multiArrayValue;
+ (instancetype)featureValueWithMultiArray:(MLMultiArray*)value {
  MLFeatureValue* made = [[self alloc] init];
  made->_multiArrayValue = value;
  return made;
}
@end

@implementation MLDictionaryFeatureProvider {
  NSDictionary<NSString*, id>* _values;
}
- (instancetype)initWithDictionary:(NSDictionary<NSString*, id>*)dictionary error:(NSError**)error {
  static_cast<void>(error);
  if ((self = [super init])) _values = [dictionary copy];
  return self;
}
- (NSSet<NSString*>*)featureNames {
  return [NSSet setWithArray:[_values allKeys]];
}
- (MLFeatureValue*)featureValueForName:(NSString*)featureName {
  return [_values objectForKey:featureName];
}
@end

@implementation MLModel
+ (void)compileModelAtURL:(NSURL*)modelURL completionHandler:(void (^)(NSURL*, NSError*))handler {
  elsewhere(^{
    if (ends_in(modelURL, @"mlpackage"))
      handler([[modelURL URLByDeletingPathExtension] URLByAppendingPathExtension:@"mlmodelc"], nil);
    else
      handler(nil, error_of(@"not a model package"));
  });
}
+ (instancetype)modelWithContentsOfURL:(NSURL*)url
                         configuration:(MLModelConfiguration*)configuration
                                 error:(NSError**)error {
  if (!ends_in(url, @"mlmodelc")) {
    if (error) *error = error_of(@"not a compiled model");
    return nil;
  }
  fake::core_ml.compute_units = configuration.computeUnits;
  ++fake::core_ml.models_alive;
  return [[MLModel alloc] init];
}
- (void)dealloc {
  --fake::core_ml.models_alive;
}
- (id<MLFeatureProvider>)predictionFromFeatures:(id<MLFeatureProvider>)input
                                          error:(NSError**)error {
  MLMultiArray* x = [input featureValueForName:@"x"].multiArrayValue;
  if (!x) {
    if (error) *error = error_of(@"there is no input x");
    return nil;
  }
  ++fake::core_ml.predictions;
  MLMultiArray* y = [[MLMultiArray alloc] initWithShape:x.shape dataType:x.dataType error:error];
  [x getBytesWithHandler:^(const void* from, NSInteger size) {
    [y getMutableBytesWithHandler:^(void* to, NSInteger, NSArray<NSNumber*>*) {
      for (NSInteger i = 0; i < size / static_cast<NSInteger>(sizeof(float)); ++i)
        static_cast<float*>(to)[i] = 2 * static_cast<const float*>(from)[i];
    }];
  }];
  return [[MLDictionaryFeatureProvider alloc]
      initWithDictionary:@{@"y" : [MLFeatureValue featureValueWithMultiArray:y]}
                   error:error];
}
- (void)predictionFromFeatures:(id<MLFeatureProvider>)input
             completionHandler:(void (^)(id<MLFeatureProvider>, NSError*))handler {
  elsewhere(^{
    NSError* error = nil;
    handler([self predictionFromFeatures:input error:&error], error);
  });
}
- (MLState*)newState {
  return [[MLState alloc] init];
}
- (id<MLFeatureProvider>)predictionFromFeatures:(id<MLFeatureProvider>)input
                                        options:(MLPredictionOptions*)options
                                          error:(NSError**)error {
  return [self predictionFromFeatures:input usingState:nil options:options error:error];
}
- (id<MLFeatureProvider>)predictionFromFeatures:(id<MLFeatureProvider>)input
                                     usingState:(MLState*)state
                                        options:(MLPredictionOptions*)options
                                          error:(NSError**)error {
  if (fake::core_ml.throws) [@[] objectAtIndex:3];
  NSArray<NSNumber*>* shape = @[ @2, @3 ];
  MLMultiArray* x = [input featureValueForName:@"x"].multiArrayValue;
  MLMultiArray* backing = [options.outputBackings objectForKey:@"y"];
  for (MLMultiArray* array in @[ x ? x : (id) @0, backing ? backing : (id) @0 ])
    if (![array isKindOfClass:[MLMultiArray class]] || ![array.shape isEqual:shape] ||
        array.dataType != MLMultiArrayDataTypeFloat32) {
      if (error) *error = error_of(@"x and y are [2, 3] of f32");
      return nil;
    }
  ++fake::core_ml.predictions;
  MLMultiArray* y = backing;
  if (fake::core_ml.pads_rows) {
    static float padded[8];
    for (float& value : padded) value = -1;
    y = [[MLMultiArray alloc] initWithDataPointer:padded
                                            shape:shape
                                         dataType:MLMultiArrayDataTypeFloat32
                                          strides:@[ @4, @1 ]
                                      deallocator:nil
                                            error:error];
  }
  __block float* cache = nullptr;
  [state getMultiArrayForStateNamed:@"cache"
                            handler:^(MLMultiArray* buffer) {
                              cache = [buffer data];
                            }];
  const NSInteger row = [[y.strides objectAtIndex:0] integerValue];
  for (NSInteger i = 0; i < 6; ++i)
    [y data][i / 3 * row + i % 3] = 2 * [x data][i] + (cache ? cache[0] : 0);
  if (cache) cache[0] += 1;
  return [[MLDictionaryFeatureProvider alloc]
      initWithDictionary:@{@"y" : [MLFeatureValue featureValueWithMultiArray:y]}
                   error:error];
}
@end

@implementation MLState {
  MLMultiArray* _cache;
}
- (instancetype)init {
  if (!(self = [super init])) return nil;
  _cache = [[MLMultiArray alloc] initWithShape:@[ @1, @4 ]
                                      dataType:MLMultiArrayDataTypeFloat32
                                         error:nil];
  ++fake::core_ml.states_alive;
  return self;
}
- (void)dealloc {
  --fake::core_ml.states_alive;
}
- (void)getMultiArrayForStateNamed:(NSString*)stateName handler:(void (^)(MLMultiArray*))handler {
  if ([stateName isEqualToString:@"cache"]) handler(_cache);
}
@end

@implementation MLCPUComputeDevice
@end
@implementation MLGPUComputeDevice
@end
@implementation MLNeuralEngineComputeDevice
@end

// A plan of three operations: a constant of no cost and of no unit, one on the CPU, one on the ANE.
@implementation MLModelStructureProgramOperation
@synthesize operatorName = _operatorName;
+ (instancetype)named:(NSString*)name {
  MLModelStructureProgramOperation* made = [[self alloc] init];
  made->_operatorName = name;
  return made;
}
@end
@implementation MLModelStructureProgramBlock
- (NSArray<MLModelStructureProgramOperation*>*)operations {
  return @[
    [MLModelStructureProgramOperation named:@"const"],
    [MLModelStructureProgramOperation named:@"ios18.add"],
    [MLModelStructureProgramOperation named:@"ios18.linear"]
  ];
}
@end
@implementation MLModelStructureProgramFunction
- (MLModelStructureProgramBlock*)block {
  return [[MLModelStructureProgramBlock alloc] init];
}
@end
@implementation MLModelStructureProgram
- (NSDictionary<NSString*, MLModelStructureProgramFunction*>*)functions {
  return @{@"main" : [[MLModelStructureProgramFunction alloc] init]};
}
@end
@implementation MLModelStructure
- (MLModelStructureProgram*)program {
  return [[MLModelStructureProgram alloc] init];
}
@end

@implementation MLComputePlanDeviceUsage
@synthesize preferredComputeDevice = _preferredComputeDevice;
+ (instancetype)on:(id)device {
  MLComputePlanDeviceUsage* made = [[self alloc] init];
  made->_preferredComputeDevice = device;
  return made;
}
@end
@implementation MLComputePlanCost
@synthesize weight = _weight;
+ (instancetype)of:(double)weight {
  MLComputePlanCost* made = [[self alloc] init];
  made->_weight = weight;
  return made;
}
@end
@implementation MLComputePlan
+ (void)loadContentsOfURL:(NSURL*)url
            configuration:(MLModelConfiguration*)configuration
        completionHandler:(void (^)(MLComputePlan*, NSError*))handler {
  fake::core_ml.compute_units = configuration.computeUnits;
  elsewhere(^{
    if (fake::core_ml.has_plan && ends_in(url, @"mlmodelc"))
      handler([[MLComputePlan alloc] init], nil);
    else
      handler(nil, error_of(@"a dynamic shape"));
  });
}
- (MLModelStructure*)modelStructure {
  return [[MLModelStructure alloc] init];
}
- (MLComputePlanDeviceUsage*)computeDeviceUsageForMLProgramOperation:
    (MLModelStructureProgramOperation*)operation {
  if ([operation.operatorName isEqualToString:@"const"]) return nil;
  const bool is_add = [operation.operatorName isEqualToString:@"ios18.add"];
  return [MLComputePlanDeviceUsage on:is_add ? (id)[[MLCPUComputeDevice alloc] init]
                                             : (id)[[MLNeuralEngineComputeDevice alloc] init]];
}
- (MLComputePlanCost*)estimatedCostOfMLProgramOperation:
    (MLModelStructureProgramOperation*)operation {
  if ([operation.operatorName isEqualToString:@"const"]) return nil;
  return [MLComputePlanCost of:[operation.operatorName isEqualToString:@"ios18.add"] ? 0.25 : 0.75];
}
@end
