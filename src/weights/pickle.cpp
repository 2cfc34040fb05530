#include "weights/pickle.h"

#include <algorithm>
#include <variant>

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
};
constexpr StorageClass storage_classes[] = {
    {"torch.FloatStorage", StorageFormat::f32}, {"torch.DoubleStorage", StorageFormat::f64},
    {"torch.HalfStorage", StorageFormat::f16},  {"torch.BFloat16Storage", StorageFormat::bf16},
    {"torch.LongStorage", StorageFormat::i64},  {"torch.IntStorage", StorageFormat::i32},
    {"torch.ShortStorage", StorageFormat::i16}, {"torch.CharStorage", StorageFormat::i8},
    {"torch.ByteStorage", StorageFormat::u8},   {"torch.BoolStorage", StorageFormat::boolean}};

constexpr std::string_view functions[] = {"collections.OrderedDict",
                                          "torch._utils._rebuild_tensor_v2",
                                          "torch._utils._rebuild_parameter"};

bool is_allowed(std::string_view name) {
  for (const std::string_view function : functions)
    if (function == name) return true;
  for (const StorageClass& row : storage_classes)
    if (row.name == name) return true;
  return false;
}

class Machine {
 public:
  explicit Machine(ByteReader& reader) : reader_(reader) {}

  Result<Index> run() {
    while (true) {
      QB_TRY(const uint8_t opcode, reader_.number<uint8_t>("an opcode"));
      if (opcode == '.') return pop();
      QB_CHECK(step(opcode));
      if (values_.size() > value_count_max)
        return fail(Errc::bad_input, "the pickle has more than {} values", value_count_max);
    }
  }

  const Value& operator[](Index index) const { return values_[index]; }

 private:
  Result<void> step(uint8_t opcode);
  Result<void> step_container(uint8_t opcode);
  Result<void> reduce();
  Result<void> persistent_id();
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
};

Result<void> Machine::get(uint64_t key) {
  const auto found = memo_.find(key);
  if (found == memo_.end()) return fail(Errc::bad_input, "the pickle's memo has no {}", key);
  stack_.push_back(found->second);
  return {};
}

Result<void> Machine::long_integer() {
  QB_TRY(const uint8_t length, reader_.number<uint8_t>("an integer's length"));
  QB_TRY(const auto bytes, reader_.take(length, "an integer"));
  uint64_t value = 0;  // longer ones are magic numbers, of which nothing is needed
  for (size_t i = 0; i < std::min<size_t>(length, 8); ++i)
    value |= static_cast<uint64_t>(bytes[i]) << (8 * i);
  if (length > 0 && length < 8 && (static_cast<uint8_t>(bytes[length - 1u]) & 0x80u))
    value |= ~uint64_t{0} << (8 * length);
  push(static_cast<int64_t>(value));
  return {};
}

Result<void> Machine::step(uint8_t opcode) {
  switch (opcode) {
    case 0x80:
      return with_context(reader_.take(1, "the protocol"), "pickle").map([](auto) {});
    case 'N':
      push(None{});
      return {};
    case 0x88:
      push(true);
      return {};
    case 0x89:
      push(false);
      return {};
    case 'K':
      return push_number<uint8_t>();
    case 'M':
      return push_number<uint16_t>();
    case 'J':
      return push_number<int32_t>();
    case 0x8a:
      return long_integer();
    case 'G':
      return reader_.take(8, "a real").map([this](auto) { push(0.0); });
    case 'X':
      return push_text<uint32_t>();
    case 'U':
      return push_text<uint8_t>();
    case 'T':
      return push_text<uint32_t>();
    case 'q':
      return put<uint8_t>();
    case 'r':
      return put<uint32_t>();
    case 'h': {
      QB_TRY(const uint8_t key, reader_.number<uint8_t>("a memo key"));
      return get(key);
    }
    case 'j': {
      QB_TRY(const uint32_t key, reader_.number<uint32_t>("a memo key"));
      return get(key);
    }
    case 'c': {
      QB_TRY(const std::string_view module, reader_.line("a module's name"));
      QB_TRY(const std::string_view function, reader_.line("a function's name"));
      std::string name = fmt::format("{}.{}", module, function);
      if (!is_allowed(name))
        return fail(Errc::bad_input, "refused: the pickle asks for {}, which is no tensor", name);
      push(Global{std::move(name)});
      return {};
    }
    case 'R':
      return reduce();
    case 'Q':
      return persistent_id();
    default:
      return step_container(opcode);
  }
}

Result<void> Machine::step_container(uint8_t opcode) {
  switch (opcode) {
    case '(':
      push(Mark{});
      return {};
    case ')':
    case ']':
      push(Sequence{});
      return {};
    case '}':
      push(Dictionary{});
      return {};
    case 0x85:
    case 0x86:
    case 0x87: {
      const size_t count = opcode - 0x84u;
      return push_tuple(stack_.size() >= count ? stack_.size() - count : stack_.size() + 1);
    }
    case 't': {
      QB_TRY(const size_t start, take_mark());
      return push_tuple(start);
    }
    case 'e': {
      QB_TRY(const size_t start, take_mark());
      return extend(start);
    }
    case 'a':
      return extend(stack_.size() - (stack_.empty() ? 0 : 1));
    case 'u': {
      QB_TRY(const size_t start, take_mark());
      return set_items(start);
    }
    case 's':
      return set_items(stack_.size() >= 2 ? stack_.size() - 2 : 0);
    case 'b':
      return pop().map([](Index) {});  // attributes of a dictionary, such as _metadata
    default:
      return fail(Errc::bad_input, "refused: the pickle has opcode {:#x}", opcode);
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
  for (const StorageClass& row : storage_classes) {
    if (row.name != type->name) continue;
    push(PickledStorage{row.format, *key, *count});
    return {};
  }
  return fail(Errc::bad_input, "{} is no storage", type->name);
}

Result<void> Machine::reduce() {
  QB_TRY(const Index arguments_index, pop());
  QB_TRY(const Index function_index, pop());
  const auto* function = std::get_if<Global>(&values_[function_index]);
  const auto* arguments = std::get_if<Sequence>(&values_[arguments_index]);
  if (!function || !arguments) return fail(Errc::bad_input, "the pickle calls what is no function");
  if (function->name == "collections.OrderedDict") {
    push(Dictionary{});
    return {};
  }
  if (function->name == "torch._utils._rebuild_parameter" && !arguments->items.empty()) {
    stack_.push_back(arguments->items[0]);
    return {};
  }
  const auto* storage = item<PickledStorage>(*arguments, 0);
  const auto* offset = item<int64_t>(*arguments, 1);
  if (function->name != "torch._utils._rebuild_tensor_v2" || !storage || !offset)
    return fail(Errc::bad_input, "{} is called with what makes no tensor", function->name);
  push(PickledTensor{*storage, *offset, integers(item<Sequence>(*arguments, 2)),
                     integers(item<Sequence>(*arguments, 3))});
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
  PickleResult result;
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
