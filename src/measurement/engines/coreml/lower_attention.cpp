// cached_attention and attention.
#include <fmt/ranges.h>

#include <cmath>
#include <numeric>
#include <optional>

#include "measurement/engines/coreml/lowering.h"
#include "measurement/lowering/rotary.h"

namespace qb::coreml {
namespace {

// [batch, tokens, heads * dim] as [batch, heads, tokens, dim].
Value split_heads(Lowering& l, const Value& x, int64_t heads) {
  const int64_t dim = x.shape[2] / heads;
  return l.transpose(l.reshape(x, {x.shape[0], x.shape[1], heads, dim}), {0, 2, 1, 3});
}

// [batch, heads, tokens, dim] as [batch, tokens, heads * dim].
Value join_heads(Lowering& l, const Value& x) {
  return l.reshape(l.transpose(x, {0, 2, 1, 3}), {x.shape[0], x.shape[2], x.shape[1] * x.shape[3]});
}

struct Scores {
  double scale = 1.0;    // of q k^T
  double softcap = 0.0;  // 0: none
};

// q [batch, kv heads, queries, dim]; keys and values [batch, kv heads, keys, dim]; the mask, bool,
// fits to [batch, kv heads, queries, keys] and hides where it is false.
Value attend_by_products(Lowering& l, const Value& q, const Value& keys, const Value& values,
                         const std::optional<Value>& mask, const Scores& scores) {
  const Shape shape = {q.shape[0], q.shape[1], q.shape[2], keys.shape[2]};
  const auto product = [&](const Value& x, const Value& y, bool transposes, const Shape& result) {
    return l.apply(
        "matmul",
        {{"x", x}, {"y", y}, {"transpose_x", boolean(false)}, {"transpose_y", boolean(transposes)}},
        result);
  };
  Value s = product(l.binary("mul", q, scores.scale), keys, true, shape);
  if (scores.softcap > 0.0)
    s = l.binary("mul", l.unary("tanh", l.binary("mul", s, 1.0 / scores.softcap)), scores.softcap);
  if (mask) {
    const Value hidden =
        l.binary("mul", l.binary("sub", l.cast(*mask, l.compute()), 1.0), 3e4);  // 0 or far below
    s = l.binary("add", s, hidden);
  }
  const Value shares = l.apply("softmax", {{"x", s}, {"axis", integer(-1)}}, shape);
  return product(shares, values, false, q.shape);
}

Value attend(Lowering& l, const Value& q, const Value& keys, const Value& values,
             const std::optional<Value>& mask, const Scores& scores) {
  if (scores.softcap > 0.0 || !l.target().is_of_2024()) {
    l.note("attention", "matmul, softmax and matmul");
    return attend_by_products(l, q, keys, values, mask, scores);
  }
  l.note("attention", "scaled_dot_product_attention");
  // The operator's own factor is 1 / sqrt(dim).
  const double factor = scores.scale * std::sqrt(static_cast<double>(q.shape[3]));
  const bool is_scaled = std::abs(factor - 1.0) > 1e-12;
  Operands operands = {
      {"query", is_scaled ? l.binary("mul", q, factor) : q}, {"key", keys}, {"value", values}};
  if (mask) operands.emplace_back("attn_mask", *mask);
  return l.apply("scaled_dot_product_attention", operands, q.shape);
}

// Queries of heads that share keys stand one after another, so that keys needn't be repeated; the
// mask of one head's queries [.., queries, keys] stands as often.
Value attend_in_groups(Lowering& l, const Value& q, const Value& keys, const Value& values,
                       const std::optional<Value>& mask, const Scores& scores) {
  const int64_t group = q.shape[1] / keys.shape[1];
  const Value folded = l.reshape(q, {q.shape[0], keys.shape[1], group * q.shape[2], q.shape[3]});
  std::optional<Value> repeated = mask;
  if (mask && group > 1 && mask->shape[2] > 1) {
    const std::string key = "mask of groups of " + mask->name;
    if (!l.shared().contains(key)) {
      const std::vector<int64_t> repeats = {1, 1, group, 1};
      Shape shape = mask->shape;
      shape[2] *= group;
      l.shared()[key] = l.apply(
          "tile", {{"x", l.cast(*mask, Type::i32)}, {"reps", integers(repeats)}}, Type::i32, shape);
      l.shared()[key] = l.cast(l.shared()[key], Type::boolean);
    }
    repeated = l.shared()[key];
  }
  return join_heads(l, l.reshape(attend(l, folded, keys, values, repeated, scores), q.shape));
}

Value both(Lowering& l, const Value& a, const Value& b) {
  return l.apply("logical_and", {{"x", a}, {"y", b}}, Type::boolean, broadcast(a.shape, b.shape));
}

std::vector<int64_t> first_integers(int64_t count) {
  std::vector<int64_t> numbers(static_cast<size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

// Of queries at `positions`, i32 [queries], which keys 0, 1, … each sees: [1, 1, queries, keys].
Value causal_mask(Lowering& l, const Value& positions, int64_t key_count, int64_t window_tokens) {
  const std::string key = fmt::format("{} {} {}", positions.name, key_count, window_tokens);
  if (l.shared().contains(key)) return l.shared()[key];
  const Value keys = l.reshape(l.function().constant("keys", integers(first_integers(key_count))),
                               {1, 1, 1, key_count});
  const int64_t query_count = positions.shape[0];
  const Shape shape = {1, 1, query_count, key_count};
  const Value queries = l.reshape(positions, {1, 1, query_count, 1});
  Value mask = l.compare("less_equal", keys, queries, shape);
  if (window_tokens > 0) {
    const Value before = l.binary("sub", queries, static_cast<double>(window_tokens));
    mask = both(l, mask, l.compare("greater", keys, before, shape));
  }
  return l.shared()[key] = mask;
}

Result<void> lower_attention(Lowering& l, const ir::Node& node) {
  const ir::AttentionOptions a = ir::attention_options(node.attributes);
  QB_TRY(const Value q, l.operand(node.inputs[0]));
  QB_TRY(const Value k, l.operand(node.inputs[1]));
  QB_TRY(const Value v, l.operand(node.inputs[2]));
  std::optional<Value> mask;
  if (a.causal) {
    Value& positions = l.shared()[fmt::format("the first {} positions", q.shape[1])];
    if (positions.name.empty())
      positions = l.function().constant("positions", integers(first_integers(q.shape[1])));
    mask = causal_mask(l, positions, k.shape[1], 0);
  }
  if (node.inputs.size() > 3) {
    QB_TRY(const Value given, l.operand(node.inputs[3]));
    const Value seen = l.reshape(l.compare("not_equal", given, integer(0), given.shape),
                                 {given.shape[0], 1, 1, given.shape[1]});
    mask = mask ? both(l, *mask, seen) : seen;
  }
  l.set(node.output,
        attend_in_groups(l, split_heads(l, q, a.head_count), split_heads(l, k, a.kv_head_count),
                         split_heads(l, v, a.kv_head_count), mask,
                         {.scale = 1.0 / std::sqrt(static_cast<double>(a.head_dim))}));
  return {};
}

// Cosines or sines of the step's positions, [tokens, pairs].
Value angles(Lowering& l, const ir::RotaryOptions& rotary, bool is_cosine) {
  const std::string key =
      fmt::format("{} {} {} {} {}", is_cosine ? "cosines" : "sines", rotary.theta, rotary.dims,
                  rotary.magnitude, fmt::join(rotary.factors, " "));
  if (l.shared().contains(key)) return l.shared()[key];
  const int64_t context = l.extent(ir::Symbol::context);
  const lowering::RotaryTables tables = lowering::rotary_tables(context, rotary);
  const int64_t pairs = rotary.dims / 2;
  const Value table = l.reals(is_cosine ? "cosines" : "sines", {context, pairs},
                              is_cosine ? tables.cosines : tables.sines);
  const Value& positions = l.positions();
  return l.shared()[key] = l.gather(table, positions, 0, 0, {positions.shape[0], pairs});
}

// x [batch, heads, tokens, dim]: the pairs (x_i, x_(i + r/2)) turn.
Value rotate(Lowering& l, const Value& x, const ir::RotaryOptions& rotary) {
  if (rotary.dims == 0) return x;
  const Value cosines = angles(l, rotary, true);
  const Value sines = angles(l, rotary, false);
  const int64_t pairs = rotary.dims / 2;
  std::vector<int64_t> widths = {pairs, pairs};
  if (x.shape[3] > rotary.dims) widths.push_back(x.shape[3] - rotary.dims);
  std::vector<Shape> shapes(widths.size(), x.shape);
  for (size_t i = 0; i < widths.size(); ++i) shapes[i][3] = widths[i];
  const std::vector<Value> parts = l.function().apply(
      "split", {{"x", x}, {"split_sizes", integers(widths)}, {"axis", integer(-1)}}, shapes,
      x.type);
  std::vector<Value> turned = {
      l.binary("sub", l.binary("mul", parts[0], cosines), l.binary("mul", parts[1], sines)),
      l.binary("add", l.binary("mul", parts[1], cosines), l.binary("mul", parts[0], sines))};
  if (parts.size() > 2) turned.push_back(parts[2]);
  return l.apply("concat",
                 {{"values", turned}, {"axis", integer(-1)}, {"interleave", boolean(false)}},
                 x.shape);
}

// [0, 0, position, 0], i32.
Value cache_place(Lowering& l, const Value& position) {
  const std::vector<int64_t> before = {0, 0};
  const std::vector<int64_t> after = {0};
  return l.apply(
      "concat",
      {{"values", std::vector<Value>{l.function().constant("zeros", integers(before)), position,
                                     l.function().constant("zero", integers(after))}},
       {"axis", integer(0)},
       {"interleave", boolean(false)}},
      Type::i32, {4});
}

// Writes the step's rows [batch, heads, tokens, dim] behind those of before; gives all.
Value append(Lowering& l, const Value& state, const Value& rows) {
  if (!l.shared().contains("cache begin")) {
    const Value begin = cache_place(l, l.past());
    const Value end = cache_place(l, l.binary("add", l.past(), static_cast<double>(rows.shape[2])));
    l.shared()["cache begin"] = begin;
    l.shared()["cache end"] = end;
  }
  const auto read = [&] {
    return l.apply("read_state", {{"input", state}}, state.type, state.shape);
  };
  const std::vector<uint8_t> whole = {1, 1, 0, 1};
  const std::vector<int64_t> strides = {1, 1, 1, 1};
  const std::vector<uint8_t> none = {0, 0, 0, 0};
  const Value updated = l.apply("slice_update",
                                {{"x", read()},
                                 {"update", l.cast(rows, state.type)},
                                 {"begin", l.shared()["cache begin"]},
                                 {"end", l.shared()["cache end"]},
                                 {"stride", integers(strides)},
                                 {"begin_mask", booleans(whole)},
                                 {"end_mask", booleans(whole)},
                                 {"squeeze_mask", booleans(none)}},
                                state.type, state.shape);
  l.function().write_state(state, updated);
  return l.cast(read(), l.compute());
}

Result<void> lower_cached_attention(Lowering& l, const ir::Node& node) {
  const ir::CachedAttentionOptions a = ir::cached_attention_options(node.attributes);
  QB_TRY(const Value q, l.operand(node.inputs[0]));
  QB_TRY(const Value k, l.operand(node.inputs[1]));
  QB_TRY(const Value v, l.operand(node.inputs[2]));
  const Value turned_q = rotate(l, split_heads(l, q, a.head_count), a.rotary);
  const Value turned_k = rotate(l, split_heads(l, k, a.kv_head_count), a.rotary);
  const Value keys = append(l, l.state(node.inputs[3]), turned_k);
  const Value values = append(l, l.state(node.inputs[4]), split_heads(l, v, a.kv_head_count));
  const Value mask = causal_mask(l, l.positions(), keys.shape[2], a.window_tokens);
  l.set(node.output, attend_in_groups(l, turned_q, keys, values, mask, {a.scale, a.softcap}));
  return {};
}

constexpr LoweringRow rows[] = {
    {ir::Op::attention, lower_attention},
    {ir::Op::cached_attention, lower_cached_attention},
};

}  // namespace

std::span<const LoweringRow> attention_lowerings() { return rows; }

}  // namespace qb::coreml
