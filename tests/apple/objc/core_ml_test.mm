// What an engine for Core ML is going to do, in small: that these tests can carry one.
#import "fakes/core_ml.h"

#import <CoreML/CoreML.h>
#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace {

// A C++ object that owns Objective-C ones: ARC counts its members.
class Session {
 public:
  static Session open(const std::string& path) {
    Session session;
    @autoreleasepool {
      __block NSURL* compiled = nil;
      __block NSError* error = nil;
      [MLModel compileModelAtURL:[NSURL fileURLWithPath:@(path.c_str())]
               completionHandler:^(NSURL* url, NSError* problem) {
                 compiled = url;
                 error = problem;
               }];
      MLModelConfiguration* configuration = [[MLModelConfiguration alloc] init];
      configuration.computeUnits = MLComputeUnitsCPUAndNeuralEngine;
      if (compiled)
        session.model_ = [MLModel modelWithContentsOfURL:compiled
                                           configuration:configuration
                                                   error:&error];
      if (error) session.error_ = [[error localizedDescription] UTF8String];
    }
    return session;
  }

  std::vector<float> run(const std::vector<float>& values) {
    @autoreleasepool {
      NSError* error = nil;
      const id<MLFeatureProvider> output = [model_ predictionFromFeatures:input(@"x", values)
                                                                    error:&error];
      if (error) error_ = [[error localizedDescription] UTF8String];
      return values_of(output);
    }
  }

  std::vector<float> run_elsewhere(const std::vector<float>& values) {
    @autoreleasepool {
      __block std::vector<float> found;
      [model_ predictionFromFeatures:input(@"x", values)
                   completionHandler:^(id<MLFeatureProvider> output, NSError*) {
                     found = values_of(output);
                   }];
      return found;
    }
  }

  // Asks for an output without the input that it needs.
  void run_without_input() {
    @autoreleasepool {
      NSError* error = nil;
      static_cast<void>([model_ predictionFromFeatures:input(@"z", {1.0f}) error:&error]);
      error_ = [[error localizedDescription] UTF8String];
    }
  }

  const std::string& error() const { return error_; }

 private:
  static id<MLFeatureProvider> input(NSString* name, const std::vector<float>& values) {
    MLMultiArray* array = [[MLMultiArray alloc] initWithShape:@[ @1, @(values.size()) ]
                                                     dataType:MLMultiArrayDataTypeFloat32
                                                        error:nil];
    [array getMutableBytesWithHandler:^(void* bytes, NSInteger, NSArray<NSNumber*>*) {
      std::copy(values.begin(), values.end(), static_cast<float*>(bytes));
    }];
    return [[MLDictionaryFeatureProvider alloc]
        initWithDictionary:@{name : [MLFeatureValue featureValueWithMultiArray:array]}
                     error:nil];
  }

  static std::vector<float> values_of(id<MLFeatureProvider> output) {
    __block std::vector<float> values;
    for (NSString* name in output.featureNames)
      [[output featureValueForName:name].multiArrayValue
          getBytesWithHandler:^(const void* bytes, NSInteger size) {
            const auto* first = static_cast<const float*>(bytes);
            values.assign(first, first + static_cast<size_t>(size) / sizeof(float));
          }];
    return values;
  }

  MLModel* model_ = nil;
  std::string error_;
};

TEST_CASE("a model is compiled, loaded for the chosen units and released with its session") {
  {
    const Session session = Session::open("/tmp/a.mlpackage");
    CHECK(session.error().empty());
    CHECK(fake::core_ml.models_alive == 1);
    CHECK(fake::core_ml.compute_units == MLComputeUnitsCPUAndNeuralEngine);
  }
  CHECK(fake::core_ml.models_alive == 0);
}

TEST_CASE("what is no model is an error in the framework's words") {
  CHECK(Session::open("/tmp/a.txt").error() == "not a model package");
}

TEST_CASE("values go in and out, at once and by a completion handler on another thread") {
  Session session = Session::open("/tmp/a.mlpackage");
  CHECK(session.run({1.5f, -2.0f}) == std::vector{3.0f, -4.0f});
  CHECK(session.run_elsewhere({0.25f}) == std::vector{0.5f});
}

TEST_CASE("an input that is missing is an error and leaves the session as it was") {
  Session session = Session::open("/tmp/a.mlpackage");
  session.run_without_input();
  CHECK(session.error() == "there is no input x");
  CHECK(session.run({1.0f}) == std::vector{2.0f});
}

TEST_CASE("after a thousand predictions no array is left") {
  Session session = Session::open("/tmp/a.mlpackage");
  fake::core_ml.predictions = 0;
  for (int i = 0; i < 500; ++i) {
    session.run({1.0f, 2.0f, 3.0f});
    session.run_elsewhere({1.0f, 2.0f, 3.0f});
  }
  CHECK(fake::core_ml.predictions == 1000);
  CHECK(fake::core_ml.arrays_alive == 0);
}

TEST_CASE("an NSException of the framework reaches catch (...)") {
  bool is_caught = false;
  @autoreleasepool {
    try {
      [@[] objectAtIndex:3];
    } catch (...) {
      is_caught = true;
    }
  }
  CHECK(is_caught);
}

}  // namespace
