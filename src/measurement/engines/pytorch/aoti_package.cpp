// AOTInductor packages: networks that PyTorch compiled to native code for one kind of machine.
#include <torch/csrc/inductor/aoti_package/model_package_loader.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/file.h"
#include "base/json.h"
#include "base/number.h"
#include "measurement/engines/pytorch/failure.h"
#include "measurement/engines/pytorch/model_file.h"

namespace qb::pytorch {
namespace {

// Names of a zip's entries stand in its directory, at its end.
bool has_entry_like(std::string_view zip, std::string_view part) {
  constexpr size_t directory_bytes_max = size_t{64} << 20;
  zip.remove_prefix(zip.size() - std::min(zip.size(), directory_bytes_max));
  return zip.find(part) != std::string_view::npos;
}

Result<void> check_package(const std::string& path) {
  QB_TRY(const MappedFile file, MappedFile::open(path));
  const std::string_view bytes(reinterpret_cast<const char*>(file.bytes().data()),
                               file.bytes().size());
  const std::string name = std::filesystem::path(path).filename().string();
  if (!bytes.starts_with("PK"))
    return fail(Errc::bad_input, "{}: is no PyTorch package (a zip archive)", name);
  if (has_entry_like(bytes, "/data/aotinductor/")) return {};
  if (has_entry_like(bytes, "/models/"))
    return fail(Errc::bad_input,
                "{}: holds an exported program, which must be compiled for this machine first. In "
                "Python: import torch; torch._inductor.aoti_compile_and_package("
                "torch.export.load(\"{}\"), package_path=\"compiled.pt2\"); then --model "
                "compiled.pt2",
                name, name);
  return fail(Errc::bad_input, "{}: holds neither a compiled nor an exported program", name);
}

// The inputs that the package's call takes: the leaves of its tree. 0 where it isn't understood.
size_t count_leaves(const Json& tree) {
  if (tree["type"].is_null()) return tree.is_object() ? 1 : 0;
  size_t count = 0;
  for (const Json& child : tree["children_spec"].as_array()) count += count_leaves(child);
  return count;
}

size_t input_count_of(const std::vector<std::string>& call_spec) {
  const auto spec = call_spec.empty() ? Result<Json>(Json()) : parse_json(call_spec.front());
  if (!spec || spec->as_array().size() != 2) return 0;
  return count_leaves(spec->as_array()[1]);
}

// How many tensors the compiled code takes: it says so when it is given none, before it does
// anything. Empty: it takes none, or says something else.
std::optional<size_t> tensor_count_of(torch::inductor::AOTIModelPackageLoader& loader) {
  constexpr std::string_view mark = "inputs vector size to be ";
  try {
    loader.run({});
  } catch (const std::exception& error) {
    const std::string_view text = error.what();
    const size_t at = text.find(mark);
    if (at == std::string_view::npos) return std::nullopt;
    std::string_view digits = text.substr(at + mark.size());
    return take_number<size_t>(digits);
  }
  return std::nullopt;
}

}  // namespace

Result<ModelFile> load_aoti_package(const std::string& path) try {
  QB_CHECK(check_package(path));
  // Without it, inputs of a shape that wasn't compiled for are read beyond their end.
  ::setenv("AOTI_RUNTIME_CHECK_INPUTS", "1", 1);
  const auto loader = std::make_shared<torch::inductor::AOTIModelPackageLoader>(path);
  const auto metadata = loader->get_metadata();
  const auto device = metadata.find("AOTI_DEVICE_KEY");
  if (device != metadata.end() && device->second != "cpu")
    return fail(Errc::unsupported, "{}: was compiled for {}; qbench runs packages for cpu",
                std::filesystem::path(path).filename().string(), device->second);
  ModelFile file = {.compute_type = "AOTInductor's compiled code"};
  if (const auto isa = metadata.find("AOTI_CPU_ISA"); isa != metadata.end())
    file.compute_type += fmt::format(" for {}", isa->second);
  if (const size_t count = input_count_of(loader->get_call_spec()); count > 0) {
    file.input_count_max = count;
    file.tensor_count = tensor_count_of(*loader);
    file.input_count_min = file.tensor_count.value_or(count);
  }
  file.forward = [loader](const std::vector<at::Tensor>& inputs) -> Result<ModelOutputs> {
    return ModelOutputs{.tensors = loader->run(inputs)};
  };
  return file;
} catch (const std::exception& error) {
  return tl::unexpected(
      with_context(failure(error).value(), std::filesystem::path(path).filename().string()));
}

}  // namespace qb::pytorch
