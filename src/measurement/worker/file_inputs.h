// The inputs that a model file is measured with: what the file says, what the user says, seeded
// values for the rest.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "measurement/record/input_spec.h"
#include "measurement/worker/engine.h"

namespace qb::worker {

// An input with everything known but its values.
struct ResolvedInput {
  std::string name;
  ElementType type = ElementType::f32;
  std::vector<int64_t> shape;
  std::optional<InputSpec::Range> range;  // empty: the type's own
  std::string file;                       // .npy with the values; empty: drawn
  std::vector<std::string> assumed;       // "N = 1": what neither file nor user says
  bool has_default_values = false;        // nobody says anything of its values
};

// Names, shapes and types of all inputs, in the file's order or in the user's where the file
// doesn't declare them (`declared` is empty). Dimensions that nobody gives are 1; one name stands
// for one extent. A truth value or a whole number that nobody gives is fixed, since it may choose
// what the model does: false, 1. The errors name the input and what is wrong with it.
Result<std::vector<ResolvedInput>> resolve_inputs(
    const std::optional<std::vector<FileInput>>& declared, std::span<const InputSpec> given);

// In the order of `names`, where the inputs have just these names; otherwise as they are.
void put_in_order(std::span<const std::string> names, std::vector<ResolvedInput>& inputs);

// Values for `variant_count` different runs. Equal seeds, names, shapes and types give equal
// values, whatever the file; the name of an only input doesn't count.
class FileInputs {
 public:
  static constexpr size_t variant_count = 4;
  static Result<FileInputs> make(std::vector<ResolvedInput> inputs, uint64_t seed);

  StepInputs variant(int64_t number) const {
    return {views_[static_cast<size_t>(number) % variant_count], 0};
  }
  // Values that no variant has; valid until the next.
  StepInputs draw_fresh();
  bool is_varied() const { return is_varied_; }  // whether the variants differ
  Json describe() const;                         // for the record
  std::string signature() const;                 // "x 1x3 f32, …", by name
  // For the error of a run that failed: what was assumed that may be the cause, and what to give.
  // `runs` tries other values: ids that a table doesn't have are those that do no harm as zeros.
  using Runs = std::function<bool(const StepInputs& inputs)>;
  std::string hint_for(std::string_view error, const Runs& runs) const;

 private:
  bool is_to_blame(size_t input, const Runs& runs) const;
  struct Values {
    std::vector<std::vector<std::byte>> variants;  // one when all are equal
  };
  std::vector<ResolvedInput> inputs_;
  std::vector<Values> values_;
  std::array<std::vector<TensorView>, variant_count> views_;
  uint64_t seed_ = 0;
  int64_t fresh_count_ = 0;
  std::vector<std::vector<std::byte>> fresh_values_;
  std::vector<TensorView> fresh_views_;
  bool is_varied_ = false;
};

}  // namespace qb::worker
