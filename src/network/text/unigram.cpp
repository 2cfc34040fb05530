// Unigram (Kudo 2018): the tokens of a piece whose scores, added up, are the highest.
#include <algorithm>

#include "network/text/fields.h"
#include "network/text/model.h"
#include "network/text/prefixes.h"
#include "network/text/utf8.h"

namespace qb::text {
namespace {

constexpr double unknown_penalty = 10;
// A step looks at each of a text's bytes for as long as a token goes on.
constexpr size_t token_bytes_max = 4096;

class Unigram {
 public:
  explicit Unigram(const Definition& definition)
      : vocabulary_(definition.tokens),
        scores_(definition.scores),
        unknown_(definition.model["unk_id"].as_int(-1)),
        falls_back_to_bytes_(definition.model["byte_fallback"].as_bool()) {
    std::vector<std::pair<std::string, int32_t>> entries;
    for (size_t id = 0; id < definition.tokens.size(); ++id)
      entries.emplace_back(definition.tokens[id], static_cast<int32_t>(id));
    prefixes_ = PrefixTable(std::move(entries));
    unknown_score_ = std::ranges::min(scores_) - unknown_penalty;
  }

  Result<void> encode(std::string_view piece, std::vector<int32_t>& out) const {
    for (const std::string_view part : best_parts(piece)) {
      if (const auto id = vocabulary_.find(part)) {
        out.push_back(*id);
        continue;
      }
      const auto bytes = falls_back_to_bytes_ ? byte_ids(vocabulary_, part) : std::nullopt;
      if (bytes)
        out.insert(out.end(), bytes->begin(), bytes->end());
      else if (unknown_ >= 0)
        out.push_back(static_cast<int32_t>(unknown_));
      else
        return fail(Errc::bad_input, "the tokenizer has no token for \"{}\" and no unk_id", part);
    }
    return {};
  }

 private:
  // The best way to a place: the last token's begin, and whether it is the unknown one.
  struct Step {
    double score = 0;
    size_t start = std::string_view::npos;
    bool is_unknown = false;

    void offer(const Step& other) {
      if (start == std::string_view::npos || other.score > score) *this = other;
    }
  };

  std::vector<std::string_view> best_parts(std::string_view piece) const {
    std::vector<Step> steps(piece.size() + 1);
    for (size_t start = 0; start < piece.size();) {
      size_t next = start;
      if (!next_code_point(piece, next)) break;
      const double score = steps[start].score;
      bool has_character = false;
      prefixes_.visit_prefixes(piece.substr(start), [&](size_t length, int32_t id) {
        steps[start + length].offer(
            {scores_[static_cast<size_t>(id)] + score, start, id == unknown_});
        has_character |= start + length == next;
      });
      if (!has_character) steps[next].offer({unknown_score_ + score, start, true});
      start = next;
    }
    return walk_back(piece, steps);
  }

  // Unknown parts that follow each other are one.
  static std::vector<std::string_view> walk_back(std::string_view piece,
                                                 const std::vector<Step>& steps) {
    std::vector<std::string_view> parts;
    bool was_unknown = false;
    for (size_t end = piece.size(); end > 0;) {
      const Step& step = steps[end];
      if (step.is_unknown && was_unknown)
        parts.back() = piece.substr(step.start, end - step.start + parts.back().size());
      else
        parts.push_back(piece.substr(step.start, end - step.start));
      was_unknown = step.is_unknown;
      end = step.start;
    }
    std::ranges::reverse(parts);
    return parts;
  }

  Vocabulary vocabulary_;
  std::vector<double> scores_;
  PrefixTable prefixes_;
  int64_t unknown_;
  double unknown_score_ = 0;
  bool falls_back_to_bytes_;
};

}  // namespace

Result<Model> make_unigram(const Definition& definition) {
  const Field known[] = {string("type"), integer("unk_id"), flag("byte_fallback")};
  QB_CHECK(check_fields(definition.model, "model: ", known));
  const size_t count = definition.tokens.size();
  if (count == 0 || definition.scores.size() != count)
    return fail(Errc::bad_input, "model: {} tokens have {} scores", count,
                definition.scores.size());
  for (const std::string& token : definition.tokens)
    if (token.size() > token_bytes_max)
      return fail(Errc::unsupported, "model: a token of {} bytes; {} at most are followed",
                  token.size(), token_bytes_max);
  const int64_t unknown = definition.model["unk_id"].as_int(-1);
  if (unknown < -1 || unknown >= static_cast<int64_t>(count))
    return fail(Errc::bad_input, "model: unk_id {} is outside the vocabulary of {}", unknown,
                count);
  return model_of(Unigram(definition));
}

}  // namespace qb::text
