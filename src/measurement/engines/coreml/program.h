// An ML Program in the making: functions of operations, and the model around them. The only code
// that knows Core ML's schema.
#pragma once

#include <filesystem>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "measurement/engines/coreml/blob_file.h"
#include "measurement/engines/coreml/target.h"
#include "measurement/engines/coreml/values.h"

namespace qb::coreml {

// An operand: a value, several of one parameter (concat's), or a constant, for which a `const`
// operation is made.
using Operand = std::variant<Value, std::vector<Value>, Constant>;
using Operands = std::vector<std::pair<std::string_view, Operand>>;

class Function {
 public:
  explicit Function(std::string name);
  ~Function();
  Function(Function&&) noexcept;

  const std::string& name() const;
  Value input(std::string_view name, Type type, const Shape& shape);
  // f16, as Core ML's states are; read and written by operations.
  Value state(std::string_view name, const Shape& shape);
  Value constant(std::string_view hint, const Constant& constant);
  Value apply(std::string_view op, const Operands& operands, Type type, const Shape& shape);
  std::vector<Value> apply(std::string_view op, const Operands& operands,
                           const std::vector<Shape>& shapes, Type type);
  void write_state(const Value& state, const Value& data);
  // Weights that Core ML keeps compressed: a constexpr_ operation. `is_attribute`: in the form that
  // it had before iOS 18.
  Value compressed(std::string_view op, const Operands& parts, Type type, const Shape& shape,
                   bool is_attribute);
  // Names the value as an output of the function.
  void output(std::string_view name, const Value& value);

 private:
  friend Result<void> write_package(const std::filesystem::path&, const Target&,
                                    std::vector<Function>,
                                    const std::vector<std::pair<std::string, std::string>>&,
                                    BlobFile&);
  struct State;
  std::unique_ptr<State> state_;
};

// "model.layers.0.weight" as a name that Core ML takes.
std::string identifier(std::string_view text);

// Writes `<folder>/Manifest.json` and the model of the functions; the blobs lie in weights_file()
// of the folder already. The first function is the one that is used where none is named.
std::filesystem::path weights_file(const std::filesystem::path& package);
Result<void> write_package(const std::filesystem::path& package, const Target& target,
                           std::vector<Function> functions,
                           const std::vector<std::pair<std::string, std::string>>& metadata,
                           BlobFile& blobs);

}  // namespace qb::coreml
