#include "measurement/prepare/as_is.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/small_float.h"
#include "compression/bundle/layout.h"
#include "compression/quant/quantize.h"
#include "measurement/prepare/input_order.h"
#include "network/ggml/block_formats.h"
#include "network/weights/quantized.h"

namespace qb::prepare {
namespace {

using weights::CodedRow;
using weights::Coding;
using weights::StorageFormat;
using weights::StoredTensor;

// Where row `row` of a parameter of row_count rows lies in its tensor.
int64_t source_row(const Place& place, int64_t row_count, int64_t row) {
  if (place.paired_head_count == 0) return place.first_row + row;
  const int64_t head_dim = row_count / place.paired_head_count;
  const int64_t in_head = row % head_dim;
  const int64_t half = in_head / (head_dim / 2);
  return row - in_head + 2 * (in_head % (head_dim / 2)) + half;
}

struct FloatPair {
  StorageFormat stored;
  bundle::Encoding encoding;
};
constexpr FloatPair float_formats[] = {{StorageFormat::f32, bundle::Encoding::f32},
                                       {StorageFormat::f16, bundle::Encoding::f16},
                                       {StorageFormat::bf16, bundle::Encoding::bf16}};

// Of groups that lie one after another, or do in an order (input_order.h); -1: there is none.
int64_t group_size_of(const Coding& coding, std::span<const int64_t> order) {
  const int64_t size = coding.column_count / coding.group_count;
  for (size_t i = 0; i < coding.group_of_column.size(); ++i) {
    const size_t x = order.empty() ? i : static_cast<size_t>(order[i]);
    if (coding.group_of_column[x] != static_cast<int64_t>(i) / size) return -1;
  }
  return size;
}

Result<quant::PackedLayout> layout_of(const StoredTensor& tensor, int64_t row_count,
                                      std::span<const int64_t> order) {
  const Coding& coding = *tensor.coding;
  const int64_t group_size = group_size_of(coding, order);
  if (group_size < 0)
    return fail(Errc::unsupported,
                "{} ({}) has groups of unequal sizes, for which no framework here has a kernel",
                tensor.name, coding.name);
  const bool is_row = coding.group_count == 1;
  if (!quant::is_packable(coding.bits) ||
      (!is_row && group_size != 32 && group_size != 64 && group_size != 128))
    return fail(Errc::unsupported, "{} ({}) has {} bits in groups of {}, which is not run yet",
                tensor.name, coding.name, coding.bits, group_size);
  return quant::PackedLayout{.row_count = row_count,
                             .column_count = coding.column_count,
                             .bits = coding.bits,
                             .group_size = group_size};
}

class Given {
 public:
  Given(std::shared_ptr<const weights::WeightFile> file, Placement placement)
      : file_(std::move(file)), placement_(std::move(placement)) {}

  Result<bundle::Stored> find(const ir::ValueInfo& info) {
    const Place& place = placement_.find(info.name)->second;
    const StoredTensor& tensor = *place.tensor;
    if (place.offset != 0.0 || place.is_logarithm)
      return fail(Errc::unsupported, "{} is not stored as it is used", tensor.name);
    const std::vector<int64_t> shape = ir::bind(info.shape, {});
    if (tensor.coding) return coded(place, shape[0]);
    if (const auto block = weights::block_format_of(tensor.format)) {
      copy_rows(place, shape[0]);
      return bundle::Stored{.encoding = bundle::Encoding::block, .bytes = bytes_, .block = *block};
    }
    for (const auto& [stored, encoding] : float_formats)
      if (tensor.format == stored) {
        copy_rows(place, shape[0]);
        return bundle::Stored{.encoding = encoding, .bytes = bytes_};
      }
    return fail(Errc::unsupported, "{} is stored as {}, which is not run as it is", tensor.name,
                tensor.type);
  }

 private:
  void copy_rows(const Place& place, int64_t row_count) {
    const StoredTensor& tensor = *place.tensor;
    const size_t row_bytes = tensor.bytes.size() / static_cast<size_t>(place.shape[0]);
    bytes_.resize(static_cast<size_t>(row_count) * row_bytes);
    for (int64_t row = 0; row < row_count; ++row) {
      const auto from = static_cast<size_t>(source_row(place, row_count, row)) * row_bytes;
      std::ranges::copy(tensor.bytes.subspan(from, row_bytes),
                        bytes_.begin() + row * static_cast<int64_t>(row_bytes));
    }
  }

  Result<bundle::Stored> coded(const Place& place, int64_t row_count) {
    const StoredTensor& tensor = *place.tensor;
    const weights::Reading reading = tensor.coding->reading;
    if (reading == weights::Reading::otherwise && tensor.coding->values.empty())
      return fail(Errc::unsupported,
                  "{} ({}) is for activations that are rounded otherwise than to symmetric 8-bit "
                  "integers by each token's own range, which is not run",
                  tensor.name, tensor.coding->name);
    if (reading == weights::Reading::int8_by_token &&
        (tensor.coding->bits != 8 || tensor.coding->group_count != 1))
      return fail(Errc::unsupported,
                  "{} ({}) is for activations in 8 bits, for which there are kernels with weights "
                  "in 8 bits and a scale a row only",
                  tensor.name, tensor.coding->name);
    return tensor.coding->values.empty() ? integers(place, row_count) : floats(place, row_count);
  }

  Result<bundle::Stored> integers(const Place& place, int64_t row_count) {
    const Coding& coding = *place.tensor->coding;
    const std::vector<int64_t> order = input_order(coding);
    QB_TRY(quant::PackedLayout layout, layout_of(*place.tensor, row_count, order));
    const auto middle = static_cast<float>(1 << (coding.bits - 1));
    packed_ = {};
    packed_.codes.resize(layout.code_bytes());
    std::vector<float> zeros;
    CodedRow part;
    std::vector<uint8_t> codes(coding.group_of_column.size());
    for (int64_t row = 0; row < row_count; ++row) {
      coding.read_row(source_row(place, row_count, row), part);
      for (size_t i = 0; i < codes.size(); ++i)
        codes[i] = part.codes[order.empty() ? i : static_cast<size_t>(order[i])];
      quant::put_codes(codes, coding.bits, packed_.codes.data() + row * layout.row_bytes());
      packed_.scales.insert(packed_.scales.end(), part.scales.begin(), part.scales.end());
      zeros.insert(zeros.end(), part.zero_points.begin(), part.zero_points.end());
      packed_.minimums.insert(packed_.minimums.end(), part.offsets.begin(), part.offsets.end());
    }
    layout.has_minimums = !packed_.minimums.empty();
    layout.symmetric = !layout.has_minimums &&
                       std::ranges::all_of(zeros, [&](float zero) { return zero == middle; });
    if (layout.zero_point_bytes() > 0) put_zero_points(zeros, layout);
    packed_.layout = layout;
    return bundle::Stored{.encoding = bundle::Encoding::packed, .packed = packed_.view()};
  }

  void put_zero_points(std::span<const float> zeros, const quant::PackedLayout& layout) {
    packed_.zero_points.resize(layout.zero_point_bytes());
    const auto groups = static_cast<size_t>(layout.groups_per_row());
    std::vector<uint8_t> row_zeros(groups);
    for (int64_t row = 0; row < layout.row_count; ++row) {
      std::ranges::transform(zeros.subspan(static_cast<size_t>(row) * groups, groups),
                             row_zeros.begin(),
                             [](float zero) { return static_cast<uint8_t>(zero); });
      quant::put_codes(row_zeros, layout.bits,
                       packed_.zero_points.data() + row * layout.zero_point_row_bytes());
    }
  }

  Result<bundle::Stored> floats(const Place& place, int64_t row_count) {
    const Coding& coding = *place.tensor->coding;
    const auto row =
        std::ranges::find_if(quant::microscalings(), [&](const quant::MicroscalingRow& format) {
          return coding.name == fmt::format("mlx-{}", format.name);
        });
    if (row == quant::microscalings().end())
      return fail(Errc::unsupported,
                  "{} ({}) is of small floats for which no framework here has "
                  "a kernel",
                  place.tensor->name, coding.name);
    micro_ = {.layout = {row->format, row_count, coding.column_count}};
    micro_.codes.resize(micro_.layout.code_bytes());
    const auto row_bytes = static_cast<int64_t>(micro_.codes.size()) / row_count;
    CodedRow part;
    for (int64_t y = 0; y < row_count; ++y) {
      coding.read_row(source_row(place, row_count, y), part);
      quant::put_codes(part.codes, coding.bits, micro_.codes.data() + y * row_bytes);
      for (const float scale : part.scales)
        micro_.scales.push_back(row->format == quant::Microscaling::nvfp4 ? float_to_e4m3(scale)
                                                                          : float_to_e8m0(scale));
    }
    return bundle::Stored{.encoding = bundle::Encoding::micro, .micro = micro_.view()};
  }

  std::shared_ptr<const weights::WeightFile> file_;
  Placement placement_;
  std::vector<std::byte> bytes_;
  quant::Packed packed_;
  quant::Microscaled micro_;
};

}  // namespace

GivenSource given_source(std::shared_ptr<const weights::WeightFile> file, Placement placement) {
  return [given = std::make_shared<Given>(std::move(file), std::move(placement))](
             const ir::ValueInfo& info) { return given->find(info); };
}

std::set<std::string> read_in_8_bits(const Placement& placement) {
  std::set<std::string> names;
  for (const auto& [parameter, place] : placement)
    if (const auto& coding = place.tensor->coding;
        coding && coding->reading == weights::Reading::int8_by_token)
      names.insert(parameter);
  return names;
}

std::string stored_format(const Placement& placement) {
  std::set<std::string> names;
  for (const auto& [parameter, place] : placement) {
    const StoredTensor& tensor = *place.tensor;
    const bool is_float = std::ranges::find(float_formats, tensor.format, &FloatPair::stored) !=
                          std::end(float_formats);
    if (tensor.shape.size() > 1 && !is_float) names.insert(tensor.type);
  }
  std::string text;
  for (const std::string& name : names) text += fmt::format("{}{}", text.empty() ? "" : ", ", name);
  return text;
}

}  // namespace qb::prepare
