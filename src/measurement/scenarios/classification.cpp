// Pictures to classes: a batch of them a step; judged by labels.
#include "compression/bundle/tensor_file.h"
#include "measurement/scenarios/judge.h"
#include "measurement/scenarios/labelled_pictures.h"
#include "measurement/scenarios/made_up_pictures.h"
#include "measurement/scenarios/model_run.h"

namespace qb::scenarios {
namespace {

using namespace worker;  // the protocol's words: Session, Steps, Measuring, …

Result<void> measure_speed(Networks networks, const wire::Request& request, Measuring& measuring,
                           const wire::Send& send) {
  const auto& [name, bundle, session] = networks[0];
  MadeUpPictures pictures(bundle.graph(), request, session);
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
  const ir::Graph& graph = bundle.graph();
  QB_TRY(const LabelledPictures pictures, LabelledPictures::read(dataset, request, graph));
  const int64_t class_count = graph[graph.outputs[0]].shape[1].extent;
  QB_TRY(Judge judge, Judge::open(request, class_count));
  Accuracy accuracy;
  for (int64_t i = 0; i < pictures.count(); ++i) {
    const TensorView input = pictures.picture(i);
    QB_CHECK(session.run({{&input, 1}, 0}));
    QB_TRY(const auto logits, logits_of(session, static_cast<size_t>(class_count)));
    accuracy.add(logits, pictures.right_classes(i));
    QB_CHECK(judge.add(logits));
  }
  send(wire::Fact{"picture_count", pictures.count()});
  if (bundle.weights_origin() == "pretrained") accuracy.send_to(send);
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
  MadeUpPictures pictures(bundle.graph(), request, session);
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
