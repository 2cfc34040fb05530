#include "stats/race.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/rng.h"
#include "stats/simulation.h"

using namespace qb;
using namespace qb::stats;

namespace {

constexpr int repeat_count = 300;

struct Outcome {
  double launches = 0.0;  // of a race
  double right = 0.0;     // share of races whose answer is within 2 % of the best
};

// `rates`: tokens a second of each candidate. A round's state of the machine is shared.
Outcome run_races(uint64_t seed, const std::vector<double>& rates, Noise noise, double deviation) {
  Rng rng(seed);
  Outcome outcome;
  const double best = *std::ranges::max_element(rates);
  for (int i = 0; i < repeat_count; ++i) {
    Race race(rates.size());
    size_t launches = 0;
    while (!race.is_over()) {
      const double shared = 0.03 * rng.normal();
      std::vector<double> logs;
      for (const size_t candidate : race.open())
        logs.push_back(shared + std::log(draw_launch(rng, noise, deviation) / rates[candidate]));
      launches += logs.size();
      race.add_round(logs);
    }
    outcome.launches += static_cast<double>(launches) / repeat_count;
    outcome.right += (rates[race.leader()] >= best * 0.98 ? 1.0 : 0.0) / repeat_count;
  }
  return outcome;
}

// Twelve that fulfil the constraints, of twenty: 60 to 210 tokens a second.
std::vector<double> spread_rates() {
  std::vector<double> rates;
  for (int i = 0; i < 12; ++i) rates.push_back(60.0 * std::pow(210.0 / 60.0, i / 11.0));
  return rates;
}

}  // namespace

// Five launches of each of the twenty would be 100.
TEST_CASE("a race takes a third of the launches and gives the same answer") {
  for (const Noise noise : {Noise::normal, Noise::lognormal, Noise::heavy_tailed}) {
    const Outcome quiet = run_races(1, spread_rates(), noise, 0.02);
    CHECK(quiet.launches <= 100.0 / 3.0);
    CHECK(quiet.right >= 0.99);
  }
  const Outcome loud = run_races(2, spread_rates(), Noise::normal, 0.05);
  CHECK(loud.launches <= 100.0 / 2.5);
  CHECK(loud.right >= 0.99);
}

TEST_CASE("candidates as good as each other end as the same, or undecided at the last round") {
  const Outcome outcome = run_races(3, {100.0, 100.0, 60.0}, Noise::normal, 0.005);
  CHECK(outcome.right == doctest::Approx(1.0));
  CHECK(outcome.launches < 3.0 + 2.0 * 9.0);
  Race race(2);
  for (int round = 0; round < 10; ++round)
    race.add_round(std::vector<double>{round % 2 * 0.1, (round + 1) % 2 * 0.1});
  CHECK(race.is_over());
  CHECK(race.undecided().size() == 1);
}

TEST_CASE("nothing is decided before the second round, and one candidate needs no race") {
  Race race(3);
  race.add_round(std::vector<double>{0.0, 5.0, 5.0});
  CHECK_FALSE(race.is_over());
  CHECK(race.open().size() == 3);
  race.add_round(std::vector<double>{0.0, 5.0, 5.01});
  CHECK(race.is_over());
  CHECK(race.open() == std::vector<size_t>{0});
  CHECK(race.leader() == 0);
  CHECK(Race(1).is_over());
}

TEST_CASE("one that can't be measured any more withdraws") {
  Race race(2);
  race.withdraw(0);
  CHECK(race.is_over());
  CHECK(race.leader() == 1);
}
