// Renders a run: for people (terminal, Markdown, HTML) and for machines (CSV, JSON).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "record/record.h"

namespace qb::report {

struct Document {
  Run run;
  std::vector<Record> records;
};

struct Format {
  std::string_view name;  // also the file's ending
  std::string (*render)(const Document& document);
};
std::vector<Format> formats();

// One table a model, columns aligned; cases that aren't ok are explained below.
std::string render_terminal(const Document& document);
std::string render_markdown(const Document& document);
// One line a measurement, RFC 4180; an absent value is an empty field.
std::string render_csv(const Document& document);
// Everything that is stored, raw samples too.
std::string render_json(const Document& document);
// One page without any other file: charts, tables, how to read them.
std::string render_html(const Document& document);

// How one figure of a record came to be: raw samples, launches, rule, interval, manifest. Error: a
// metric that the record doesn't have.
Result<std::string> render_explanation(const Record& record, std::string_view metric_name);

// "batch 1, prompt of 8 tokens, 8 generated; quality on …": what the records of a table share.
std::string describe_workload(const std::vector<const Record*>& records);

// What kernels really compute with, what was calibrated on which data, and every reservation (the
// cache, disturbances, answers that differ): a line each, naming all records that share it.
std::vector<std::string> notes_of(const std::vector<const Record*>& records);

Json to_json(const Record& record, bool with_samples);

}  // namespace qb::report
