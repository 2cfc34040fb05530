// What a GPU's lowering does differently, computed on a CPU: fused kernels, 16-bit activations;
// staging; and exported functions.
#include "measurement/engines/mlx/session.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>

#include "base/rng.h"
#include "measurement/engines/mlx/emit.h"
#include "measurement/engines/mlx/file_session.h"
#include "network/ir/builder.h"

namespace qb::mlx {
namespace fs = std::filesystem;

namespace {

struct Folder {
  fs::path path = fs::temp_directory_path() / fmt::format("qb_mlx_{}", ::getpid());
  ~Folder() { fs::remove_all(path); }
};

Result<void> seeded(const ir::ValueInfo& info, std::span<float> out) {
  Rng rng(derive_seed(3, info.name));
  const bool is_variance = info.name.ends_with("running_var");
  for (float& value : out)
    value = static_cast<float>(is_variance ? 0.5 + rng.uniform() : 0.2 * rng.normal());
  return {};
}

bundle::Bundle bundle_of(const Folder& folder, const ir::Graph& graph, const char* scheme) {
  const bundle::Recipe recipe = {.scheme = scheme, .weights = "seeded", .source_hash = graph.name};
  const auto built = bundle::build_plain_bundle(folder.path, graph,
                                                quant::find_scheme(scheme).value(), recipe, seeded);
  REQUIRE(built);
  auto bundle = bundle::load_bundle(*built);
  REQUIRE(bundle);
  return *std::move(bundle);
}

// Two convolutions, of which one takes over its batch norm: the other's output has two readers.
ir::Graph classifier() {
  ir::Builder b("classifier");
  const ir::Value x = b.input("image", ElementType::f32, {ir::Symbol::batch, 3, 8, 8});
  const ir::Value first = b.conv2d(x, b.parameter("first", {8, 3, 3, 3}), {.stride = 2});
  const ir::Value norm = b.relu6(b.batch_norm(first, "norm", 1e-3));
  const ir::Value second = b.conv2d(norm, b.parameter("second", {8, 8, 1, 1}), {});
  const ir::Value sum = b.add(b.batch_norm(second, "norm2", 1e-3), second);
  const ir::Value gate = b.multiply(b.silu(sum), norm);
  b.output(b.linear(b.flatten(b.global_average_pool(gate)), b.parameter("head", {5, 8})));
  return b.finish().value();
}

// With `is_later`, as later networks are: windows, capped scores, rotary embedding by factors,
// gelu.
ir::Graph language_model(bool is_later = false) {
  constexpr int64_t width = 64;
  ir::Builder b("text");
  const ir::Value tokens =
      b.input("tokens", ElementType::i64, {ir::Symbol::batch, ir::Symbol::sequence});
  const ir::Value positions = b.input("positions", ElementType::i64, {ir::Symbol::selected});
  const auto cache = [&](const char* name) {
    return b.state(name, {ir::Symbol::batch, 2, ir::Symbol::context, 32});
  };
  const ir::Value table = b.parameter("table", {40, width});
  const ir::Value x = b.embedding(tokens, table);
  const ir::Value h = b.rms_norm(x, "norm", 1e-5);
  const auto linear = [&](ir::Value in, const char* name, int64_t rows) {
    return b.linear(in, b.parameter(name, {rows, b.shape(in).back().extent}));
  };
  ir::CachedAttentionOptions options = {
      .head_count = 2, .kv_head_count = 2, .head_dim = 32, .rotary = {.theta = 10000.0}};
  if (is_later) {
    options.rotary.factors = std::vector<double>(16, 2.0);
    options.window_tokens = 3;
    options.softcap = 5.0;
  }
  const ir::Value attended =
      b.cached_attention(linear(h, "q", width), linear(h, "k", width), linear(h, "v", width),
                         cache("keys"), cache("values"), options);
  const ir::Value y = b.add(x, linear(attended, "o", width));
  const ir::Value gate = linear(y, "gate", 96);
  const ir::Value gated =
      b.multiply(is_later ? b.apply(ir::Op::gelu_tanh, {gate}) : b.silu(gate), linear(y, "up", 96));
  b.output(b.linear(b.select_positions(b.add(y, linear(gated, "down", width)), positions), table));
  return b.finish().value();
}

std::unique_ptr<MlxSession> compile(const bundle::Bundle& bundle, const char* device) {
  mx::set_default_device(mx::Device(mx::Device::cpu));
  const worker::CompileOptions options = {.device = device, .context_tokens = 16};
  Lowering lowering(bundle, options, {mx::default_stream(mx::Device(mx::Device::cpu))});
  auto program = lowering.build();
  REQUIRE(program);
  return std::make_unique<MlxSession>(bundle, options, lowering, *std::move(program));
}

// Inputs with their memory: a picture, or some tokens of which the last is asked for.
struct Inputs {
  std::vector<float> picture;
  std::vector<int64_t> tokens, token_shape, position, one = {1}, picture_shape = {1, 3, 8, 8};
  std::vector<TensorView> tensors;
  worker::StepInputs step(int64_t past_tokens = 0) const { return {tensors, past_tokens}; }
};

Inputs picture_of(uint64_t seed) {
  Inputs in;
  Rng rng(seed);
  for (int i = 0; i < 3 * 8 * 8; ++i) in.picture.push_back(static_cast<float>(rng.normal()));
  in.tensors = {{ElementType::f32, in.picture_shape, in.picture.data()}};
  return in;
}

Inputs tokens_of(std::vector<int64_t> tokens) {
  Inputs in;
  in.tokens = std::move(tokens);
  in.token_shape = {1, static_cast<int64_t>(in.tokens.size())};
  in.position = {in.token_shape[1] - 1};
  in.tensors = {{ElementType::i64, in.token_shape, in.tokens.data()},
                {ElementType::i64, in.one, in.position.data()}};
  return in;
}

std::vector<float> answer(worker::Session& session, const worker::StepInputs& inputs,
                          bool is_staged = true) {
  if (is_staged) REQUIRE(session.stage(inputs));
  REQUIRE(session.run(inputs));
  const TensorView output = session.outputs()[0];
  CHECK(output.type == ElementType::f32);
  return {output.f32().begin(), output.f32().end()};
}

double relative_rms(const std::vector<float>& wanted, const std::vector<float>& got) {
  REQUIRE(wanted.size() == got.size());
  double error = 0.0;
  double size = 0.0;
  for (size_t i = 0; i < wanted.size(); ++i) {
    error += std::pow(static_cast<double>(wanted[i]) - got[i], 2);
    size += std::pow(static_cast<double>(wanted[i]), 2);
  }
  return std::sqrt(error / size);
}

}  // namespace

TEST_CASE("activations have the weights' 16 bits on a gpu, bf16 with quantized weights") {
  struct Row {
    const char* scheme;
    const char* on_gpu;
  };
  for (const Row& row : {Row{"fp32", "f32"}, Row{"fp16", "f16"}, Row{"bf16", "bf16"},
                         Row{"w4g64", "bf16"}, Row{"q4_0", "bf16"}}) {
    CAPTURE(row.scheme);
    const quant::Scheme scheme = quant::find_scheme(row.scheme).value();
    CHECK(name_of(activation_type(scheme, "gpu")) == row.on_gpu);
    CHECK(name_of(activation_type(scheme, "cpu")) == "f32");
  }
}

TEST_CASE("a network without caches is compiled where kernels are fused, and answers alike") {
  const Folder folder;
  for (const char* scheme : {"fp32", "w8c"}) {
    CAPTURE(scheme);
    const bundle::Bundle bundle = bundle_of(folder, classifier(), scheme);
    const auto plain = compile(bundle, "cpu");
    const auto fused = compile(bundle, "gpu");
    CHECK_FALSE(plain->actual()["compiled"].as_bool(true));
    CHECK(fused->actual()["compiled"].as_bool());
    for (uint64_t seed = 1; seed < 4; ++seed) {
      const Inputs inputs = picture_of(seed);
      CHECK(relative_rms(answer(*plain, inputs.step()), answer(*fused, inputs.step())) <
            (std::string_view(scheme) == "fp32" ? 1e-5 : 0.03));
    }
  }
}

TEST_CASE("16-bit activations change a language model's answer by their rounding only") {
  const Folder folder;
  for (const bool is_later : {false, true}) {
    CAPTURE(is_later);
    const bundle::Bundle bundle = bundle_of(folder, language_model(is_later), "w8g64");
    const auto wide = compile(bundle, "cpu");
    const auto narrow = compile(bundle, "gpu");
    const auto says = [](const MlxSession& session, const char* words) {
      return session.actual()["compute_type"].as_string().find(words) != std::string::npos;
    };
    CHECK(says(*narrow, "bf16 activations"));
    CHECK(says(*wide, "f32 activations"));
    const char* compiled = is_later ? "compiled gelu_tanh" : "compiled silu * x";
    CHECK(narrow->actual()["kernels"][compiled].as_int() == 1);
    const Inputs prompt = tokens_of({3, 1, 4, 1, 5});
    const double error = relative_rms(answer(*wide, prompt.step()), answer(*narrow, prompt.step()));
    CHECK(error < 0.05);
    CHECK(error > 1e-5);  // they are computed otherwise
    const Inputs next = tokens_of({9});
    CHECK(relative_rms(answer(*wide, next.step(5)), answer(*narrow, next.step(5))) < 0.05);
  }
}

TEST_CASE("products that read one value are one, and the record says which") {
  const Folder folder;
  const bundle::Bundle bundle = bundle_of(folder, language_model(), "w4g64");
  const auto session = compile(bundle, "cpu");
  const Json actual = session->actual();
  CHECK(actual["transformations"].as_array().size() == 2);     // q, k, v; gate, up
  CHECK(actual["kernels"]["quantized_matmul"].as_int() == 5);  // qkv, o, gate and up, down, head
}

TEST_CASE("what was staged is what runs, once; without staging a run takes its own inputs") {
  const Folder folder;
  const bundle::Bundle bundle = bundle_of(folder, classifier(), "fp32");
  const auto session = compile(bundle, "cpu");
  const Inputs one = picture_of(1);
  const Inputs two = picture_of(2);
  const std::vector<float> of_one = answer(*session, one.step());
  const std::vector<float> of_two = answer(*session, two.step());
  CHECK(of_one != of_two);
  CHECK(answer(*session, one.step(), false) == of_one);
  CHECK(answer(*session, two.step(), false) == of_two);
  // Inputs are read by stage(), so that nothing of them is left to the run.
  Inputs changing = picture_of(1);
  REQUIRE(session->stage(changing.step()));
  std::ranges::fill(changing.picture, 0.0f);
  REQUIRE(session->run(changing.step()));
  const auto got = session->outputs()[0].f32();
  CHECK(std::vector<float>(got.begin(), got.end()) == of_one);
}

TEST_CASE("an exported function answers as the session it was made from") {
  const Folder folder;
  for (const char* scheme : {"fp32", "fp16", "bf16", "w8c", "w4g32", "q8_0", "mxfp4"}) {
    CAPTURE(scheme);
    const bundle::Bundle bundle = bundle_of(folder, classifier(), scheme);
    const auto session = compile(bundle, "cpu");
    const auto call = emit_function("", bundle, {}, mx::Device(mx::Device::cpu), folder.path);
    REQUIRE(call);
    CHECK(*call == "image=1x3x8x8:f32");
    MlxFileSession exported((folder.path / "classifier.mlxfn").string(), {});
    for (uint64_t seed = 1; seed < 4; ++seed) {
      const Inputs inputs = picture_of(seed);
      const std::vector<float> wanted = answer(*session, inputs.step());
      CHECK(wanted != answer(*session, picture_of(seed + 9).step()));
      CHECK(answer(exported, inputs.step()) == wanted);
    }
  }
}

TEST_CASE("what an exported function can't hold is refused by name") {
  const Folder folder;
  const mx::Device cpu(mx::Device::cpu);
  const bundle::Bundle text = bundle_of(folder, language_model(), "fp32");
  const auto caches = emit_function("", text, {}, cpu, folder.path);
  REQUIRE_FALSE(caches);
  CHECK(caches.error().code == Errc::unsupported);
  CHECK(caches.error().message.find("KV caches") != std::string::npos);
  ir::Builder b("free");
  const ir::Value x =
      b.input("image", ElementType::f32, {ir::Symbol::batch, 3, ir::Symbol::height, 8});
  b.output(b.relu6(b.conv2d(x, b.parameter("w", {4, 3, 1, 1}), {})));
  const bundle::Bundle free = bundle_of(folder, b.finish().value(), "fp32");
  const auto open = emit_function("", free, {}, cpu, folder.path);
  REQUIRE_FALSE(open);
  CHECK(open.error().message.find("leaves its height open") != std::string::npos);
  const worker::EmitOptions fixed = {
      .extents = {{ir::Symbol::height, {5}}, {ir::Symbol::batch, {2}}}};
  const auto call = emit_function("half/one", free, fixed, cpu, folder.path);
  REQUIRE(call);
  CHECK(*call == "image=2x3x5x8:f32");
}

}  // namespace qb::mlx
