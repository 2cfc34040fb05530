#include "quantized.h"

#include "base/json.h"
#include "network/weights/quantized.h"

namespace qb::fuzz {
namespace {

std::string_view method_of(const Json& config) {
  if (config["quantization"].is_object()) return "mlx";
  return config["quantization_config"]["quant_method"].as_string();
}

}  // namespace

void read_quantized(std::string_view input, std::string_view method) {
  const std::string_view config_text = take_line(input);
  const std::string_view header = take_line(input);
  const Result<Json> config = parse_json(config_text);
  if (!config || method_of(*config) != method) return;
  const std::filesystem::path path = file_of(safetensors(header, input), "model.safetensors");
  auto file = weights::load_safetensors(path);
  if (file && weights::join_quantized(*config, *file)) decode_all(*file);
}

}  // namespace qb::fuzz
