#include "cli/own_files.h"

#include <algorithm>
#include <filesystem>

#include "base/hash.h"
#include "cli/own_models.h"
#include "measurement/probes/allowance.h"
#include "orchestration/plan/own_files.h"

namespace qb::cli {
namespace fs = std::filesystem;

Result<RunOptions> with_own(RunOptions options) {
  std::vector<std::string> names;
  for (const std::string& list : options.narrowing.models)
    for (std::string& model : plan::split_models(list)) {
      if (is_own_model(model)) {
        QB_TRY(options.own_models.emplace_back(), fetched_source_of(model, options));
      } else {
        (plan::is_file_name(model) ? options.files : names).push_back(std::move(model));
      }
    }
  if (options.files.empty() && !options.inputs.empty())
    return fail(Errc::bad_input, "--input is for model files: give one with --model");
  QB_TRY(options.files, plan::check_files(options.files));
  if (!options.files.empty() && (!names.empty() || !options.own_models.empty()))
    return fail(Errc::bad_input,
                "--model {}: a run is of models that qbench quantizes or of a framework's files "
                "({}), not of both",
                names.empty() ? options.own_models.front() : names.front(), options.files.front());
  if (!options.files.empty() && !options.adapter.empty())
    return fail(Errc::bad_input,
                "--adapter {}: {} is a framework's file, whose weights stay as they are",
                options.adapter, options.files.front());
  for (const auto& [option, given] :
       {std::pair("--text", options.text.string()), std::pair("--images", options.images.string())})
    if (!options.files.empty() && !given.empty())
      return fail(Errc::bad_input,
                  "{} {}: {} is a framework's file, of which outputs alone are compared", option,
                  given, options.files.front());
  QB_CHECK(put_adapter(options.adapter, names, options.own_models));
  options.narrowing.models = std::move(names);
  for (std::string& input : options.inputs) {
    QB_TRY(const InputSpec spec, parse_input_spec(input));
    if (spec.file.empty()) continue;
    std::error_code error;
    if (!fs::is_regular_file(spec.file, error))
      return fail(Errc::not_found, "--input {}: {}: no such file", spec.name, spec.file);
    input = fmt::format("{}={}", quoted_name(spec.name), fs::absolute(spec.file).string());
  }
  return options;
}

Result<plan::Plan> plan_of(const RunOptions& options, const spec::Suite& suite, uint64_t seed) {
  const plan::Machine machine = {probes::default_thread_count(), probes::usable_memory_bytes()};
  if (options.files.empty()) return plan::build_plan(suite, options.narrowing, machine, seed);
  std::vector<InputSpec> inputs;
  for (const std::string& text : options.inputs) {
    QB_TRY(InputSpec spec, parse_input_spec(text));
    inputs.push_back(std::move(spec));
  }
  return plan::build_file_plan(options.files, std::move(inputs), options.narrowing, suite.protocol,
                               machine.thread_count, seed);
}

Result<void> check_unchanged(const plan::Plan& plan, const plan::Narrowing& narrowing,
                             const std::vector<Record>& earlier) {
  for (const plan::PlannedCase& planned : plan.cases) {
    const auto record = std::ranges::find(earlier, planned.subject, &Record::subject);
    if (record == earlier.end()) continue;
    const auto own =
        std::ranges::find(narrowing.own_models, planned.source, &plan::PlannedModel::source);
    std::string known = record->manifest["content_hash"].as_string();
    std::string found;
    if (!planned.file.empty()) {
      QB_TRY(found, hash_of_file(planned.file));
    } else if (own != narrowing.own_models.end()) {
      known = record->manifest["source_hash"].as_string();
      found = own->content_hash;
    }
    if (!known.empty() && !found.empty() && known != found)
      return fail(Errc::bad_input, "{}: has changed since run {} began: begin a new one",
                  planned.file.empty() ? planned.source : planned.file, record->run_id);
  }
  return {};
}

}  // namespace qb::cli
