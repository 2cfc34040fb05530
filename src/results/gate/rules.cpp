#include "results/gate/rules.h"

#include <toml++/toml.h>

#include "base/number.h"
#include "results/metrics/launches.h"

namespace qb::gate {
namespace {

struct Place {
  std::string_view origin;
  const toml::node& node;

  tl::unexpected<Error> refuse(std::string_view field, std::string_view reason) const {
    return fail(Errc::bad_input, "{}:{}: {}: {}", origin, node.source().begin.line, field, reason);
  }
};

Result<double> read_percent(const Place& at, std::string_view field) {
  const auto share = parse_percent(at.node.value_or(std::string()));
  if (!share || !(*share >= 0.0 && *share < 1.0))
    return at.refuse(field, "must be a share such as \"3 %\", below 100 %");
  return *share;
}

Result<Tolerance> read_tolerance(const Place& at, std::string_view name) {
  if (name != speed_name && !metrics::find_metric(name))
    return at.refuse(name, "is no metric; `qbench metrics` lists them, \"speed\" is each task's");
  if (name != speed_name && metrics::find_metric(name)->better == metrics::Better::neither)
    return at.refuse(name, "has no better and worse");
  Tolerance tolerance = {.metric = std::string(name)};
  if (at.node.is_string()) {
    QB_TRY(tolerance.value, read_percent(at, name));
    return tolerance;
  }
  const auto number = at.node.value<double>();
  if (!number || !(*number >= 0.0) || *number > 1e18)
    return at.refuse(name,
                     "must be how much worse it may be: a share such as \"3 %\", or a number of "
                     "0 and more in the metric's unit");
  tolerance.value = *number;
  tolerance.is_relative = false;
  return tolerance;
}

Result<void> read_tolerances(const Place& at, Rules& rules) {
  const toml::table* table = at.node.as_table();
  if (!table) return at.refuse("tolerance", "must be a table");
  rules.tolerances.clear();
  for (const auto& [key, node] : *table) {
    QB_TRY(Tolerance tolerance, read_tolerance({at.origin, node}, key.str()));
    rules.tolerances.push_back(std::move(tolerance));
  }
  if (rules.tolerances.empty()) return at.refuse("tolerance", "names no metric");
  return {};
}

Result<void> read_field(const Place& at, std::string_view name, Rules& rules) {
  if (name == "tolerance") return read_tolerances(at, rules);
  if (name == "run_noise" || name == "build_noise") {
    QB_TRY((name == "run_noise" ? rules.shifts.run : rules.shifts.build), read_percent(at, name));
    return {};
  }
  if (name != "false_alarms")
    return at.refuse(name, "unknown field; known: false_alarms, run_noise, build_noise, tolerance");
  const auto share = at.node.value_exact<double>();
  if (!share || !(*share > 0.0 && *share < 0.5))
    return at.refuse(name, "must be a number between 0 and 0.5, such as 0.01");
  rules.false_alarms = *share;
  return {};
}

}  // namespace

std::string Tolerance::text() const {
  return is_relative ? fmt::format("{:g} %", value * 100.0) : fmt::format("{:g}", value);
}

Rules default_rules() {
  return {.tolerances = {{.metric = std::string(speed_name), .value = 0.03},
                         {.metric = "rss_bytes_peak", .value = 0.02},
                         {.metric = "bundle_bytes", .value = 0.01},
                         {.metric = "perplexity", .value = 0.005},
                         {.metric = "top1_agreement", .value = 0.005, .is_relative = false},
                         {.metric = "top1_accuracy", .value = 0.005, .is_relative = false},
                         {.metric = "output_cosine", .value = 0.001, .is_relative = false}}};
}

Result<Rules> parse_rules(std::string_view text, std::string_view origin) {
  toml::table table;
  try {
    table = toml::parse(text, origin);
  } catch (const toml::parse_error& error) {
    return fail(Errc::bad_input, "{}:{}: {}", origin, error.source().begin.line,
                error.description());
  }
  Rules rules = default_rules();
  for (const auto& [key, node] : table) QB_CHECK(read_field({origin, node}, key.str(), rules));
  return rules;
}

const metrics::Metric* metric_of(const Tolerance& tolerance, const Record& record) {
  const std::string_view name =
      tolerance.metric == speed_name ? metrics::speed_metric(record) : tolerance.metric;
  if (!task::applies(name, task_of(record.subject), record.subject.workload)) return nullptr;
  return metrics::find_metric(name);
}

}  // namespace qb::gate
