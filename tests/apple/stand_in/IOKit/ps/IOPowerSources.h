<<<<<<< HEAD
// Stands in for macOS's IOKit, as the other headers of this folder do.
=======
// What qbench asks macOS of its power sources: our own declarations, by Apple's documentation. A
// wrong one would pass here.
>>>>>>> main
#pragma once

#include <CoreFoundation/CoreFoundation.h>

#ifdef __cplusplus
extern "C" {
#endif
<<<<<<< HEAD
CFTypeRef IOPSCopyPowerSourcesInfo(void);
CFStringRef IOPSGetProvidingPowerSourceType(CFTypeRef sources);
=======

CFTypeRef IOPSCopyPowerSourcesInfo(void);
CFStringRef IOPSGetProvidingPowerSourceType(CFTypeRef sources);

>>>>>>> main
#ifdef __cplusplus
}
#endif
