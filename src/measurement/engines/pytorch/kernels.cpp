#include "measurement/engines/pytorch/kernels.h"

#include <algorithm>
#include <cstdlib>

#include "measurement/engines/pytorch/aten.h"

namespace qb::pytorch {
namespace {

constexpr const char* variable = "QBENCH_PYTORCH_KERNELS";

bool has_qnnpack() {
  return std::ranges::find(at::Context::supportedQEngines(), at::QEngine::QNNPACK) !=
         at::Context::supportedQEngines().end();
}

// KleidiAI packs weights to bytes, on processors with its instructions; the reference keeps floats.
bool packs_for_kleidiai() {
  if (!at::hasKleidiAI()) return false;
  constexpr int64_t row_count = 8;
  constexpr int64_t column_count = 32;
  const at::Tensor packed = at::_dyn_quant_pack_4bit_weight(
      at::zeros({row_count, column_count / 2}, at::kByte), at::ones({row_count, 1}), {},
      column_count, column_count, row_count);
  return packed.scalar_type() == at::kByte;
}

// The process's settings follow: what ATen itself computes by oneDNN, and the engine of quantized::
// operators.
void apply(const Kernels& kernels) {
  if (!kernels.onednn) at::globalContext().setUserEnabledMkldnn(false);
  if (kernels.qnnpack) at::globalContext().setQEngine(at::QEngine::QNNPACK);
}

Result<Kernels> find_kernels() {
  const char* value = std::getenv(variable);
  const std::string instead = value ? value : "";
  if (!instead.empty() && instead != "macos")
    return fail(Errc::bad_input, "{}={} is unknown: known is macos", variable, instead);
  const bool is_macos = !instead.empty();
  Kernels found = {.onednn = at::hasMKLDNN() && !is_macos, .instead = instead};
  found.qnnpack = !found.onednn && has_qnnpack();
  found.dynamic_int4 = is_macos || packs_for_kleidiai();
  found.weight_only_f32 = is_macos || at::hasKleidiAI();  // which is built for 64-bit ARM only
  apply(found);
  return found;
}

}  // namespace

const Result<Kernels>& kernels() {
  static const Result<Kernels> found = find_kernels();
  return found;
}

std::string note_of(const Kernels& kernels) {
  if (kernels.instead.empty()) return {};
  return fmt::format("; kernels of {}, by {}", kernels.instead, variable);
}

Json describe(const Kernels& kernels) {
  Json json = Json::object({{"onednn", kernels.onednn},
                            {"qnnpack", kernels.qnnpack},
                            {"dynamic_int4", kernels.dynamic_int4},
                            {"weight_only_f32", kernels.weight_only_f32}});
  if (!kernels.instead.empty()) json.set("instead", kernels.instead);
  return json;
}

}  // namespace qb::pytorch
