// Model files that PyTorch opens: TorchScript (.pt, .jit) and AOTInductor packages (.pt2). Each
// loader is a file of its own, since their headers are heavy.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "measurement/engines/pytorch/aten.h"

namespace qb::pytorch {

struct ModelOutputs {
  std::vector<at::Tensor> tensors;  // in order, those of tuples, lists and dictionaries too
  std::vector<std::string> names;   // keys of dictionaries; "" for others
};

struct ModelFile {
  // Throws c10::Error, as PyTorch does.
  std::function<Result<ModelOutputs>(const std::vector<at::Tensor>&)> forward;
  std::vector<std::string> input_names;  // empty: the file has none
  size_t input_count_min = 0;
  size_t input_count_max = SIZE_MAX;
  // Of compiled code: the tensors that it takes. Numbers that its function takes besides are
  // constants of it. Empty: all inputs are passed.
  std::optional<size_t> tensor_count;
  std::string compute_type;  // what runs it
};

// Errors: bad_input, for a file that is something else, with what to do.
Result<ModelFile> load_torchscript(const std::string& path);
Result<ModelFile> load_aoti_package(const std::string& path);

}  // namespace qb::pytorch
