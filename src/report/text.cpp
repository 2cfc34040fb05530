// Tables as text: for the terminal and as Markdown.
#include <algorithm>
#include <map>

#include "analysis/frameworks.h"
#include "analysis/table.h"
#include "base/printable.h"
#include "report/report.h"

namespace qb::report {
namespace {

// Columns a terminal takes: characters, not bytes.
size_t width_of(std::string_view text) {
  return static_cast<size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0u) != 0x80u; }));
}

std::string padded(std::string_view text, size_t width, bool to_right) {
  const std::string spaces(width - std::min(width, width_of(text)), ' ');
  return to_right ? spaces + std::string(text) : std::string(text) + spaces;
}

std::vector<size_t> widths_of(const analysis::Table& table) {
  std::vector<size_t> widths;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    size_t width = width_of(table.columns[i].heading);
    for (const auto& row : table.rows) width = std::max(width, width_of(row[i].text));
    widths.push_back(width);
  }
  return widths;
}

std::string table_text(const analysis::Table& table) {
  const std::vector<size_t> widths = widths_of(table);
  std::string text = table.title + "\n";
  const auto line = [&](auto&& text_of) {
    std::string out;
    for (size_t i = 0; i < widths.size(); ++i)
      out += "  " + padded(text_of(i), widths[i], !table.columns[i].unit.empty());
    return out.substr(0, out.find_last_not_of(' ') + 1) + "\n";
  };
  text += line([&](size_t i) { return table.columns[i].heading; });
  for (const auto& row : table.rows) text += line([&](size_t i) { return row[i].text; });
  return text;
}

// A cell ends at a bar, a table at a line without one.
std::string escape_cell(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '|') escaped += '\\';
    escaped += c == '\n' || c == '\r' ? ' ' : c;
  }
  return escaped;
}

std::string table_markdown(const analysis::Table& table) {
  std::string text = fmt::format("### {}\n\n|", table.title);
  for (const auto& column : table.columns)
    text += fmt::format(" {} |", escape_cell(column.heading));
  text += "\n|";
  for (const auto& column : table.columns) text += column.unit.empty() ? "---|" : "--:|";
  for (const auto& row : table.rows) {
    text += "\n|";
    for (const auto& cell : row) text += fmt::format(" {} |", escape_cell(cell.text));
  }
  return text + "\n";
}

// Facts with the labels of the records that share them, a line each.
class SharedFacts {
 public:
  explicit SharedFacts(const std::vector<const Record*>& records) : records_(records) {}

  void add(const Record& record, std::string fact) {
    const std::string label = analysis::short_label_of(record, records_);
    ++counts_[fact];
    const auto same = std::ranges::find(lines_, fact, [](const auto& line) { return line.first; });
    if (same == lines_.end())
      lines_.emplace_back(std::move(fact), label);
    else
      same->second += ", " + label;
  }
  std::vector<std::string> lines() const {
    std::vector<std::string> lines;
    for (const auto& [fact, labels] : lines_)
      lines.push_back(fmt::format(
          "{}: {}", counts_.at(fact) == records_.size() && records_.size() > 1 ? "all" : labels,
          fact));
    return lines;
  }

 private:
  const std::vector<const Record*>& records_;
  std::vector<std::pair<std::string, std::string>> lines_;  // fact, labels
  std::map<std::string, size_t> counts_;                    // records of each fact
};

std::string bulleted(const std::vector<std::string>& lines, std::string_view prefix) {
  std::string text;
  for (const std::string& line : lines) text += fmt::format("{}{}\n", prefix, line);
  return text;
}

std::string problems(const std::vector<const Record*>& records, std::string_view prefix) {
  SharedFacts facts(records);
  for (const Record* record : records)
    if (record->outcome != Outcome::ok)
      facts.add(*record, fmt::format("{}: {}", name_of(record->outcome), record->reason));
    else if (const std::string failure = quality_failure(*record); !failure.empty())
      facts.add(*record, fmt::format("quality {}", failure));
  return bulleted(facts.lines(), prefix);
}

// Without what each computes: that stands in the notes, and a terminal is narrow.
std::string frameworks_text(const std::vector<const Record*>& records) {
  analysis::Table table = analysis::compare_frameworks(records);
  if (table.rows.empty()) return {};
  table.columns.pop_back();
  for (auto& row : table.rows) row.pop_back();
  return "\n" + table_text(table);
}

std::string host_text(const Run& run) {
  return fmt::format("{}, {} cores, {}", run.host["cpu"].as_string(),
                     run.host["physical_cores"].as_int(), run.host["os"].as_string());
}

// What a model file was given, and what of it neither file nor user said.
std::vector<std::string> input_notes_of(const Record& record) {
  std::vector<std::string> notes;
  for (const Json& input : record.manifest["inputs"].as_array()) {
    const std::string& name = input["name"].as_string();
    std::string note = fmt::format("input {}: {} {}, {}", name, input["shape"].as_string(),
                                   input["type"].as_string(), input["values"].as_string());
    if (const auto& assumed = input["assumed"].as_array(); !assumed.empty()) {
      std::string list;
      for (const Json& item : assumed)
        list += fmt::format("{}{}", list.empty() ? "" : ", ", item.as_string());
      note +=
          fmt::format("; the file leaves open what was taken as {} (--input {}=SHAPE)", list, name);
    }
    notes.push_back(std::move(note));
  }
  for (const Json& output : record.manifest["outputs"].as_array())
    if (output["not_finite_count"].is_int())
      notes.push_back(fmt::format("an output of shape {} has {} values that are not finite",
                                  output["shape"].as_string(),
                                  output["not_finite_count"].as_int()));
  for (const Launch& launch : record.launches)
    if (launch.facts["comparison_problem"].is_string())
      notes.push_back(
          fmt::format("outputs not compared: {}", launch.facts["comparison_problem"].as_string()));
  return notes;
}

}  // namespace

std::string describe_workload(const std::vector<const Record*>& records) {
  const Record& record = *records.front();
  const Workload& w = record.subject.workload;
  const bool is_sweep = std::ranges::any_of(
      records, [&](const Record* other) { return other->subject.workload.batch != w.batch; });
  std::string text = is_sweep ? std::string("batches as shown") : fmt::format("batch {}", w.batch);
  if (w.prompt_tokens > 0)
    text += fmt::format(", prompt of {} tokens, {} generated", w.prompt_tokens, w.generated_tokens);
  const Json& dataset = record.manifest["dataset"];
  if (dataset.is_null()) return text;
  const Json& limit = record.manifest["quality_item_count_max"];
  return text + fmt::format("; quality on {} ({}{} {})", dataset["name"].as_string(),
                            limit.is_int() ? fmt::format("the first {} of ", limit.as_int()) : "",
                            dataset["item_count"].as_int(),
                            w.prompt_tokens > 0 ? "tokens" : "pictures");
}

std::vector<std::string> notes_of(const std::vector<const Record*>& records) {
  SharedFacts facts(records);
  const int64_t usual_count = records.front()->manifest["quality_item_count_max"].as_int();
  for (const Record* record : records) {
    const std::string& type = record->manifest["actual"]["compute_type"].as_string();
    if (!type.empty() && type != "f32") facts.add(*record, "computes " + type);
    if (const Json& count = record->manifest["quality_item_count_max"];
        count.is_int() && count.as_int() != usual_count)
      facts.add(*record,
                fmt::format("quality on the first {} tokens or pictures only", count.as_int()));
    if (const Json& set = record->manifest["calibration"]; !set.is_null())
      facts.add(*record, fmt::format("calibrated on {} ({} items)", set["name"].as_string(),
                                     set["item_count"].as_int()));
    for (std::string& note : input_notes_of(*record)) facts.add(*record, std::move(note));
    if (record->manifest["fits_cache"].as_bool())
      facts.add(
          *record,
          "the weights fit the last-level cache, so memory may count for less than elsewhere");
    const Json& audit = record->manifest["audit"];
    if (audit["answers_are_equal"].is_bool() && !audit["answers_are_equal"].as_bool())
      facts.add(*record, "launches gave different answers to the same input");
    if (!audit["quality_answers_alike"].as_bool(true))
      facts.add(*record, "the launch that measured quality answers the timed input in other bits");
    if (audit["may_keep_answers"].as_bool())
      facts.add(*record, fmt::format("the same input took {:.2f} of the time of different ones: "
                                     "answers may be kept between runs",
                                     audit["same_input_ratio"].as_double()));
    const auto disturbed = std::ranges::count_if(record->launches, [](const Launch& launch) {
      return launch.facts["contention"].is_string();
    });
    if (disturbed > 0)
      facts.add(*record, fmt::format("{} launch{} disturbed by other programs (qbench explain)",
                                     disturbed, disturbed == 1 ? "" : "es"));
  }
  return facts.lines();
}

std::string render_terminal(const Document& document) {
  std::string text;
  for (const auto& group : analysis::group_by_model(document.records)) {
    text += table_text(analysis::summarize(group.records));
    text += fmt::format("  ({})\n", describe_workload(group.records));
    text += bulleted(notes_of(group.records), "  ");
    text += problems(group.records, "  ! ");
    text += frameworks_text(group.records);
    text += "\n";
  }
  return printable_lines(text);
}

std::string render_markdown(const Document& document) {
  std::string text = fmt::format("## qbench: {} ({})\n\n{}\n\n", document.run.suite_name,
                                 document.run.started_at, host_text(document.run));
  for (const auto& group : analysis::group_by_model(document.records)) {
    text += table_markdown(analysis::summarize(group.records));
    text += fmt::format("\n{}\n\n", describe_workload(group.records));
    text += bulleted(notes_of(group.records), "- ");
    text += problems(group.records, "- **not ok** ");
    if (const auto frameworks = analysis::compare_frameworks(group.records);
        !frameworks.rows.empty())
      text += "\n" + table_markdown(frameworks);
    text += "\n";
  }
  return printable_lines(text);
}

}  // namespace qb::report
