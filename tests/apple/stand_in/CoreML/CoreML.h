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
@property(readonly, nonatomic) NSArray<NSNumber*>* shape;
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

@interface MLModel : NSObject
+ (void)compileModelAtURL:(NSURL*)modelURL
        completionHandler:(void (^)(NSURL* compiledModelURL, NSError* error))handler;
+ (instancetype)modelWithContentsOfURL:(NSURL*)url
                         configuration:(MLModelConfiguration*)configuration
                                 error:(NSError**)error;
- (id<MLFeatureProvider>)predictionFromFeatures:(id<MLFeatureProvider>)input error:(NSError**)error;
- (void)predictionFromFeatures:(id<MLFeatureProvider>)input
             completionHandler:(void (^)(id<MLFeatureProvider> output, NSError* error))handler;
@end
