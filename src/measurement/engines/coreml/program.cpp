#include "measurement/engines/coreml/program.h"

#include <Model.pb.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <set>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"

namespace qb::coreml {
namespace fs = std::filesystem;
namespace spec = ::CoreML::Specification;
namespace mil = spec::MILSpec;
namespace {

constexpr const char* blob_name = "@model_path/weights/weight.bin";

void set_type(mil::TensorType& tensor, Type type, const Shape& shape) {
  tensor.set_datatype(static_cast<mil::DataType>(row_of(type).mil));
  tensor.set_rank(static_cast<int64_t>(shape.size()));
  for (const int64_t extent : shape)
    tensor.add_dimensions()->mutable_constant()->set_size(static_cast<uint64_t>(extent));
}

template <typename T>
std::span<const T> elements(const Constant& constant) {
  return {reinterpret_cast<const T*>(constant.bytes.data()), constant.bytes.size() / sizeof(T)};
}

void set_value(mil::Value& value, const Constant& constant) {
  set_type(*value.mutable_type()->mutable_tensortype(), constant.type, constant.shape);
  if (constant.is_blob) {
    value.mutable_blobfilevalue()->set_filename(blob_name);
    value.mutable_blobfilevalue()->set_offset(constant.offset);
    return;
  }
  mil::TensorValue& tensor = *value.mutable_immediatevalue()->mutable_tensor();
  switch (constant.type) {
    case Type::text:
      tensor.mutable_strings()->add_values(constant.text);
      break;
    case Type::boolean:
      for (const uint8_t each : elements<uint8_t>(constant))
        tensor.mutable_bools()->add_values(each != 0);
      break;
    case Type::f32:
      for (const float each : elements<float>(constant)) tensor.mutable_floats()->add_values(each);
      break;
    case Type::i32:
      for (const int32_t each : elements<int32_t>(constant))
        tensor.mutable_ints()->add_values(each);
      break;
    default:
      tensor.mutable_bytes()->set_values(constant.bytes.data(), constant.bytes.size());
  }
}

spec::ArrayFeatureType::ArrayDataType array_type(Type type) {
  return type == Type::f16   ? spec::ArrayFeatureType::FLOAT16
         : type == Type::i32 ? spec::ArrayFeatureType::INT32
                             : spec::ArrayFeatureType::FLOAT32;
}

void describe(spec::ArrayFeatureType& array, const Value& value) {
  for (const int64_t extent : value.shape) array.add_shape(extent);
  array.set_datatype(array_type(value.type));
}

// A text with the digits of a hash, in the form of a UUID.
std::string uuid_of(std::string_view text) {
  const std::string hex = hash_of(text);
  return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4),
                     hex.substr(16, 4), hex.substr(20, 12));
}

Json item(std::string_view name, std::string_view path, std::string_view description) {
  return Json::object({{"author", "com.apple.CoreML"},
                       {"description", description},
                       {"name", name},
                       {"path", path}});
}

std::string manifest_of(const std::string& model, bool has_weights) {
  const std::string root = uuid_of(model);
  Json items = Json::object({{root, item("model.mlmodel", "com.apple.CoreML/model.mlmodel",
                                         "CoreML Model Specification")}});
  if (has_weights)
    items.set(uuid_of(model + " weights"),
              item("weights", "com.apple.CoreML/weights", "CoreML Model Weights"));
  return dump_json(Json::object({{"fileFormatVersion", "1.0.0"},
                                 {"itemInfoEntries", std::move(items)},
                                 {"rootModelIdentifier", root}}),
                   4);
}

// The same bytes each time: maps in the order of their keys.
std::string serialize(const spec::Model& model) {
  std::string text;
  {
    google::protobuf::io::StringOutputStream stream(&text);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    model.SerializeToCodedStream(&coded);
  }
  return text;
}

}  // namespace

struct Function::State {
  std::string name;
  mil::Function function;
  mil::Block block;
  std::vector<Value> inputs, outputs, states;
  std::set<std::string> names;
  int64_t count = 0;

  std::string claim(std::string name) {
    while (!names.insert(name).second) name += '_';
    return name;
  }
  std::string fresh(std::string_view hint) { return claim(fmt::format("{}_{}", hint, count++)); }
  mil::Operation& add(std::string_view op, const std::string& name) {
    mil::Operation& operation = *block.add_operations();
    operation.set_type(std::string(op));
    set_value((*operation.mutable_attributes())["name"], text(name));
    return operation;
  }
};

Function::Function(std::string name) : state_(std::make_unique<State>()) {
  state_->name = std::move(name);
}
Function::~Function() = default;
Function::Function(Function&&) noexcept = default;

const std::string& Function::name() const { return state_->name; }

namespace {

void set_output(mil::Operation& operation, const Value& value) {
  mil::NamedValueType& output = *operation.add_outputs();
  output.set_name(value.name);
  set_type(*output.mutable_type()->mutable_tensortype(), value.type, value.shape);
}

void bind_input(mil::Operation& operation, std::string_view parameter, const std::string& name) {
  (*operation.mutable_inputs())[std::string(parameter)].add_arguments()->set_name(name);
}

}  // namespace

Value Function::input(std::string_view name, Type type, const Shape& shape) {
  Value value = {state_->claim(identifier(name)), type, shape};
  mil::NamedValueType& input = *state_->function.add_inputs();
  input.set_name(value.name);
  set_type(*input.mutable_type()->mutable_tensortype(), type, shape);
  state_->inputs.push_back(value);
  return value;
}

Value Function::state(std::string_view name, const Shape& shape) {
  Value value = {state_->claim(identifier(name)), Type::f16, shape};
  mil::NamedValueType& input = *state_->function.add_inputs();
  input.set_name(value.name);
  set_type(*input.mutable_type()->mutable_statetype()->mutable_wrappedtype()->mutable_tensortype(),
           value.type, shape);
  state_->states.push_back(value);
  return value;
}

Value Function::constant(std::string_view hint, const Constant& constant) {
  Value value = {state_->fresh(identifier(hint)), constant.type, constant.shape};
  mil::Operation& operation = state_->add("const", value.name);
  set_value((*operation.mutable_attributes())["val"], constant);
  set_output(operation, value);
  return value;
}

std::vector<Value> Function::apply(std::string_view op, const Operands& operands,
                                   const std::vector<Shape>& shapes, Type type) {
  std::vector<std::pair<std::string_view, std::string>> bound;
  for (const auto& [parameter, operand] : operands) {
    if (const auto* constant_operand = std::get_if<Constant>(&operand))
      bound.emplace_back(parameter, constant(parameter, *constant_operand).name);
    else if (const auto* value = std::get_if<Value>(&operand))
      bound.emplace_back(parameter, value->name);
    else
      for (const Value& each : std::get<std::vector<Value>>(operand))
        bound.emplace_back(parameter, each.name);
  }
  std::vector<Value> results;
  for (const Shape& shape : shapes) results.push_back({state_->fresh(op), type, shape});
  mil::Operation& operation =
      state_->add(op, results.empty() ? state_->fresh(op) : results.front().name);
  for (const auto& [parameter, name] : bound) bind_input(operation, parameter, name);
  for (const Value& result : results) set_output(operation, result);
  return results;
}

Value Function::apply(std::string_view op, const Operands& operands, Type type,
                      const Shape& shape) {
  return apply(op, operands, std::vector<Shape>{shape}, type)[0];
}

void Function::write_state(const Value& state, const Value& data) {
  apply("write_state", {{"input", state}, {"data", data}}, std::vector<Shape>{}, data.type);
}

Value Function::compressed(std::string_view op, const Operands& parts, Type type,
                           const Shape& shape, bool is_attribute) {
  Value result = {state_->fresh(op), type, shape};
  mil::Operation& operation = state_->add(op, result.name);
  for (const auto& [parameter, part] : parts) {
    const std::string key(parameter);
    if (const auto* value = std::get_if<Value>(&part))
      bind_input(operation, parameter, value->name);
    else if (is_attribute)
      set_value((*operation.mutable_attributes())[key], std::get<Constant>(part));
    else
      set_value(*(*operation.mutable_inputs())[key].add_arguments()->mutable_value(),
                std::get<Constant>(part));
  }
  set_output(operation, result);
  return result;
}

void Function::output(std::string_view name, const Value& value) {
  const Value named = {state_->claim(identifier(name)), value.type, value.shape};
  mil::Operation& operation = state_->add("identity", named.name);
  bind_input(operation, "x", value.name);
  set_output(operation, named);
  state_->block.add_outputs(named.name);
  state_->outputs.push_back(named);
}

std::string identifier(std::string_view text) {
  std::string name;
  for (const char c : text) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    const bool is_digit = c >= '0' && c <= '9';
    if (is_digit && name.empty()) name += '_';
    name += is_letter || is_digit ? c : '_';
  }
  return name.empty() ? "_" : name;
}

namespace {

template <typename Description>  // of a function, or of a model that has one
void describe(Description& description, const std::vector<Value>& inputs,
              const std::vector<Value>& outputs, const std::vector<Value>& states) {
  const auto add = [](spec::FeatureDescription& feature, const Value& value) {
    feature.set_name(value.name);
    describe(*feature.mutable_type()->mutable_multiarraytype(), value);
  };
  for (const Value& value : inputs) add(*description.add_input(), value);
  for (const Value& value : outputs) add(*description.add_output(), value);
  for (const Value& value : states) {
    spec::FeatureDescription& feature = *description.add_state();
    feature.set_name(value.name);
    describe(*feature.mutable_type()->mutable_statetype()->mutable_arraytype(), value);
  }
}

}  // namespace

fs::path weights_file(const fs::path& package) {
  return package / "Data" / "com.apple.CoreML" / "weights" / "weight.bin";
}

Result<void> write_package(const fs::path& package, const Target& target,
                           std::vector<Function> functions,
                           const std::vector<std::pair<std::string, std::string>>& metadata,
                           BlobFile& blobs) {
  spec::Model model;
  model.set_specificationversion(target.row.specification);
  spec::ModelDescription& description = *model.mutable_description();
  for (const auto& [key, value] : metadata)
    (*description.mutable_metadata()->mutable_userdefined())[key] = value;
  model.mutable_mlprogram()->set_version(1);
  const bool has_several = functions.size() > 1;
  if (has_several) description.set_defaultfunctionname(functions.front().name());
  for (Function& function : functions) {
    Function::State& state = *function.state_;
    if (has_several) {
      spec::FunctionDescription& each = *description.add_functions();
      each.set_name(state.name);
      describe(each, state.inputs, state.outputs, state.states);
    } else {
      describe(description, state.inputs, state.outputs, state.states);
    }
    const std::string opset(target.row.opset);
    state.function.set_opset(opset);
    (*state.function.mutable_block_specializations())[opset].Swap(&state.block);
    (*model.mutable_mlprogram()->mutable_functions())[has_several ? state.name : "main"].Swap(
        &state.function);
  }
  QB_CHECK(blobs.finish());
  const std::string bytes = serialize(model);
  QB_CHECK(write_file_atomically(package / "Data" / "com.apple.CoreML" / "model.mlmodel", bytes));
  return write_file_atomically(package / "Manifest.json", manifest_of(bytes, true));
}

}  // namespace qb::coreml
