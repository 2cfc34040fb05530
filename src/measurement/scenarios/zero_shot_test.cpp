// Pictures to classes by texts with fake towers: what is timed, what is judged, what is refused.
#include <cmath>

#include "measurement/scenarios/fake_session.h"
#include "measurement/scenarios/scenarios.h"

using namespace qb;
using namespace qb::scenarios;
using namespace qb::scenarios::fake;

namespace {

constexpr int64_t token_count = 90;
constexpr int64_t text_length = 6;

// A vector of two numbers for each entry: the angle that `angle_of` gives, in degrees.
class AngleSession : public worker::Session {
 public:
  Result<void> run(const worker::StepInputs& inputs) override {
    values_.clear();
    const TensorView& first = inputs.tensors[0];
    const auto size = first.element_count() / static_cast<size_t>(first.shape[0]);
    for (size_t row = 0; row < static_cast<size_t>(first.shape[0]); ++row) {
      double degrees = 0.0;
      if (first.type == ElementType::f32) {
        degrees = first.f32()[row * size];
      } else {
        const auto tokens = first.i64().subspan(row * size, size);
        const int64_t position = inputs.tensors[1].i64()[row];
        calls.push_back({{tokens.begin(), tokens.end()}, position});
        degrees = static_cast<double>(tokens[static_cast<size_t>(position)]);
      }
      values_.push_back(static_cast<float>(std::cos(degrees * turn / 57.3)));
      values_.push_back(is_finite ? static_cast<float>(std::sin(degrees * turn / 57.3)) : NAN);
    }
    ++run_count;
    shape_ = {first.shape[0], 2};
    output_ = {ElementType::f32, shape_, values_.data()};
    return {};
  }
  std::span<const TensorView> outputs() const override { return {&output_, 1}; }
  Json actual() const override { return Json::object({}); }

  struct Text {
    std::vector<int64_t> tokens;
    int64_t position = 0;
  };
  std::vector<Text> calls;
  int run_count = 0;
  double turn = 1.0;
  bool is_finite = true;

 private:
  std::vector<float> values_;
  std::vector<int64_t> shape_;
  TensorView output_;
};

struct Clip {
  Stage stage;
  bundle::Bundle picture = make_picture();
  bundle::Bundle text = make_text(2);
  AngleSession pictures, texts;

  bundle::Bundle make_picture() const {
    ir::Builder b("tiny-picture");
    const ir::Value x = b.input("image", ElementType::f32, {ir::Symbol::batch, 3, 2, 2});
    b.output(b.linear(b.flatten(x), b.parameter("head", {2, 12})));
    return stage.bundle_of(b.finish().value());
  }
  bundle::Bundle make_text(int64_t width) const {
    ir::Builder b("tiny-text");
    const ir::Value tokens =
        b.input("tokens", ElementType::i64, {ir::Symbol::batch, ir::Symbol::sequence});
    const ir::Value position = b.input("position", ElementType::i64, {ir::Symbol::batch});
    ir::Value x = b.embedding(tokens, b.parameter("table", {token_count, width}));
    x = b.apply(ir::Op::add_positions, {x, b.parameter("positions", {text_length, width})});
    b.output(b.apply(ir::Op::pick_tokens, {x, position}));
    return stage.bundle_of(b.finish().value());
  }
  std::vector<NetworkView> networks() {
    return {{"picture", picture, pictures}, {"text", text, texts}};
  }
  // Classes at 0, 30 and 60 degrees, in texts whose end token is their second; a picture for each
  // angle.
  std::string dataset(const std::vector<float>& angles, const std::vector<int64_t>& right,
                      std::vector<int64_t> positions = {1, 1, 1}) const {
    std::vector<float> images;
    for (const float angle : angles) images.insert(images.end(), 12, angle);
    const int64_t image_shape[] = {std::ssize(angles), 3, 2, 2};
    const int64_t label_shape[] = {std::ssize(right), 1};
    const std::vector<int64_t> tokens = {7, 0, 89, 7, 30, 89, 7, 60, 89};
    const int64_t token_shape[] = {3, 3};
    const int64_t position_shape[] = {std::ssize(positions)};
    const bundle::NamedTensor tensors[] = {
        {"images", {ElementType::f32, image_shape, images.data()}},
        {"labels", {ElementType::i64, label_shape, right.data()}},
        {"tokens", {ElementType::i64, token_shape, tokens.data()}},
        {"position", {ElementType::i64, position_shape, positions.data()}}};
    return stage.dataset(tensors);
  }
  Result<void> judge(const wire::Request& request, Listener& listener) {
    QB_TRY(const bundle::TensorFile dataset, bundle::TensorFile::open(request.dataset));
    return zero_shot.measure_quality(networks(), dataset, request, listener.send());
  }
};

}  // namespace

TEST_CASE("the tower of pictures is what is timed, and the tower of texts told beside it") {
  Clip clip;
  Listener listener;
  const wire::Request request = {.workload = {{"batch", 3}},
                                 .limits = {.warmup_count_min = 0, .iteration_count_min = 8}};
  worker::SampleRoom room;
  worker::Measuring measuring(room, probes::resident_parts());
  REQUIRE(zero_shot.measure_speed(clip.networks(), request, measuring, listener.send()));
  measuring.send({}, listener.send());
  CHECK(listener.samples["inference"].size() == 8);
  CHECK(listener.facts["measured_pictures"].as_int() == 24);
  CHECK(listener.samples["class_text"].size() == 8);
  REQUIRE(clip.texts.calls.size() == 10);
  for (const auto& [tokens, position] : clip.texts.calls) {
    CHECK(std::ssize(tokens) == text_length);
    CHECK(position == text_length - 1);
  }
}

TEST_CASE("a picture's class is the one whose text lies nearest, up to the text's end token") {
  Clip clip;
  Listener first;
  wire::Request request = quality_request(clip.dataset({2, 28, 61, 1}, {0, 1, 2, 2}));
  request.baseline_output = (clip.stage.root / "baseline").string();
  REQUIRE(clip.judge(request, first));
  REQUIRE(clip.texts.calls.size() == 3);
  CHECK(clip.texts.calls[1].tokens == std::vector<int64_t>{7, 30});
  CHECK(first.facts["picture_count"].as_int() == 4);
  CHECK(first.facts["class_count"].as_int() == 3);
  CHECK(first.facts["top1_accuracy"].as_double() == 0.75);
  CHECK_FALSE(first.facts.contains("top5_accuracy"));  // there are but three
  CHECK_FALSE(first.facts.contains("top1_agreement"));

  request.baseline = std::exchange(request.baseline_output, "");
  Listener same;
  REQUIRE(clip.judge(request, same));
  CHECK(same.facts["top1_agreement"].as_double() == 1.0);

  clip.texts.turn = 0.4;  // the texts' tower alone says something else
  Listener turned;
  REQUIRE(clip.judge(request, turned));
  CHECK(turned.facts["top1_agreement"].as_double() < 1.0);
}

TEST_CASE("only the first pictures are judged where fewer are asked for") {
  Clip clip;
  Listener listener;
  wire::Request request = quality_request(clip.dataset({2, 28, 61, 1}, {0, 1, 2, 2}));
  request.item_count_max = 3;
  REQUIRE(clip.judge(request, listener));
  CHECK(listener.facts["picture_count"].as_int() == 3);
  CHECK(listener.facts["top1_accuracy"].as_double() == 1.0);
}

TEST_CASE("texts and pictures that can't be judged are refused") {
  Clip clip;
  Listener listener;
  const auto problem_of = [&](const std::string& dataset) {
    const auto done = clip.judge(quality_request(dataset), listener);
    return done ? std::string() : done.error().message;
  };
  CHECK(problem_of(clip.dataset({2}, {0, 1})).find("do not fit") != std::string::npos);
  CHECK(problem_of(clip.dataset({2}, {0}, {1, 1})).find("the texts of 3") != std::string::npos);
  CHECK(problem_of(clip.dataset({2}, {0}, {1, 3, 1})).find("the texts of 3") != std::string::npos);
  clip.pictures.is_finite = false;
  CHECK(problem_of(clip.dataset({2}, {0})).find("isn't finite") != std::string::npos);
}

TEST_CASE("two towers of one width are zero-shot's, and nothing else is") {
  Clip clip;
  const bundle::Bundle wide = clip.make_text(3);
  const GraphView picture = {"picture", clip.picture.graph()};
  const GraphView text = {"text", clip.text.graph()};
  const std::vector<GraphView> both = {picture, text};
  CHECK(zero_shot.check(both));
  CHECK_FALSE(classification.check(both));
  for (const std::vector<GraphView>& graphs : {std::vector<GraphView>{picture},
                                               {picture, {"text", wide.graph()}},
                                               {text, picture, text}}) {
    const auto refused = zero_shot.check(graphs);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message.find("a tower of pictures and one of texts") !=
          std::string::npos);
  }
}
