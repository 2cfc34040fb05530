// Cuts text by a regular expression, with PCRE2.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace qb::text {

// A match, or what lies between two.
struct Part {
  std::string_view text;
  bool is_match = false;
};

// What becomes of the matches that a text is cut by.
enum class Behaviour { isolated, removed, contiguous, merged_with_previous, merged_with_next };

class Splitter {
 public:
  // The pattern is Oniguruma's. Errors: those of to_pcre2, and what PCRE2 says of it.
  static Result<Splitter> compile(std::string_view pattern);
  // Of that text itself.
  static Result<Splitter> literal(std::string_view text);
  Splitter(Splitter&&) noexcept;
  ~Splitter();

  // The matches, empty ones too, and the gaps between them, in order; together they are the whole
  // text. Error: a match that would take too many steps.
  Result<std::vector<Part>> parts(std::string_view text) const;

 private:
  struct State;
  explicit Splitter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// The pieces that the parts, which follow each other in one text, make; none is empty.
std::vector<std::string_view> pieces_of(const std::vector<Part>& parts, Behaviour behaviour);

}  // namespace qb::text
