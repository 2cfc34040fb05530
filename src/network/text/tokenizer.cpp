#include "network/text/tokenizer.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <queue>
#include <unordered_map>

#include "network/text/splitter.h"
#include "network/text/utf8.h"

namespace qb::text {
namespace {

// GPT-2's byte alphabet: printable Latin-1 characters stand for themselves, the other bytes for
// U+0100 and on, in order.
std::array<char32_t, 256> byte_alphabet() {
  std::array<char32_t, 256> alphabet = {};
  char32_t next = 0x100;
  for (char32_t byte = 0; byte < 256; ++byte) {
    const bool printable =
        (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    alphabet[byte] = printable ? byte : next++;
  }
  return alphabet;
}

// The bytes that a token written in the alphabet stands for; empty when it has another character.
std::optional<std::string> to_bytes(std::string_view token) {
  static const std::unordered_map<char32_t, char> bytes = [] {
    std::unordered_map<char32_t, char> map;
    const auto alphabet = byte_alphabet();
    for (size_t i = 0; i < alphabet.size(); ++i) map[alphabet[i]] = static_cast<char>(i);
    return map;
  }();
  std::string out;
  for (size_t position = 0; position < token.size();) {
    const auto code_point = next_code_point(token, position);
    const auto found = code_point ? bytes.find(*code_point) : bytes.end();
    if (found == bytes.end()) return std::nullopt;
    out += found->second;
  }
  return out;
}

struct Merge {
  int32_t rank = 0;
  int32_t token = 0;
};

uint64_t pair_key(int32_t left, int32_t right) {
  return (static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32) | static_cast<uint32_t>(right);
}

using MergeTable = std::unordered_map<uint64_t, Merge>;

// Merges the best pair again and again: a linked list of symbols and a queue of candidate pairs,
// O(n log n) in the piece's length.
class Merger {
 public:
  Merger(std::vector<int32_t> symbols, const MergeTable& merges)
      : tokens_(std::move(symbols)), merges_(merges) {
    const auto count = static_cast<int32_t>(tokens_.size());
    for (int32_t i = 0; i < count; ++i) {
      previous_.push_back(i - 1);
      next_.push_back(i + 1 < count ? i + 1 : -1);
    }
    for (int32_t i = 0; i + 1 < count; ++i) offer(i);
  }

  void run(std::vector<int32_t>& out) {
    while (!queue_.empty()) {
      const Candidate best = queue_.top();
      queue_.pop();
      const int32_t right = next_[at(best.left)];
      const bool is_stale = tokens_[at(best.left)] != best.left_token || right < 0 ||
                            tokens_[at(right)] != best.right_token;
      if (!is_stale) apply(best, right);
    }
    for (int32_t i = 0; i >= 0 && !tokens_.empty(); i = next_[at(i)]) out.push_back(tokens_[at(i)]);
  }

 private:
  struct Candidate {
    int32_t rank, left, left_token, right_token, merged;
    bool operator<(const Candidate& other) const {  // the queue gives the largest first
      return rank != other.rank ? rank > other.rank : left > other.left;
    }
  };
  static size_t at(int32_t index) { return static_cast<size_t>(index); }

  void offer(int32_t left) {
    if (left < 0 || next_[at(left)] < 0) return;
    const int32_t left_token = tokens_[at(left)];
    const int32_t right_token = tokens_[at(next_[at(left)])];
    const auto merge = merges_.find(pair_key(left_token, right_token));
    if (merge != merges_.end())
      queue_.push({merge->second.rank, left, left_token, right_token, merge->second.token});
  }
  void apply(const Candidate& best, int32_t right) {
    tokens_[at(best.left)] = best.merged;
    tokens_[at(right)] = -1;
    const int32_t after = next_[at(right)];
    next_[at(best.left)] = after;
    if (after >= 0) previous_[at(after)] = best.left;
    offer(previous_[at(best.left)]);
    offer(best.left);
  }

  std::vector<int32_t> tokens_;
  std::vector<int32_t> previous_;
  std::vector<int32_t> next_;
  const MergeTable& merges_;
  std::priority_queue<Candidate> queue_;
};

constexpr std::string_view gpt2_pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr std::string_view llama3_pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view qwen2_pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

struct PreTokenizer {
  std::string_view name;
  std::string_view first;
  std::string_view second = "";
};
constexpr PreTokenizer pre_tokenizers[] = {
    {"default", gpt2_pattern},
    {"gpt-2", gpt2_pattern},
    {"smollm", R"(\p{N})", gpt2_pattern},
    {"starcoder", R"(\p{N})", gpt2_pattern},
    {"llama-bpe", llama3_pattern},
    {"qwen2", qwen2_pattern},
};

}  // namespace

bool is_one_byte(std::string_view token) {
  const auto bytes = to_bytes(token);
  return bytes && bytes->size() == 1;
}

struct Tokenizer::State {
  std::vector<std::string> bytes;                // by id
  std::unordered_map<std::string, int32_t> ids;  // of bytes
  MergeTable merges;
  std::vector<Splitter> splitters;
  using Whole = std::pair<std::string, int32_t>;
  std::vector<Whole> passes[2];            // tokens found whole: the special ones, then those added
  std::array<int32_t, 256> byte_ids = {};  // -1: the vocabulary lacks the byte
  bool ignore_merges = false;

  Result<void> encode_from(size_t pass, std::string_view text, std::vector<int32_t>& out) const;
  Result<void> encode_plain(std::string_view text, std::vector<int32_t>& out) const;
  void encode_piece(std::string_view piece, std::vector<int32_t>& out) const;
};

void Tokenizer::State::encode_piece(std::string_view piece, std::vector<int32_t>& out) const {
  if (ignore_merges) {
    if (const auto found = ids.find(std::string(piece)); found != ids.end()) {
      out.push_back(found->second);
      return;
    }
  }
  std::vector<int32_t> symbols;
  for (const char byte : piece)
    if (const int32_t id = byte_ids[static_cast<uint8_t>(byte)]; id >= 0) symbols.push_back(id);
  Merger(std::move(symbols), merges).run(out);
}

Result<void> Tokenizer::State::encode_plain(std::string_view text,
                                            std::vector<int32_t>& out) const {
  std::vector<std::string_view> pieces = {text};
  for (const Splitter& splitter : splitters) {
    std::vector<std::string_view> finer;
    for (const std::string_view piece : pieces) QB_CHECK(splitter.split(piece, finer));
    pieces = std::move(finer);
  }
  for (const std::string_view piece : pieces) encode_piece(piece, out);
  return {};
}

Tokenizer::Tokenizer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

size_t Tokenizer::vocabulary_size() const { return state_->bytes.size(); }

// The leftmost whole token, the longest of those that begin there, again and again; what lies
// between goes on to the next pass.
Result<void> Tokenizer::State::encode_from(size_t pass, std::string_view text,
                                           std::vector<int32_t>& out) const {
  if (pass == std::size(passes)) return encode_plain(text, out);
  const std::vector<Whole>& wholes = passes[pass];
  // The next occurrence of each, looked up again only once it has been passed.
  std::vector<size_t> next(wholes.size(), 0);
  for (size_t i = 0; i < next.size(); ++i) next[i] = text.find(wholes[i].first);
  size_t position = 0;
  while (true) {
    size_t first = std::string_view::npos;
    size_t chosen = 0;
    for (size_t i = 0; i < next.size(); ++i) {
      if (next[i] != std::string_view::npos && next[i] < position)
        next[i] = text.find(wholes[i].first, position);
      const bool is_longer = next[i] == first && first != std::string_view::npos &&
                             wholes[i].first.size() > wholes[chosen].first.size();
      if (next[i] < first || is_longer) {
        first = next[i];
        chosen = i;
      }
    }
    const size_t end = std::min(first, text.size());
    if (end > position) QB_CHECK(encode_from(pass + 1, text.substr(position, end - position), out));
    if (first == std::string_view::npos) return {};
    out.push_back(wholes[chosen].second);
    position = first + wholes[chosen].first.size();
  }
}

Result<std::vector<int32_t>> Tokenizer::encode(std::string_view utf8) const {
  if (const auto offset = find_invalid_utf8(utf8))
    return fail(Errc::bad_input, "the text is no UTF-8 at byte {}", *offset);
  std::vector<int32_t> out;
  QB_CHECK(state_->encode_from(0, utf8, out));
  return out;
}

std::string Tokenizer::decode(std::span<const int32_t> ids) const {
  std::string out;
  for (const int32_t id : ids)
    if (id >= 0 && static_cast<size_t>(id) < state_->bytes.size())
      out += state_->bytes[static_cast<size_t>(id)];
  return out;
}

Result<std::vector<std::string>> split_patterns_of(std::string_view gguf_pre) {
  std::string known;
  for (const PreTokenizer& row : pre_tokenizers) {
    known += fmt::format("{}{}", known.empty() ? "" : " ", row.name);
    if (row.name != gguf_pre) continue;
    std::vector<std::string> patterns = {std::string(row.first)};
    if (!row.second.empty()) patterns.emplace_back(row.second);
    return patterns;
  }
  return fail(Errc::unsupported, "pre-tokenizer \"{}\" is not known; known: {}", gguf_pre, known);
}

namespace {

Result<void> add_merges(const std::vector<std::string>& lines,
                        const std::unordered_map<std::string, int32_t>& ids, MergeTable& merges) {
  for (size_t rank = 0; rank < lines.size(); ++rank) {
    const std::string& line = lines[rank];
    const size_t space = line.find(' ');
    const auto left = to_bytes(std::string_view(line).substr(0, space));
    const auto right = space == std::string::npos
                           ? std::nullopt
                           : to_bytes(std::string_view(line).substr(space + 1));
    if (!left || !right) return fail(Errc::bad_input, "merge {} \"{}\" is no pair", rank, line);
    const auto left_id = ids.find(*left);
    const auto right_id = ids.find(*right);
    const auto merged = ids.find(*left + *right);
    if (left_id == ids.end() || right_id == ids.end() || merged == ids.end())
      return fail(Errc::bad_input, "merge {} \"{}\" is not of the vocabulary", rank, line);
    merges.try_emplace(pair_key(left_id->second, right_id->second),
                       Merge{static_cast<int32_t>(rank), merged->second});
  }
  return {};
}

}  // namespace

Result<Tokenizer> build_tokenizer(BpeDefinition definition) {
  auto state = std::make_unique<Tokenizer::State>();
  state->ignore_merges = definition.ignore_merges;
  state->bytes = definition.tokens;
  std::vector<bool> is_whole(definition.tokens.size());
  const auto add_wholes = [&](const std::vector<int32_t>& ids,
                              std::vector<Tokenizer::State::Whole>& pass) -> Result<void> {
    for (const int32_t id : ids) {
      if (id < 0 || static_cast<size_t>(id) >= definition.tokens.size())
        return fail(Errc::bad_input, "special token {} is outside the vocabulary", id);
      if (definition.tokens[static_cast<size_t>(id)].empty())
        return fail(Errc::bad_input, "special token {} is empty", id);
      is_whole[static_cast<size_t>(id)] = true;
      pass.emplace_back(definition.tokens[static_cast<size_t>(id)], id);
    }
    return {};
  };
  QB_CHECK(add_wholes(definition.special_tokens, state->passes[0]));
  QB_CHECK(add_wholes(definition.added_tokens, state->passes[1]));
  for (size_t id = 0; id < definition.tokens.size(); ++id) {
    if (is_whole[id]) continue;
    if (auto bytes = to_bytes(definition.tokens[id])) {
      state->ids.emplace(*bytes, static_cast<int32_t>(id));
      state->bytes[id] = *std::move(bytes);
    }
  }
  for (size_t byte = 0; byte < 256; ++byte) {
    const auto found = state->ids.find(std::string(1, static_cast<char>(byte)));
    state->byte_ids[byte] = found == state->ids.end() ? -1 : found->second;
  }
  QB_CHECK(add_merges(definition.merges, state->ids, state->merges));
  for (const std::string& pattern : definition.split_patterns) {
    QB_TRY(Splitter splitter, Splitter::compile(pattern));
    state->splitters.push_back(std::move(splitter));
  }
  return Tokenizer(std::move(state));
}

}  // namespace qb::text
