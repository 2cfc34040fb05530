#include "compression/bundle/outline.h"

#include <algorithm>

#include "base/checked.h"
#include "compression/bundle/layout.h"
#include "compression/quant/quantize.h"

namespace qb::bundle {
namespace {

int64_t block_bytes(ggml::BlockFormat wanted, const OutlineGroup& group) {
  const std::optional<ggml::BlockFormat> format = fitting_block(wanted, group.column_count);
  if (!format) return group.element_count() * 2;
  const ggml::BlockRow& row = ggml::row_of(*format);
  return group.element_count() / row.length * row.bytes;
}

// Of one parameter that the scheme quantizes.
int64_t quantized_bytes(const OutlineGroup& group, const quant::Scheme& scheme) {
  switch (scheme.weight_type) {
    case quant::WeightType::f16:
    case quant::WeightType::bf16:
      return group.element_count() * 2;
    case quant::WeightType::block:
      return block_bytes(scheme.block, group);
    case quant::WeightType::micro: {
      const quant::MicroscaledLayout layout = {scheme.micro, group.row_count, group.column_count};
      return static_cast<int64_t>(layout.code_bytes() + layout.scale_bytes());
    }
    case quant::WeightType::table: {
      const quant::TableLayout layout = quant::table_layout(group.row_count, group.column_count,
                                                            scheme.weight_bits, scheme.group_size);
      return static_cast<int64_t>(layout.code_bytes() + layout.entry_total() * sizeof(uint16_t));
    }
    case quant::WeightType::integer:
      return static_cast<int64_t>(
          quant::layout_for(scheme, group.row_count, group.column_count).total_bytes());
    case quant::WeightType::mixed:
      return static_cast<int64_t>(static_cast<double>(group.element_count()) * scheme.target_bits /
                                  8.0);
    default:
      return group.element_count() * 4;
  }
}

void add_group(const OutlineGroup& group, std::vector<OutlineGroup>& groups) {
  const auto same =
      std::ranges::find_if(groups, [&](const OutlineGroup& other) { return other.is_like(group); });
  if (same == groups.end())
    groups.push_back(group);
  else
    same->count += group.count;
}

Result<OutlineGroup> group_from_json(const Json& json) {
  const Json::Array& numbers = json.as_array();
  if (numbers.size() != 4) return fail(Errc::bad_input, "an outline's group has four numbers");
  const OutlineGroup group = {numbers[0].as_int(), numbers[1].as_int(), numbers[2].as_int(),
                              static_cast<uint32_t>(numbers[3].as_int())};
  // Sums of these stay far from overflow.
  for (const int64_t number : {group.count, group.row_count, group.column_count})
    if (number < 1 || number > (int64_t{1} << 40))
      return fail(Errc::bad_input, "an outline's group says {}", number);
  const auto elements = checked_multiply(static_cast<uint64_t>(group.row_count),
                                         static_cast<uint64_t>(group.column_count));
  const auto all = elements ? checked_multiply(*elements, static_cast<uint64_t>(group.count))
                            : std::optional<uint64_t>();
  if (!all || *all > (uint64_t{1} << 50))
    return fail(Errc::bad_input, "an outline's group is impossibly large");
  return group;
}

}  // namespace

int64_t Outline::weight_count() const {
  int64_t count = 0;
  for (const OutlineGroup& group : groups) count += group.count * group.element_count();
  return count;
}

int64_t Outline::largest_count() const {
  int64_t count = 0;
  for (const OutlineGroup& group : groups) count = std::max(count, group.element_count());
  return count;
}

Outline outline_of(const ir::Graph& graph) {
  Outline outline;
  for (const ir::Value value : graph.of_kind(ir::ValueKind::parameter)) {
    const Extent extent = extent_of(ir::bind(graph[value].shape, {}));
    const uint32_t roles = is_quantizable(graph, value) ? roles_of(graph, value) : 0;
    add_group({1, extent.row_count, extent.column_count, roles}, outline.groups);
  }
  const ir::Extents one = {{ir::Symbol::batch, 1}, {ir::Symbol::context, 1}};
  for (const ir::Value value : graph.of_kind(ir::ValueKind::state))
    outline.cache_bytes_per_token +=
        static_cast<int64_t>(element_count(ir::bind(graph[value].shape, one))) * 4;
  return outline;
}

void add(const Outline& more, Outline& sum) {
  for (const OutlineGroup& group : more.groups) add_group(group, sum.groups);
  sum.cache_bytes_per_token += more.cache_bytes_per_token;
}

Json to_json(const Outline& outline) {
  Json::Array groups;
  for (const OutlineGroup& group : outline.groups)
    groups.push_back(Json::array_of(std::vector<int64_t>{
        group.count, group.row_count, group.column_count, static_cast<int64_t>(group.roles)}));
  return Json::object(
      {{"groups", std::move(groups)}, {"cache_bytes_per_token", outline.cache_bytes_per_token}});
}

Result<Outline> outline_from_json(const Json& json) {
  Outline outline = {.cache_bytes_per_token = json["cache_bytes_per_token"].as_int()};
  for (const Json& entry : json["groups"].as_array()) {
    QB_TRY(const OutlineGroup group, group_from_json(entry));
    outline.groups.push_back(group);
  }
  return outline;
}

std::optional<int64_t> stored_bytes_of(const Outline& outline, const quant::Scheme& scheme) {
  if (scheme.weight_type == quant::WeightType::given) return std::nullopt;
  int64_t bytes = 0;
  for (const OutlineGroup& group : outline.groups) {
    const bool is_quantized = group.roles != 0 && (group.roles & ~scheme.roles()) == 0;
    bytes +=
        group.count * (is_quantized ? quantized_bytes(group, scheme) : group.element_count() * 4);
  }
  return bytes;
}

}  // namespace qb::bundle
