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

}  // namespace

@implementation MLModelConfiguration
@end

@implementation MLMultiArray {
  float* _data;
}
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
  ++fake::core_ml.arrays_alive;
  return self;
}
- (void)dealloc {
  if (!_data) return;
  std::free(_data);
  --fake::core_ml.arrays_alive;
}
- (void)getBytesWithHandler:(void (^)(const void*, NSInteger))handler {
  handler(_data, _count * static_cast<NSInteger>(sizeof(float)));
}
- (void)getMutableBytesWithHandler:(void (^)(void*, NSInteger, NSArray<NSNumber*>*))handler {
  handler(_data, _count * static_cast<NSInteger>(sizeof(float)), @[ @1 ]);
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
@end
