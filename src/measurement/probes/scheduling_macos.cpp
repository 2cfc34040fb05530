// Checked by compiling for macOS; never run.
#include <pthread.h>
#include <pthread/introspection.h>
#include <pthread/qos.h>

#include "measurement/probes/scheduling.h"

namespace qb::probes {
namespace {

// A new thread has the default class, whatever its creator's is.
void ask_for_this_thread() {
  const qos_class_t own = ::qos_class_self();
  if (own == QOS_CLASS_DEFAULT || own == QOS_CLASS_UNSPECIFIED)
    ::pthread_set_qos_class_self_np(QOS_CLASS_USER_INITIATED, 0);
}

pthread_introspection_hook_t next_hook = nullptr;

// Called on the thread that starts, before its function.
void on_thread_event(unsigned int event, pthread_t thread, void* address, size_t size) {
  if (event == PTHREAD_INTROSPECTION_THREAD_START) ask_for_this_thread();
  if (next_hook) next_hook(event, thread, address, size);
}

std::string name_of(qos_class_t value) {
  switch (value) {
    case QOS_CLASS_USER_INTERACTIVE:
      return "user-interactive";
    case QOS_CLASS_USER_INITIATED:
      return "user-initiated";
    case QOS_CLASS_DEFAULT:
      return "default";
    case QOS_CLASS_UTILITY:
      return "utility";
    case QOS_CLASS_BACKGROUND:
      return "background";
    case QOS_CLASS_UNSPECIFIED:
      break;
  }
  return "unspecified";
}

}  // namespace

std::string ask_for_fast_cores() {
  static const bool is_installed = [] {
    next_hook = ::pthread_introspection_hook_install(on_thread_event);
    return true;
  }();
  static_cast<void>(is_installed);
  ask_for_this_thread();
  return name_of(::qos_class_self());
}

}  // namespace qb::probes
