#include "worker/file_outputs.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "bundle/tensor_file.h"
#include "worker/elements.h"

namespace qb::worker {
namespace {

// Sums over the elements of one output.
struct Sums {
  double difference = 0.0;  // squared
  double base = 0.0;        // squared
  double other = 0.0;       // squared
  double product = 0.0;
  double max_abs = 0.0;

  Result<void> add(double a, double b) {
    if (a == b || (std::isnan(a) && std::isnan(b))) {
      if (!std::isfinite(a)) return {};  // the same on both sides
    } else if (!std::isfinite(a) || !std::isfinite(b)) {
      return fail(Errc::bad_input, "one has {} where the other has {}", a, b);
    }
    difference += (a - b) * (a - b);
    base += a * a;
    other += b * b;
    product += a * b;
    max_abs = std::max(max_abs, std::abs(a - b));
    return {};
  }
};

Result<Sums> sums_of(const FileOutputs& base, const FileOutputs& outputs, size_t output) {
  Sums sums;
  for (size_t i = output; i < base.values.size(); i += base.output_count) {
    const auto& a = base.values[i];
    const auto& b = outputs.values[i];
    if (a.size() != b.size())
      return fail(Errc::bad_input, "one has {} values, the other {}", a.size(), b.size());
    for (size_t j = 0; j < a.size(); ++j) QB_CHECK(sums.add(a[j], b[j]));
  }
  if ((sums.base == 0.0) != (sums.other == 0.0))
    return fail(Errc::bad_input, "one is nothing but zeros");
  return sums;
}

}  // namespace

void FileOutputs::add(std::span<const TensorView> outputs) {
  output_count = outputs.size();
  for (const TensorView& output : outputs) values.push_back(to_doubles(output));
}

// A tensor file has f32 and i64: doubles lie in it by their bits.
Result<void> save_outputs(const std::filesystem::path& path, const FileOutputs& outputs) {
  std::vector<int64_t> counts = {static_cast<int64_t>(outputs.output_count)};
  std::vector<int64_t> bits = {0};  // an array of a tensor file is never empty
  for (const auto& values : outputs.values) {
    counts.push_back(static_cast<int64_t>(values.size()));
    for (const double value : values) bits.push_back(std::bit_cast<int64_t>(value));
  }
  const int64_t counts_shape[] = {static_cast<int64_t>(counts.size())};
  const int64_t bits_shape[] = {static_cast<int64_t>(bits.size())};
  const bundle::NamedTensor tensors[] = {
      {"counts", {ElementType::i64, counts_shape, counts.data()}},
      {"bits", {ElementType::i64, bits_shape, bits.data()}}};
  return bundle::save_tensor_file(path, Json::object({{"inputs", outputs.signature}}), tensors);
}

Result<FileOutputs> load_outputs(const std::filesystem::path& path) {
  QB_TRY(const bundle::TensorFile file, bundle::TensorFile::open(path));
  QB_TRY(const TensorView counts, file.find("counts", ElementType::i64, 1));
  QB_TRY(const TensorView bits, file.find("bits", ElementType::i64, 1));
  FileOutputs outputs = {.signature = file.attributes()["inputs"].as_string()};
  outputs.output_count = static_cast<size_t>(counts.i64()[0]);
  auto rest = bits.i64().subspan(1);
  for (const int64_t count : counts.i64().subspan(1)) {
    if (count < 0 || static_cast<size_t>(count) > rest.size())
      return fail(Errc::bad_input, "{}: has fewer values than it says", path.string());
    std::vector<double>& values = outputs.values.emplace_back();
    for (const int64_t bit : rest.first(static_cast<size_t>(count)))
      values.push_back(std::bit_cast<double>(bit));
    rest = rest.subspan(static_cast<size_t>(count));
  }
  return outputs;
}

Result<OutputDistance> compare_outputs(const FileOutputs& base, const FileOutputs& outputs) {
  if (base.signature != outputs.signature)
    return fail(Errc::bad_input, "takes other inputs than the first file: {} instead of {}",
                outputs.signature, base.signature);
  if (base.output_count != outputs.output_count || base.values.size() != outputs.values.size())
    return fail(Errc::bad_input, "gives {} outputs, the first file {}", outputs.output_count,
                base.output_count);
  OutputDistance distance;
  for (size_t output = 0; output < base.output_count; ++output) {
    QB_TRY(const Sums sums,
           with_context(sums_of(base, outputs, output), fmt::format("output {}", output)));
    distance.max_abs_difference = std::max(distance.max_abs_difference, sums.max_abs);
    if (sums.base == 0.0) continue;
    distance.relative_rms = std::max(distance.relative_rms, std::sqrt(sums.difference / sums.base));
    distance.cosine =
        std::min(distance.cosine, sums.product / std::sqrt(sums.base) / std::sqrt(sums.other));
  }
  return distance;
}

}  // namespace qb::worker
