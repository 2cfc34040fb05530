#import "process_info.h"

#import <Foundation/Foundation.h>

fake::ProcessInfoState fake::process_info;

// Counts itself for as long as it lives.
@interface QBCounted : NSObject
- (instancetype)initWithCount:(int*)count;
@end

@implementation QBCounted {
  int* _count;
}
- (instancetype)initWithCount:(int*)count {
  if ((self = [super init])) ++*(_count = count);
  return self;
}
- (void)dealloc {
  --*_count;
}
@end

namespace {

void answer() {
  // Who holds no autorelease pool keeps this for ever.
  __autoreleasing id temporary =
      [[QBCounted alloc] initWithCount:&fake::process_info.temporaries_alive];
  static_cast<void>(temporary);
  if (fake::process_info.throws)
    [[NSException exceptionWithName:@"NSGenericException" reason:@"asked to" userInfo:nil] raise];
}

}  // namespace

@implementation NSProcessInfo (macOS)
- (NSProcessInfoThermalState)thermalState {
  answer();
  return fake::process_info.thermal_state;
}
- (BOOL)isLowPowerModeEnabled {
  answer();
  return fake::process_info.is_low_power_mode;
}
- (id)beginActivityWithOptions:(NSActivityOptions)options reason:(NSString*)reason {
  answer();
  ++fake::process_info.activities_begun;
  fake::process_info.activity_options = options;
  fake::process_info.activity_reason = [reason UTF8String];
  return [[QBCounted alloc] initWithCount:&fake::process_info.activities_alive];
}
@end
