// A comparison in words, tables and JSON.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "results/comparison/compare.h"
#include "results/sections/block.h"

namespace qb::comparison {

// What two sides are, for a reader.
struct Sides {
  std::string before;  // "run 20261125-…, 2026-11-25T…, suite quick"
  std::string after;
  std::vector<Difference> differences;
  Pairs pairs;
};

std::string title_of(const report::Document& document);

// What is compared and how, what differs, which cases only one side has.
sections::Blocks head_of(const Sides& sides, const Shifts& shifts);
// The head, a table for each model, and how many of each answer.
sections::Blocks blocks_of(const Sides& sides, const std::vector<Comparison>& comparisons,
                           const Shifts& shifts);

Json to_json(const Sides& sides);
Json to_json(const Comparison& comparison);

// "21.4 tokens/s", or "–".
std::string figure_text(const Measurement* measurement, const metrics::Metric& metric);
// "0.953x": changes are small, so that two decimals are too few.
std::string ratio_text(double ratio);
// "0.95x (0.93x to 0.97x)", "-0.004 (-0.02 to 0.012)", or "–".
std::string change_text(const Comparison& comparison);

}  // namespace qb::comparison
