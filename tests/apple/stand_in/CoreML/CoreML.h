// Stands in for macOS's Core ML: our own declarations, by Apple's documentation, of what is used of
// it. A wrong one would pass here.
#pragma once

#import <Foundation/Foundation.h>

typedef NSInteger MLComputeUnits;
enum : MLComputeUnits {
  MLComputeUnitsCPUOnly,
  MLComputeUnitsCPUAndGPU,
  MLComputeUnitsAll,
  MLComputeUnitsCPUAndNeuralEngine,
};
typedef NSInteger MLMultiArrayDataType;
enum : MLMultiArrayDataType {
  MLMultiArrayDataTypeFloat16 = 0x10000 | 16,
  MLMultiArrayDataTypeFloat32 = 0x10000 | 32,
  MLMultiArrayDataTypeInt32 = 0x20000 | 32,
};

@interface MLModelConfiguration : NSObject
@property MLComputeUnits computeUnits;
@end

@interface MLMultiArray : NSObject
- (instancetype)initWithShape:(NSArray<NSNumber*>*)shape
                     dataType:(MLMultiArrayDataType)dataType
                        error:(NSError**)error;
- (instancetype)initWithDataPointer:(void*)dataPointer
                              shape:(NSArray<NSNumber*>*)shape
                           dataType:(MLMultiArrayDataType)dataType
                            strides:(NSArray<NSNumber*>*)strides
                        deallocator:(void (^)(void* bytes))deallocator
                              error:(NSError**)error;
@property(readonly, nonatomic) NSArray<NSNumber*>* shape;
@property(readonly, nonatomic) NSArray<NSNumber*>* strides;
@property(readonly, nonatomic) MLMultiArrayDataType dataType;
@property(readonly, nonatomic) NSInteger count;
- (void)getBytesWithHandler:(void (^)(const void* bytes, NSInteger size))handler;
- (void)getMutableBytesWithHandler:(void (^)(void* bytes, NSInteger size,
                                             NSArray<NSNumber*>* strides))handler;
@end

@interface MLFeatureValue : NSObject
+ (instancetype)featureValueWithMultiArray:(MLMultiArray*)value;
@property(readonly, nonatomic) MLMultiArray* multiArrayValue;
@end

@protocol MLFeatureProvider <NSObject>
@property(readonly, nonatomic) NSSet<NSString*>* featureNames;
- (MLFeatureValue*)featureValueForName:(NSString*)featureName;
@end

@interface MLDictionaryFeatureProvider : NSObject <MLFeatureProvider>
- (instancetype)initWithDictionary:(NSDictionary<NSString*, id>*)dictionary error:(NSError**)error;
@end

@interface MLPredictionOptions : NSObject
@property(copy, nonatomic) NSDictionary<NSString*, id>* outputBackings;
@end

@interface MLState : NSObject
- (void)getMultiArrayForStateNamed:(NSString*)stateName
                           handler:(void (^)(MLMultiArray* buffer))handler;
@end

@interface MLModel : NSObject
+ (void)compileModelAtURL:(NSURL*)modelURL
        completionHandler:(void (^)(NSURL* compiledModelURL, NSError* error))handler;
+ (instancetype)modelWithContentsOfURL:(NSURL*)url
                         configuration:(MLModelConfiguration*)configuration
                                 error:(NSError**)error;
- (id<MLFeatureProvider>)predictionFromFeatures:(id<MLFeatureProvider>)input error:(NSError**)error;
- (void)predictionFromFeatures:(id<MLFeatureProvider>)input
             completionHandler:(void (^)(id<MLFeatureProvider> output, NSError* error))handler;
- (MLState*)newState;
- (id<MLFeatureProvider>)predictionFromFeatures:(id<MLFeatureProvider>)input
                                        options:(MLPredictionOptions*)options
                                          error:(NSError**)error;
- (id<MLFeatureProvider>)predictionFromFeatures:(id<MLFeatureProvider>)inputFeatures
                                     usingState:(MLState*)state
                                        options:(MLPredictionOptions*)options
                                          error:(NSError**)error;
@end

@interface MLCPUComputeDevice : NSObject
@end
@interface MLGPUComputeDevice : NSObject
@end
@interface MLNeuralEngineComputeDevice : NSObject
@end

@interface MLModelStructureProgramOperation : NSObject
@property(readonly, nonatomic) NSString* operatorName;
@end
@interface MLModelStructureProgramBlock : NSObject
@property(readonly, nonatomic) NSArray<MLModelStructureProgramOperation*>* operations;
@end
@interface MLModelStructureProgramFunction : NSObject
@property(readonly, nonatomic) MLModelStructureProgramBlock* block;
@end
@interface MLModelStructureProgram : NSObject
@property(readonly, nonatomic) NSDictionary<NSString*, MLModelStructureProgramFunction*>* functions;
@end
@interface MLModelStructure : NSObject
@property(readonly, nonatomic) MLModelStructureProgram* program;
@end

@interface MLComputePlanDeviceUsage : NSObject
@property(readonly, nonatomic) id preferredComputeDevice;
@end
@interface MLComputePlanCost : NSObject
@property(readonly, nonatomic) double weight;
@end
@interface MLComputePlan : NSObject
+ (void)loadContentsOfURL:(NSURL*)url
            configuration:(MLModelConfiguration*)configuration
        completionHandler:(void (^)(MLComputePlan* plan, NSError* error))handler;
@property(readonly, nonatomic) MLModelStructure* modelStructure;
- (MLComputePlanDeviceUsage*)computeDeviceUsageForMLProgramOperation:
    (MLModelStructureProgramOperation*)operation;
- (MLComputePlanCost*)estimatedCostOfMLProgramOperation:
    (MLModelStructureProgramOperation*)operation;
@end
