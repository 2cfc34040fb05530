#include "network/text/splitter.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "network/text/pattern.h"
#include "network/text/utf8.h"

namespace qb::text {
namespace {

constexpr uint32_t match_limit = 10'000'000;

std::string message_of(int code) {
  PCRE2_UCHAR text[256];
  pcre2_get_error_message(code, text, sizeof text);
  return reinterpret_cast<const char*>(text);
}

}  // namespace

struct Splitter::State {
  pcre2_code* code = nullptr;
  pcre2_match_data* match = nullptr;
  pcre2_match_context* context = nullptr;

  ~State() {
    pcre2_match_context_free(context);
    pcre2_match_data_free(match);
    pcre2_code_free(code);
  }
};

Splitter::Splitter(std::unique_ptr<State> state) : state_(std::move(state)) {}
Splitter::Splitter(Splitter&&) noexcept = default;
Splitter::~Splitter() = default;

Result<Splitter> Splitter::compile(std::string_view pattern) {
  QB_TRY(const std::string translated, to_pcre2(pattern));
  int error = 0;
  PCRE2_SIZE offset = 0;
  auto state = std::make_unique<State>();
  state->code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
                              PCRE2_UTF | PCRE2_UCP, &error, &offset, nullptr);
  if (!state->code)
    return fail(Errc::bad_input, "pre-tokenizer pattern {}: {} at {}", pattern, message_of(error),
                offset);
  pcre2_jit_compile(state->code, PCRE2_JIT_COMPLETE);  // without it, matching is slower only
  state->match = pcre2_match_data_create_from_pattern(state->code, nullptr);
  state->context = pcre2_match_context_create(nullptr);
  pcre2_set_match_limit(state->context, match_limit);
  return Splitter(std::move(state));
}

// An empty match cuts too, but not where the last one ended: the search then goes on a character
// later.
Result<void> Splitter::split(std::string_view piece, std::vector<std::string_view>& out) const {
  constexpr size_t nowhere = std::string_view::npos;
  size_t done = 0;
  size_t from = 0;
  size_t last_end = nowhere;
  while (from < piece.size()) {
    const int count =
        pcre2_match(state_->code, reinterpret_cast<PCRE2_SPTR>(piece.data()), piece.size(), from,
                    PCRE2_NO_UTF_CHECK, state_->match, state_->context);
    if (count == PCRE2_ERROR_NOMATCH) break;
    if (count < 0) return fail(Errc::bad_input, "cutting the text failed: {}", message_of(count));
    const PCRE2_SIZE* range = pcre2_get_ovector_pointer(state_->match);
    const size_t start = range[0];
    const size_t end = range[1];
    if (start == end && end == last_end) {
      next_code_point(piece, from);
      continue;
    }
    if (start > done) out.push_back(piece.substr(done, start - done));
    if (end > start) out.push_back(piece.substr(start, end - start));
    done = from = last_end = end;
  }
  if (done < piece.size()) out.push_back(piece.substr(done));
  return {};
}

}  // namespace qb::text
