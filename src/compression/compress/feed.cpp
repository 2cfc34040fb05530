#include "compression/compress/feed.h"

#include <algorithm>
#include <numeric>

namespace qb::compress {

Result<Feed> Feed::make(const ir::Graph& graph, const bundle::TensorFile& file) {
  Feed feed;
  for (const ir::Value value : graph.of_kind(ir::ValueKind::input)) {
    const ir::ValueInfo& input = graph[value];
    if (input.shape == ir::Shape{ir::Symbol::selected}) {
      feed.sources_.push_back({.is_positions = true});
      continue;
    }
    if (input.shape.empty() || input.shape[0] != ir::Dim(ir::Symbol::batch))
      return fail(Errc::unsupported, "input {} {} can't be fed from a data set", input.name,
                  to_string(input.shape));
    QB_TRY(const TensorView all,
           with_context(file.contains(input.name)
                            ? file.find(input.name, input.type, input.shape.size())
                            : file.find_only(input.type, input.shape.size()),
                        fmt::format("input {}", input.name)));
    const bool is_sequence =
        input.shape.size() > 1 && input.shape[1] == ir::Dim(ir::Symbol::sequence);
    for (size_t axis = is_sequence ? 2 : 1; axis < input.shape.size(); ++axis)
      if (!input.shape[axis].is_fixed())
        feed.extents_.set(input.shape[axis].symbol, all.shape[axis]);
    if (is_sequence) feed.item_positions_ = all.shape[1];
    if (feed.item_count_ != 0 && feed.item_count_ != all.shape[0])
      return fail(Errc::bad_input, "input {} has {} items, another {}", input.name, all.shape[0],
                  feed.item_count_);
    feed.item_count_ = all.shape[0];
    feed.sources_.push_back({.all = all, .is_sequence = is_sequence});
  }
  return feed;
}

int64_t Feed::position_count(int64_t position_limit) const {
  return std::min(item_positions_, position_limit);
}

Feed::Inputs Feed::inputs_of(int64_t item, int64_t position_limit) const {
  const int64_t count = position_count(position_limit);
  Inputs inputs = {.shapes = std::vector<std::vector<int64_t>>(sources_.size()),
                   .positions = std::vector<int64_t>(static_cast<size_t>(count))};
  std::iota(inputs.positions.begin(), inputs.positions.end(), 0);
  for (size_t i = 0; i < sources_.size(); ++i) {
    const Source& source = sources_[i];
    std::vector<int64_t>& shape = inputs.shapes[i];
    if (source.is_positions) {
      shape = {count};
      inputs.tensors.push_back({ElementType::i64, shape, inputs.positions.data()});
      continue;
    }
    shape.assign(source.all.shape.begin(), source.all.shape.end());
    const size_t item_bytes = source.all.bytes().size() / static_cast<size_t>(shape[0]);
    shape[0] = 1;
    if (source.is_sequence) shape[1] = count;
    inputs.tensors.push_back({source.all.type, shape,
                              source.all.bytes().data() + static_cast<size_t>(item) * item_bytes});
  }
  return inputs;
}

}  // namespace qb::compress
