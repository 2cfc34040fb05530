// The command line's verbs, with their options.
#pragma once

#include "cli/commands.h"

namespace CLI {  // NOLINT(readability-identifier-naming): the library's name
class App;
}

namespace qb::cli {

// What the verbs were given; each verb fills in its own.
struct VerbOptions {
  RunOptions run;
  RecordsOptions records;
  QuantizeOptions quantize;
  ExportOptions exported;
  ExplainOptions explain;
  FetchOptions fetched;
  CompareOptions compared;
  GateOptions gated;
  RecommendOptions recommended;
  BaselineOptions baseline;
  HistoryOptions history;
  PublishOptions published;
  NightlyOptions nightly;
  ServeOptions served;
  MergeOptions merged;
  bool json = false;  // of the listings
};

void add_verbs(CLI::App& app, VerbOptions& options);

// Does what the verb that was parsed says. The exit code.
int carry_out(const CLI::App& app, const VerbOptions& options);

}  // namespace qb::cli
