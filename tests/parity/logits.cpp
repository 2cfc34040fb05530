// Gives the parity tests the logits of an engine: built once for each.
//   logits_ENGINE BUNDLE TOKENS STEPS OUT
// TOKENS and STEPS are lists in JSON: the ids of one sequence, and how many of them each step
// takes. Writes f32 [tokens, vocabulary] to OUT. What the engine can't do ends with 3 and the
// reason.
//   logits_ENGINE BUNDLE INPUTS OUT
// of a network without caches: INPUTS is {"tokens": [[id, ...], ...], "mask": ...}, each with as
// many rows of one length, one number a row, or, of pictures, the name of a file of f32 values.
// Writes the first output.
#include <cstdio>
#include <cstring>
#include <fstream>
#include <numeric>
#include <span>

#include "base/file.h"
#include "base/json.h"
#include "compression/bundle/bundle.h"
#include "measurement/worker/engine.h"

using namespace qb;

namespace {

Result<std::vector<int64_t>> read_list(const char* text) {
  QB_TRY(const Json json, parse_json(text));
  std::vector<int64_t> list;
  for (const Json& item : json.as_array()) list.push_back(item.as_int());
  return list;
}

Result<void> run_step(worker::Session& session, std::span<const int64_t> tokens, int64_t past,
                      std::ofstream& out) {
  const auto count = static_cast<int64_t>(tokens.size());
  std::vector<int64_t> positions(tokens.size());
  std::iota(positions.begin(), positions.end(), 0);
  const int64_t token_shape[] = {1, count};
  const int64_t position_shape[] = {count};
  const TensorView inputs[] = {{ElementType::i64, token_shape, tokens.data()},
                               {ElementType::i64, position_shape, positions.data()}};
  QB_CHECK(session.run({inputs, past}));
  const auto logits = std::as_bytes(session.outputs()[0].f32());
  out.write(reinterpret_cast<const char*>(logits.data()),
            static_cast<std::streamsize>(logits.size()));
  return {};
}

// What is given for an input: ids in JSON, or the name of a file of f32 values, as many pictures as
// there is room for.
struct Given {
  std::vector<int64_t> shape;
  std::vector<int64_t> ids;
  std::vector<float> values;

  TensorView view() const {
    if (values.empty()) return {ElementType::i64, shape, ids.data()};
    return {ElementType::f32, shape, values.data()};
  }
};

Result<Given> read_ids(const Json& json) {
  Given given;
  const Json::Array& rows = json.as_array();
  for (const Json& row : rows) {
    if (row.is_int()) given.ids.push_back(row.as_int());
    for (const Json& item : row.as_array()) given.ids.push_back(item.as_int());
  }
  if (given.ids.empty()) return fail(Errc::bad_input, "an input is not given");
  given.shape = {std::ssize(rows)};
  if (!rows[0].is_int()) given.shape.push_back(std::ssize(given.ids) / std::ssize(rows));
  return given;
}

Result<Given> read_values(const std::string& path, const ir::Shape& shape) {
  QB_TRY(const std::string bytes, read_file(path));
  Given given;
  given.values.resize(bytes.size() / sizeof(float));
  std::memcpy(given.values.data(), bytes.data(), given.values.size() * sizeof(float));
  const auto of_one =
      static_cast<int64_t>(element_count(ir::bind(shape, {{ir::Symbol::batch, 1}})));
  given.shape = ir::bind(shape, {{ir::Symbol::batch, std::ssize(given.values) / of_one}});
  return given;
}

Result<void> run_at_once(std::span<char*> a) {
  QB_TRY(const bundle::Bundle bundle, bundle::load_bundle(a[1]));
  QB_TRY(const Json json, parse_json(a[2]));
  const ir::Graph& graph = bundle.graph();
  std::vector<Given> all;
  for (const ir::Value value : graph.of_kind(ir::ValueKind::input)) {
    const Json& of_input = json[graph[value].name];
    QB_TRY(Given given, of_input.is_string() ? read_values(of_input.as_string(), graph[value].shape)
                                             : read_ids(of_input));
    all.push_back(std::move(given));
  }
  std::vector<TensorView> inputs;
  for (const Given& given : all) inputs.push_back(given.view());
  const std::unique_ptr<worker::Engine> engine = worker::make_engine();
  QB_TRY(
      const auto session,
      engine->compile(bundle, {.device = "cpu", .thread_count = 2, .batch = inputs[0].shape[0]}));
  QB_CHECK(session->run({inputs, 0}));
  const auto answer = std::as_bytes(session->outputs()[0].f32());
  std::ofstream(a[3], std::ios::binary)
      .write(reinterpret_cast<const char*>(answer.data()),
             static_cast<std::streamsize>(answer.size()));
  return {};
}

Result<void> run(std::span<char*> a) {
  if (a.size() == 4) return run_at_once(a);
  if (a.size() != 5) return fail(Errc::bad_input, "see the head of logits.cpp");
  QB_TRY(const bundle::Bundle bundle, bundle::load_bundle(a[1]));
  QB_TRY(const std::vector<int64_t> tokens, read_list(a[2]));
  QB_TRY(const std::vector<int64_t> steps, read_list(a[3]));
  const std::unique_ptr<worker::Engine> engine = worker::make_engine();
  QB_TRY(const auto session,
         engine->compile(bundle, {.device = "cpu",
                                  .thread_count = 2,
                                  .context_tokens = static_cast<int64_t>(tokens.size())}));
  std::ofstream out(a[4], std::ios::binary);
  size_t past = 0;
  for (const int64_t count : steps) {
    const auto step = std::span(tokens).subspan(past, static_cast<size_t>(count));
    QB_CHECK(run_step(*session, step, static_cast<int64_t>(past), out));
    past += step.size();
  }
  return {};
}

}  // namespace

int main(int argument_count, char** arguments) {
  const Result<void> done = run({arguments, static_cast<size_t>(argument_count)});
  if (done) return 0;
  std::fprintf(stderr, "%s\n", done.error().message.c_str());
  return done.error().code == Errc::unsupported ? 3 : 1;
}
