// For the worker's tests: a session that notes what it runs, tiny networks, and what a worker told.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "compression/bundle/tensor_file.h"
#include "measurement/scenarios/model_run.h"
#include "network/ir/builder.h"

namespace qb::scenarios::fake {

inline constexpr int64_t vocabulary = 7;

struct Call {
  std::vector<int64_t> tokens;
  int64_t position_first = 0;
  int64_t position_count = 0;
  int64_t past_tokens = 0;
  const void* data = nullptr;
};

// Notes its calls; each row of run number n prefers token n mod 7, or likes all the same.
class FakeSession : public worker::Session {
 public:
  Result<void> run(const worker::StepInputs& inputs) override {
    const TensorView& first = inputs.tensors[0];
    Call call = {.past_tokens = inputs.past_tokens, .data = first.data};
    int64_t row_count = 1;
    if (first.type == ElementType::i64) {
      call.tokens.assign(first.i64().begin(), first.i64().end());
      call.position_count = inputs.tensors[1].shape[0];
      if (call.position_count > 0) call.position_first = inputs.tensors[1].i64()[0];
      row_count = first.shape[0] * call.position_count;
    }
    logits_.assign(static_cast<size_t>(row_count * vocabulary), filling);
    if (prefers)
      for (size_t row = 0; row < logits_.size(); row += vocabulary)
        logits_[row + calls.size() % vocabulary] += 1.0f;
    shape_ = {row_count, vocabulary};
    output_ = {ElementType::f32, shape_, logits_.data()};
    calls.push_back(std::move(call));
    return {};
  }
  std::span<const TensorView> outputs() const override { return {&output_, 1}; }
  Json actual() const override { return Json::object({}); }

  std::vector<Call> calls;
  float filling = 0.0f;
  bool prefers = true;

 private:
  std::vector<float> logits_;
  std::vector<int64_t> shape_;
  TensorView output_;
};

// What a worker told.
struct Listener {
  std::map<std::string, std::vector<int64_t>> samples;
  std::map<std::string, Json> facts;
  wire::Send send() {
    return [this](const wire::Event& event) {
      if (const auto* series = std::get_if<SampleSeries>(&event))
        samples[series->phase] = series->duration_ns;
      if (const auto* fact = std::get_if<wire::Fact>(&event)) facts[fact->name] = fact->value;
    };
  }
};

// A folder with the bundle of a tiny language model and of a tiny classifier.
struct Stage {
  std::filesystem::path root =
      std::filesystem::temp_directory_path() / fmt::format("qb_worker_{}", ::getpid());
  ~Stage() { std::filesystem::remove_all(root); }

  bundle::Bundle bundle_of(const ir::Graph& graph) const {
    const auto zeros = [](const ir::ValueInfo&, std::span<float>) { return Result<void>(); };
    const bundle::Recipe recipe = {
        .scheme = "fp32", .weights = "pretrained", .source_hash = "zeros"};
    const auto folder =
        bundle::build_plain_bundle(root, graph, quant::find_scheme("fp32").value(), recipe, zeros);
    REQUIRE(folder);
    auto bundle = bundle::load_bundle(*folder);
    REQUIRE(bundle);
    return *std::move(bundle);
  }
  bundle::Bundle language_model() const {
    ir::Builder b("tiny");
    const ir::Value tokens =
        b.input("tokens", ElementType::i64, {ir::Symbol::batch, ir::Symbol::sequence});
    const ir::Value positions = b.input("positions", ElementType::i64, {ir::Symbol::selected});
    const ir::Value x = b.embedding(tokens, b.parameter("table", {vocabulary, 4}));
    b.output(b.linear(b.select_positions(x, positions), b.parameter("head", {vocabulary, 4})));
    return bundle_of(b.finish().value());
  }
  bundle::Bundle classifier() const {
    ir::Builder b("tiny");
    const ir::Value x = b.input("image", ElementType::f32, {ir::Symbol::batch, 3, 2, 2});
    b.output(b.linear(b.flatten(x), b.parameter("head", {vocabulary, 12})));
    return bundle_of(b.finish().value());
  }
  std::string dataset(std::span<const bundle::NamedTensor> tensors) const {
    const std::filesystem::path path = root / "dataset";
    REQUIRE(bundle::save_tensor_file(path, Json::object({}), tensors));
    return path.string();
  }
};

// The stage's networks tell them apart by their first input.
inline const ModelTask& task_of(const bundle::Bundle& bundle) {
  const std::vector<GraphView> only = {{"", bundle.graph()}};
  return language.check(only) ? language : classification;
}

inline Result<void> judge(const bundle::Bundle& bundle, worker::Session& session,
                          const wire::Request& request, const wire::Send& send) {
  QB_TRY(const bundle::TensorFile dataset, bundle::TensorFile::open(request.dataset));
  const std::vector<NetworkView> only = {{"", bundle, session}};
  return task_of(bundle).measure_quality(only, dataset, request, send);
}

inline Result<void> measure(const bundle::Bundle& bundle, worker::Session& session,
                            const wire::Request& request, Listener& listener) {
  const std::vector<NetworkView> only = {{"", bundle, session}};
  worker::SampleRoom room;
  worker::Measuring measuring(room, probes::resident_parts());
  QB_CHECK(task_of(bundle).measure_speed(only, request, measuring, listener.send()));
  measuring.send({}, listener.send());
  return {};
}

inline wire::Request quality_request(std::string dataset) {
  return {.is_quality = true, .dataset = std::move(dataset)};
}

}  // namespace qb::scenarios::fake
