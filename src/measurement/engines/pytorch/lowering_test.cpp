#include "measurement/engines/pytorch/lowering.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include "base/rng.h"
#include "measurement/engines/pytorch/half_sums.h"
#include "network/ir/builder.h"

using namespace qb;
using namespace qb::pytorch;
namespace fs = std::filesystem;

namespace {

struct TemporaryFolder {
  fs::path path = fs::temp_directory_path() / fmt::format("qb_pytorch_{}", ::getpid());
  ~TemporaryFolder() { fs::remove_all(path); }
};

constexpr int64_t layer_count = 4;

// Layers of attention over one value, their results added up; every second sees 2 tokens only.
ir::Graph attention_graph() {
  ir::Builder b("attention");
  ir::Value x = b.input("x", ElementType::f32, {ir::Symbol::batch, ir::Symbol::sequence, 32});
  const ir::Shape cache = {ir::Symbol::batch, 1, ir::Symbol::context, 16};
  for (int64_t layer = 0; layer < layer_count; ++layer) {
    const std::string p = fmt::format("{}.", layer);
    x = b.add(x, b.cached_attention(b.linear(x, b.parameter(p + "q", {32, 32})),
                                    b.linear(x, b.parameter(p + "k", {16, 32})),
                                    b.linear(x, b.parameter(p + "v", {16, 32})),
                                    b.state(p + "keys", cache), b.state(p + "values", cache),
                                    {.head_count = 2,
                                     .kv_head_count = 1,
                                     .head_dim = 16,
                                     .rotary = {.theta = 1e4},
                                     .window_tokens = layer % 2 * 2}));
  }
  b.output(x);
  return b.finish().value();
}

Result<void> seeded(const ir::ValueInfo& info, std::span<float> out) {
  Rng rng(derive_seed(1, info.name));
  for (float& value : out) value = static_cast<float>(rng.normal());
  return {};
}

}  // namespace

TEST_CASE("q, k and v are one product, and layers that see alike share one mask a run") {
  const TemporaryFolder root;
  const c10::InferenceMode inference;
  const auto folder =
      bundle::build_plain_bundle(root.path, attention_graph(), quant::find_scheme("fp32").value(),
                                 {.scheme = "fp32", .source_hash = "1"}, seeded);
  REQUIRE(folder);
  const auto bundle = bundle::load_bundle(*folder);
  REQUIRE(bundle);
  Lowering lowering(*bundle, {.context_tokens = 8}, at::kCPU, kernels().value());
  auto program = lowering.build();
  REQUIRE(program);
  int mask_count = 0;
  int product_count = 0;
  program->wrap_calls([&](std::string_view operator_name, Call call) -> Call {
    return [&, operator_name, call = std::move(call)](Frame& frame) {
      const std::vector<at::Tensor> before = frame.slots;
      call(frame);
      product_count += operator_name == "linear";
      for (size_t slot = 0; slot < before.size(); ++slot) {
        const at::Tensor& made = frame.slots[slot];
        const bool is_mask = made.defined() && made.dim() == 2 && !made.is_same(before[slot]);
        mask_count += is_mask;
      }
    };
  });
  Frame frame = {std::vector<at::Tensor>(program->slot_count()), 3};
  frame.slots[lowering.input_slots()[0]] = at::ones({1, 4, 32});
  program->run(frame);
  CHECK(product_count == layer_count);
  CHECK(mask_count == 2);
}

TEST_CASE("weights do not lie in the bundle's mapped file when compiling is done") {
  const TemporaryFolder root;
  const c10::InferenceMode inference;
  for (const char* scheme : {"fp32", "fp16", "bf16"}) {
    CAPTURE(scheme);
    const auto folder =
        bundle::build_plain_bundle(root.path, attention_graph(), quant::find_scheme(scheme).value(),
                                   {.scheme = scheme, .source_hash = "1"}, seeded);
    REQUIRE(folder);
    const auto bundle = bundle::load_bundle(*folder);
    REQUIRE(bundle);
    Lowering lowering(*bundle, {.context_tokens = 8}, at::kCPU, kernels().value());
    for (const ir::Value value : bundle->graph().of_kind(ir::ValueKind::parameter)) {
      const bundle::Parameter& p = bundle->parameter(value);
      CHECK(lowering.stored_tensor(p).const_data_ptr() != p.bytes.data());
      CHECK(lowering.stored_tensor(p).is_same(lowering.stored_tensor(p)));  // one copy
    }
  }
}

TEST_CASE("sums that are kept in f16 are told from those that are only rounded to it") {
  const c10::InferenceMode inference;
  const HalfProduct in_f32 = [](const at::Tensor& x, const at::Tensor& w) {
    return at::linear(x.to(at::kFloat), w.to(at::kFloat)).to(at::kHalf);
  };
  const auto in_f16 = [](int64_t lane_count) -> HalfProduct {  // sums beside each other
    return [=](const at::Tensor& x, const at::Tensor& w) {
      at::Tensor sums = at::zeros({x.size(0), w.size(0), lane_count}, at::kHalf);
      for (int64_t i = 0; i < x.size(1); ++i)
        sums.select(2, i % lane_count).addcmul_(x.narrow(1, i, 1), w.select(1, i));
      return sums.to(at::kFloat).sum(2).to(at::kHalf);
    };
  };
  CHECK_FALSE(sums_in_f16(at::kCPU, in_f32));
  for (const int64_t lane_count : {1, 4, 32}) CHECK(sums_in_f16(at::kCPU, in_f16(lane_count)));
  CHECK(text_of(at::kHalf, true) == "activations and sums in f16");
  CHECK(text_of(at::kBFloat16, false) == "activations in bf16");
}
