// What qbench asks macOS of its power sources: our own declarations, by Apple's documentation. A
// wrong one would pass here.
#pragma once

#include <CoreFoundation/CoreFoundation.h>

#ifdef __cplusplus
extern "C" {
#endif

CFTypeRef IOPSCopyPowerSourcesInfo(void);
CFStringRef IOPSGetProvidingPowerSourceType(CFTypeRef sources);

#ifdef __cplusplus
}
#endif
