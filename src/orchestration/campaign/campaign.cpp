#include "orchestration/campaign/campaign.h"

#include <algorithm>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/units.h"
#include "compression/quant/scheme.h"
#include "measurement/probes/allowance.h"
#include "orchestration/campaign/audit.h"
#include "orchestration/campaign/contention.h"
#include "orchestration/campaign/cool_down.h"
#include "orchestration/campaign/describe.h"
#include "orchestration/campaign/divergence.h"
#include "orchestration/campaign/idle_power.h"
#include "orchestration/campaign/materials.h"
#include "orchestration/campaign/own_files.h"
#include "orchestration/campaign/products.h"
#include "orchestration/runner/launch.h"
#include "results/analysis/drift.h"
#include "results/metrics/launches.h"
#include "results/metrics/metrics.h"
#include "stats/intervals.h"

namespace qb::campaign {
namespace fs = std::filesystem;
namespace {

static_assert(spec::half_width_launches_min == stats::stopping_count_min);

wire::Limits limits_of(const spec::Protocol& p) {
  return {p.warmup_count_min,
          p.warmup_duration_ns_min,
          p.iteration_count_min,
          p.duration_ns_min,
          p.duration_ns_max,
          p.memory_bytes_max > 0 ? p.memory_bytes_max : probes::usable_memory_bytes(),
          p.process_count_max};
}

class Campaign {
 public:
  Campaign(const plan::Plan& plan, const Settings& settings,
           const std::vector<runner::Framework>& frameworks, const Observer& observer,
           const std::function<Result<void>(const Record&)>& save)
      : plan_(plan),
        settings_(settings),
        frameworks_(frameworks),
        observer_(observer),
        save_(save),
        materials_(
            {settings.data_folder, settings.cache_folder, settings.log_folder, settings.text_file,
             settings.images, limits_of(settings.protocol), settings.is_interrupted},
            [this](std::string_view what) { tell(what); }),
        files_(plan, settings.seed, settings.log_folder,
               [this](std::string_view what) { tell(what); }),
        products_([this](const runner::Framework& framework, const std::string& device) {
          tell(fmt::format("the products of {} on {}", framework.title, device));
          return runner::check_products(framework, device, settings_.log_folder / "products.log");
        }),
        divergence_(settings.log_folder, records_) {}

  Result<Summary> run() {
    for (const plan::PlannedCase& planned : plan_.cases) {
      records_.push_back({.run_id = settings_.run_id,
                          .position = static_cast<int64_t>(records_.size()),
                          .subject = planned.subject});
      if (take_earlier(records_.back())) continue;
      prepare(planned, records_.back());
      if (is_interrupted()) return Summary{Ending::interrupted, problems_};
      if (records_.back().outcome != Outcome::ok) QB_CHECK(save(records_.back()));
    }
    note_idle_power(records_);
    const int64_t start = now_ns();
    Ending ending = Ending::complete;
    for (size_t i = 0; i < plan_.launches.size() && ending == Ending::complete; ++i) {
      QB_CHECK(launch(i));
      if (is_interrupted()) ending = Ending::interrupted;
      if (settings_.protocol.budget_ns > 0 && now_ns() - start > settings_.protocol.budget_ns &&
          i + 1 < plan_.launches.size())
        ending = Ending::budget_spent;
    }
    QB_CHECK(record_endings(ending));
    return Summary{ending, problems_};
  }

 private:
  // What an earlier part of the run knows of the case. True: nothing more is to be done for it.
  // Otherwise it is prepared again, and only its missing launches are made.
  bool take_earlier(Record& record) {
    const auto found = std::ranges::find(settings_.earlier, record.subject, &Record::subject);
    if (found == settings_.earlier.end()) return false;
    const bool was_reached = !found->launches.empty();
    const bool is_final = found->outcome != Outcome::ok && found->outcome != Outcome::unstable &&
                          !std::ranges::any_of(found->launches, [&](const Launch& launch) {
                            return deserves_repeat(*found, launch);
                          });
    // What ended before any launch may have ended from outside: a framework that was not there,
    // what prepares the weights killed, or beyond its time or memory.
    const bool may_differ =
        found->outcome == Outcome::unavailable || found->outcome == Outcome::crashed ||
        found->outcome == Outcome::timed_out || found->outcome == Outcome::out_of_memory;
    if (is_final && (was_reached || !may_differ)) {
      record = *found;
      return true;
    }
    record.launches = found->launches;
    record.manifest = found->manifest;
    record.measurements = found->measurements;
    return false;
  }

  static const Launch* find_launch(const Record& record, std::string_view kind, int64_t index) {
    const auto found = std::ranges::find_if(record.launches, [&](const Launch& launch) {
      return launch.kind == kind && launch.index == index;
    });
    return found == record.launches.end() ? nullptr : &*found;
  }

  // Something disturbed the launch, or may have ended it from outside, and it was not repeated. (An
  // earlier sitting may have ended between a disturbed launch and its repeat.)
  static bool deserves_repeat(const Record& record, const Launch& launch) {
    const bool is_suspect =
        launch.facts["contention"].is_string() || launch.outcome == Outcome::crashed ||
        launch.outcome == Outcome::timed_out || launch.outcome == Outcome::out_of_memory;
    return is_suspect && launch.index < repeat_offset &&
           !find_launch(record, launch.kind, launch.index + repeat_offset);
  }

  // Launches enough by the width of the speed's interval; notes how wide it is.
  bool is_precise(Record& record) const {
    const spec::Protocol& p = settings_.protocol;
    if (p.half_width <= 0.0) return false;
    const std::vector<double> speeds = metrics::speed_of(record).launch_values;
    const auto count = static_cast<int64_t>(speeds.size());
    const auto half_width = stats::relative_half_width(speeds);
    if (count < p.launch_count || !half_width) return false;
    const bool may_stop = stats::may_stop(speeds, p.half_width);
    record.manifest.set("stopped",
                        fmt::format("after {} launches: the interval of the speed is ±{:.1f} %, {} "
                                    "±{:.1f} %",
                                    count, *half_width * 100.0,
                                    may_stop                      ? "within"
                                    : *half_width <= p.half_width ? "for the first time within"
                                                                  : "not within",
                                    p.half_width * 100.0));
    return may_stop;
  }

  bool is_enough(Record& record, int64_t index) const {
    if (!settings_.why_enough) return false;
    const std::string why = settings_.why_enough(records_, record, index);
    if (!why.empty() && !record.manifest["stopped"].is_string())
      record.manifest.set("stopped", fmt::format("after {} launches: {}", index, why));
    return !why.empty();
  }

  void tell(std::string_view what) const {
    if (observer_.on_preparing) observer_.on_preparing(what);
  }

  bool is_interrupted() const { return settings_.is_interrupted && *settings_.is_interrupted; }

  // The plan has names of frameworks that were found, or that the suite names by version.
  runner::Framework framework_of(const Case& subject) const {
    const auto found = std::ranges::find(frameworks_, subject.framework, &runner::Framework::name);
    if (found != frameworks_.end()) return *found;
    return {.name = subject.framework,
            .title = subject.framework,
            .reason = "this version is not here",
            .remedy = "name the framework alone, or give --python a Python that has that version"};
  }

  Result<void> save(Record& record) {
    record.recorded_at = utc_timestamp();
    record.measurements = metrics::measure(record);
    return save_(record);
  }

  void refuse(Record& record, const Error& error) {
    record.outcome = error.code == Errc::unavailable     ? Outcome::unavailable
                     : error.code == Errc::unsupported   ? Outcome::unsupported
                     : error.code == Errc::out_of_memory ? Outcome::out_of_memory
                     : error.code == Errc::timed_out     ? Outcome::timed_out
                     : error.code == Errc::crashed       ? Outcome::crashed
                                                         : Outcome::failed;
    record.reason = error.message;
    if (record.outcome == Outcome::failed || record.outcome == Outcome::timed_out ||
        record.outcome == Outcome::crashed)
      add_problem(error.message);
  }

  void add_problem(const std::string& problem) {
    if (std::ranges::find(problems_, problem) == problems_.end()) problems_.push_back(problem);
  }

  // Whether framework and device are here, the bundle, and the manifest's fixed part.
  void prepare(const plan::PlannedCase& planned, Record& record) {
    const Case& subject = planned.subject;
    const runner::Framework framework = framework_of(subject);
    record.manifest.set("framework_version", framework.version);
    if (!framework.environment.empty())
      record.manifest.set("environment", Json::array_of(framework.environment));
    if (!framework.is_available)
      return refuse(record, {Errc::unavailable, fmt::format("{}: {}; {}", framework.title,
                                                            framework.reason, framework.remedy)});
    const auto device = std::ranges::find(framework.devices, subject.device, &runner::Device::name);
    if (device == framework.devices.end() || !device->is_available)
      return refuse(record,
                    {Errc::unavailable,
                     fmt::format("{} has no device {}{}", framework.title, subject.device,
                                 device == framework.devices.end() ? "" : ": " + device->reason)});
    record.manifest.set("worker_hash", hash_of_file(framework.worker).value_or(""));
    if (const auto right = products_.check(framework, subject.device, record.manifest); !right)
      return refuse(record, right.error());
    if (!planned.misfit.empty()) return refuse(record, {Errc::unavailable, planned.misfit});
    if (!planned.file.empty()) return prepare_file(planned, record);
    const Result<BundleMaterial>& bundle = materials_.bundle(planned.source, subject.scheme);
    if (!bundle) return refuse(record, bundle.error());
    describe_bundle(*bundle, record);
    if (planned.quality)
      describe_quality(materials_.quality(planned.source), planned.quality_item_count, record);
  }

  void prepare_file(const plan::PlannedCase& planned, Record& record) {
    if (const auto described = OwnFiles::describe(planned, record); !described)
      return refuse(record, described.error());
    if (!planned.quality) return;
    const auto baseline = files_.make_baseline(framework_of(plan_.cases.front().subject),
                                               request_of(records_.front(), true),
                                               settings_.protocol, settings_.is_interrupted);
    if (!baseline) record.manifest.set("quality_problem", baseline.error().message);
  }

  wire::Request request_of(const Record& record, bool is_quality) {
    wire::Request request = {.is_quality = is_quality,
                             .device = record.subject.device,
                             .task = record.subject.task,
                             .workload = record.subject.workload,
                             .seed = settings_.seed,
                             .limits = limits_of(settings_.protocol)};
    const plan::PlannedCase& planned = planned_of(record);
    if (!planned.file.empty()) {
      files_.complete(planned, request);
      return request;
    }
    request.bundle = materials_.bundle(planned.source, record.subject.scheme)->folder.string();
    if (is_quality) {
      const QualityMaterial& material = *materials_.quality(planned.source);
      request.dataset = material.dataset["file"].as_string();
      request.baseline = material.baseline.string();
      request.item_count_max = planned.quality_item_count;
      request.logits_output = divergence_.kept_logits(record).string();
      request.logits_row_count_max = kept_row_count;
    }
    return request;
  }

  const plan::PlannedCase& planned_of(const Record& record) const {
    return plan_.cases[static_cast<size_t>(record.position)];
  }
  bool is_of_file(const Record& record) const { return !planned_of(record).file.empty(); }

  bool has_quality(const Record& record) {
    return is_of_file(record) ? files_.has_baseline()
                              : materials_.quality(planned_of(record).source).has_value();
  }

  Result<void> launch(size_t number) {
    const plan::PlannedLaunch& planned = plan_.launches[number];
    Record& record = records_[planned.case_index];
    if (record.outcome != Outcome::ok) return {};  // it failed already, and would again
    if (planned.is_quality && !has_quality(record)) return {};
    const char* kind = planned.is_quality ? "quality" : "speed";
    if (const Launch* done = find_launch(record, kind, planned.index)) {
      if (deserves_repeat(record, *done))
        QB_CHECK(launch_once(record, planned.is_quality, planned.index + repeat_offset));
      return {};
    }
    if (!planned.is_quality && (is_precise(record) || is_enough(record, planned.index))) return {};
    if (observer_.on_launch)
      observer_.on_launch(number + 1, plan_.launches.size(), record.subject, kind);
    QB_TRY(const std::string disturbance, launch_once(record, planned.is_quality, planned.index));
    if (disturbance.empty() || is_interrupted()) return {};
    if (observer_.on_disturbed) observer_.on_disturbed(record, disturbance);
    QB_CHECK(launch_once(record, planned.is_quality, planned.index + repeat_offset));
    return {};
  }

  // One worker, recorded. Gives what disturbed it.
  Result<std::string> launch_once(Record& record, bool is_quality, int64_t index) {
    std::string name =
        fmt::format("{}.{}{}", case_id(record.subject), is_quality ? "quality" : "speed", index);
    std::ranges::replace(name, '/', '_');
    const Json cooled = has_launched_
                            ? cool_down(settings_.protocol.cool_down_ns, settings_.is_interrupted)
                            : Json();
    if (is_interrupted()) return std::string();
    has_launched_ = true;
    const int64_t started_at_ms = epoch_ms();
    Launch launch = runner::run_launch(request_of(record, is_quality),
                                       {.worker = framework_of(record.subject).worker,
                                        .environment = framework_of(record.subject).environment,
                                        .log_folder = settings_.log_folder,
                                        .name = std::move(name),
                                        .time_limit_ns = settings_.protocol.time_limit_ns,
                                        .is_interrupted = settings_.is_interrupted,
                                        .on_phase = observer_.on_phase});
    if (is_interrupted()) return std::string();
    launch.index = index;
    launch.facts.set("started_at_ms", started_at_ms);
    if (!cooled.is_null()) launch.facts.set("cool_down", cooled);
    note_outcome(launch, is_quality, record);
    OwnFiles::note(launch, record);
    if (launch.facts["energy_source"].as_string() == "platform")
      record.manifest.set("energy_of", "the whole platform (psys), not the processor alone");
    if (launch.facts.contains("actual")) record.manifest.set("actual", launch.facts["actual"]);
    const std::string disturbance =
        is_quality ? "" : contention_of(launch, record.subject.workload.thread_count());
    if (!disturbance.empty()) launch.facts.set("contention", disturbance);
    record.launches.push_back(std::move(launch));
    QB_CHECK(save(record));
    if (observer_.on_launched) observer_.on_launched(record, record.launches.back());
    return disturbance;
  }

  // What a launch that isn't ok means for its case. The speed that was measured stands when quality
  // couldn't be; that has its own outcome, the launch's.
  void note_outcome(const Launch& launch, bool is_quality, Record& record) {
    if (is_quality) {
      record.manifest.set("quality_outcome", name_of(launch.outcome))
          .set("quality_reason", launch.reason);
    } else if (launch.outcome != Outcome::ok) {
      record.outcome = launch.outcome;
      record.reason = launch.reason;
    }
    // A file that doesn't load, or doesn't take the inputs, is the user's to mend.
    if (is_of_file(record) && launch.outcome == Outcome::failed) add_problem(launch.reason);
  }

  // A case that never came to its turn is recorded as such, one that did not settle as unstable,
  // and each with what the launches' answers and the interval say.
  Result<void> record_endings(Ending ending) {
    const std::vector<analysis::DeviceDrift> drifts = analysis::find_drifts(records_);
    for (Record& record : records_) {
      if (record.outcome != Outcome::ok) continue;
      for (const analysis::DeviceDrift& drift : drifts)
        if (drift.device == record.subject.device)
          record.manifest.set("drift", analysis::to_json(drift));
      if (record.launches.empty()) {
        record.outcome = Outcome::unavailable;
        record.reason =
            ending == Ending::interrupted
                ? "not measured: the run was interrupted"
                : fmt::format(
                      "not measured: the run's budget of {} was spent",
                      format_quantity(static_cast<double>(settings_.protocol.budget_ns), "ns"));
      } else if (ending != Ending::interrupted) {
        is_precise(record);
        if (ending == Ending::budget_spent) note_budget(record);
        audit(record);
        judge_steadiness(record);
        divergence_.note(record);
      }
      QB_CHECK(save(record));
    }
    if (ending != Ending::interrupted) divergence_.forget();
    return {};
  }

  void note_budget(Record& record) const {
    const std::string& known = record.manifest["stopped"].as_string();
    record.manifest.set(
        "stopped",
        fmt::format("{}{}at the budget of {}", known, known.empty() ? "" : "; ",
                    format_quantity(static_cast<double>(settings_.protocol.budget_ns), "ns")));
  }

  static void judge_steadiness(Record& record) {
    const auto launches = metrics::counted_launches(record, "speed");
    const auto restless = std::ranges::count_if(launches, [](const Launch* launch) {
      return launch->facts["settled"].is_bool() && !launch->facts["settled"].as_bool();
    });
    if (2 * restless <= static_cast<std::ptrdiff_t>(launches.size())) return;
    record.outcome = Outcome::unstable;
    record.reason = fmt::format("{} of {} launches did not settle", restless, launches.size());
  }

  const plan::Plan& plan_;
  const Settings& settings_;
  const std::vector<runner::Framework>& frameworks_;
  const Observer& observer_;
  const std::function<Result<void>(const Record&)>& save_;
  Materials materials_;
  OwnFiles files_;
  Products products_;
  std::vector<Record> records_;
  Divergence divergence_;
  std::vector<std::string> problems_;
  bool has_launched_ = false;
};

}  // namespace

std::string_view name_of(Ending ending) {
  return ending == Ending::complete       ? "complete"
         : ending == Ending::budget_spent ? "budget_spent"
                                          : "interrupted";
}

Result<Summary> run_campaign(const plan::Plan& plan, const Settings& settings,
                             const std::vector<runner::Framework>& frameworks,
                             const Observer& observer,
                             const std::function<Result<void>(const Record&)>& save) {
  return Campaign(plan, settings, frameworks, observer, save).run();
}

}  // namespace qb::campaign
