#include "compression/quant/table.h"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <set>

#include "base/rng.h"

namespace qb::quant {
namespace {

std::vector<float> normal_values(size_t count) {
  Rng rng(3);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(rng.normal());
  return values;
}

std::vector<float> decoded(const Tabled& tabled) {
  std::vector<float> values(
      static_cast<size_t>(tabled.layout.row_count * tabled.layout.column_count));
  decode_tabled(tabled.view(), values);
  return values;
}

double squared_error(std::span<const float> a, std::span<const float> b) {
  double error = 0;
  for (size_t i = 0; i < a.size(); ++i) error += std::pow(double{a[i]} - double{b[i]}, 2);
  return error / static_cast<double>(a.size());
}

TEST_CASE("as many values as entries are kept as they are") {
  const std::vector<float> values = {-2, 0.5, 3, 8, 8, 3, 0.5, -2};
  for (const int32_t bits : {2, 3, 4, 6, 8})
    CHECK(decoded(make_tables(table_layout(2, 4, bits, 0), values)) == values);
}

// Max (1960), "Quantizing for minimum distortion": of a normal distribution.
TEST_CASE("k-means is as good as the best quantizer of normal values") {
  const std::vector<float> values = normal_values(1 << 16);
  const std::pair<int32_t, double> best[] = {{1, 0.3634}, {2, 0.1175}, {3, 0.03454}, {4, 0.009497}};
  for (const auto& [bits, wanted] : best) {
    CAPTURE(bits);
    const auto got = decoded(make_tables(table_layout(64, 1024, bits, 0), values));
    CHECK(squared_error(values, got) == doctest::Approx(wanted).epsilon(0.03));
  }
}

TEST_CASE("rows share a table, by groups that leave no rest") {
  CHECK(table_layout(1000, 4, 4, 8).rows_each == 8);
  CHECK(table_layout(10, 4, 4, 8).rows_each == 5);
  CHECK(table_layout(10, 4, 4, 0).table_count() == 1);
  const std::vector<float> values = {1, 2, 1, 2, 7, 9, 9, 7};
  const Tabled tabled = make_tables(table_layout(4, 2, 1, 2), values);
  CHECK(tabled.layout.table_count() == 2);
  CHECK(decoded(tabled) == values);
}

TEST_CASE("codes are one stream of bits") {
  const std::vector<float> values = {0, 1, 2, 3, 4, 5, 6, 7};
  const Tabled tabled = make_tables(table_layout(1, 8, 3, 0), values);
  REQUIRE(tabled.codes.size() == 3);
  CHECK(tabled.codes == std::vector<uint8_t>{0b10001000, 0b11000110, 0b11111010});
}

TEST_CASE("the same for any number of threads") {
  const std::vector<float> values = normal_values(size_t{64} * 33);
  const Tabled one = make_tables(table_layout(64, 33, 3, 8), values, 1);
  const Tabled four = make_tables(table_layout(64, 33, 3, 8), values, 4);
  CHECK(one.codes == four.codes);
  CHECK(one.entries == four.entries);
}

}  // namespace
}  // namespace qb::quant
