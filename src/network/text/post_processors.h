// The special tokens that a network wants around a text: the field "post_processor" of a
// tokenizer.json; and its "truncation" and "padding".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace qb::text {

struct PostProcessor {
  std::vector<int32_t> before, after;

  int64_t max_length = -1;  // what is beyond is cut off; -1: nothing is
  bool keeps_end = false;   // cut off at the begin
  // Filled up with `padding` to this length, or to a multiple of it.
  int64_t padded_length = 0;
  int64_t padded_multiple = 0;
  int32_t padding = 0;
  bool pads_left = false;

  std::vector<int32_t> apply(std::vector<int32_t> ids) const;
};

// Error: a kind or a field that isn't followed, by its name.
Result<PostProcessor> make_post_processor(const Json& post_processor, const Json& truncation,
                                          const Json& padding);

}  // namespace qb::text
