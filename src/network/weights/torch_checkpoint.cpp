// PyTorch checkpoints: the zip format (since 1.6) and the legacy stream of pickles.
#include <minizip/unzip.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>

#include "base/byte_reader.h"
#include "base/checked.h"
#include "base/stand_in.h"
#include "network/weights/pickle.h"
#include "network/weights/readers.h"

namespace qb::weights {
namespace {

using Storages = std::map<std::string, std::span<const std::byte>>;

bool is_row_major(const PickledTensor& tensor) {
  int64_t stride = 1;
  for (size_t i = tensor.shape.size(); i > 0; --i) {
    if (tensor.shape[i - 1] != 1 && tensor.strides[i - 1] != stride) return false;
    stride *= tensor.shape[i - 1];
  }
  return true;
}

// One past the last element of the storage that the tensor reaches.
Result<uint64_t> reach_of(const PickledTensor& tensor) {
  if (tensor.strides.size() != tensor.shape.size() || tensor.offset < 0)
    return fail(Errc::bad_input, "has {} strides for {} dimensions, from element {}",
                tensor.strides.size(), tensor.shape.size(), tensor.offset);
  if (std::ranges::count(tensor.shape, 0) > 0) return static_cast<uint64_t>(tensor.offset);
  std::optional<uint64_t> last = static_cast<uint64_t>(tensor.offset);
  for (size_t i = 0; i < tensor.shape.size() && last; ++i) {
    const auto span = checked_multiply(static_cast<uint64_t>(tensor.shape[i] - 1),
                                       static_cast<uint64_t>(tensor.strides[i]));
    if (tensor.strides[i] < 0 || !span) return fail(Errc::bad_input, "has impossible strides");
    last = checked_add(*last, *span);
  }
  if (!last || *last == UINT64_MAX) return fail(Errc::bad_input, "has impossible strides");
  return *last + 1;
}

// The elements in row-major order. Checkpoints converted from TensorFlow are stored transposed.
std::vector<std::byte> gather(const PickledTensor& tensor, std::span<const std::byte> storage,
                              uint64_t size_bytes) {
  const size_t item_bytes = row_of(tensor.storage.format).block_bytes;
  std::vector<std::byte> gathered(static_cast<size_t>(size_bytes));
  std::vector<int64_t> index(tensor.shape.size(), 0);
  for (size_t at = 0; at < gathered.size(); at += item_bytes) {
    int64_t element = tensor.offset;
    for (size_t i = 0; i < index.size(); ++i) element += index[i] * tensor.strides[i];
    std::copy_n(storage.begin() + element * static_cast<int64_t>(item_bytes), item_bytes,
                gathered.begin() + static_cast<int64_t>(at));
    for (size_t i = index.size(); i > 0 && ++index[i - 1] == tensor.shape[i - 1]; --i)
      index[i - 1] = 0;
  }
  return gathered;
}

// A tensor as a view of its storage, or of a copy when it isn't row-major there.
Result<StoredTensor> view_tensor(const std::string& name, const PickledTensor& pickled,
                                 const Storages& storages, WeightFile& file) {
  const auto storage = storages.find(pickled.storage.key);
  if (storage == storages.end())
    return fail(Errc::bad_input, "its storage {} is missing", pickled.storage.key);
  QB_TRY(const uint64_t size_bytes, byte_count_of(pickled.shape, pickled.storage.format));
  QB_TRY(const uint64_t reach, reach_of(pickled));
  const uint64_t item_bytes = row_of(pickled.storage.format).block_bytes;
  const auto reach_bytes = checked_multiply(reach, item_bytes);
  if (!reach_bytes || *reach_bytes > storage->second.size() || size_bytes > storage->second.size())
    return fail(Errc::bad_input, "is outside its storage of {} bytes", storage->second.size());
  StoredTensor tensor = {name, pickled.storage.format, pickled.storage.type, pickled.shape, {}};
  if (is_row_major(pickled)) {
    tensor.bytes = storage->second.subspan(
        static_cast<size_t>(static_cast<uint64_t>(pickled.offset) * item_bytes),
        static_cast<size_t>(size_bytes));
  } else {
    file.copies.push_back(gather(pickled, storage->second, size_bytes));
    tensor.bytes = file.copies.back();
  }
  return tensor;
}

Result<void> add_tensors(const PickleResult& pickle, const Storages& storages, WeightFile& file) {
  for (const auto& [name, pickled] : pickle.tensors) {
    QB_TRY(StoredTensor tensor, with_context(view_tensor(name, pickled, storages, file),
                                             fmt::format("tensor \"{}\"", name)));
    file.tensors.push_back(std::move(tensor));
  }
  if (file.tensors.empty()) return fail(Errc::bad_input, "holds no dictionary of tensors");
  return {};
}

// Where an entry's bytes lie in the mapped file; it must be stored, not compressed.
Result<std::span<const std::byte>> find_entry(unzFile zip, std::span<const std::byte> file,
                                              std::string& name) {
  unz_file_info64 info = {};
  char text[1024] = {};
  if (unzGetCurrentFileInfo64(zip, &info, text, sizeof text - 1, nullptr, 0, nullptr, 0) != UNZ_OK)
    return fail(Errc::bad_input, "an entry of the zip can't be read");
  name = text;
  if (info.compression_method != 0 || info.compressed_size != info.uncompressed_size)
    return fail(Errc::unsupported, "entry {} is compressed", name);
  if (unzOpenCurrentFile(zip) != UNZ_OK)
    return fail(Errc::bad_input, "entry {} can't be opened", name);
  const uint64_t start = unzGetCurrentFileZStreamPos64(zip);
  unzCloseCurrentFile(zip);
  const auto end = checked_add(start, info.uncompressed_size);
  if (!end || *end > file.size())
    return fail(Errc::bad_input, "entry {} is outside the file", name);
  return file.subspan(static_cast<size_t>(start), static_cast<size_t>(info.uncompressed_size));
}

Result<WeightFile> read_zip(const std::filesystem::path& path, MappedFile mapping) {
  const std::unique_ptr<void, int (*)(unzFile)> zip(unzOpen64(path.c_str()), unzClose);
  if (!zip) return fail(Errc::bad_input, "is a damaged zip file");
  Storages storages;
  std::span<const std::byte> pickle_bytes;
  for (int status = unzGoToFirstFile(zip.get()); status == UNZ_OK;
       status = unzGoToNextFile(zip.get())) {
    std::string name;
    QB_TRY(const auto bytes, find_entry(zip.get(), mapping.bytes(), name));
    if (name.ends_with("/data.pkl")) pickle_bytes = bytes;
    const size_t data = name.rfind("/data/");
    if (data != std::string::npos) storages.emplace(name.substr(data + 6), bytes);
  }
  if (pickle_bytes.empty()) return fail(Errc::bad_input, "is a zip without data.pkl");
  ByteReader reader(pickle_bytes);
  QB_TRY(const PickleResult pickle, read_pickle(reader));
  WeightFile file = {.format_name = "torch"};
  QB_CHECK(add_tensors(pickle, storages, file));
  file.mappings.push_back(std::move(mapping));
  return file;
}

// Legacy: magic, protocol and system info, the object, the storages' keys, then each storage as a
// 64-bit count and its elements.
Result<WeightFile> read_legacy(MappedFile mapping) {
  ByteReader reader(mapping.bytes());
  for (int i = 0; i < 3; ++i) {
    QB_TRY([[maybe_unused]] const PickleResult header, read_pickle(reader));
  }
  QB_TRY(const PickleResult pickle, read_pickle(reader));
  QB_TRY(const PickleResult keys, read_pickle(reader));
  Storages storages;
  for (const std::string& key : keys.texts) {
    const auto format = pickle.storages.find(key);
    if (format == pickle.storages.end())
      return fail(Errc::bad_input, "storage {} belongs to no tensor", key);
    QB_TRY(const uint64_t count, reader.number<uint64_t>("a storage's size"));
    const auto size_bytes = checked_multiply(count, row_of(format->second).block_bytes);
    if (!size_bytes) return fail(Errc::bad_input, "storage {} has {} elements", key, count);
    QB_TRY(const auto bytes, reader.take(*size_bytes, fmt::format("storage {}", key)));
    storages.emplace(key, bytes);
  }
  WeightFile file = {.format_name = "torch"};
  QB_CHECK(add_tensors(pickle, storages, file));
  file.mappings.push_back(std::move(mapping));
  return file;
}

Result<WeightFile> read_torch(const std::filesystem::path& path) {
  QB_TRY(MappedFile mapping, MappedFile::open(path));
  QB_CHECK(check_no_stand_in(mapping.bytes()));
  const auto bytes = mapping.bytes();
  const bool is_zip = bytes.size() > 4 && bytes[0] == std::byte{'P'} && bytes[1] == std::byte{'K'};
  QB_TRY(WeightFile file,
         is_zip ? read_zip(path, std::move(mapping)) : read_legacy(std::move(mapping)));
  file.paths.push_back(path);
  return file;
}

}  // namespace

Result<WeightFile> load_torch(const std::filesystem::path& path) {
  return checked(read_torch(path), path);
}

}  // namespace qb::weights
