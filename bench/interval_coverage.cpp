// How often the 95 % intervals that the program prints hold the truth: made-up launches and texts
// whose truth is known, given to the program's own functions. For every kind of interval at the
// fewest launches, pictures or tokens that it is printed for, and at more.
//
//   build/release/bin/bench_interval_coverage [REPEATS]   (default 4000: standard error 0.003)
#include <fmt/core.h>

#include <cmath>
#include <cstdlib>
#include <functional>
#include <optional>

#include "results/metrics/launches.h"
#include "results/metrics/metrics.h"
#include "stats/chunks.h"
#include "stats/intervals.h"
#include "stats/simulation.h"

using namespace qb;
using namespace qb::stats;

namespace {

struct Bound {
  double truth = 0.0;
  std::optional<Interval> interval;
};
using Draw = std::function<Bound(Rng&)>;

// One figure of a table: the share of intervals that hold the truth; "none" when one isn't there.
void print_coverage(int repeat_count, const Draw& draw) {
  static uint64_t seed = 0;  // each figure has draws of its own, the same in every run
  Rng rng(++seed);
  int held = 0;
  for (int i = 0; i < repeat_count; ++i) {
    const Bound bound = draw(rng);
    if (!bound.interval) {
      fmt::print(" {:>6}", "none");
      return;
    }
    held += bound.interval->low <= bound.truth && bound.truth <= bound.interval->high ? 1 : 0;
  }
  fmt::print(" {:>6.3f}", static_cast<double>(held) / repeat_count);
}

void print_head(const char* title, std::initializer_list<size_t> counts, int width = 24) {
  fmt::print("\n{}\n{:<{}}", title, "", width);
  for (const size_t count : counts) fmt::print(" {:>6}", count);
  fmt::print("\n");
}

// A case of the classifier kind with one inference a launch.
Record record_of(const std::vector<double>& times) {
  Record record = {.subject = {.workload = {{"batch", 1}}, .task = "image_classification"}};
  for (size_t i = 0; i < times.size(); ++i)
    record.launches.push_back({.index = static_cast<int64_t>(i),
                               .samples = {{"inference", {static_cast<int64_t>(times[i] * 1e9)}}}});
  record.measurements = {metrics::speed_of(record)};
  return record;
}

void print_launches(int repeat_count) {
  const auto counts = {3u, 4u, 5u, 6u, 8u, 9u, 10u, 12u, 20u};
  const auto each_noise = [&](const char* title, const auto& draw_of) {
    print_head(title, {3, 4, 5, 6, 8, 9, 10, 12, 20});
    for (const double deviation : {0.02, 0.1})
      for (const NoiseRow& row : noises) {
        fmt::print("{:<14} {:>4.0f} %   ", row.name, deviation * 100.0);
        for (const size_t count : counts)
          print_coverage(repeat_count, draw_of(row.noise, deviation, count));
        fmt::print("\n");
      }
  };
  each_noise("Speed of a case, by launches", [](Noise noise, double deviation, size_t count) {
    const double truth = 1.0 / median_of(noise, deviation);
    return [=](Rng& rng) {
      const Measurement m =
          metrics::speed_of(record_of(draw_launches(rng, noise, deviation, count)));
      Bound bound = {.truth = truth};
      if (m.low) bound.interval = Interval{*m.low, *m.high};
      return bound;
    };
  });
  each_noise("Ratio of two cases, by pairs of launches; a block shares 5 % of its own",
             [](Noise noise, double deviation, size_t count) {
               return [=](Rng& rng) {
                 auto own = draw_launches(rng, noise, deviation, count);
                 auto others = draw_launches(rng, noise, deviation, count);
                 for (size_t i = 0; i < count; ++i) {
                   const double block = std::exp(0.05 * rng.normal());
                   own[i] *= block;
                   others[i] *= block;
                 }
                 return Bound{1.0,
                              metrics::speed_ratio(record_of(own), record_of(others))->interval};
               };
             });
}

void print_stopping(int repeat_count) {
  print_head("Stopped at a half-width of 2 %, by the most launches there may be", {12, 20, 40});
  for (const double deviation : {0.02, 0.03, 0.05})
    for (const NoiseRow& row : noises) {
      fmt::print("{:<14} {:>4.0f} %   ", row.name, deviation * 100.0);
      for (const size_t count_max : {12u, 20u, 40u})
        print_coverage(repeat_count, [&](Rng& rng) {
          auto launches = draw_launches(rng, row.noise, deviation, stopping_count_min);
          while (!may_stop(launches, 0.02) && launches.size() < count_max)
            launches.push_back(draw_launch(rng, row.noise, deviation));
          return Bound{median_of(row.noise, deviation), launches_interval(launches)};
        });
      fmt::print("\n");
    }
}

// A record whose quality launch told these facts.
Bound quality_bound(const char* metric, int64_t prompt_tokens, double truth, Json facts) {
  Record record = {.subject = {.task = prompt_tokens > 0 ? "causal_lm" : "image_classification"},
                   .launches = {{.kind = "quality", .facts = std::move(facts)}}};
  const metrics::Metric& row = *metrics::find_metric(metric);
  const Measurement m = row.measure(record, row);
  Bound bound = {.truth = truth};
  if (m.low) bound.interval = Interval{*m.low, *m.high};
  return bound;
}

void print_pictures(int repeat_count) {
  print_head("Share of pictures, by pictures", {52, 156, 1022});
  for (const double share : {0.5, 0.75, 0.9, 0.98}) {
    fmt::print("{:<24}", share);
    for (const int64_t count : {52, 156, 1022})
      print_coverage(repeat_count, [&](Rng& rng) {
        int64_t right = 0;
        for (int64_t i = 0; i < count; ++i) right += rng.uniform() < share ? 1 : 0;
        return quality_bound("top1_accuracy", 0, share,
                             Json::object({{"picture_count", count},
                                           {"top1_accuracy", static_cast<double>(right) /
                                                                 static_cast<double>(count)}}));
      });
    fmt::print("\n");
  }
}

// A text of tokens that each give `value_of` a standard normal number; neighbours' numbers
// correlate by r.
void print_text(int repeat_count, const char* title, const char* metric, const char* fact,
                double truth, const std::function<double(Rng&, double)>& value_of) {
  print_head(title, {64, 128, 256, 512, 1022, 4096});
  for (const double r : {0.0, 0.3, 0.5}) {
    fmt::print("neighbours' r {:<10}", r);
    for (const size_t count : {64u, 128u, 256u, 512u, 1022u, 4096u})
      print_coverage(count > 2000 ? repeat_count / 4 : repeat_count, [&](Rng& rng) {
        auto series = draw_series(rng, r, count);
        for (double& value : series) value = value_of(rng, value);
        Json facts = Json::object({{"token_count", count}});
        facts.set(fact, mean(series))
            .set(fmt::format("{}_chunks", fact), Json::array_of(chunk_means(series)))
            .set("perplexity", std::exp(mean(series)));
        return quality_bound(metric, 8, truth, std::move(facts));
      });
    fmt::print("\n");
  }
}

void print_texts(int repeat_count) {
  print_text(repeat_count, "Share of 0.75 of a text, by tokens", "top1_agreement", "top1_agreement",
             0.75, [](Rng&, double z) { return z < 0.67449 ? 1.0 : 0.0; });
  print_text(repeat_count, "Share of 0.98 of a text", "top1_agreement", "top1_agreement", 0.98,
             [](Rng&, double z) { return z < 2.05375 ? 1.0 : 0.0; });
  print_text(repeat_count, "Perplexity (log likelihoods lognormal, log sd 0.8)", "perplexity",
             "nll", std::exp(std::exp(0.32)), [](Rng&, double z) { return std::exp(0.8 * z); });
  print_text(repeat_count, "Perplexity ratio (differences heavy-tailed)", "perplexity_ratio",
             "nll_difference", 1.0,
             [](Rng& rng, double z) { return 0.1 * z * std::exp(0.8 * rng.normal()); });
  for (const double deviation : {1.0, 1.5, 2.0})
    print_text(repeat_count, fmt::format("KL (lognormal, log sd {})", deviation).c_str(),
               "kl_divergence", "kl_divergence", std::exp(deviation * deviation / 2.0),
               [deviation](Rng&, double z) { return std::exp(deviation * z); });
}

}  // namespace

int main(int argument_count, char** arguments) {
  const int repeat_count = argument_count > 1 ? std::atoi(arguments[1]) : 4000;
  if (repeat_count < 4) {
    fmt::print(stderr, "bench_interval_coverage [REPEATS], 4 at least\n");
    return 2;
  }
  fmt::print("Share of the 95 % intervals that hold the truth, of {} each\n", repeat_count);
  print_launches(repeat_count);
  print_stopping(repeat_count);
  print_pictures(repeat_count);
  print_texts(repeat_count);
  return 0;
}
