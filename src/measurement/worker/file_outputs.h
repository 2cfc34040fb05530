// The outputs of a model file's runs: kept by the first file, compared by the others.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/tensor.h"

namespace qb::worker {

// Outputs of several runs, flattened.
struct FileOutputs {
  std::string signature;                    // of the inputs they answer
  std::vector<std::vector<double>> values;  // of each run each output, run by run
  size_t output_count = 0;                  // of each run
  std::vector<std::string> names;           // one an output, "" for none; empty: no output has one

  void add(std::span<const TensorView> outputs);
};

Result<void> save_outputs(const std::filesystem::path& path, const FileOutputs& outputs);
Result<FileOutputs> load_outputs(const std::filesystem::path& path);

// Outputs are compared with those of the same name, the others in their order. How far `outputs`
// are from `base`, of the output where it is most, over all runs.
struct OutputDistance {
  double max_abs_difference = 0.0;
  double relative_rms = 0.0;  // root mean square of the difference over that of base
  double cosine = 1.0;
};
// Errors say why they can't be compared: other inputs, other outputs, values that are not finite on
// one side only, nothing but zeros on one side only.
Result<OutputDistance> compare_outputs(const FileOutputs& base, const FileOutputs& outputs);

}  // namespace qb::worker
