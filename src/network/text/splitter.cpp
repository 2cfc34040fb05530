#include "network/text/splitter.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <cctype>

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

Result<Splitter> Splitter::literal(std::string_view text) {
  std::string pattern;
  for (const char c : text) {
    const bool is_plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || (c & 0x80) != 0 ||
                          static_cast<unsigned char>(c) <= ' ';
    if (!is_plain) pattern += '\\';
    pattern += c;
  }
  return compile(pattern);
}

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

// An empty match cuts too, at the text's end as well, but not where the last one ended: the search
// then goes on a character later.
Result<std::vector<Part>> Splitter::parts(std::string_view text) const {
  constexpr size_t nowhere = std::string_view::npos;
  std::vector<Part> out;
  size_t done = 0;
  size_t from = 0;
  size_t last_end = nowhere;
  while (!text.empty() && from <= text.size()) {
    const int count =
        pcre2_match(state_->code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), from,
                    PCRE2_NO_UTF_CHECK, state_->match, state_->context);
    if (count == PCRE2_ERROR_NOMATCH) break;
    if (count < 0) return fail(Errc::bad_input, "cutting the text failed: {}", message_of(count));
    const PCRE2_SIZE* range = pcre2_get_ovector_pointer(state_->match);
    const size_t start = range[0];
    const size_t end = range[1];
    if (start == end && end == last_end) {
      if (from == text.size()) break;
      next_code_point(text, from);
      continue;
    }
    if (start > done) out.push_back({text.substr(done, start - done), false});
    out.push_back({text.substr(start, end - start), true});
    done = from = last_end = end;
  }
  if (done < text.size()) out.push_back({text.substr(done), false});
  return out;
}

namespace {

// They lie in one text, `right` just behind `left`.
std::string_view joined(std::string_view left, std::string_view right) {
  return {left.data(), left.size() + right.size()};
}

std::vector<std::string_view> merge_with_previous(const std::vector<Part>& parts) {
  std::vector<std::string_view> out;
  bool was_match = false;
  for (const Part& part : parts) {
    if (part.is_match && !was_match && !out.empty())
      out.back() = joined(out.back(), part.text);
    else
      out.push_back(part.text);
    was_match = part.is_match;
  }
  return out;
}

std::vector<std::string_view> merge_with_next(const std::vector<Part>& parts) {
  std::vector<std::string_view> out;
  bool was_match = false;
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
    if (part->is_match && !was_match && !out.empty())
      out.back() = joined(part->text, out.back());
    else
      out.push_back(part->text);
    was_match = part->is_match;
  }
  std::ranges::reverse(out);
  return out;
}

// Runs of matches are one piece, and so are runs of gaps.
std::vector<std::string_view> merge_runs(const std::vector<Part>& parts) {
  std::vector<std::string_view> out;
  bool was_match = false;
  for (const Part& part : parts) {
    if (part.is_match == was_match && !out.empty())
      out.back() = joined(out.back(), part.text);
    else
      out.push_back(part.text);
    was_match = part.is_match;
  }
  return out;
}

}  // namespace

std::vector<std::string_view> pieces_of(const std::vector<Part>& parts, Behaviour behaviour) {
  std::vector<std::string_view> out;
  switch (behaviour) {
    case Behaviour::merged_with_previous:
      out = merge_with_previous(parts);
      break;
    case Behaviour::merged_with_next:
      out = merge_with_next(parts);
      break;
    case Behaviour::contiguous:
      out = merge_runs(parts);
      break;
    case Behaviour::isolated:
    case Behaviour::removed:
      for (const Part& part : parts)
        if (behaviour == Behaviour::isolated || !part.is_match) out.push_back(part.text);
  }
  std::erase_if(out, [](std::string_view piece) { return piece.empty(); });
  return out;
}

}  // namespace qb::text
