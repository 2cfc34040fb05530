#include "text/splitter.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "text/pattern.h"

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

Result<void> Splitter::split(std::string_view piece, std::vector<std::string_view>& out) const {
  size_t done = 0;
  size_t from = 0;
  while (from < piece.size()) {
    const int count =
        pcre2_match(state_->code, reinterpret_cast<PCRE2_SPTR>(piece.data()), piece.size(), from,
                    PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY, state_->match, state_->context);
    if (count == PCRE2_ERROR_NOMATCH) break;
    if (count < 0) return fail(Errc::bad_input, "cutting the text failed: {}", message_of(count));
    const PCRE2_SIZE* range = pcre2_get_ovector_pointer(state_->match);
    if (range[0] > done) out.push_back(piece.substr(done, range[0] - done));
    out.push_back(piece.substr(range[0], range[1] - range[0]));
    done = from = range[1];
  }
  if (done < piece.size()) out.push_back(piece.substr(done));
  return {};
}

}  // namespace qb::text
