#include "network/models/activation.h"

#include <algorithm>

namespace qb::models {
namespace {

struct Row {
  std::string_view name;
  Activation activation;
};
constexpr Row rows[] = {{"gelu", Activation::gelu},
                        {"gelu_new", Activation::gelu_tanh},
                        {"gelu_pytorch_tanh", Activation::gelu_tanh},
                        {"quick_gelu", Activation::quick_gelu},
                        {"relu", Activation::relu},
                        {"silu", Activation::silu},
                        {"swish", Activation::silu}};

std::string known_names() {
  std::string names;
  for (const Row& row : rows) names += fmt::format("{}{}", names.empty() ? "" : ", ", row.name);
  return names;
}

}  // namespace

Activation read_activation(Config& config, std::string_view key, std::string_view otherwise) {
  const std::string name = config.text(key, otherwise);
  const auto row = std::ranges::find(rows, name, &Row::name);
  if (row != std::end(rows)) return row->activation;
  config.fail_with(
      {Errc::unsupported, fmt::format("{} is \"{}\", which is not followed; followed are: {}", key,
                                      name, known_names())});
  return Activation::gelu;
}

ir::Value activate(ir::Builder& b, ir::Value x, Activation activation) {
  switch (activation) {
    case Activation::gelu:
      return b.apply(ir::Op::gelu, {x});
    case Activation::gelu_tanh:
      return b.apply(ir::Op::gelu_tanh, {x});
    case Activation::quick_gelu:
      return b.multiply(x, b.sigmoid(b.scale(x, 1.702)));
    case Activation::relu:
      return b.apply(ir::Op::relu, {x});
    case Activation::silu:
      return b.silu(x);
  }
  return x;
}

}  // namespace qb::models
