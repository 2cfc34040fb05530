// Objective-C++ with reference counting by the compiler (ARC). Run on Linux against GNUstep with
// fakes of Core ML's classes (./qb test --apple objc); never run on a Mac.
#import <CoreML/CoreML.h>
#import <Foundation/Foundation.h>

#include <future>

#include "measurement/engines/coreml/runtime.h"
#include "measurement/engines/coreml/strided.h"

// States came with macOS 15 and plans with 14.4: each is asked for before it is used, and its class
// is null before.
#pragma clang diagnostic ignored "-Wunguarded-availability-new"

namespace qb::coreml {
namespace fs = std::filesystem;
namespace {

NSString* text_of(const std::string& text) { return [NSString stringWithUTF8String:text.c_str()]; }

NSURL* url_of(const fs::path& path) { return [NSURL fileURLWithPath:text_of(path.string())]; }

tl::unexpected<Error> failure(Errc code, std::string_view what, NSError* error) {
  NSString* words = error ? [error localizedDescription] : nil;
  return fail(code, "Core ML {}: {}", what, words ? [words UTF8String] : "it gives no reason");
}

MLComputeUnits units_of(Units units) {
  switch (units) {
    case Units::cpu:
      return MLComputeUnitsCPUOnly;
    case Units::cpu_and_gpu:
      return MLComputeUnitsCPUAndGPU;
    case Units::cpu_and_ane:
      return MLComputeUnitsCPUAndNeuralEngine;
    case Units::all:
      return MLComputeUnitsAll;
  }
  return MLComputeUnitsCPUOnly;
}

MLMultiArrayDataType type_of(Type type) {
  return type == Type::f16   ? MLMultiArrayDataTypeFloat16
         : type == Type::i32 ? MLMultiArrayDataTypeInt32
                             : MLMultiArrayDataTypeFloat32;
}

std::vector<int64_t> dense_strides(const Shape& shape) {
  std::vector<int64_t> strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
  return strides;
}

// Over the caller's memory.
MLMultiArray* multi_array(const Array& array, NSError** error) {
  NSMutableArray<NSNumber*>* shape = [NSMutableArray array];
  NSMutableArray<NSNumber*>* strides = [NSMutableArray array];
  for (const int64_t extent : array.shape)
    [shape addObject:[NSNumber numberWithLong:static_cast<long>(extent)]];
  for (const int64_t stride : dense_strides(array.shape))
    [strides addObject:[NSNumber numberWithLong:static_cast<long>(stride)]];
  return [[MLMultiArray alloc] initWithDataPointer:array.data
                                             shape:shape
                                          dataType:type_of(array.type)
                                           strides:strides
                                       deallocator:nil
                                             error:error];
}

MLModelConfiguration* configuration_of(Units units) {
  MLModelConfiguration* configuration = [[MLModelConfiguration alloc] init];
  configuration.computeUnits = units_of(units);
  return configuration;
}

std::string unit_of(id device) {
  if ([device isKindOfClass:[MLNeuralEngineComputeDevice class]]) return "ane";
  if ([device isKindOfClass:[MLGPUComputeDevice class]]) return "gpu";
  if ([device isKindOfClass:[MLCPUComputeDevice class]]) return "cpu";
  return "";
}

// What a handler is given, on whichever thread it is called.
template <typename Answer>
struct Answered {
  Answer answer = nil;
  NSError* error = nil;
};

// Makes a call that answers by a handler, and waits for the answer.
template <typename Answer, typename Call>
Answered<Answer> await(const Call& call) {
  std::promise<Answered<Answer>> promise;
  std::promise<Answered<Answer>>* answered = &promise;
  call(^(Answer answer, NSError* error) {
    answered->set_value({answer, error});
  });
  return promise.get_future().get();
}

// What Core ML throws is no error of a user's; it ends the launch with its words.
template <typename Work>
auto guarded(const Work& work) -> decltype(work()) {
  try {
    return work();
  } catch (...) {
    return fail(Errc::framework_failed, "Core ML has thrown an NSException; its log tells which");
  }
}

MLDictionaryFeatureProvider* features_of(std::span<const Array> arrays, NSError** error) {
  NSMutableDictionary<NSString*, id>* features = [NSMutableDictionary dictionary];
  for (const Array& array : arrays) {
    MLMultiArray* values = multi_array(array, error);
    if (!values) return nil;
    [features setObject:[MLFeatureValue featureValueWithMultiArray:values]
                 forKey:text_of(array.name)];
  }
  return [[MLDictionaryFeatureProvider alloc] initWithDictionary:features error:error];
}

std::vector<int64_t> integers_of(NSArray<NSNumber*>* numbers) {
  std::vector<int64_t> integers;
  for (NSNumber* number in numbers) integers.push_back([number longValue]);
  return integers;
}

size_t element_bytes(MLMultiArray* array) {
  return array.dataType == MLMultiArrayDataTypeFloat16 ? 2 : 4;
}

}  // namespace

struct Model::State {
  fs::path compiled;
  Units units = Units::cpu;
  MLModel* model = nil;
  MLState* caches = nil;
  MLDictionaryFeatureProvider* inputs = nil;
  MLPredictionOptions* options = nil;
  std::vector<Array> outputs;
};

Result<std::string> find_core_ml(int32_t specification) {
  @autoreleasepool {
    const NSOperatingSystemVersion version = [[NSProcessInfo processInfo] operatingSystemVersion];
    const NSInteger wanted = specification >= 10 ? 26 : specification >= 9 ? 15 : 14;
    const std::string name = fmt::format("macOS {}.{}", version.majorVersion, version.minorVersion);
    if (version.majorVersion < wanted)
      return fail(Errc::unavailable, "the package needs macOS {}, this is {}", wanted, name);
    return name;
  }
}

Result<void> compile_package(const fs::path& package, const fs::path& compiled) {
  return guarded([&]() -> Result<void> {
    @autoreleasepool {
      const auto [made, error] = await<NSURL*>([&](void (^handler)(NSURL*, NSError*)) {
        [MLModel compileModelAtURL:url_of(package) completionHandler:handler];
      });
      if (!made) return failure(Errc::unsupported, "doesn't compile the package", error);
      std::error_code problem;
      fs::rename([[made path] UTF8String], compiled, problem);
      if (problem)  // from another volume
        fs::copy([[made path] UTF8String], compiled, fs::copy_options::recursive, problem);
      if (problem)
        return fail(Errc::io, "{}: cannot write: {}", compiled.string(), problem.message());
      return {};
    }
  });
}

Model::Model(std::unique_ptr<State> state) : state_(std::move(state)) {}
Model::~Model() = default;
Model::Model(Model&&) noexcept = default;
Model& Model::operator=(Model&&) noexcept = default;

Result<Model> Model::load(const fs::path& compiled, Units units) {
  return guarded([&]() -> Result<Model> {
    @autoreleasepool {
      auto state = std::make_unique<State>();
      state->compiled = compiled;
      state->units = units;
      NSError* error = nil;
      state->model = [MLModel modelWithContentsOfURL:url_of(compiled)
                                       configuration:configuration_of(units)
                                               error:&error];
      if (!state->model) return failure(Errc::framework_failed, "doesn't load the model", error);
      return Model(std::move(state));
    }
  });
}

Result<void> Model::make_state() {
  return guarded([&]() -> Result<void> {
    @autoreleasepool {
      state_->caches = [state_->model newState];
      return {};
    }
  });
}

namespace {

void copy_values(MLMultiArray* from, MLMultiArray* to) {
  [from getBytesWithHandler:^(const void* source, NSInteger) {
    [to getMutableBytesWithHandler:^(void* target, NSInteger, NSArray<NSNumber*>* strides) {
      copy_strided(integers_of(from.shape), element_bytes(from),
                   static_cast<const std::byte*>(source), integers_of(from.strides),
                   static_cast<std::byte*>(target), integers_of(strides));
    }];
  }];
}

}  // namespace

Result<void> Model::take_state(const Model& other, std::span<const std::string> names) {
  return guarded([&]() -> Result<void> {
    @autoreleasepool {
      for (const std::string& each : names) {
        NSString* name = text_of(each);
        MLState* target = state_->caches;
        [other.state_->caches
            getMultiArrayForStateNamed:name
                               handler:^(MLMultiArray* from) {
                                 [target getMultiArrayForStateNamed:name
                                                            handler:^(MLMultiArray* to) {
                                                              copy_values(from, to);
                                                            }];
                               }];
      }
      return {};
    }
  });
}

Result<void> Model::bind(std::span<const Array> inputs, std::span<const Array> outputs) {
  return guarded([&]() -> Result<void> {
    @autoreleasepool {
      NSError* error = nil;
      state_->inputs = features_of(inputs, &error);
      if (!state_->inputs) return failure(Errc::framework_failed, "takes no such inputs", error);
      NSMutableDictionary<NSString*, id>* backings = [NSMutableDictionary dictionary];
      for (const Array& array : outputs) {
        MLMultiArray* values = multi_array(array, &error);
        if (!values) return failure(Errc::framework_failed, "takes no such outputs", error);
        [backings setObject:values forKey:text_of(array.name)];
      }
      state_->options = [[MLPredictionOptions alloc] init];
      state_->options.outputBackings = backings;
      state_->outputs.assign(outputs.begin(), outputs.end());
      return {};
    }
  });
}

namespace {

// Core ML may leave the memory that it was offered alone, and answer in its own.
void fetch(id<MLFeatureProvider> answers, const Array& output) {
  MLMultiArray* values = [answers featureValueForName:text_of(output.name)].multiArrayValue;
  [values getBytesWithHandler:^(const void* bytes, NSInteger) {
    if (bytes != output.data)
      copy_strided(output.shape, element_bytes(values), static_cast<const std::byte*>(bytes),
                   integers_of(values.strides), static_cast<std::byte*>(output.data),
                   dense_strides(output.shape));
  }];
}

}  // namespace

Result<void> Model::predict() {
  return guarded([&]() -> Result<void> {
    @autoreleasepool {
      NSError* error = nil;
      const id<MLFeatureProvider> answers =
          state_->caches ? [state_->model predictionFromFeatures:state_->inputs
                                                      usingState:state_->caches
                                                         options:state_->options
                                                           error:&error]
                         : [state_->model predictionFromFeatures:state_->inputs
                                                         options:state_->options
                                                           error:&error];
      if (!answers) return failure(Errc::framework_failed, "doesn't predict", error);
      for (const Array& output : state_->outputs) fetch(answers, output);
      return {};
    }
  });
}

Result<std::vector<PlannedOperation>> Model::plan() const {
  return guarded([&]() -> Result<std::vector<PlannedOperation>> {
    @autoreleasepool {
      if (![MLComputePlan class])
        return fail(Errc::unavailable, "Core ML tells its plan from macOS 14.4 on");
      const auto [plan, error] =
          await<MLComputePlan*>([&](void (^handler)(MLComputePlan*, NSError*)) {
            [MLComputePlan loadContentsOfURL:url_of(state_->compiled)
                               configuration:configuration_of(state_->units)
                           completionHandler:handler];
          });
      if (!plan) return failure(Errc::unavailable, "can't build a plan", error);
      std::vector<PlannedOperation> planned;
      MLModelStructureProgramFunction* function =
          [plan.modelStructure.program.functions objectForKey:@"main"];
      for (MLModelStructureProgramOperation* operation in function.block.operations) {
        MLComputePlanDeviceUsage* usage = [plan computeDeviceUsageForMLProgramOperation:operation];
        MLComputePlanCost* cost = [plan estimatedCostOfMLProgramOperation:operation];
        planned.push_back({[operation.operatorName UTF8String],
                           unit_of(usage.preferredComputeDevice),
                           cost ? cost.weight : 0.0});
      }
      if (planned.empty()) return failure(Errc::unavailable, "plans no operation", nil);
      return planned;
    }
  });
}

}  // namespace qb::coreml
