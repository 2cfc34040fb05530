// Renders a run: for people (terminal, Markdown, HTML) and for machines (CSV, JSON).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "measurement/record/record.h"
#include "results/metrics/metrics.h"
#include "results/sections/block.h"

namespace qb::report {

struct Document {
  Run run;
  std::vector<Record> records;
};

// How much room a text has.
struct Layout {
  size_t column_count = 100;  // of a line
  bool is_wide = false;       // every column and note, however long the lines
};

struct Format {
  std::string_view name;  // also the file's ending
  std::string (*render)(const Document& document, const Layout& layout);
};
std::vector<Format> formats();

// One table a model, columns aligned, the less important ones left out where lines get too long;
// below it what limits its figures and which cases aren't ok; at the end the verdicts in words.
std::string render_terminal(const Document& document, const Layout& layout = {});
std::string render_markdown(const Document& document);
// One line a measurement, RFC 4180; an absent value is an empty field.
std::string render_csv(const Document& document);
// Everything that is stored, raw samples too.
Json document_json(const Document& document);
std::string render_json(const Document& document);
// Bencher Metric Format: {case: {metric: {value, lower_value, upper_value}}}.
std::string render_bmf(const Document& document);
// What github-action-benchmark takes as customSmallerIsBetter and customBiggerIsBetter: a list for
// either, since it knows one direction a file.
std::string render_custom(const Document& document, metrics::Better better);
// One page without any other file: charts, tables, how to read them.
std::string render_html(const Document& document);

// Blocks that stand by themselves, as what compares two runs makes them.
std::string text_of(const sections::Blocks& blocks, const Layout& layout);
std::string markdown_of(const sections::Blocks& blocks);

// How one figure of a record came to be: raw samples, launches, rule, interval, manifest. Error: a
// metric that the record doesn't have.
Result<std::string> render_explanation(const Record& record, std::string_view metric_name);

Json to_json(const Record& record, bool with_samples);
// What each of these metrics is called, its unit, which way is better; no names: all metrics.
Json metrics_json(const std::vector<std::string_view>& names = {});

// A fact of a machine for people, its unit being what its name ends with: "25.3 GB", "400 GB/s".
std::string host_value_text(std::string_view key, const Json& value);

}  // namespace qb::report
