#include "network/hub/selection.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>
#include <optional>

#include "base/number.h"
#include "base/units.h"

namespace qb::hub {
namespace {

using Files = std::vector<RemoteFile>;

constexpr int64_t part_count_max = 10'000;

bool is_top_level(std::string_view path) { return path.find('/') == std::string_view::npos; }

const RemoteFile* find(const Files& files, std::string_view path) {
  const auto found = std::ranges::find(files, path, &RemoteFile::path);
  return found == files.end() ? nullptr : &*found;
}

// What other formats' weights bring along.
bool is_of_another_format(std::string_view path) {
  for (const char* start : {"flax_model", "tf_model", "openvino", "onnx", "rust_model"})
    if (path.starts_with(start)) return true;
  return false;
}

// Configurations, tokenizers and chat templates, by their endings: there are too many names.
bool is_companion(std::string_view path) {
  if (path.ends_with("_Pooling/config.json")) return true;  // of a sentence encoder
  if (!is_top_level(path) || is_of_another_format(path)) return false;
  if (path.ends_with(".index.json")) return false;  // goes with its weights
  for (const char* ending : {".json", ".txt", ".model", ".jinja"})
    if (path.ends_with(ending)) return true;
  return false;
}

// {first, count} of "x-00002-of-00005.gguf".
struct Split {
  std::string_view stem;
  int64_t count = 0;
  std::string_view ending;
};

std::optional<Split> split_of(std::string_view path) {
  const size_t dot = path.rfind('.');
  constexpr std::string_view pattern = "-00000-of-00000";
  if (dot == std::string_view::npos || dot < pattern.size()) return {};
  const std::string_view numbers = path.substr(dot - pattern.size(), pattern.size());
  const auto part = parse_number<int64_t>(numbers.substr(1, 5));
  const auto count = parse_number<int64_t>(numbers.substr(10, 5));
  if (numbers[0] != '-' || numbers.substr(6, 4) != "-of-" || !part || !count || *part < 1 ||
      *count < *part || *count > part_count_max)
    return {};
  return Split{path.substr(0, dot - pattern.size()), *count, path.substr(dot)};
}

Result<Files> find_all(const Files& files, const std::vector<std::string>& names) {
  Files found;
  for (const std::string& name : names)
    for (const std::string& part : parts_of(name)) {
      const RemoteFile* file = find(files, part);
      if (!file) return fail(Errc::not_found, "no file {} in the repository", part);
      if (!find(found, part)) found.push_back(*file);
    }
  return found;
}

// The usual name, or its parts; empty: there is neither.
Result<Files> weights_of(const Files& files, std::string_view stem, std::string_view ending) {
  const std::string usual = fmt::format("{}{}", stem, ending);
  if (find(files, usual)) return find_all(files, {usual});
  for (const RemoteFile& file : files)
    if (const auto split = split_of(file.path);
        split && split->stem == stem && split->ending == ending)
      return find_all(files, {file.path});
  return Files();
}

// Of any name at the top: an adapter's, or a vendor's own.
Files safetensors_of(const Files& files) {
  Files found;
  for (const RemoteFile& file : files)
    if (is_top_level(file.path) && file.path.ends_with(".safetensors")) found.push_back(file);
  return found;
}

// Empty: there are neither safetensors nor .bin.
Result<Files> safetensors_or_bin(const Files& files) {
  QB_TRY(Files found, weights_of(files, "model", ".safetensors"));
  if (found.empty()) found = safetensors_of(files);
  for (const char* stem : {"pytorch_model", "adapter_model"})
    if (found.empty()) {
      QB_TRY(found, weights_of(files, stem, ".bin"));
    }
  return found;
}

// What the index names, and the index.
Result<Files> indexed(const Files& files, const std::vector<std::string>& shards) {
  QB_TRY(Files found, with_context(find_all(files, shards), "its index of weights"));
  found.push_back(*find(files, shard_index_of(files, {})));
  return found;
}

std::string listed(const Files& files) {
  std::vector<std::string> names;
  for (const RemoteFile& file : files)
    names.push_back(fmt::format("{} ({})", file.path,
                                format_quantity(static_cast<double>(file.size_bytes), "B")));
  return fmt::format("{}", fmt::join(names, ", "));
}

// Of several .gguf files each is the whole model: the user says which.
Result<Files> the_only_gguf(const Files& files) {
  Files firsts;
  for (const RemoteFile& file : files)
    if (file.path.ends_with(".gguf") && parts_of(file.path).front() == file.path)
      firsts.push_back(file);
  if (firsts.size() == 1) return find_all(files, {firsts[0].path});
  if (firsts.empty())
    return fail(
        Errc::not_found,
        "no weights that qbench reads: there is no .safetensors, no .bin and no .gguf file");
  return fail(Errc::bad_input, "there are several .gguf files, choose by --file: {}",
              listed(firsts));
}

}  // namespace

std::string shard_index_of(const Files& files, const std::vector<std::string>& chosen) {
  if (!chosen.empty() || find(files, "model.safetensors")) return {};
  for (const char* name : {"model.safetensors.index.json", "pytorch_model.bin.index.json"}) {
    const bool is_second_choice = std::string_view(name).starts_with("pytorch");
    if (find(files, name) && !(is_second_choice && !safetensors_of(files).empty())) return name;
  }
  return {};
}

Result<Files> select_files(const Files& files, const std::vector<std::string>& chosen,
                           const std::vector<std::string>& shards) {
  if (!chosen.empty()) return find_all(files, chosen);
  QB_TRY(Files selected, shards.empty() ? safetensors_or_bin(files) : indexed(files, shards));
  if (selected.empty()) return the_only_gguf(files);
  for (const RemoteFile& file : files)
    if (is_companion(file.path)) selected.push_back(file);
  std::ranges::sort(selected, {}, &RemoteFile::path);
  return selected;
}

std::vector<std::string> parts_of(std::string_view path) {
  const auto split = split_of(path);
  if (!split) return {std::string(path)};
  std::vector<std::string> parts;
  for (int64_t i = 1; i <= split->count; ++i)
    parts.push_back(
        fmt::format("{}-{:05}-of-{:05}{}", split->stem, i, split->count, split->ending));
  return parts;
}

int64_t total_bytes(const Files& files) {
  return std::accumulate(files.begin(), files.end(), int64_t{0},
                         [](int64_t sum, const RemoteFile& file) { return sum + file.size_bytes; });
}

}  // namespace qb::hub
