#include "measurement/engines/pytorch/failure.h"

#include <new>

#include "measurement/engines/pytorch/aten.h"
#include "measurement/wire/reason.h"

namespace qb::pytorch {
namespace {

bool says_any(std::string_view text, std::initializer_list<std::string_view> words) {
  for (const std::string_view word : words)
    if (text.find(word) != std::string_view::npos) return true;
  return false;
}

// Absent kernels have a type of their own, except where their schema was left in the build.
bool is_missing(const std::exception& error, std::string_view text) {
  return dynamic_cast<const c10::NotImplementedError*>(&error) ||
         says_any(text, {"Unimplemented as", "Didn't find engine", "compiled without",
                         "not compiled with"});
}

bool is_out_of_memory(const std::exception& error, std::string_view text) {
  return dynamic_cast<const std::bad_alloc*>(&error) ||
         dynamic_cast<const c10::OutOfMemoryError*>(&error) ||
         says_any(text, {"can't allocate memory", "not enough memory", "out of memory"});
}

}  // namespace

std::string text_of(const std::exception& error) {
  const auto* own = dynamic_cast<const c10::Error*>(&error);
  return own ? own->what_without_backtrace() : error.what();
}

tl::unexpected<Error> failure(const std::exception& error) {
  const std::string text = text_of(error);
  const Errc code = is_out_of_memory(error, text) ? Errc::out_of_memory
                    : is_missing(error, text)     ? Errc::unsupported
                                                  : Errc::framework_failed;
  return fail(code, "PyTorch: {}", wire::framework_reason(text));
}

}  // namespace qb::pytorch
