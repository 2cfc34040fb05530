// Table-wide parity: one engine against the reference interpreter, on the same bits: every operator
// in every scheme, caches step by step, and whole models. Built once for each engine.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "compression/bundle/bundle.h"
#include "compression/quant/quantize.h"
#include "compression/reference/interpreter.h"
#include "measurement/worker/products.h"
#include "measurement/worker/schemes.h"
#include "network/models/models.h"
#include "networks.h"

using namespace qb;
using namespace qb::parity;
using ir::Builder;
using ir::Symbol;

namespace {

// What an engine may differ by is what it says that it computes in. f32 differs by the order of
// sums only. 16-bit floats round each activation, and the scales where they are 16 bits too, by up
// to 2^-9 (bf16) or 2^-12 (f16) of itself. Sums kept in f16 (Arm's Compute Library) round each time
// that something is added: by 0.6 % over 1,536 terms (decision 44). Products that round activations
// to 8 bits in blocks: up to 1/254 of the block's largest value each, which for normal values is
// about 0.6 % of their RMS; depth adds such errors. With 8-bit activations the reference rounds as
// the kernel does, but a value that lies on the border between two codes may fall either way after
// a sum in another order: a whole step, of which there are 255 in the range.
double tolerance_of(const ir::Graph& graph, const quant::Scheme& scheme,
                    const std::string& compute_type) {
  const auto says = [&](std::string_view word) {
    return compute_type.find(word) != std::string::npos;
  };
  const bool rounds_input = scheme.activations != quant::Activations::none &&
                            (uses(graph, ir::Op::linear) || uses(graph, ir::Op::conv2d));
  if (!rounds_input && !says("int8") && !says("bf16"))
    return says("sums in f16") ? 1.2e-2 : says("in f16") ? 4e-3 : 2e-5;
  return graph.nodes.size() > 10 ? 6e-2 : 1.5e-2;
}

// Networks that the compression can't calibrate alone: their input is neither tokens nor pictures.
bool can_calibrate(const ir::Graph& graph) {
  const ir::ValueInfo& input = graph[graph.of_kind(ir::ValueKind::input)[0]];
  const bool is_text = input.name == "tokens" && graph.of_kind(ir::ValueKind::input).size() == 2;
  return is_text || input.shape.size() == 4;
}

// Under the emulator of `./qb test --apple arm` the bases alone: what a scheme adds to one gives
// its kernels other bits, and the kernels are the same.
const std::vector<quant::Scheme>& tested_schemes() {
  if (!std::getenv("QB_EMULATED")) return quant::schemes();
  MESSAGE("not run here: schemes that add something to another one");
  return quant::base_schemes();
}

// Whether the engine says that it runs the scheme.
bool is_offered(const quant::Scheme& scheme) {
  static const auto offered_schemes =
      worker::describe_schemes(engine(), engine().describe().devices);
  const std::string& base = quant::base_of(scheme).name;
  return scheme.weight_type == quant::WeightType::mixed ||
         std::ranges::any_of(offered_schemes,
                             [&](const auto& offered) { return offered.first == base; });
}

}  // namespace

TEST_CASE("every operator in every scheme agrees with the reference of the same bits") {
  REQUIRE_MESSAGE(engine().describe().available, engine().describe().reason);
  const std::vector<quant::Scheme>& schemes = tested_schemes();
  std::set<const Refusal*> refused;
  double worst = 0;
  for (const Situation& s : situations()) {
    for (const quant::Scheme& scheme : schemes) {
      if (scheme.needs_calibration() && !can_calibrate(s.graph)) continue;
      const auto built = build(s.graph, scheme);
      if (!built &&
          built.error().code == Errc::unsupported) {  // an option without use, or too few bits
        CHECK((
            scheme.options != 0 || scheme.weight_type == quant::WeightType::mixed ||
            (scheme.activations == quant::Activations::by_token && uses(s.graph, ir::Op::conv2d))));
        continue;
      }
      CAPTURE((built ? "" : built.error().message));
      REQUIRE(built);
      for (const int64_t batch : {1, 2}) {
        CAPTURE(s.name);
        CAPTURE(scheme.name);
        CAPTURE(batch);
        const bundle::Bundle& bundle = *built;
        reference::Interpreter reference(bundle, {batch, 16});
        auto session = engine().compile(
            bundle, {.device = "cpu", .thread_count = 2, .batch = batch, .context_tokens = 16});
        if (const Refusal* refusal = find_refusal(bundle)) {
          REQUIRE_FALSE(session);
          CHECK(session.error().code == Errc::unsupported);
          CHECK(session.error().message.find(refusal->reason) != std::string::npos);
          refused.insert(refusal);
          continue;
        }
        CAPTURE((session ? "" : session.error().message));
        REQUIRE(session);
        const double tolerance =
            tolerance_of(s.graph, scheme, (*session)->actual()["compute_type"].as_string());
        Rng rng(11);
        int64_t past = 0;
        for (const int64_t tokens : s.step_tokens) {
          const Step step = step_of(s.graph,
                                    {{Symbol::batch, batch},
                                     {Symbol::sequence, tokens},
                                     {Symbol::selected, tokens},
                                     {Symbol::source, tokens + 2},
                                     {Symbol::height, tokens + 4},
                                     {Symbol::width, tokens + 7}},
                                    past, rng);
          REQUIRE(reference.run(step.tensors, past));
          const auto done = (*session)->run({step.tensors, past});
          CAPTURE((done ? "" : done.error().message));
          REQUIRE(done);
          const double error =
              relative_rms(reference.outputs()[0].f32(), (*session)->outputs()[0].f32());
          worst = std::max(worst, error / tolerance);
          CHECK(error <= tolerance);
          past += tokens;
        }
      }
    }
  }
  for (const quant::Scheme& scheme : quant::base_schemes()) {
    CAPTURE(scheme.name);
    CHECK(is_offered(scheme) == !find_refusal(scheme));
  }
  for (const Refusal* row : refusals()) {
    CAPTURE(row->format);
    CHECK(refused.contains(row));  // no row is out of date
  }
  MESSAGE("worst error: ", worst, " of its tolerance");
}

TEST_CASE("every operator's attributes mean what they mean to the reference") {
  double worst = 0;
  for (const Situation& s : variants()) {
    const bundle::Bundle bundle = bundle_of(s.graph, quant::find_scheme("fp32").value());
    for (const int64_t batch : {1, 2}) {
      CAPTURE(s.name);
      CAPTURE(batch);
      reference::Interpreter reference(bundle, {batch, 16});
      auto session = engine().compile(
          bundle, {.device = "cpu", .thread_count = 2, .batch = batch, .context_tokens = 16});
      CAPTURE((session ? "" : session.error().message));
      CHECK(session);
      if (!session) continue;
      Rng rng(13);
      int64_t past = 0;
      for (const int64_t tokens : s.step_tokens) {
        CAPTURE(past);
        CAPTURE(tokens);
        const Step step =
            step_of(s.graph, {{Symbol::batch, batch}, {Symbol::sequence, tokens}}, past, rng);
        const auto done = (*session)->run({step.tensors, past});
        CAPTURE((done ? "" : done.error().message));
        if (const auto reason = refusal_of_step(s.graph, batch, tokens, past); !reason.empty()) {
          REQUIRE_FALSE(done);
          CHECK(done.error().code == Errc::unsupported);
          CHECK(done.error().message.find(reason) != std::string::npos);
          continue;
        }
        REQUIRE(reference.run(step.tensors, past));
        CHECK(done);
        if (!done) break;
        const double error =
            relative_rms(reference.outputs()[0].f32(), (*session)->outputs()[0].f32());
        worst = std::max(worst, error);
        CHECK(error <= 2e-6);
        if (!s.graph.of_kind(ir::ValueKind::state).empty()) past += tokens;
      }
    }
  }
  MESSAGE("worst error: ", worst);
}

TEST_CASE("caches filled in steps give what all tokens at once give") {
  constexpr size_t token_count = 13;
  constexpr size_t width = 64;
  for (const Situation& s : variants()) {
    if (!uses(s.graph, ir::Op::cached_attention)) continue;
    const bundle::Bundle bundle = bundle_of(s.graph, quant::find_scheme("fp32").value());
    for (const size_t batch : {1, 2}) {
      CAPTURE(s.name);
      CAPTURE(batch);
      const worker::CompileOptions options = {.device = "cpu",
                                              .thread_count = 2,
                                              .batch = static_cast<int64_t>(batch),
                                              .context_tokens = token_count};
      auto at_once = engine().compile(bundle, options);
      auto in_steps = engine().compile(bundle, options);
      REQUIRE(at_once);
      REQUIRE(in_steps);
      Rng rng(17);
      const Step all = step_of(
          s.graph,
          {{Symbol::batch, options.batch}, {Symbol::sequence, static_cast<int64_t>(token_count)}},
          0, rng);
      REQUIRE((*at_once)->run({all.tensors, 0}));
      // [batch, tokens, width]: the tokens [from, to) of each.
      const auto cut = [&](std::span<const float> values, size_t from, size_t to) {
        std::vector<float> part;
        const size_t row = values.size() / batch / token_count;
        for (size_t i = 0; i < batch; ++i)
          part.insert(part.end(), values.begin() + (i * token_count + from) * row,
                      values.begin() + (i * token_count + to) * row);
        return part;
      };
      size_t past = 0;
      for (const size_t tokens : {5, 1, 1, 1, 1, 1, 1, 1, 1}) {
        CAPTURE(past);
        const std::vector<float> x = cut(all.reals[0], past, past + tokens);
        const int64_t shape[] = {options.batch, static_cast<int64_t>(tokens), width};
        const TensorView view = {ElementType::f32, shape, x.data()};
        REQUIRE((*in_steps)->run({{&view, 1}, static_cast<int64_t>(past)}));
        const std::vector<float> wanted = cut((*at_once)->outputs()[0].f32(), past, past + tokens);
        CHECK(relative_rms(wanted, (*in_steps)->outputs()[0].f32()) <= 2e-6);
        past += tokens;
      }
    }
  }
}

TEST_CASE("what is told of a scheme is what a session of a bundle from disk says of itself") {
  const auto described = worker::describe_schemes(engine(), {{{.name = "cpu"}}});
  for (const quant::Scheme& scheme : quant::base_schemes()) {
    std::string told;
    bool runs = false;
    for (const worker::Sample& sample : worker::samples()) {
      const auto built = build(sample.graph, scheme, worker::sample_values);
      CHECK(built.has_value() == worker::sample_bundle(sample, scheme).has_value());
      if (!built) continue;
      const auto computing = worker::computing_of(engine(), *built, "cpu");
      runs |= computing.has_value();
      told += fmt::format("{}{}: {}", told.empty() ? "" : "; ", sample.name,
                          computing ? *computing : "none: " + computing.error().message);
    }
    CAPTURE(scheme.name);
    const auto found = std::ranges::find(described, scheme.name,
                                         [](const auto& offered) { return offered.first; });
    REQUIRE((found != described.end()) == runs);
    if (runs) CHECK(found->second == told);
  }
}

// One product's input is rounded to the same codes everywhere, and sums of codes are exact in
// integers: only the scaling of the sums may differ. One code that falls otherwise is 1e-3 here.
TEST_CASE("a linear alone rounds what it reads to the very codes of the reference") {
  constexpr size_t width = 576;
  constexpr size_t row_count = 9;
  constexpr float step = 0.03125f;
  std::vector<float> with_outliers(width * row_count);
  std::vector<float> halves(width * row_count);  // of the step, in a range of exactly 255 or 127
  Rng rng(29);
  for (size_t i = 0; i < halves.size(); ++i) {
    with_outliers[i] = static_cast<float>(rng.normal()) * (i % 500 == 3 ? 300.0f : 1.0f);
    halves[i] = (static_cast<float>(rng.below(100)) - 49.5f) * step;
  }
  for (const std::string name : {"dyn8c", "dyn8t", "dyn8c:token", "dyn8t:token"}) {
    CAPTURE(name);
    const quant::Scheme scheme = quant::find_scheme(name).value();
    const bool is_by_token = scheme.activations == quant::Activations::by_token;
    for (size_t row = 0; row < row_count; ++row) {
      halves[row * width] = (is_by_token ? 127.0f : 200.0f) * step;
      halves[row * width + 1] = (is_by_token ? -127.0f : -55.0f) * step;
    }
    const Situation s = situation("one linear", [](Builder& b) {
      return b.linear(vector_input(b, width), b.parameter("w", {96, width}));
    });
    const bundle::Bundle bundle = bundle_of(s.graph, scheme);
    reference::Interpreter reference(bundle, {});
    auto session = engine().compile(bundle, {.device = "cpu", .thread_count = 2});
    CHECK(session.has_value() == is_offered(scheme));
    if (!session) continue;
    for (const std::vector<float>& values : {with_outliers, halves}) {
      const int64_t shape[] = {1, row_count, width};
      const TensorView x = {ElementType::f32, shape, values.data()};
      REQUIRE(reference.run({&x, 1}, 0));
      REQUIRE((*session)->run({{&x, 1}, 0}));
      CHECK(relative_rms(reference.outputs()[0].f32(), (*session)->outputs()[0].f32()) <= 3e-6);
    }
  }
}

TEST_CASE("several tokens after others see what is in the caches, and not each other's future") {
  const Situation s =
      situation("chunks", [](Builder& b) { return attention(b, 1e4); }, {6, 1, 3, 1});
  const bundle::Bundle bundle = bundle_of(s.graph, quant::find_scheme("fp32").value());
  reference::Interpreter reference(bundle, {1, 16});
  auto session = engine().compile(bundle, {.device = "cpu", .context_tokens = 16});
  REQUIRE(session);
  Rng rng(7);
  int64_t past = 0;
  for (const int64_t tokens : s.step_tokens) {
    const Step step = step_of(s.graph, {{Symbol::sequence, tokens}}, past, rng);
    REQUIRE(reference.run(step.tensors, past));
    REQUIRE((*session)->run({step.tensors, past}));
    CHECK(relative_rms(reference.outputs()[0].f32(), (*session)->outputs()[0].f32()) <= 2e-5);
    past += tokens;
  }
}

TEST_CASE("every thread count gives the same answers") {
  const bundle::Bundle bundle = bundle_of(models::find_model("llama-test")->build().value(),
                                          quant::find_scheme("w4g32").value());
  std::vector<float> first;
  for (const int64_t thread_count : {1, 2, 3}) {
    auto session = engine().compile(
        bundle, {.device = "cpu", .thread_count = thread_count, .context_tokens = 16});
    REQUIRE(session);
    Rng rng(3);
    const Step step =
        step_of(bundle.graph(), {{Symbol::sequence, 8}, {Symbol::selected, 8}}, 0, rng);
    REQUIRE((*session)->run({step.tensors, 0}));
    const auto logits = (*session)->outputs()[0].f32();
    if (first.empty()) first.assign(logits.begin(), logits.end());
    CHECK(relative_rms(first, logits) < 1e-6);
  }
}

TEST_CASE("what can't be done is unsupported, with the reason, or a plain error") {
  const bundle::Bundle bundle = bundle_of(models::find_model("llama-test")->build().value(),
                                          quant::find_scheme("fp32").value());
  const auto elsewhere = engine().compile(bundle, {.device = "moon"});
  REQUIRE_FALSE(elsewhere);
  CHECK(elsewhere.error().code == Errc::unsupported);
  CHECK(elsewhere.error().message.find("moon") != std::string::npos);
  auto session = engine().compile(bundle, {.device = "cpu", .context_tokens = 4});
  REQUIRE(session);
  Rng rng(3);
  const Step step = step_of(bundle.graph(), {{Symbol::sequence, 5}, {Symbol::selected, 1}}, 0, rng);
  CHECK_FALSE((*session)->run({step.tensors, 0}));
  CHECK_FALSE((*session)->run({{}, 0}));
}

TEST_CASE("all outputs of a network are there, in its order, whatever their shapes were before") {
  Builder b("two_outputs");
  const ir::Value x =
      b.embedding(b.input("tokens", ElementType::i64, {ir::Symbol::batch, ir::Symbol::sequence}),
                  b.parameter("table", {40, 32}));
  const ir::Value y = b.linear(x, b.parameter("w", {16, 32}));
  b.output(b.sigmoid(y));
  b.output(y);
  const ir::Graph graph = b.finish().value();
  const bundle::Bundle bundle = bundle_of(graph, quant::find_scheme("fp32").value());
  reference::Interpreter reference(bundle, {1, 16});
  auto session = engine().compile(bundle, {});
  REQUIRE(session);
  Rng rng(5);
  for (const int64_t tokens : {3, 7, 7, 1}) {
    CAPTURE(tokens);
    const Step step = step_of(graph, {{Symbol::sequence, tokens}}, 0, rng);
    REQUIRE(reference.run(step.tensors, 0));
    REQUIRE((*session)->stage({step.tensors, 0}));
    REQUIRE((*session)->run({step.tensors, 0}));
    REQUIRE((*session)->outputs().size() == 2);
    for (size_t i = 0; i < 2; ++i) {
      const TensorView wanted = reference.outputs()[i];
      const TensorView got = (*session)->outputs()[i];
      CHECK(std::ranges::equal(wanted.shape, got.shape));
      CHECK(relative_rms(wanted.f32(), got.f32()) < 1e-5);
    }
  }
}

TEST_CASE("the check of a device's products finds this one's right") {
  const Json checked = worker::check_products(
      engine(), "cpu", {.row_count = 16, .input_width = 1024, .output_width = 256});
  CHECK(checked["problem"].as_string() == "");
  CHECK(checked["fp32"]["worst_error"].is_number());
}

TEST_CASE("weights with minimums in place of zero points agree with the reference") {
  for (const char* name : {"w4g32", "w4g64", "w4g128", "w8g32", "w8g64", "w8g128"}) {
    const quant::Scheme scheme = *quant::find_scheme(name);
    const worker::Sample& sample = worker::samples()[0];
    quant::Packed packed;
    const auto store = [&](ir::Value parameter) -> Result<bundle::Stored> {
      const ir::ValueInfo& info = sample.graph[parameter];
      std::vector<float> values(static_cast<size_t>(ir::element_count(info.shape)));
      QB_CHECK(worker::sample_values(info, values));
      packed = quant::quantize(
          values, quant::layout_for(scheme, info.shape[0].extent, info.shape[1].extent),
          quant::scale_fit_of(scheme), 1);
      for (int64_t row = 0; row < packed.layout.row_count; ++row)
        for (int64_t group = 0; group < packed.layout.groups_per_row(); ++group)
          packed.minimums.push_back(
              (0.25f - static_cast<float>(packed.view().zero_point(row, group))) *
              packed.view().scale(row, group));
      packed.zero_points.clear();
      packed.layout.has_minimums = true;
      return bundle::Stored{.encoding = bundle::Encoding::packed, .packed = packed.view()};
    };
    const auto bundle =
        bundle::hold_bundle(*quant::find_scheme("as-is"), {.graph = sample.graph, .store = store});
    REQUIRE(bundle);
    CAPTURE(name);
    reference::Interpreter reference(*bundle, {1, 0});
    const auto session =
        engine().compile(*bundle, {.device = "cpu", .thread_count = 2, .batch = 1});
    CAPTURE((session ? "" : session.error().message));
    if (!session && scheme.weight_bits == 8) {
      CHECK(session.error().code == Errc::unsupported);
      CHECK(session.error().message.find("MatMulNBits") != std::string::npos);
      continue;
    }
    REQUIRE(session);
    Rng rng(3);
    const Step step = step_of(
        sample.graph, {{Symbol::batch, 1}, {Symbol::sequence, 7}, {Symbol::selected, 7}}, 0, rng);
    REQUIRE(reference.run(step.tensors, 0));
    REQUIRE((*session)->run({step.tensors, 0}));
    CHECK(relative_rms(reference.outputs()[0].f32(), (*session)->outputs()[0].f32()) <=
          tolerance_of(sample.graph, scheme, (*session)->actual()["compute_type"].as_string()));
  }
}
