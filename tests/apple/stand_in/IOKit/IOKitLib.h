<<<<<<< HEAD
<<<<<<< HEAD
// What qbench uses of macOS's I/O registry: our own declarations, by Apple's documentation. A wrong
// one would pass here.
=======
// Stands in for macOS's IOKit, as the other headers of this folder do.
>>>>>>> link
=======
// Stands in for macOS's IOKit, as the other headers of this folder do.
=======
// What qbench uses of macOS's I/O registry: our own declarations, by Apple's documentation. A wrong
// one would pass here.
>>>>>>> main
>>>>>>> link
#pragma once

#include <CoreFoundation/CoreFoundation.h>
#include <mach/mach.h>

<<<<<<< HEAD
<<<<<<< HEAD
#ifdef __cplusplus
extern "C" {
#endif

typedef mach_port_t io_object_t;
typedef io_object_t io_service_t;
typedef io_object_t io_registry_entry_t;
typedef uint32_t IOOptionBits;

CFMutableDictionaryRef IOServiceMatching(const char* name);
io_service_t IOServiceGetMatchingService(mach_port_t port, CFDictionaryRef matching);
CFTypeRef IORegistryEntryCreateCFProperty(io_registry_entry_t entry, CFStringRef key,
                                          CFAllocatorRef allocator, IOOptionBits options);
kern_return_t IOObjectRelease(io_object_t object);

=======
=======
>>>>>>> link
typedef mach_port_t io_object_t;
typedef io_object_t io_service_t;
typedef io_object_t io_registry_entry_t;
typedef io_object_t io_iterator_t;
typedef uint32_t IOOptionBits;
typedef char io_name_t[128];

enum { kIORegistryIterateRecursively = 1, kIORegistryIterateParents = 2 };

#ifdef __cplusplus
extern "C" {
#endif
extern const mach_port_t kIOMainPortDefault;
CFMutableDictionaryRef IOServiceMatching(const char* name);
io_service_t IOServiceGetMatchingService(mach_port_t port, CFDictionaryRef matching);
kern_return_t IOServiceGetMatchingServices(mach_port_t port, CFDictionaryRef matching, io_iterator_t* found);
io_object_t IOIteratorNext(io_iterator_t iterator);
CFTypeRef IORegistryEntryCreateCFProperty(io_registry_entry_t entry, CFStringRef key,
                                          CFAllocatorRef allocator, IOOptionBits options);
CFTypeRef IORegistryEntrySearchCFProperty(io_registry_entry_t entry, const io_name_t plane, CFStringRef key,
                                          CFAllocatorRef allocator, IOOptionBits options);
io_registry_entry_t IORegistryEntryFromPath(mach_port_t port, const char* path);
kern_return_t IOObjectRelease(io_object_t object);
<<<<<<< HEAD
>>>>>>> link
=======
=======
#ifdef __cplusplus
extern "C" {
#endif

typedef mach_port_t io_object_t;
typedef io_object_t io_service_t;
typedef io_object_t io_registry_entry_t;
typedef uint32_t IOOptionBits;

CFMutableDictionaryRef IOServiceMatching(const char* name);
io_service_t IOServiceGetMatchingService(mach_port_t port, CFDictionaryRef matching);
CFTypeRef IORegistryEntryCreateCFProperty(io_registry_entry_t entry, CFStringRef key,
                                          CFAllocatorRef allocator, IOOptionBits options);
kern_return_t IOObjectRelease(io_object_t object);

>>>>>>> main
>>>>>>> link
#ifdef __cplusplus
}
#endif
