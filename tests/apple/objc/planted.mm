// Faults on purpose, one by name: each must end this program, or the other tests prove nothing.
#import <CoreML/CoreML.h>

#include <cstdio>
#include <string_view>

namespace {

MLMultiArray* make_array() {
  return [[MLMultiArray alloc] initWithShape:@[ @4 ]
                                    dataType:MLMultiArrayDataTypeFloat32
                                       error:nil];
}

// The address of an object whose last reference is gone.
void* released_array() {
  @autoreleasepool {
    return (__bridge void*)make_array();
  }
}

// GNUstep has left an address in the object that isn't one.
long message_after_release() {
  const __unsafe_unretained MLMultiArray* array = (__bridge MLMultiArray*)released_array();
  return array.count;
}

bool reference_after_release() {
  static MLMultiArray* kept = nil;
  kept = (__bridge MLMultiArray*)released_array();
  return kept != nil;
}

// Its bytes, kept for longer than the object.
float bytes_after_release() {
  __block const float* bytes = nullptr;
  @autoreleasepool {
    [make_array() getBytesWithHandler:^(const void* data, NSInteger) {
      bytes = static_cast<const float*>(data);
    }];
  }
  return bytes[0];
}

// A reference that C++ took over and forgot.
void leak() {
  @autoreleasepool {
    static_cast<void>((__bridge_retained void*)make_array());
  }
}

}  // namespace

int main(int, char** arguments) {
  const std::string_view fault = arguments[1];
  if (fault == "message_after_release") std::printf("%ld\n", message_after_release());
  if (fault == "reference_after_release") std::printf("%d\n", reference_after_release());
  if (fault == "bytes_after_release")
    std::printf("%g\n", static_cast<double>(bytes_after_release()));
  if (fault == "leak") leak();
  std::puts("the fault was not noticed when it happened");
}
