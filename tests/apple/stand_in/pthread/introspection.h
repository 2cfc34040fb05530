// What qbench uses of macOS's events of threads: our own declarations, by Apple's documentation. A
// wrong one would pass here.
#pragma once

#include <pthread.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
  PTHREAD_INTROSPECTION_THREAD_CREATE = 1,
  PTHREAD_INTROSPECTION_THREAD_START,
  PTHREAD_INTROSPECTION_THREAD_TERMINATE,
  PTHREAD_INTROSPECTION_THREAD_DESTROY,
};
typedef void (*pthread_introspection_hook_t)(unsigned int event, pthread_t thread, void* address,
                                             size_t size);
pthread_introspection_hook_t pthread_introspection_hook_install(pthread_introspection_hook_t hook);

#ifdef __cplusplus
}
#endif
