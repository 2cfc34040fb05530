#include "results/comparison/differences.h"

#include <algorithm>

namespace qb::comparison {
namespace {

// A member of a run's host or of a record's manifest, and what it is part of.
struct Trait {
  std::string_view aspect;
  std::string_view key;
  std::string_view member = {};  // of the key's object
};

constexpr Trait host_traits[] = {
    {"machine", "cpu"},
    {"machine", "chip"},
    {"machine", "machine"},
    {"machine", "physical_cores"},
    {"machine", "usable_cores"},
    {"machine", "memory_bytes"},
    {"machine", "gpu_cores"},
    {"machine", "is_virtual"},
    {"system", "os"},
    {"system", "kernel"},
    {"system", "governor"},
    {"system", "power_mode"},
};

constexpr Trait record_traits[] = {
    {"versions", "framework_version"},  {"versions", "environment"},
    {"workers", "worker_hash"},         {"weights", "weights"},
    {"weights", "source_hash"},         {"bundle", "bundle_hash"},
    {"bundle", "content_hash"},         {"data", "dataset", "hash"},
    {"data", "quality_item_count_max"}, {"data", "baseline_scheme"},
};

const Json& value_of(const Json& json, const Trait& trait) {
  return trait.member.empty() ? json[trait.key] : json[trait.key][trait.member];
}

// A hash is told by its first digits, which tell it from others.
std::string text_of(const Trait& trait, const Json& value) {
  if (value.is_null()) return "not told";
  std::string text = value.is_string() ? value.as_string() : dump_json(value);
  const bool is_hash = trait.key.ends_with("hash") || trait.member == "hash";
  return is_hash && text.size() > 8 ? text.substr(0, 8) : text;
}

std::string name_of(const Trait& trait) {
  std::string name(trait.key);
  if (!trait.member.empty()) name += " " + std::string(trait.member);
  std::ranges::replace(name, '_', ' ');
  return name;
}

class Collector {
 public:
  // `where`: which case it is of; empty for the run.
  void compare(const Trait& trait, const Json& before, const Json& after,
               const std::string& where) {
    const Json& a = value_of(before, trait);
    const Json& b = value_of(after, trait);
    if (a == b) return;
    const std::string text =
        fmt::format("{}: {} before, {} now", name_of(trait), text_of(trait, a), text_of(trait, b));
    const auto known = std::ranges::find_if(found_, [&](const Found& f) {
      return f.trait == &trait && (f.text == text || trait.key.ends_with("hash"));
    });
    if (known == found_.end())
      found_.push_back({&trait, text, where, 1});
    else
      ++known->count;
  }

  std::vector<Difference> differences() const {
    std::vector<Difference> all;
    for (const Found& f : found_) {
      std::string text = f.text;
      if (!f.where.empty())
        text += f.count > 1 ? fmt::format(" ({} and {} more)", f.where, f.count - 1)
                            : fmt::format(" ({})", f.where);
      all.push_back({f.trait->aspect, std::move(text)});
    }
    return all;
  }

 private:
  struct Found {
    const Trait* trait;
    std::string text;
    std::string where;
    int count;
  };
  std::vector<Found> found_;
};

}  // namespace

std::vector<Difference> find_differences(const report::Document& before,
                                         const report::Document& after, const Pairs& pairs) {
  Collector collector;
  for (const Trait& trait : host_traits)
    collector.compare(trait, before.run.host, after.run.host, {});
  for (const Trait& trait : record_traits)
    for (const Pair& pair : pairs.pairs)
      collector.compare(trait, pair.before->manifest, pair.after->manifest,
                        case_id(pair.after->subject));
  return collector.differences();
}

bool is_same_machine(const Json& before, const Json& after) {
  return std::ranges::all_of(host_traits, [&](const Trait& trait) {
    return trait.aspect != "machine" || value_of(before, trait) == value_of(after, trait);
  });
}

const std::vector<std::string_view>& decisive_aspects() {
  static const std::vector<std::string_view> aspects = {"machine", "versions", "weights", "bundle",
                                                        "data"};
  return aspects;
}

bool differ_in(const std::vector<Difference>& differences, std::string_view aspect) {
  return std::ranges::find(differences, aspect, &Difference::aspect) != differences.end();
}

bool are_other_builds(const Pair& pair) {
  return std::ranges::any_of(record_traits, [&](const Trait& trait) {
    return (trait.aspect == "versions" || trait.aspect == "workers" || trait.aspect == "bundle") &&
           !(value_of(pair.before->manifest, trait) == value_of(pair.after->manifest, trait));
  });
}

}  // namespace qb::comparison
