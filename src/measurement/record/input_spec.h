// What the user says of an input of a model file: --input NAME=SHAPE:TYPE:VALUES or NAME=FILE.npy.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/tensor.h"

namespace qb {

// Whatever is empty is taken from the model file.
struct InputSpec {
  std::string name;
  std::optional<std::vector<int64_t>> shape;
  std::optional<ElementType> type;
  // Values are drawn from low to high, for integers both included; equal: a constant.
  struct Range {
    double low = 0.0;
    double high = 0.0;
  };
  std::optional<Range> range;
  std::string file;  // an .npy to take the values from, instead of all that
};

// "x=1x3x224x224:f32", "ids=1x128:i64:0..30521", "rate=scalar:i64:16000", "rate=::16000",
// "x=picture.npy", "use_cache=::false". A name may have a '=' and may stand in double quotes. The
// error names the option and what is wrong with which part.
Result<InputSpec> parse_input_spec(std::string_view text);
// As parse_input_spec takes it whatever the name is.
std::string quoted_name(std::string_view name);

Json to_json(const InputSpec& spec);
Result<InputSpec> input_spec_from_json(const Json& json);

// "1x3x224x224"; "scalar" for no dimensions.
std::string shape_text(const std::vector<int64_t>& shape);

}  // namespace qb
