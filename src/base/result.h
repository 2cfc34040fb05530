// Result<T>: a value or an Error in the user's words. Used for whatever depends on input, disk,
// process or framework; `assert` is for our own mistakes.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace qb {

enum class Errc {
  bad_input,         // a file, flag or value that the user gave is wrong
  not_found,         // something named does not exist
  io,                // the system refused a read, a write or a process
  invalid_graph,     // a network is inconsistent
  unsupported,       // a framework cannot do this
  unavailable,       // a framework, device or file is not on this machine
  out_of_memory,     // an allocation or a limit was exceeded
  framework_failed,  // a framework reported an error
  timed_out,         // a process did not end in its time
  crashed,           // a process died, or spoke garbage
};

std::string_view name_of(Errc code);

struct Error {
  Errc code = Errc::io;
  std::string message;  // what failed, where, what to do
};

template <typename T>
using Result = tl::expected<T, Error>;

template <typename... Args>
tl::unexpected<Error> fail(Errc code, fmt::format_string<Args...> format, Args&&... args) {
  return tl::unexpected(Error{code, fmt::format(format, std::forward<Args>(args)...)});
}

// The same error with "context: " before its message, so that a reader sees where it happened.
inline Error with_context(Error error, std::string_view context) {
  error.message = fmt::format("{}: {}", context, error.message);
  return error;
}

template <typename T>
Result<T> with_context(Result<T> result, std::string_view context) {
  if (result) return result;
  return tl::unexpected(with_context(std::move(result).error(), context));
}

}  // namespace qb

#define QB_CONCAT_(a, b) a##b
#define QB_CONCAT(a, b) QB_CONCAT_(a, b)

// QB_TRY(const Shape shape, infer(x)); declares `shape` or returns the error.
#define QB_TRY(declaration, ...)                                            \
  auto QB_CONCAT(qb_try_, __LINE__) = (__VA_ARGS__);                        \
  if (!QB_CONCAT(qb_try_, __LINE__))                                        \
    return tl::unexpected(std::move(QB_CONCAT(qb_try_, __LINE__)).error()); \
  declaration = *std::move(QB_CONCAT(qb_try_, __LINE__))

// QB_CHECK(verify(graph)); returns the error of a Result<void>.
#define QB_CHECK(...)                                     \
  do {                                                    \
    if (auto qb_check = (__VA_ARGS__); !qb_check)         \
      return tl::unexpected(std::move(qb_check).error()); \
  } while (false)
