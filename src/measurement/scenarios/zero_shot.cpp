// Pictures to classes that texts describe: a tower makes vectors of pictures, another of texts. A
// batch of pictures a step; the texts of the classes are encoded once, and what that takes is told
// beside it.
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

#include "base/rng.h"
#include "measurement/scenarios/judge.h"
#include "measurement/scenarios/labelled_pictures.h"
#include "measurement/scenarios/made_up_pictures.h"
#include "measurement/scenarios/model_run.h"

namespace qb::scenarios {
namespace {

using namespace worker;  // the protocol's words: Session, Steps, Measuring, …

struct Towers {
  const NetworkView* picture = nullptr;
  const NetworkView* text = nullptr;
};

// The networks are checked first.
Towers towers_of(Networks networks) {
  return {&*std::ranges::find(networks, "picture", &NetworkView::name),
          &*std::ranges::find(networks, "text", &NetworkView::name)};
}

int64_t width_of(const ir::Graph& graph) { return graph[graph.outputs[0]].shape[1].extent; }

// Rows of the table that the first operator of that kind reads.
int64_t rows_of(const ir::Graph& graph, ir::Op op) {
  const auto node = std::ranges::find(graph.nodes, op, &ir::Node::op);
  return node == graph.nodes.end() ? 1 : graph[node->inputs[1]].shape[0].extent;
}

// The vector of one text, whose end token is its last.
Result<std::span<const float>> encode(const NetworkView& text, std::span<const int64_t> tokens) {
  const int64_t last = std::ssize(tokens) - 1;
  const int64_t token_shape[] = {1, std::ssize(tokens)};
  const int64_t position_shape[] = {1};
  const TensorView inputs[] = {{ElementType::i64, token_shape, tokens.data()},
                               {ElementType::i64, position_shape, &last}};
  QB_CHECK(text.session.run({inputs, 0}));
  return answer_of(text.session, static_cast<size_t>(width_of(text.bundle.graph())), "value");
}

// Of a text as long as the tower takes them, which is how CLIP's tools pad them.
Result<void> time_text_tower(const NetworkView& text, const wire::Request& request,
                             const wire::Send& send) {
  constexpr int warm_up_count = 2;
  constexpr int text_count = 8;
  const ir::Graph& graph = text.bundle.graph();
  const auto vocabulary = static_cast<uint64_t>(rows_of(graph, ir::Op::embedding));
  Rng rng(derive_seed(request.seed, "texts"));
  std::vector<int64_t> tokens(static_cast<size_t>(rows_of(graph, ir::Op::add_positions)));
  const int64_t position = std::ssize(tokens) - 1;
  const int64_t token_shape[] = {1, std::ssize(tokens)};
  const int64_t position_shape[] = {1};
  const TensorView inputs[] = {{ElementType::i64, token_shape, tokens.data()},
                               {ElementType::i64, position_shape, &position}};
  send(wire::PhaseStarted{"class_text"});
  std::vector<int64_t> samples;
  for (int i = 0; i < warm_up_count + text_count; ++i) {
    for (int64_t& token : tokens) token = static_cast<int64_t>(rng.below(vocabulary));
    QB_CHECK(text.session.stage({inputs, 0}));
    QB_CHECK(timed([&] { return text.session.run({inputs, 0}); }, samples));
  }
  send(SampleSeries{"class_text", tail_of(samples, warm_up_count)});
  return {};
}

Result<void> measure_speed(Networks networks, const wire::Request& request, Measuring& measuring,
                           const wire::Send& send) {
  const auto [picture, text] = towers_of(networks);
  MadeUpPictures pictures(picture->bundle.graph(), request, picture->session);
  QB_CHECK(measure_steps({.stage = [&](int64_t i) { return pictures.stage(i); },
                          .run = [&] { return pictures.run(); },
                          .hash_outputs = [&] { return hash_of_logits(picture->session); },
                          .stage_fresh = [&] { return pictures.stage_fresh(); },
                          .item = "pictures",
                          .item_count = request.workload.batch()},
                         request, measuring, send));
  return time_text_tower(*text, request, send);
}

// The vectors of all classes' texts, one after another.
Result<std::vector<float>> encode_classes(const NetworkView& text,
                                          const bundle::TensorFile& dataset,
                                          const wire::Request& request) {
  QB_TRY(const TensorView tokens, dataset.find("tokens", ElementType::i64, 2));
  QB_TRY(const TensorView positions, dataset.find("position", ElementType::i64, 1));
  const int64_t class_count = tokens.shape[0];
  const int64_t vocabulary = rows_of(text.bundle.graph(), ir::Op::embedding);
  const auto is_token = [&](int64_t id) { return id >= 0 && id < vocabulary; };
  const auto is_place = [&](int64_t place) { return place >= 0 && place < tokens.shape[1]; };
  if (positions.shape[0] != class_count || class_count < 2 ||
      !std::ranges::all_of(tokens.i64(), is_token) ||
      !std::ranges::all_of(positions.i64(), is_place))
    return fail(Errc::bad_input, "{}: the texts of {} classes do not fit {}", request.dataset,
                class_count, text.bundle.graph().name);
  std::vector<float> vectors;
  for (size_t i = 0; i < static_cast<size_t>(class_count); ++i) {
    const auto row = tokens.i64().subspan(i * static_cast<size_t>(tokens.shape[1]));
    QB_TRY(const auto vector, encode(text, row.first(static_cast<size_t>(positions.i64()[i]) + 1)));
    vectors.insert(vectors.end(), vector.begin(), vector.end());
  }
  return vectors;
}

// The products of a picture's vector and those of the classes.
std::vector<float> scores_of(std::span<const float> picture, const std::vector<float>& classes) {
  std::vector<float> scores;
  for (auto row = classes.begin(); row != classes.end(); row += std::ssize(picture))
    scores.push_back(static_cast<float>(
        std::inner_product(picture.begin(), picture.end(), row, 0.0, std::plus<>(),
                           [](float a, float b) { return static_cast<double>(a) * b; })));
  return scores;
}

Result<void> measure_quality(Networks networks, const bundle::TensorFile& dataset,
                             const wire::Request& request, const wire::Send& send) {
  const auto [picture, text] = towers_of(networks);
  const ir::Graph& graph = picture->bundle.graph();
  QB_TRY(const LabelledPictures pictures, LabelledPictures::read(dataset, request, graph));
  QB_TRY(const std::vector<float> classes, encode_classes(*text, dataset, request));
  const auto width = static_cast<size_t>(width_of(graph));
  QB_TRY(Judge judge, Judge::open(request, static_cast<int64_t>(classes.size() / width)));
  Accuracy accuracy;
  for (int64_t i = 0; i < pictures.count(); ++i) {
    const TensorView input = pictures.picture(i);
    QB_CHECK(picture->session.run({{&input, 1}, 0}));
    QB_TRY(const auto vector, answer_of(picture->session, width, "value"));
    const std::vector<float> scores = scores_of(vector, classes);
    accuracy.add(scores, pictures.right_classes(i));
    QB_CHECK(judge.add(scores));
  }
  send(wire::Fact{"picture_count", pictures.count()});
  send(wire::Fact{"class_count", static_cast<int64_t>(classes.size() / width)});
  if (picture->bundle.weights_origin() == "pretrained") accuracy.send_to(send);
  return judge.finish(send);
}

std::vector<std::string> inputs_of(const ir::Graph& graph) {
  std::vector<std::string> names;
  for (const ir::Value input : graph.of_kind(ir::ValueKind::input))
    names.push_back(graph[input].name);
  return names;
}

Result<void> check(std::span<const GraphView> graphs) {
  const auto find = [&](std::string_view name, const std::vector<std::string>& inputs) {
    const auto found = std::ranges::find(graphs, name, &GraphView::name);
    const bool is_tower = found != graphs.end() && inputs_of(found->graph) == inputs &&
                          found->graph[found->graph.outputs[0]].shape.size() == 2;
    return is_tower ? &found->graph : nullptr;
  };
  const ir::Graph* picture = find("picture", {"image"});
  const ir::Graph* text = find("text", {"tokens", "position"});
  if (graphs.size() == 2 && picture && text && width_of(*picture) == width_of(*text)) return {};
  std::vector<std::string_view> names;
  for (const GraphView& graph : graphs) names.push_back(graph.name);
  return fail(Errc::bad_input,
              "the model's networks are [{}]: zero-shot takes a tower of pictures and one of texts "
              "that give vectors of one width",
              fmt::join(names, ", "));
}

Result<int64_t> context_tokens(const wire::Request&, const bundle::TensorFile*) { return 0; }

Result<std::string> answer_first(Networks networks, const wire::Request& request) {
  const NetworkView& picture = *towers_of(networks).picture;
  MadeUpPictures pictures(picture.bundle.graph(), request, picture.session);
  QB_CHECK(pictures.stage(0));
  QB_CHECK(pictures.run());
  return hash_of_logits(picture.session);
}

}  // namespace

const ModelTask zero_shot = {check, context_tokens, measure_speed, measure_quality, answer_first};

Result<void> run_zero_shot(Engine& engine, const wire::Request& request, const wire::Send& send) {
  return run_model(zero_shot, engine, request, send);
}

}  // namespace qb::scenarios
