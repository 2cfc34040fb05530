// Pictures to classes: a batch of them a step; judged by labels.
#include <fmt/ranges.h>

#include <algorithm>

#include "base/rng.h"
#include "compression/bundle/tensor_file.h"
#include "measurement/scenarios/judge.h"
#include "measurement/scenarios/model_run.h"
#include "measurement/worker/steps.h"

namespace qb::scenarios {
namespace {

using namespace worker;  // the protocol's words: Session, Steps, Measuring, …

// Pictures that differ, in turn.
class Pictures {
 public:
  Pictures(const ir::Graph& graph, const wire::Request& request, Session& session)
      : shape_(ir::bind(graph[graph.of_kind(ir::ValueKind::input)[0]].shape,
                        {{ir::Symbol::batch, request.workload.batch()}})),
        session_(session),
        rng_(derive_seed(request.seed, "pictures")),
        values_(element_count(shape_) * input_count),
        fresh_(element_count(shape_)) {
    draw(values_);
  }
  Result<void> stage(int64_t number) {
    return stage_values(values_.data() +
                        static_cast<size_t>(number % input_count) * element_count(shape_));
  }
  // Pictures that no run has seen.
  Result<void> stage_fresh() {
    draw(fresh_);
    return stage_values(fresh_.data());
  }
  Result<void> run() { return session_.run({{&staged_, 1}, 0}); }

 private:
  void draw(std::vector<float>& values) {
    for (float& value : values) value = static_cast<float>(2.0 * rng_.uniform() - 1.0);
  }
  Result<void> stage_values(const float* values) {
    staged_ = {ElementType::f32, shape_, values};
    return session_.stage({{&staged_, 1}, 0});
  }

  std::vector<int64_t> shape_;
  Session& session_;
  Rng rng_;
  std::vector<float> values_;
  std::vector<float> fresh_;
  TensorView staged_;
};

Result<void> measure_speed(Networks networks, const wire::Request& request, Measuring& measuring,
                           const wire::Send& send) {
  const auto& [name, bundle, session] = networks[0];
  Pictures pictures(bundle.graph(), request, session);
  return measure_steps({.stage = [&](int64_t i) { return pictures.stage(i); },
                        .run = [&] { return pictures.run(); },
                        .hash_outputs = [&] { return hash_of_logits(session); },
                        .stage_fresh = [&] { return pictures.stage_fresh(); },
                        .item = "pictures",
                        .item_count = request.workload.batch()},
                       request, measuring, send);
}

Result<void> measure_quality(Networks networks, const bundle::TensorFile& dataset,
                             const wire::Request& request, const wire::Send& send) {
  const auto& [name, bundle, session] = networks[0];
  QB_TRY(const TensorView images, dataset.find("images", ElementType::f32, 4));
  QB_TRY(const TensorView labels, dataset.find("labels", ElementType::i64, 2));
  const ir::Graph& graph = bundle.graph();
  const ir::Shape& output = graph[graph.outputs[0]].shape;
  const std::vector<int64_t> wanted = ir::bind(graph[graph.of_kind(ir::ValueKind::input)[0]].shape,
                                               {{ir::Symbol::batch, images.shape[0]}});
  if (!std::ranges::equal(wanted, images.shape) || labels.shape[0] != images.shape[0])
    return fail(Errc::bad_input, "{}: {} pictures of [{}] with {} rows of labels do not fit {}",
                request.dataset, images.shape[0], fmt::join(images.shape.subspan(1), ", "),
                labels.shape[0], graph.name);
  QB_TRY(Judge judge, Judge::open(request, output[1].extent));
  const int64_t shape[] = {1, images.shape[1], images.shape[2], images.shape[3]};
  const size_t image_size = images.element_count() / static_cast<size_t>(images.shape[0]);
  const auto label_count = static_cast<size_t>(labels.shape[1]);
  int64_t top1_count = 0;
  int64_t top5_count = 0;
  const int64_t count = request.item_count_max > 0
                            ? std::min(request.item_count_max, images.shape[0])
                            : images.shape[0];
  for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
    const TensorView input = {ElementType::f32, shape, images.f32().data() + i * image_size};
    QB_CHECK(session.run({{&input, 1}, 0}));
    QB_TRY(const auto logits, logits_of(session, static_cast<size_t>(output[1].extent)));
    const auto right = labels.i64().subspan(i * label_count, label_count);
    top1_count += quality::in_top_k(logits, 1, right) ? 1 : 0;
    top5_count += quality::in_top_k(logits, 5, right) ? 1 : 0;
    QB_CHECK(judge.add(logits));
  }
  send(wire::Fact{"picture_count", count});
  if (bundle.weights_origin() == "pretrained") {
    const auto picture_count = static_cast<double>(count);
    send(wire::Fact{"top1_accuracy", static_cast<double>(top1_count) / picture_count});
    send(wire::Fact{"top5_accuracy", static_cast<double>(top5_count) / picture_count});
  }
  return judge.finish(send);
}

Result<void> check(std::span<const GraphView> graphs) {
  QB_TRY(const ir::Graph* only, only_graph(graphs));
  const ir::Graph& graph = *only;
  const auto inputs = graph.of_kind(ir::ValueKind::input);
  if (inputs.size() == 1 && graph[inputs[0]].type == ElementType::f32 &&
      graph[inputs[0]].shape.size() == 4)
    return {};
  return fail(Errc::bad_input, "{}: doesn't take pictures alone, as a classifier does", graph.name);
}

Result<int64_t> context_tokens(const wire::Request&, const bundle::TensorFile*) { return 0; }

Result<std::string> answer_first(Networks networks, const wire::Request& request) {
  const auto& [name, bundle, session] = networks[0];
  Pictures pictures(bundle.graph(), request, session);
  QB_CHECK(pictures.stage(0));
  QB_CHECK(pictures.run());
  return hash_of_logits(session);
}

}  // namespace

const ModelTask classification = {check, context_tokens, measure_speed, measure_quality,
                                  answer_first};

Result<void> run_classification(Engine& engine, const wire::Request& request,
                                const wire::Send& send) {
  return run_model(classification, engine, request, send);
}

}  // namespace qb::scenarios
