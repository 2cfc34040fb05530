// Where a factor can be moved from one layer into the next without changing what the network
// computes.
#pragma once

#include <vector>

#include "network/ir/graph.h"

namespace qb::compress {

// A parameter whose rows or columns belong to the channels of a link.
struct LinkEnd {
  ir::Value parameter;
  bool is_rows = true;
  int64_t column_repeat = 1;  // neighbouring columns of one channel: the taps of a kernel
};

// Dividing channel c of every producer by s[factor_of(c)] and multiplying it in every consumer
// leaves the network's outputs as they are.
struct ChannelLink {
  ir::Value value;             // what a consumer reads
  int64_t factor_count = 0;    // of the producers' rows
  int64_t channel_count = 0;   // of the consumers' inputs
  int64_t repeat_of_head = 1;  // attention: heads of head_dim channels that share their values
  int64_t head_dim = 0;        // 0: no attention between
  std::vector<LinkEnd> producers, consumers;

  // Grouped-query attention gives each value channel to several heads.
  int64_t factor_of(int64_t channel) const {
    return head_dim == 0 ? channel
                         : channel / (head_dim * repeat_of_head) * head_dim + channel % head_dim;
  }
};

// All links: between linear, conv2d (also depthwise), norms, through sums, pooling, products of
// which one factor comes from a linear, and attention's values; never through a nonlinearity.
std::vector<ChannelLink> find_links(const ir::Graph& graph);

}  // namespace qb::compress
