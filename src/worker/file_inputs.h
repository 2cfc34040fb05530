// The inputs that a model file is measured with: what the file says, what the user says, seeded
// values for the rest.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "record/input_spec.h"
#include "worker/engine.h"

namespace qb::worker {

// An input with everything known but its values.
struct SettledInput {
  std::string name;
  ElementType type = ElementType::f32;
  std::vector<int64_t> shape;
  std::optional<InputSpec::Range> range;  // empty: the type's own
  std::string file;                       // .npy with the values; empty: drawn
  std::vector<std::string> assumed;       // "N = 1": what neither file nor user says
};

// Names, shapes and types of all inputs, in the file's order or in the user's where the file
// doesn't tell (`told` is empty). Dimensions that nobody gives are 1; one name stands for one
// extent. The errors name the input and what is wrong with it.
Result<std::vector<SettledInput>> settle_inputs(const std::optional<std::vector<FileInput>>& told,
                                                std::span<const InputSpec> given);

// In the order of `names`, where the inputs have just these names; otherwise as they are.
void put_in_order(std::span<const std::string> names, std::vector<SettledInput>& inputs);

// Values for `turn_count` different runs. Equal seeds, names, shapes and types give equal values,
// whatever the file; the name of an only input doesn't count.
class FileInputs {
 public:
  static constexpr size_t turn_count = 4;
  static Result<FileInputs> make(std::vector<SettledInput> inputs, uint64_t seed);

  StepInputs turn(int64_t number) const {
    return {views_[static_cast<size_t>(number) % turn_count], 0};
  }
  // Values that no turn has; valid until the next.
  StepInputs draw_fresh();
  bool is_varied() const { return is_varied_; }  // whether the turns differ
  Json describe() const;                         // for the record
  std::string signature() const;                 // "x 1x3 f32, …", by name
  // Of what was assumed, for the error of a run that failed: "…; input x: N = 1 was assumed, …".
  std::string assumption_hint() const;

 private:
  struct Values {
    std::vector<std::vector<std::byte>> turns;  // one when all are equal
  };
  std::vector<SettledInput> inputs_;
  std::vector<Values> values_;
  std::array<std::vector<TensorView>, turn_count> views_;
  uint64_t seed_ = 0;
  int64_t fresh_count_ = 0;
  std::vector<std::vector<std::byte>> fresh_values_;
  std::vector<TensorView> fresh_views_;
  bool is_varied_ = false;
};

}  // namespace qb::worker
