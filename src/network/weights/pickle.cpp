#include "network/weights/pickle.h"

#include <algorithm>
#include <bit>
#include <iterator>
#include <span>
#include <variant>

#include "network/weights/pickle_opcodes.h"

namespace qb::weights {
namespace {

using Index = uint32_t;  // of a value in the machine's arena: nothing is owned, nothing recurses
constexpr size_t value_count_max = 4'000'000;

struct None {};
struct Mark {};
struct Global {
  std::string name;  // "module.function"
};
struct Sequence {
  std::vector<Index> items;
};
struct Dictionary {
  std::vector<std::pair<Index, Index>> items;
};
using Value = std::variant<None, Mark, bool, int64_t, double, std::string, Global, Sequence,
                           Dictionary, PickledStorage, PickledTensor>;

struct StorageClass {
  std::string_view name;
  StorageFormat format;
  std::string_view type;
};
constexpr StorageClass storage_classes[] = {
    {"torch.FloatStorage", StorageFormat::f32, "torch.float32"},
    {"torch.DoubleStorage", StorageFormat::f64, "torch.float64"},
    {"torch.HalfStorage", StorageFormat::f16, "torch.float16"},
    {"torch.BFloat16Storage", StorageFormat::bf16, "torch.bfloat16"},
    {"torch.LongStorage", StorageFormat::i64, "torch.int64"},
    {"torch.IntStorage", StorageFormat::i32, "torch.int32"},
    {"torch.ShortStorage", StorageFormat::i16, "torch.int16"},
    {"torch.CharStorage", StorageFormat::i8, "torch.int8"},
    {"torch.ByteStorage", StorageFormat::u8, "torch.uint8"},
    {"torch.BoolStorage", StorageFormat::boolean, "torch.bool"},
    {"torch.ComplexFloatStorage", StorageFormat::c64, "torch.complex64"},
    {"torch.ComplexDoubleStorage", StorageFormat::c128, "torch.complex128"},
    // Bytes: the tensor itself says what it holds.
    {"torch.storage.UntypedStorage", StorageFormat::u8, "untyped"}};

// What tensors of an untyped storage hold.
constexpr StorageClass element_types[] = {
    {"torch.float8_e4m3fn", StorageFormat::f8, "torch.float8_e4m3fn"},
    {"torch.float8_e5m2", StorageFormat::f8, "torch.float8_e5m2"},
    {"torch.float8_e4m3fnuz", StorageFormat::f8, "torch.float8_e4m3fnuz"},
    {"torch.float8_e5m2fnuz", StorageFormat::f8, "torch.float8_e5m2fnuz"},
    {"torch.float8_e8m0fnu", StorageFormat::f8, "torch.float8_e8m0fnu"},
    {"torch.float4_e2m1fn_x2", StorageFormat::u8, "torch.float4_e2m1fn_x2"},
    {"torch.uint16", StorageFormat::u16, "torch.uint16"},
    {"torch.uint32", StorageFormat::u32, "torch.uint32"},
    {"torch.uint64", StorageFormat::u64, "torch.uint64"}};

constexpr std::string_view functions[] = {
    "collections.OrderedDict", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor_v3",
    "torch._utils._rebuild_parameter"};

const StorageClass* find_class(std::span<const StorageClass> rows, std::string_view name) {
  const auto row = std::ranges::find(rows, name, &StorageClass::name);
  return row == rows.end() ? nullptr : &*row;
}

bool is_allowed(std::string_view name) {
  return std::ranges::find(functions, name) != std::end(functions) ||
         find_class(storage_classes, name) || find_class(element_types, name);
}

class Machine {
 public:
  explicit Machine(ByteReader& reader) : reader_(reader) {}

  Result<Index> run() {
    while (true) {
      QB_TRY(const uint8_t opcode, reader_.number<uint8_t>("an opcode"));
      if (opcode == op_stop) return pop();
      QB_CHECK(step(opcode));
      if (values_.size() > value_count_max)
        return fail(Errc::bad_input, "the pickle has more than {} values", value_count_max);
    }
  }

  const Value& operator[](Index index) const { return values_[index]; }
  const std::map<std::string, StorageFormat>& storages() const { return storages_; }

 private:
  Result<void> step(uint8_t opcode);
  Result<void> step_container(uint8_t opcode);
  Result<void> reduce();
  Result<void> make_dictionary(const Sequence& arguments);
  Result<void> make_tensor(std::string_view function, const Sequence& arguments);
  Result<void> persistent_id();
  Result<void> real();
  Result<void> long_integer();
  Result<void> get(uint64_t key);
  Result<void> extend(size_t start);
  Result<void> set_items(size_t start);

  void push(Value value) {
    values_.push_back(std::move(value));
    stack_.push_back(static_cast<Index>(values_.size() - 1));
  }
  Result<Index> pop() {
    if (stack_.empty()) return fail(Errc::bad_input, "the pickle's stack is empty");
    const Index top = stack_.back();
    stack_.pop_back();
    return top;
  }
  // Position on the stack behind the last mark, which is removed.
  Result<size_t> take_mark() {
    for (size_t i = stack_.size(); i > 0; --i) {
      if (!std::holds_alternative<Mark>(values_[stack_[i - 1]])) continue;
      stack_.erase(stack_.begin() + static_cast<long>(i - 1));
      return i - 1;
    }
    return fail(Errc::bad_input, "the pickle has no mark");
  }
  Result<void> push_tuple(size_t start) {
    if (start > stack_.size()) return fail(Errc::bad_input, "the pickle's stack is too short");
    Sequence tuple = {{stack_.begin() + static_cast<long>(start), stack_.end()}};
    stack_.resize(start);
    push(std::move(tuple));
    return {};
  }
  template <typename T>
  Result<void> push_number() {
    QB_TRY(const T value, reader_.number<T>("a number"));
    push(static_cast<int64_t>(value));
    return {};
  }
  template <typename Length>
  Result<void> push_text() {
    QB_TRY(const Length length, reader_.number<Length>("a text's length"));
    QB_TRY(const std::string_view text, reader_.text(static_cast<uint64_t>(length), "a text"));
    push(std::string(text));
    return {};
  }
  template <typename Key>
  Result<void> put() {
    QB_TRY(const Key key, reader_.number<Key>("a memo key"));
    if (stack_.empty()) return fail(Errc::bad_input, "the pickle's stack is empty");
    memo_[key] = stack_.back();
    return {};
  }
  template <typename T>
  const T* item(const Sequence& sequence, size_t i) const {
    return i < sequence.items.size() ? std::get_if<T>(&values_[sequence.items[i]]) : nullptr;
  }
  std::vector<int64_t> integers(const Sequence* sequence) const {
    std::vector<int64_t> found;
    for (size_t i = 0; sequence && i < sequence->items.size(); ++i) {
      const int64_t* value = item<int64_t>(*sequence, i);
      found.push_back(value ? *value : -1);
    }
    return found;
  }

  ByteReader& reader_;
  std::vector<Value> values_;
  std::vector<Index> stack_;
  std::map<uint64_t, Index> memo_;
  std::map<std::string, StorageFormat> storages_;
};

Result<void> Machine::get(uint64_t key) {
  const auto found = memo_.find(key);
  if (found == memo_.end()) return fail(Errc::bad_input, "the pickle's memo has no {}", key);
  stack_.push_back(found->second);
  return {};
}

// Big-endian, unlike the integers.
Result<void> Machine::real() {
  QB_TRY(uint64_t bits, reader_.number<uint64_t>("a real"));
  push(std::bit_cast<double>(__builtin_bswap64(bits)));
  return {};
}

Result<void> Machine::long_integer() {
  QB_TRY(const uint8_t length, reader_.number<uint8_t>("an integer's length"));
  QB_TRY(const auto bytes, reader_.take(length, "an integer"));
  if (length > 8) {  // a magic number: no size of anything, and never taken for one
    push(None{});
    return {};
  }
  uint64_t value = 0;
  for (size_t i = 0; i < length; ++i) value |= static_cast<uint64_t>(bytes[i]) << (8 * i);
  if (length > 0 && length < 8 && (static_cast<uint8_t>(bytes[length - 1u]) & 0x80u))
    value |= ~uint64_t{0} << (8 * length);
  push(static_cast<int64_t>(value));
  return {};
}

Result<void> Machine::step(uint8_t opcode) {
  switch (opcode) {
    case op_protocol:
      return with_context(reader_.take(1, "the protocol"), "pickle").map([](auto) {});
    case op_none:
      push(None{});
      return {};
    case op_true:
      push(true);
      return {};
    case op_false:
      push(false);
      return {};
    case op_int1:
      return push_number<uint8_t>();
    case op_int2:
      return push_number<uint16_t>();
    case op_int4:
      return push_number<int32_t>();
    case op_long1:
      return long_integer();
    case op_float:
      return real();
    case op_unicode:
      return push_text<uint32_t>();
    case op_short_string:
      return push_text<uint8_t>();
    case op_string:
      return push_text<uint32_t>();
    case op_put1:
      return put<uint8_t>();
    case op_put4:
      return put<uint32_t>();
    case op_get1: {
      QB_TRY(const uint8_t key, reader_.number<uint8_t>("a memo key"));
      return get(key);
    }
    case op_get4: {
      QB_TRY(const uint32_t key, reader_.number<uint32_t>("a memo key"));
      return get(key);
    }
    case op_global: {
      QB_TRY(const std::string_view module, reader_.line("a module's name"));
      QB_TRY(const std::string_view function, reader_.line("a function's name"));
      std::string name = fmt::format("{}.{}", module, function);
      if (!is_allowed(name))
        return fail(Errc::bad_input, "refused: the pickle asks for {}, which is no tensor", name);
      push(Global{std::move(name)});
      return {};
    }
    case op_reduce:
      return reduce();
    case op_persistent_id:
      return persistent_id();
    default:
      return step_container(opcode);
  }
}

Result<void> Machine::step_container(uint8_t opcode) {
  switch (opcode) {
    case op_mark:
      push(Mark{});
      return {};
    case op_empty_tuple:
    case op_empty_list:
      push(Sequence{});
      return {};
    case op_empty_dict:
      push(Dictionary{});
      return {};
    case op_tuple1:
    case op_tuple2:
    case op_tuple3: {
      const size_t count = opcode - op_tuple1 + 1u;
      return push_tuple(stack_.size() >= count ? stack_.size() - count : stack_.size() + 1);
    }
    case op_tuple: {
      QB_TRY(const size_t start, take_mark());
      return push_tuple(start);
    }
    case op_appends: {
      QB_TRY(const size_t start, take_mark());
      return extend(start);
    }
    case op_append:
      return extend(stack_.size() - (stack_.empty() ? 0 : 1));
    case op_set_items: {
      QB_TRY(const size_t start, take_mark());
      return set_items(start);
    }
    case op_set_item:
      return set_items(stack_.size() >= 2 ? stack_.size() - 2 : 0);
    case op_pop:
      return pop().map([](Index) {});
    case op_build:
      return pop().map([](Index) {});  // attributes of a dictionary, such as _metadata
    default:
      return fail(Errc::bad_input, "refused: the pickle has opcode {}", name_of_opcode(opcode));
  }
}

Result<void> Machine::extend(size_t start) {
  Sequence* list = start > 0 ? std::get_if<Sequence>(&values_[stack_[start - 1]]) : nullptr;
  if (!list) return fail(Errc::bad_input, "the pickle appends to what is no list");
  list->items.insert(list->items.end(), stack_.begin() + static_cast<long>(start), stack_.end());
  stack_.resize(start);
  return {};
}

Result<void> Machine::set_items(size_t start) {
  Dictionary* target = start > 0 ? std::get_if<Dictionary>(&values_[stack_[start - 1]]) : nullptr;
  if (!target || (stack_.size() - start) % 2 != 0)
    return fail(Errc::bad_input, "the pickle sets items of what is no dictionary");
  for (size_t i = start; i < stack_.size(); i += 2)
    target->items.emplace_back(stack_[i], stack_[i + 1]);
  stack_.resize(start);
  return {};
}

// ('storage', class, key, location, element count[, view])
Result<void> Machine::persistent_id() {
  QB_TRY(const Index top, pop());
  const auto* tuple = std::get_if<Sequence>(&values_[top]);
  if (!tuple) return fail(Errc::bad_input, "a storage is no tuple");
  const auto* type = item<Global>(*tuple, 1);
  const auto* key = item<std::string>(*tuple, 2);
  const auto* count = item<int64_t>(*tuple, 4);
  if (!type || !key || !count || *count < 0)
    return fail(Errc::bad_input, "a storage lacks type, key or size");
  if (tuple->items.size() > 5 && !item<None>(*tuple, 5))
    return fail(Errc::unsupported, "storage {} is a view of another", *key);
  const StorageClass* row = find_class(storage_classes, type->name);
  if (!row) return fail(Errc::bad_input, "{} is no storage", type->name);
  storages_[*key] = row->format;
  push(PickledStorage{row->format, std::string(row->type), *key, *count});
  return {};
}

Result<void> Machine::reduce() {
  QB_TRY(const Index arguments_index, pop());
  QB_TRY(const Index function_index, pop());
  const auto* function = std::get_if<Global>(&values_[function_index]);
  const auto* arguments = std::get_if<Sequence>(&values_[arguments_index]);
  if (!function || !arguments) return fail(Errc::bad_input, "the pickle calls what is no function");
  if (function->name == "collections.OrderedDict") {
    return make_dictionary(*arguments);
  }
  if (function->name == "torch._utils._rebuild_parameter" && !arguments->items.empty()) {
    stack_.push_back(arguments->items[0]);
    return {};
  }
  return make_tensor(function->name, *arguments);
}

// Nothing, or as Python 2 wrote it: one list of pairs.
Result<void> Machine::make_dictionary(const Sequence& arguments) {
  Dictionary dictionary;
  const auto* pairs = item<Sequence>(arguments, 0);
  if (arguments.items.size() > 1 || (!arguments.items.empty() && !pairs))
    return fail(Errc::bad_input, "a dictionary is made of what is no list of pairs");
  for (size_t i = 0; pairs && i < pairs->items.size(); ++i) {
    const auto* pair = item<Sequence>(*pairs, i);
    if (!pair || pair->items.size() != 2)
      return fail(Errc::bad_input, "a dictionary is made of what is no list of pairs");
    dictionary.items.emplace_back(pair->items[0], pair->items[1]);
  }
  push(std::move(dictionary));
  return {};
}

// (storage, offset, shape, strides, …); in the third version the element type is the seventh, and
// the storage has bytes.
Result<void> Machine::make_tensor(std::string_view function, const Sequence& arguments) {
  const auto* storage = item<PickledStorage>(arguments, 0);
  const auto* offset = item<int64_t>(arguments, 1);
  const bool is_v3 = function == "torch._utils._rebuild_tensor_v3";
  if ((!is_v3 && function != "torch._utils._rebuild_tensor_v2") || !storage || !offset)
    return fail(Errc::bad_input, "{} is called with what makes no tensor", function);
  PickledTensor tensor = {*storage, *offset, integers(item<Sequence>(arguments, 2)),
                          integers(item<Sequence>(arguments, 3))};
  if (is_v3) {
    const auto* type = item<Global>(arguments, 6);
    const StorageClass* row = type ? find_class(element_types, type->name) : nullptr;
    if (!row) return fail(Errc::bad_input, "{} is called with no element type", function);
    tensor.storage.format = row->format;
    tensor.storage.type = row->type;
  }
  push(std::move(tensor));
  return {};
}

const Dictionary* find_state_dict(const Machine& machine, const Dictionary& top) {
  for (const auto& [key, value] : top.items) {
    const auto* name = std::get_if<std::string>(&machine[key]);
    const auto* inner = std::get_if<Dictionary>(&machine[value]);
    if (name && inner && (*name == "state_dict" || *name == "model")) return inner;
  }
  return &top;
}

}  // namespace

Result<PickleResult> read_pickle(ByteReader& reader) {
  Machine machine(reader);
  QB_TRY(const Index top, machine.run());
  PickleResult result = {.storages = machine.storages()};
  if (const auto* list = std::get_if<Sequence>(&machine[top]))
    for (const Index item : list->items)
      if (const auto* text = std::get_if<std::string>(&machine[item]))
        result.texts.push_back(*text);
  if (const auto* dictionary = std::get_if<Dictionary>(&machine[top]))
    for (const auto& [key, value] : find_state_dict(machine, *dictionary)->items) {
      const auto* name = std::get_if<std::string>(&machine[key]);
      const auto* tensor = std::get_if<PickledTensor>(&machine[value]);
      if (name && tensor) result.tensors.emplace_back(*name, *tensor);
    }
  return result;
}

}  // namespace qb::weights
