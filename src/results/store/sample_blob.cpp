#include "results/store/sample_blob.h"

#include <zlib.h>

namespace qb::store {

std::string compress(const std::vector<int64_t>& values) {
  const uLong size_bytes = values.size() * sizeof(int64_t);
  std::string blob(compressBound(size_bytes), '\0');
  uLongf blob_bytes = blob.size();
  compress2(reinterpret_cast<Bytef*>(blob.data()), &blob_bytes,
            reinterpret_cast<const Bytef*>(values.data()), size_bytes, Z_DEFAULT_COMPRESSION);
  blob.resize(blob_bytes);
  return blob;
}

Result<std::vector<int64_t>> decompress(std::string_view blob, int64_t count) {
  if (count < 0 || static_cast<uint64_t>(count) > blob.size() * 1100)  // zlib's best is 1032:1
    return fail(Errc::bad_input, "{} samples can't be in {} bytes", count, blob.size());
  std::vector<int64_t> values(static_cast<size_t>(count));
  uLongf size_bytes = values.size() * sizeof(int64_t);
  const int status =
      uncompress(reinterpret_cast<Bytef*>(values.data()), &size_bytes,
                 reinterpret_cast<const Bytef*>(blob.data()), static_cast<uLong>(blob.size()));
  if (status != Z_OK || size_bytes != values.size() * sizeof(int64_t))
    return fail(Errc::bad_input, "a blob of samples is damaged");
  return values;
}

}  // namespace qb::store
