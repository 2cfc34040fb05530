#include "network/text/post_processors.h"

#include <algorithm>
#include <limits>

#include "network/text/fields.h"

namespace qb::text {
namespace {

constexpr int64_t length_max = 1 << 24;

using Around = PostProcessor;  // of which only `before` and `after` are made here

Result<int32_t> id_of(const Json& value, std::string_view what) {
  const int64_t id = value.as_int(-1);
  if (!value.is_int() || id < 0 || id > std::numeric_limits<int32_t>::max())
    return fail(Errc::bad_input, "{} has the id {}", what, shown(value));
  return static_cast<int32_t>(id);
}

Result<Around> make_byte_level(const Json&) { return Around(); }  // it moves offsets only

// ["</s>", 2]
Result<int32_t> id_of_pair(const Json& object, std::string_view field) {
  const Json::Array& pair = object[field].as_array();
  if (pair.size() != 2) return fail(Errc::bad_input, "{} is no pair of token and id", field);
  return id_of(pair[1], field);
}

Result<Around> make_pair_around(const Json& object) {
  QB_TRY(const int32_t first, id_of_pair(object, "cls"));
  QB_TRY(const int32_t last, id_of_pair(object, "sep"));
  return Around{.before = {first}, .after = {last}};
}

Result<void> add_special_token(const Json& object, const Json& special_tokens,
                               std::vector<int32_t>& ids) {
  const std::string& name = object["id"].as_string();
  const Json& token = special_tokens[name];
  if (token.is_null())
    return fail(Errc::bad_input, "special token \"{}\" is not in special_tokens", name);
  for (const Json& id : token["ids"].as_array()) {
    QB_TRY(const int32_t value, id_of(id, fmt::format("special token \"{}\"", name)));
    ids.push_back(value);
  }
  return {};
}

// What "single" says; "pair" is of two texts, which qbench never joins.
Result<Around> make_template(const Json& object) {
  Around around;
  int64_t sequence_count = 0;
  for (const Json& item : object["single"].as_array()) {
    const Json& special = item["SpecialToken"];
    const Json& sequence = item["Sequence"];
    for (const Json* part : {&special, &sequence})
      QB_CHECK(refuse_fields(*part, "single: ", {"type_id"}));
    if (!special.is_null()) {
      auto& side = sequence_count == 0 ? around.before : around.after;
      QB_CHECK(add_special_token(special, object["special_tokens"], side));
    } else if (sequence["id"].as_string() == "A") {
      ++sequence_count;
    } else {
      return fail(Errc::unsupported, "single: {} is not supported", shown(item));
    }
  }
  if (sequence_count != 1)
    return fail(Errc::unsupported, "single: the text is there {} times", sequence_count);
  return around;
}

const KindRow<Around> rows[] = {
    {"ByteLevel",
     {flag("add_prefix_space"), flag("trim_offsets"), flag("use_regex")},
     make_byte_level},
    {"TemplateProcessing", {list("single"), list("pair"), table("special_tokens")}, make_template},
    {"BertProcessing", {list("cls"), list("sep")}, make_pair_around},
    {"RobertaProcessing",
     {list("cls"), list("sep"), flag("trim_offsets"), flag("add_prefix_space")},
     make_pair_around},
};

Result<int64_t> length_of(const Json& object, std::string_view field, int64_t least) {
  const int64_t value = object[field].as_int(-1);
  if (!object[field].is_int() || value < least || value > length_max)
    return fail(Errc::bad_input, "{} {} is no length", field, shown(object[field]));
  return value;
}

Result<bool> is_left(const Json& object) {
  const Json& direction = object["direction"];
  if (direction.is_null() || direction == Json("Right")) return false;
  if (direction == Json("Left")) return true;
  return fail(Errc::unsupported, "direction {} is not supported", shown(direction));
}

Result<void> add_truncation(const Json& object, PostProcessor& made) {
  if (object.is_null()) return {};
  // What overlaps with the next window (stride) has no next window here.
  const Field known[] = {string("direction"), integer("max_length"), string("strategy"),
                         integer("stride")};
  QB_CHECK(check_fields(object, "", known));
  if (object["strategy"] == Json("OnlySecond"))
    return fail(Errc::unsupported, "strategy \"OnlySecond\" is not supported");
  QB_TRY(made.max_length, length_of(object, "max_length", 0));
  QB_TRY(made.keeps_end, is_left(object));
  const auto around = static_cast<int64_t>(made.before.size() + made.after.size());
  if (made.max_length < around)
    return fail(Errc::bad_input, "max_length {} has no room for {} special tokens", made.max_length,
                around);
  return {};
}

Result<void> add_padding(const Json& object, PostProcessor& made) {
  if (object.is_null()) return {};
  const Field known[] = {anything("strategy"),          string("direction"),
                         integer("pad_to_multiple_of"), integer("pad_id"),
                         integer("pad_type_id"),        string("pad_token")};
  QB_CHECK(check_fields(object, "", known));
  const Json& strategy = object["strategy"];
  if (strategy.is_object()) {
    QB_TRY(made.padded_length, length_of(strategy, "Fixed", 0));
  } else if (strategy != Json("BatchLongest")) {  // here each text is a batch of its own
    return fail(Errc::unsupported, "strategy {} is not supported", shown(strategy));
  }
  if (!is_neutral(object["pad_to_multiple_of"])) {
    QB_TRY(made.padded_multiple, length_of(object, "pad_to_multiple_of", 1));
  }
  QB_TRY(made.padding, id_of(object["pad_id"], "pad_id"));
  QB_TRY(made.pads_left, is_left(object));
  return {};
}

}  // namespace

Result<PostProcessor> make_post_processor(const Json& post_processor, const Json& truncation,
                                          const Json& padding) {
  std::vector<Around> steps;
  QB_CHECK(add_steps<Around>(post_processor, "post_processor", "processors", rows, steps));
  PostProcessor made;
  for (Around& step : steps) {
    made.before.insert(made.before.begin(), step.before.begin(), step.before.end());
    made.after.insert(made.after.end(), step.after.begin(), step.after.end());
  }
  QB_CHECK(with_context(add_truncation(truncation, made), "truncation"));
  QB_CHECK(with_context(add_padding(padding, made), "padding"));
  return made;
}

std::vector<int32_t> PostProcessor::apply(std::vector<int32_t> ids) const {
  const auto around = static_cast<int64_t>(before.size() + after.size());
  if (max_length >= 0) {
    const auto kept = static_cast<long>(std::min<int64_t>(std::ssize(ids), max_length - around));
    if (keeps_end)
      ids.erase(ids.begin(), ids.end() - kept);
    else
      ids.erase(ids.begin() + kept, ids.end());
  }
  ids.insert(ids.begin(), before.begin(), before.end());
  ids.insert(ids.end(), after.begin(), after.end());
  const bool is_padded = padded_length > 0 || padded_multiple > 0;
  int64_t length = padded_length > 0 ? padded_length : std::ssize(ids);
  if (padded_multiple > 0) length += (padded_multiple - length % padded_multiple) % padded_multiple;
  if (is_padded && length > std::ssize(ids))
    ids.insert(pads_left ? ids.begin() : ids.end(), static_cast<size_t>(length - std::ssize(ids)),
               padding);
  return ids;
}

}  // namespace qb::text
