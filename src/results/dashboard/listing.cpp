#include "results/dashboard/listing.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace qb::dashboard {

// Ids instead of texts, so that a line is judged by comparing numbers.
struct Listing::Filter {
  std::array<std::vector<uint32_t>, column_count> values;
  std::array<bool, column_count> is_asked = {};
  std::optional<std::vector<uint32_t>> runs;      // places
  std::optional<std::vector<uint32_t>> case_ids;  // whose id has all the words

  bool lets_through(const Line& line, size_t but_column) const {
    if (runs && std::ranges::find(*runs, line.run) == runs->end()) return false;
    if (case_ids && !std::ranges::binary_search(*case_ids, line.case_id)) return false;
    for (size_t column = 0; column < column_count; ++column)
      if (column != but_column && is_asked[column] &&
          std::ranges::find(values[column], line.values[column]) == values[column].end())
        return false;
    return true;
  }
};

uint32_t Listing::intern(std::string_view text) {
  if (const auto known = ids_.find(text); known != ids_.end()) return known->second;
  const auto added = ids_.emplace(text, static_cast<uint32_t>(names_.size())).first;
  names_.push_back(&added->first);
  return added->second;
}

void Listing::add(store::RunLine run) {
  run_places_[run.id] = static_cast<uint32_t>(runs_.size());
  runs_.push_back({.stored = std::move(run), .record_count = 0, .versions = {}});
}

void Listing::add(const store::RecordLine& record) {
  const auto run = run_places_.find(record.run_id);
  if (run == run_places_.end()) return;  // added since the runs were read: comes with the next look
  last_row_ = std::max(last_row_, record.row);
  RunLine& run_line = runs_[run->second];
  Line line = {
      .row = record.row,
      .run = run->second,
      .case_id = intern(record.case_id),
      .task = intern(record.task),
      .values = {intern(run_line.stored.machine), intern(record.model), intern(record.scheme),
                 intern(record.framework), intern(record.framework_version), intern(record.device),
                 intern(record.outcome)},
      .recorded_at = record.recorded_at};
  if (!record.framework_version.empty()) {
    const uint32_t shown = intern(fmt::format(
        "{} {}", std::string_view(record.framework).substr(0, record.framework.find('@')),
        record.framework_version));
    if (std::ranges::find(run_line.versions, shown) == run_line.versions.end())
      run_line.versions.push_back(shown);
  }
  const auto [place, is_new] =
      line_places_.emplace(std::pair(line.run, line.case_id), static_cast<uint32_t>(lines_.size()));
  if (!is_new) {
    lines_[place->second] = std::move(line);
    return;
  }
  ++run_line.record_count;
  lines_.push_back(std::move(line));
}

Listing::Filter Listing::filter_of(const Parameters& wanted) const {
  Filter filter;
  for (size_t column = 0; column < column_count; ++column)
    for (auto [at, end] = wanted.equal_range(std::string(column_names[column])); at != end; ++at) {
      filter.is_asked[column] = true;
      const auto id = ids_.find(at->second);
      if (id != ids_.end()) filter.values[column].push_back(id->second);
    }
  for (auto [at, end] = wanted.equal_range("run"); at != end; ++at) {
    if (!filter.runs) filter.runs.emplace();
    if (const auto place = run_places_.find(at->second); place != run_places_.end())
      filter.runs->push_back(place->second);
  }
  const auto find = wanted.find("find");
  if (find == wanted.end() || find->second.empty()) return filter;
  filter.case_ids.emplace();
  for (const auto& [text, id] : ids_)
    if (text.find(find->second) != std::string::npos) filter.case_ids->push_back(id);
  std::ranges::sort(*filter.case_ids);
  return filter;
}

std::vector<const Listing::Line*> Listing::find(const Parameters& wanted) const {
  const Filter filter = filter_of(wanted);
  std::vector<const Line*> found;
  for (size_t i = lines_.size(); i-- > 0;)
    if (filter.lets_through(lines_[i], column_count)) found.push_back(&lines_[i]);
  return found;
}

Json Listing::facets(const Parameters& wanted) const {
  const Filter filter = filter_of(wanted);
  Json::Array columns;
  for (size_t column = 0; column < column_count; ++column) {
    std::map<uint32_t, int64_t> counts;
    for (const Line& line : lines_)
      if (filter.lets_through(line, column)) ++counts[line.values[column]];
    std::vector<std::pair<std::string, int64_t>> sorted;
    for (const auto& [id, count] : counts)
      if (!name(id).empty()) sorted.emplace_back(name(id), count);
    std::ranges::sort(sorted);
    Json::Array values;
    for (const auto& [value, count] : sorted)
      values.push_back(Json::object({{"value", value}, {"count", count}}));
    columns.push_back(
        Json::object({{"column", column_names[column]}, {"values", std::move(values)}}));
  }
  return columns;
}

}  // namespace qb::dashboard
