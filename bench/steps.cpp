// The steps of series, for bench/change_points.py.
//   bench_steps < SERIES.json                 a list of lists of numbers, to a list of lists of
//   indices bench_steps nightly [YEARS]               alarms of a year of nightly looks, by bounds
#include "stats/steps.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <string>

#include "base/json.h"
#include "base/rng.h"
#include "stats/simulation.h"

using namespace qb;
using namespace qb::stats;

namespace {

constexpr size_t looked_at = 200;    // nights
constexpr size_t nights_alike = 10;  // a step that wanders by less was told already

// Of a year of nightly looks.
int count_alarms(Rng& rng, double dependence, const StepBounds& bounds) {
  const std::vector<double> nights = draw_series(rng, dependence, looked_at + 365);
  std::vector<size_t> told;
  int alarms = 0;
  for (size_t night = looked_at; night < nights.size(); ++night) {
    const size_t first = night - looked_at;
    for (const Step& step : find_steps(std::span(nights).subspan(first, looked_at), bounds)) {
      const size_t where = first + step.first;
      const bool is_new = std::ranges::none_of(told, [where](size_t other) {
        return std::max(where, other) - std::min(where, other) < nights_alike;
      });
      if (!is_new) continue;
      told.push_back(where);
      alarms += night > looked_at ? 1 : 0;  // the first look is at a history, not at a night
    }
  }
  return alarms;
}

void print_nightly(int years) {
  fmt::print("A look each night at the last {} nights; {} years without a change\n", looked_at,
             years);
  fmt::print("{:>8}{:>8}{:>12}{:>18}\n", "step", "pulse", "AR(1)", "alarms a year");
  for (const StepBounds& bounds : {step_bounds_of_a_page, step_bounds_of_a_night})
    for (const double dependence : {0.0, 0.5}) {
      Rng rng(1);
      int alarms = 0;
      for (int year = 0; year < years; ++year) alarms += count_alarms(rng, dependence, bounds);
      fmt::print("{:>8}{:>8}{:>12}{:>18.3f}\n", bounds.step, bounds.pulse, dependence,
                 static_cast<double>(alarms) / years);
      std::fflush(stdout);
    }
}

int find_in_input() {
  const std::string text(std::istreambuf_iterator<char>(std::cin), {});
  const Result<Json> input = parse_json(text);
  if (!input) {
    fmt::print(stderr, "{}\n", input.error().message);
    return 2;
  }
  Json::Array all;
  std::chrono::duration<double, std::milli> taken{};
  for (const Json& one : input->as_array()) {
    std::vector<double> series;
    for (const Json& value : one.as_array()) series.push_back(value.as_double());
    const auto start = std::chrono::steady_clock::now();
    const std::vector<Step> steps = find_steps(series);
    taken += std::chrono::steady_clock::now() - start;
    Json::Array firsts;
    for (const Step& step : steps) firsts.push_back(static_cast<int64_t>(step.first));
    all.push_back(std::move(firsts));
  }
  fmt::print("{}\n", dump_json(Json::object({{"steps", std::move(all)}, {"ms", taken.count()}})));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  if (mode != "nightly") return find_in_input();
  print_nightly(argc > 2 ? std::atoi(argv[2]) : 150);
  return 0;
}
