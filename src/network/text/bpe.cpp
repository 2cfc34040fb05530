// Byte-pair encoding (Sennrich et al. 2016): of bytes, as in GPT-2, or of characters.
#include <queue>

#include "network/text/fields.h"
#include "network/text/model.h"
#include "network/text/utf8.h"

namespace qb::text {
namespace {

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

class Bpe {
 public:
  explicit Bpe(const Definition& definition)
      : vocabulary_(definition.tokens),
        prefix_(definition.model["continuing_subword_prefix"].as_string()),
        suffix_(definition.model["end_of_word_suffix"].as_string()),
        ignores_merges_(definition.model["ignore_merges"].as_bool()),
        falls_back_to_bytes_(definition.model["byte_fallback"].as_bool()),
        fuses_unknown_(definition.model["fuse_unk"].as_bool()) {}

  Result<void> read(const Definition& definition) {
    QB_TRY(unknown_, unknown_id_of(definition, vocabulary_));
    for (size_t rank = 0; rank < definition.merges.size(); ++rank)
      QB_CHECK(add_merge(rank, definition.merges[rank].first, definition.merges[rank].second));
    return {};
  }

  Result<void> encode(std::string_view piece, std::vector<int32_t>& out) const {
    if (ignores_merges_)
      if (const auto whole = vocabulary_.find(piece)) {
        out.push_back(*whole);
        return {};
      }
    Merger(symbols_of(piece), merges_).run(out);
    return {};
  }

 private:
  Result<void> add_merge(size_t rank, const std::string& left, const std::string& right) {
    // A token that continues a word is spelt with the prefix, which what is merged has only once.
    const size_t prefix_bytes = prefix_.size();
    if (right.size() < prefix_bytes)
      return fail(Errc::bad_input, "merge {} \"{} {}\" lacks the prefix {}", rank, left, right,
                  prefix_);
    const auto left_id = vocabulary_.find(left);
    const auto right_id = vocabulary_.find(right);
    const auto merged = vocabulary_.find(left + right.substr(prefix_bytes));
    if (!left_id || !right_id || !merged)
      return fail(Errc::bad_input, "merge {} \"{} {}\" is not of the vocabulary", rank, left,
                  right);
    merges_[pair_key(*left_id, *right_id)] = {static_cast<int32_t>(rank), *merged};
    return {};
  }

  // The characters as tokens. A character without one becomes its bytes or the unknown token, or is
  // left away.
  std::vector<int32_t> symbols_of(std::string_view piece) const {
    std::vector<int32_t> symbols;
    bool is_unknown_open = false;
    for (size_t position = 0; position < piece.size();) {
      const size_t start = position;
      if (!next_code_point(piece, position)) break;
      const auto add_unknown = [&] {
        if (is_unknown_open) symbols.push_back(*unknown_);
        is_unknown_open = false;
      };
      const std::string_view character = piece.substr(start, position - start);
      const std::string symbol = spell(character, start == 0, position == piece.size());
      if (const auto id = vocabulary_.find(symbol)) {
        add_unknown();
        symbols.push_back(*id);
        continue;
      }
      if (falls_back_to_bytes_)
        if (const auto ids = byte_ids(vocabulary_, symbol)) {
          symbols.insert(symbols.end(), ids->begin(), ids->end());
          continue;
        }
      if (!unknown_) continue;
      if (!fuses_unknown_) add_unknown();
      is_unknown_open = true;
    }
    if (is_unknown_open) symbols.push_back(*unknown_);
    return symbols;
  }

  std::string spell(std::string_view character, bool is_first, bool is_last) const {
    std::string symbol = is_first ? std::string() : prefix_;
    symbol += character;
    if (is_last) symbol += suffix_;
    return symbol;
  }

  Vocabulary vocabulary_;
  MergeTable merges_;
  std::string prefix_, suffix_;
  bool ignores_merges_, falls_back_to_bytes_, fuses_unknown_;
  std::optional<int32_t> unknown_;
};

}  // namespace

Result<Model> make_bpe(const Definition& definition) {
  const Field known[] = {string("type"),
                         flag("ignore_merges"),
                         string("unk_token"),
                         flag("fuse_unk"),
                         flag("byte_fallback"),
                         string("continuing_subword_prefix"),
                         string("end_of_word_suffix")};
  QB_CHECK(check_fields(definition.model, "model: ", known));
  Bpe bpe(definition);
  QB_CHECK(bpe.read(definition));
  return model_of(std::move(bpe));
}

}  // namespace qb::text
