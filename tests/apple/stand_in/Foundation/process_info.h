// What macOS's NSProcessInfo has over the NSProcessInfo of GNUstep and of the stand-in: our own
// declarations, by Apple's documentation. A wrong one would pass here.
typedef NSInteger NSProcessInfoThermalState;
enum : NSProcessInfoThermalState {
  NSProcessInfoThermalStateNominal,
  NSProcessInfoThermalStateFair,
  NSProcessInfoThermalStateSerious,
  NSProcessInfoThermalStateCritical,
};

typedef uint64_t NSActivityOptions;
enum : NSActivityOptions {
  NSActivityUserInitiated = 0x00ffffff,
  NSActivityLatencyCritical = 0xff00000000,
};

@interface NSProcessInfo (macOS)
@property(readonly) NSProcessInfoThermalState thermalState;
@property(readonly, getter=isLowPowerModeEnabled) BOOL lowPowerModeEnabled;
- (id<NSObject>)beginActivityWithOptions:(NSActivityOptions)options reason:(NSString*)reason;
@end
