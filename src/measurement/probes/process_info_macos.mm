// Objective-C++ with reference counting by the compiler (ARC). Run on Linux against GNUstep with a
// fake NSProcessInfo (./qb test --apple objc); never run on a Mac.
#import <Foundation/Foundation.h>

#include <string>

#include "measurement/probes/process_info.h"

namespace qb::probes {
namespace {

std::string name_of(NSProcessInfoThermalState state) {
  switch (state) {
    case NSProcessInfoThermalStateNominal:
      return "nominal";
    case NSProcessInfoThermalStateFair:
      return "fair";
    case NSProcessInfoThermalStateSerious:
      return "serious";
    case NSProcessInfoThermalStateCritical:
      return "critical";
  }
  return std::to_string(static_cast<int>(state));
}

}  // namespace

ProcessInfo process_info() {
  @autoreleasepool {
    NSProcessInfo* info = [NSProcessInfo processInfo];
    return {name_of(info.thermalState), static_cast<bool>(info.lowPowerModeEnabled)};
  }
}

void hold_activity() {
  static id<NSObject> token = nil;  // the activity ends when it is released: static ones never are
  @autoreleasepool {
    if (!token)
      token = [[NSProcessInfo processInfo]
          beginActivityWithOptions:NSActivityUserInitiated | NSActivityLatencyCritical
                            reason:@"timing"];
  }
}

}  // namespace qb::probes
