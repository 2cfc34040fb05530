// Stands in for macOS's IOKit, as the other headers of this folder do.
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
