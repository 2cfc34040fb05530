// A model file of the user's own: opened, given inputs, measured; its outputs kept or compared.
#include <fmt/ranges.h>

#include <cmath>
#include <filesystem>

#include "base/clock.h"
#include "base/hash.h"
#include "base/stand_in.h"
#include "measurement/scenarios/scenarios.h"
#include "measurement/wire/reason.h"
#include "measurement/worker/elements.h"
#include "measurement/worker/file_inputs.h"
#include "measurement/worker/file_outputs.h"
#include "measurement/worker/steps.h"

namespace qb::scenarios {
namespace fs = std::filesystem;
namespace {

using namespace worker;  // the protocol's words: Session, Steps, Measuring, …

// All outputs of the last run: types, shapes and bytes.
std::string hash_of_outputs(const Session& session) {
  Hasher hasher;
  for (const TensorView& output : session.outputs()) {
    hasher.update(fmt::format("{} {}\n", name_of(output.type), fmt::join(output.shape, "x")));
    hasher.update(output.bytes());
  }
  return hasher.hex();
}

Json describe_outputs(const FileSession& session) {
  const std::vector<std::string> names = session.output_names();
  Json::Array list;
  for (const TensorView& output : session.outputs()) {
    int64_t not_finite_count = 0;
    for (const double value : to_doubles(output)) not_finite_count += !std::isfinite(value);
    Json item = Json::object({{"shape", shape_text({output.shape.begin(), output.shape.end()})},
                              {"type", name_of(output.type)}});
    if (list.size() < names.size() && !names[list.size()].empty())
      item.set("name", names[list.size()]);
    if (not_finite_count > 0) item.set("not_finite_count", not_finite_count);
    list.push_back(std::move(item));
  }
  return list;
}

// What the file is on disk, with the files beside it that hold its tensors. Read after the timed
// part, so that nothing but the framework has brought them into memory before.
Result<void> send_files(const FileSession& session, const std::string& model_file,
                        const wire::Send& send) {
  std::error_code error;
  auto size_bytes = static_cast<int64_t>(fs::file_size(model_file, error));
  if (error) return fail(Errc::io, "{}: {}", model_file, error.message());
  Json::Array others;
  for (const std::string& name : session.other_files()) {
    const fs::path path = fs::path(model_file).parent_path() / name;
    QB_TRY(const std::string content_hash, hash_of_file(path));
    const auto bytes = static_cast<int64_t>(fs::file_size(path, error));
    size_bytes += bytes;
    others.push_back(
        Json::object({{"file", name}, {"bytes", bytes}, {"content_hash", content_hash}}));
  }
  send(wire::Fact{"bundle_bytes", size_bytes});
  if (!others.empty()) send(wire::Fact{"other_files", std::move(others)});
  return {};
}

Result<void> measure_file_speed(FileSession& session, FileInputs& inputs,
                                const wire::Request& request, SampleRoom& room,
                                const probes::ResidentParts& loaded, const wire::Send& send) {
  StepInputs staged;
  const auto stage = [&](const StepInputs& next) {
    staged = next;
    return session.stage(staged);
  };
  Steps steps = {.stage = [&](int64_t number) { return stage(inputs.variant(number)); },
                 .run = [&] { return session.run(staged); },
                 .hash_outputs = [&]() -> Result<std::string> { return hash_of_outputs(session); }};
  if (inputs.is_varied()) steps.stage_fresh = [&] { return stage(inputs.draw_fresh()); };
  Measuring measuring(room, loaded);
  QB_CHECK(measure_steps(steps, request, measuring, send));
  measuring.send({}, send);
  send(wire::Fact{"outputs", describe_outputs(session)});
  return send_files(session, request.model_file, send);
}

// What keeps two files from being compared is no failure of either.
Result<void> compare_with_first(const FileOutputs& outputs, const wire::Request& request,
                                const wire::Send& send) {
  QB_TRY(const FileOutputs base, load_outputs(request.baseline));
  const auto distance = compare_outputs(base, outputs);
  if (!distance) {
    send(wire::Fact{"comparison_problem", distance.error().message});
    return {};
  }
  send(wire::Fact{"output_max_abs_difference", distance->max_abs_difference});
  send(wire::Fact{"output_relative_rms", distance->relative_rms});
  send(wire::Fact{"output_cosine", distance->cosine});
  return {};
}

Result<void> measure_file_outputs(FileSession& session, const FileInputs& inputs,
                                  const wire::Request& request, const wire::Send& send) {
  FileOutputs outputs = {.signature = inputs.signature()};
  for (size_t variant = 0; variant < FileInputs::variant_count; ++variant) {
    QB_CHECK(session.run(inputs.variant(static_cast<int64_t>(variant))));
    outputs.add(session.outputs());
    outputs.names = session.output_names();
    // The first answer of the speed launches, which must be the same here.
    if (variant == 0) send(wire::Fact{"output_hash", hash_of_outputs(session)});
  }
  if (!request.baseline_output.empty()) QB_CHECK(save_outputs(request.baseline_output, outputs));
  if (request.baseline.empty()) return {};
  return compare_with_first(outputs, request, send);
}

}  // namespace

Result<void> run_own_file(Engine& engine, const wire::Request& request, const wire::Send& send) {
  std::optional<SampleRoom> room;
  if (!request.is_quality) room.emplace();
  const probes::ResidentParts loaded = probes::resident_parts();
  const std::string name = fs::path(request.model_file).filename().string();
  QB_CHECK(with_context(check_no_stand_in(fs::path(request.model_file)), name));
  send(wire::PhaseStarted{"compile"});
  const int64_t compile_start = now_ns();
  QB_TRY(const std::unique_ptr<FileSession> session,
         engine.open_file(request.model_file, {.device = request.device,
                                               .thread_count = request.workload.thread_count()}));
  send(SampleSeries{"compile", {now_ns() - compile_start}});
  QB_TRY(std::vector<ResolvedInput> resolved,
         with_context(resolve_inputs(session->inputs(), request.inputs), name));
  put_in_order(session->input_names(), resolved);
  QB_TRY(FileInputs inputs, FileInputs::make(std::move(resolved), request.seed));
  send(wire::Fact{"inputs", inputs.describe()});
  const Result<void> done =
      request.is_quality ? measure_file_outputs(*session, inputs, request, send)
                         : measure_file_speed(*session, inputs, request, *room, loaded, send);
  const auto runs = [&](const StepInputs& other) { return session->run(other).has_value(); };
  if (!done)
    return fail(done.error().code, "{}: {}{}", name, wire::first_line(done.error().message),
                inputs.hint_for(done.error().message, runs));
  send(wire::Fact{"actual", session->actual()});
  return {};
}

}  // namespace qb::scenarios
