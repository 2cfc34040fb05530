#include "measurement/worker/file_outputs.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "compression/bundle/tensor_file.h"
#include "measurement/worker/elements.h"

namespace qb::worker {
namespace {

// One output of both sides, run by run.
struct Pair {
  std::vector<const std::vector<double>*> base;
  std::vector<const std::vector<double>*> other;
};

// A power of two to divide by, so that no square of what is left overflows and not all vanish:
// doubles near 1e200 are legal. 1 when there are but zeros.
double scale_of(const std::vector<const std::vector<double>*>& side) {
  double largest = 0.0;
  for (const std::vector<double>* values : side)
    for (const double value : *values)
      if (std::isfinite(value)) largest = std::max(largest, std::abs(value));
  return largest > 0.0 ? std::exp2(std::ilogb(largest)) : 1.0;
}

// Sums over the elements of one output: base and other each in units of their own scale, the
// difference in those of the larger one, the product in those of both.
struct Sums {
  double base_scale = 1.0;
  double other_scale = 1.0;
  double difference = 0.0;  // squared
  double base = 0.0;        // squared
  double other = 0.0;       // squared
  double product = 0.0;
  double max_abs = 0.0;

  double difference_scale() const { return std::max(base_scale, other_scale); }
  double max_abs_difference() const { return max_abs * difference_scale(); }
  double relative_rms() const {
    return std::sqrt(difference / base) * (difference_scale() / base_scale);
  }
  double cosine() const { return product / std::sqrt(base) / std::sqrt(other); }

  Result<void> add(double a, double b) {
    if (a == b || (std::isnan(a) && std::isnan(b))) {
      if (!std::isfinite(a)) return {};  // the same on both sides
    } else if (!std::isfinite(a) || !std::isfinite(b)) {
      return fail(Errc::bad_input, "one has {} where the other has {}", a, b);
    }
    const double apart = a / difference_scale() - b / difference_scale();
    difference += apart * apart;
    max_abs = std::max(max_abs, std::abs(apart));
    base += (a / base_scale) * (a / base_scale);
    other += (b / other_scale) * (b / other_scale);
    product += (a / base_scale) * (b / other_scale);
    return {};
  }
};

Result<Sums> sums_of(const Pair& pair) {
  Sums sums = {.base_scale = scale_of(pair.base), .other_scale = scale_of(pair.other)};
  for (size_t i = 0; i < pair.base.size(); ++i) {
    const auto& a = *pair.base[i];
    const auto& b = *pair.other[i];
    if (a.size() != b.size())
      return fail(Errc::bad_input, "one has {} values, the other {}", a.size(), b.size());
    for (size_t j = 0; j < a.size(); ++j) QB_CHECK(sums.add(a[j], b[j]));
  }
  if ((sums.base == 0.0) != (sums.other == 0.0))
    return fail(Errc::bad_input, "one is nothing but zeros");
  if (!std::isfinite(sums.max_abs_difference()) ||
      (sums.base > 0.0 && !std::isfinite(sums.relative_rms())))
    return fail(Errc::bad_input, "the difference is larger than any double");
  return sums;
}

std::string name_of_output(const FileOutputs& outputs, size_t output) {
  return output < outputs.names.size() ? outputs.names[output] : std::string();
}

// For each output of base the place of its partner: that of its name, or else the next one that no
// name takes.
std::vector<size_t> partners_of(const FileOutputs& base, const FileOutputs& outputs) {
  constexpr size_t none = SIZE_MAX;
  std::vector<size_t> partners(base.output_count, none);
  std::vector<bool> is_taken(base.output_count, false);
  for (size_t i = 0; i < partners.size(); ++i) {
    const std::string name = name_of_output(base, i);
    for (size_t j = 0; j < partners.size() && !name.empty() && partners[i] == none; ++j)
      if (!is_taken[j] && name_of_output(outputs, j) == name) {
        partners[i] = j;
        is_taken[j] = true;
      }
  }
  size_t next = 0;
  for (size_t& partner : partners) {
    if (partner != none) continue;
    while (is_taken[next]) ++next;
    partner = next++;
  }
  return partners;
}

Pair pair_of(const FileOutputs& base, size_t output, const FileOutputs& outputs, size_t partner) {
  Pair pair;
  for (size_t run = 0; run < base.values.size(); run += base.output_count) {
    pair.base.push_back(&base.values[run + output]);
    pair.other.push_back(&outputs.values[run + partner]);
  }
  return pair;
}

std::string text_of_output(const FileOutputs& base, size_t output) {
  const std::string name = name_of_output(base, output);
  return name.empty() ? fmt::format("output {}", output) : "output " + name;
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
  return bundle::save_tensor_file(
      path, Json::object({{"inputs", outputs.signature}, {"names", Json::array_of(outputs.names)}}),
      tensors);
}

Result<FileOutputs> load_outputs(const std::filesystem::path& path) {
  QB_TRY(const bundle::TensorFile file, bundle::TensorFile::open(path));
  QB_TRY(const TensorView counts, file.find("counts", ElementType::i64, 1));
  QB_TRY(const TensorView bits, file.find("bits", ElementType::i64, 1));
  FileOutputs outputs = {.signature = file.attributes()["inputs"].as_string()};
  outputs.output_count = static_cast<size_t>(counts.i64()[0]);
  for (const Json& name : file.attributes()["names"].as_array())
    outputs.names.push_back(name.as_string());
  auto rest = bits.i64().subspan(1);
  for (const int64_t count : counts.i64().subspan(1)) {
    if (count < 0 || static_cast<size_t>(count) > rest.size())
      return fail(Errc::bad_input, "{}: has fewer values than it says", path.string());
    std::vector<double>& values = outputs.values.emplace_back();
    for (const int64_t bit : rest.first(static_cast<size_t>(count)))
      values.push_back(std::bit_cast<double>(bit));
    rest = rest.subspan(static_cast<size_t>(count));
  }
  if (outputs.output_count > 0 && outputs.values.size() % outputs.output_count != 0)
    return fail(Errc::bad_input, "{}: ends within a run", path.string());
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
  const std::vector<size_t> partners = partners_of(base, outputs);
  for (size_t output = 0; output < base.output_count; ++output) {
    QB_TRY(const Sums sums, with_context(sums_of(pair_of(base, output, outputs, partners[output])),
                                         text_of_output(base, output)));
    distance.max_abs_difference = std::max(distance.max_abs_difference, sums.max_abs_difference());
    if (sums.base == 0.0) continue;
    distance.relative_rms = std::max(distance.relative_rms, sums.relative_rms());
    distance.cosine = std::min(distance.cosine, sums.cosine());
  }
  return distance;
}

}  // namespace qb::worker
