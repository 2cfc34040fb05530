// What macOS's NSProcessInfo has over the NSProcessInfo of GNUstep and of the stand-in: our own
// declarations, by Apple's documentation. A wrong one would pass here.
#pragma once

typedef NSInteger NSProcessInfoThermalState;
enum : NSProcessInfoThermalState {
  NSProcessInfoThermalStateNominal,
  NSProcessInfoThermalStateFair,
  NSProcessInfoThermalStateSerious,
  NSProcessInfoThermalStateCritical,
};

typedef struct {
  NSInteger majorVersion;
  NSInteger minorVersion;
  NSInteger patchVersion;
} NSOperatingSystemVersion;

@interface NSProcessInfo (macOSVersion)
@property(readonly) NSOperatingSystemVersion operatingSystemVersion;
@end

@interface NSProcessInfo (macOS)
@property(readonly) NSProcessInfoThermalState thermalState;
@property(readonly, getter=isLowPowerModeEnabled) BOOL lowPowerModeEnabled;
@end
