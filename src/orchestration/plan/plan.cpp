#include "orchestration/plan/plan.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "base/rng.h"
#include "compression/quant/scheme.h"
#include "measurement/record/frameworks.h"
#include "network/models/models.h"
#include "orchestration/plan/need.h"

namespace qb::plan {
namespace {

constexpr std::string_view devices[] = {"cpu", "gpu", "ane", "cpu+gpu", "cpu+ane", "all"};

Result<void> check_name(std::string_view kind, std::string_view name,
                        std::span<const std::string_view> known) {
  if (std::ranges::find(known, name) != known.end()) return {};
  return fail(Errc::bad_input, "unknown {} \"{}\"; known: {}", kind, name, fmt::join(known, " "));
}

std::vector<std::string> all_schemes() {
  std::vector<std::string> names;
  for (const quant::Scheme& scheme : quant::schemes()) names.emplace_back(scheme.name);
  return names;
}

// Of a suite whose benchmarks list different frameworks each keeps to its own: a framework is
// measured where it is listed, and everywhere when no benchmark lists it.
std::vector<std::string> narrowed_frameworks(const spec::Benchmark& benchmark,
                                             const spec::Suite& suite,
                                             const std::vector<std::string>& wanted) {
  const auto lists = [](const spec::Benchmark& b, std::string_view name) {
    return std::ranges::find(b.frameworks, base_framework(name)) != b.frameworks.end() ||
           std::ranges::find(b.frameworks, name) != b.frameworks.end();
  };
  std::vector<std::string> kept;
  for (const std::string& name : wanted)
    if (lists(benchmark, name) ||
        std::ranges::none_of(suite.benchmarks,
                             [&](const spec::Benchmark& b) { return lists(b, name); }))
      kept.push_back(name);
  return kept;
}

// The benchmark with the user's lists in place of the suite's.
spec::Benchmark narrowed(spec::Benchmark benchmark, const spec::Suite& suite,
                         const Narrowing& narrowing) {
  if (!narrowing.schemes.empty()) benchmark.schemes = narrowing.schemes;
  if (benchmark.schemes == std::vector<std::string>{"all"}) benchmark.schemes = all_schemes();
  if (!narrowing.frameworks.empty())
    benchmark.frameworks = narrowed_frameworks(benchmark, suite, narrowing.frameworks);
  benchmark.frameworks = with_versions(benchmark.frameworks, narrowing);
  if (!narrowing.devices.empty()) benchmark.devices = narrowing.devices;
  for (const auto& [axis, values] : narrowing.axes)
    if (!values.empty()) benchmark.axes[axis] = values;
  return benchmark;
}

Result<void> check_names(const spec::Benchmark& benchmark) {
  for (const std::string& name : benchmark.models) {
    QB_TRY([[maybe_unused]] const PlannedModel model, planned_model(name));
  }
  for (const std::string& name : benchmark.schemes) {
    QB_TRY([[maybe_unused]] const quant::Scheme scheme, quant::find_scheme(name));
  }
  std::vector<std::string_view> frameworks;
  for (const FrameworkRow& row : framework_rows) frameworks.push_back(row.name);
  for (const std::string& name : benchmark.frameworks)
    QB_CHECK(check_name("framework", base_framework(name), frameworks));
  return check_devices(benchmark.devices);
}

// What another tool quantized is measured with its own bits too, and an adapter beside the weights
// as well as in them, unless schemes were asked for.
std::vector<std::string> schemes_for(const PlannedModel& model, const spec::Benchmark& benchmark,
                                     const Narrowing& narrowing) {
  std::vector<std::string> schemes = benchmark.schemes;
  if (!narrowing.schemes.empty()) return schemes;
  const bool has_adapter = !models::split_adapter(model.source).adapter.empty();
  if (!model.format.empty() && !has_adapter) schemes.emplace_back("as-is");
  if (!model.format.empty() && has_adapter) schemes.emplace_back("as-is+lora");
  if (has_adapter)
    for (const std::string& scheme : benchmark.schemes)
      if (const std::string beside = scheme + "+lora"; quant::find_scheme(beside))
        schemes.push_back(beside);
  return schemes;
}

void add_case(PlannedCase planned, Plan& plan) {
  const auto is_same = [&](const PlannedCase& other) { return other.subject == planned.subject; };
  if (std::ranges::none_of(plan.cases, is_same)) plan.cases.push_back(std::move(planned));
}

Result<void> check_context(const PlannedModel& model, const task::Task& task, const Workload& w) {
  int64_t tokens = 0;
  for (const task::Axis* axis : task.axes)
    if (axis->is_context) tokens += w.integer(axis->name);
  if (tokens == 0 || tokens <= model.context_tokens) return {};
  return fail(Errc::bad_input, "{} tokens of context are wanted, {} was made for {}", tokens,
              model.name, model.context_tokens);
}

// What shapes tell of the case.
void note_need(const PlannedModel& model, const spec::Protocol& protocol, const Machine& machine,
               PlannedCase& planned) {
  const Case& subject = planned.subject;
  const task::Task& task = task::row_of(subject.task);
  const Result<quant::Scheme> scheme = quant::find_scheme(subject.scheme);
  if (!scheme) return;  // the names were checked
  const auto need = need_of(model.outline, *scheme, subject.framework, task, subject.workload);
  if (!need) return;
  planned.misfit = misfit_of(*need, machine.memory_bytes);
  const int64_t round_count = protocol.warmup_count_min + protocol.iteration_count_min;
  planned.launch_ns = static_cast<int64_t>(
      1e9 * launch_seconds(model.outline, *need, task, subject.workload, round_count));
}

int64_t item_count_of(const spec::Benchmark& benchmark, const PlannedModel& model) {
  const int64_t wanted = benchmark.quality_item_count;
  if (model.outline.weight_count() <= large_weight_count) return wanted;
  return wanted == 0 ? large_item_count : std::min(wanted, large_item_count);
}

Result<void> add_cases(const spec::Suite& suite, const spec::Benchmark& benchmark,
                       const PlannedModel& model, const Narrowing& narrowing,
                       const Machine& machine, Plan& plan) {
  const task::Task& task = task::row_of(model.task);
  const auto workloads = workloads_of(task, benchmark.axes, machine.thread_count);
  for (const Workload& workload : workloads) QB_CHECK(check_context(model, task, workload));
  const int64_t item_count = item_count_of(benchmark, model);
  for (const std::string& framework : benchmark.frameworks)
    for (const std::string& device : benchmark.devices)
      for (const std::string& scheme : schemes_for(model, benchmark, narrowing))
        for (const Workload& workload : workloads) {
          PlannedCase planned = {
              .subject = {model.name, scheme, framework, device, workload, model.task},
              .quality = benchmark.quality,
              .quality_item_count = item_count,
              .source = model.source};
          note_need(model, suite.protocol, machine, planned);
          add_case(std::move(planned), plan);
        }
  return {};
}

bool is_listed(const spec::Suite& suite, const std::string& name) {
  return std::ranges::any_of(suite.benchmarks, [&](const spec::Benchmark& benchmark) {
    return std::ranges::count(benchmark.models, name) > 0;
  });
}

// Those of the benchmark that the user wants, and the user's own in place of what is like them.
Result<std::vector<PlannedModel>> models_of(const spec::Benchmark& benchmark,
                                            const spec::Suite& suite, const Narrowing& narrowing) {
  const bool wants_all = narrowing.models.empty() && narrowing.own_models.empty();
  std::vector<PlannedModel> wanted;
  std::set<std::string> tasks;
  for (const std::string& name : benchmark.models) {
    QB_TRY(PlannedModel model, planned_model(name));
    tasks.insert(model.task);
    if (wants_all || std::ranges::count(narrowing.models, name) > 0)
      wanted.push_back(std::move(model));
  }
  for (const std::string& name : narrowing.models) {
    if (is_listed(suite, name)) continue;
    QB_TRY(PlannedModel model, planned_model(name));
    if (tasks.contains(model.task)) wanted.push_back(std::move(model));
  }
  for (const PlannedModel& own : narrowing.own_models)
    if (tasks.contains(own.task)) wanted.push_back(own);
  return wanted;
}

Result<void> check_left(const Plan& plan, const spec::Suite& suite, const Narrowing& narrowing) {
  for (const PlannedModel& own : narrowing.own_models)
    if (std::ranges::find(plan.cases, own.source, &PlannedCase::source) == plan.cases.end())
      return fail(Errc::bad_input, "nothing of suite \"{}\" is for {}: {}", suite.name, own.name,
                  task::row_of(own.task).summary);
  if (!plan.cases.empty()) return {};
  return fail(Errc::bad_input, "nothing is left of suite \"{}\": it has no model {}", suite.name,
              fmt::join(narrowing.models, " or "));
}

}  // namespace

std::vector<Workload> workloads_of(const task::Task& task, const Axes& axes,
                                   int64_t default_thread_count) {
  std::vector<Workload> workloads = {{}};
  for (const task::Axis* axis : task.axes) {
    const auto given = axes.find(axis->name);
    const std::vector<double> values =
        given != axes.end() && !given->second.empty()
            ? given->second
            : std::vector{axis->default_value.value_or(static_cast<double>(default_thread_count))};
    std::vector<Workload> longer;
    for (const Workload& workload : workloads)
      for (const double value : values) {
        longer.push_back(workload);
        longer.back().set(axis->name, value);
      }
    workloads = std::move(longer);
  }
  return workloads;
}

void add_launches(Plan& plan, const spec::Protocol& protocol, uint64_t seed) {
  const int64_t launch_count = std::max(protocol.launch_count, protocol.launch_count_max);
  Rng rng(derive_seed(seed, "order of launches"));
  std::vector<size_t> order(plan.cases.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  for (int64_t block = 0; block < launch_count; ++block) {
    rng.shuffle(std::span(order));
    for (const size_t index : order) {
      if (!plan.cases[index].misfit.empty()) continue;
      plan.launches.push_back({.case_index = index, .index = block});
      if (block == 0 && plan.cases[index].quality)
        plan.launches.push_back({.case_index = index, .is_quality = true});
    }
  }
}

void judge_quality_first(Plan& plan) {
  std::vector<PlannedLaunch> ordered;
  for (const bool is_quality : {true, false})
    std::ranges::copy_if(
        plan.launches, std::back_inserter(ordered),
        [&](const PlannedLaunch& launch) { return launch.is_quality == is_quality; });
  plan.launches = std::move(ordered);
}

std::vector<std::string> with_versions(const std::vector<std::string>& frameworks,
                                       const Narrowing& narrowing) {
  std::vector<std::string> names;
  for (const std::string& name : frameworks) {
    const auto found = narrowing.versions.find(name);
    if (found == narrowing.versions.end())
      names.push_back(name);
    else
      names.insert(names.end(), found->second.begin(), found->second.end());
  }
  return names;
}

Result<void> check_devices(const std::vector<std::string>& names) {
  for (const std::string& name : names) QB_CHECK(check_name("device", name, devices));
  return {};
}

Result<PlannedModel> planned_model(std::string_view name) {
  QB_TRY(const models::Model model, models::find_model(name));
  QB_TRY(const std::vector<models::NamedGraph> networks, models::build_networks(model));
  PlannedModel planned = {model.name, model.name, model.task, model.context_tokens};
  for (const auto& [network, graph] : networks)
    bundle::add(bundle::outline_of(graph), planned.outline);
  return planned;
}

Result<Plan> build_plan(const spec::Suite& suite, const Narrowing& narrowing,
                        const Machine& machine, uint64_t seed) {
  Plan plan;
  if (suite.benchmarks.empty())
    return fail(Errc::bad_input,
                "suite \"{}\" has no [[benchmark]]: give model files to run with "
                "--model",
                suite.name);
  for (const std::string& name : narrowing.models) {
    QB_TRY([[maybe_unused]] const PlannedModel model, planned_model(name));
  }
  for (const spec::Benchmark& original : suite.benchmarks) {
    spec::Benchmark benchmark = narrowed(original, suite, narrowing);
    QB_CHECK(check_names(benchmark));
    QB_TRY(const std::vector<PlannedModel> wanted, models_of(benchmark, suite, narrowing));
    for (const PlannedModel& model : wanted)
      QB_CHECK(add_cases(suite, benchmark, model, narrowing, machine, plan));
  }
  QB_CHECK(check_left(plan, suite, narrowing));
  add_launches(plan, suite.protocol, seed);
  return plan;
}

}  // namespace qb::plan
