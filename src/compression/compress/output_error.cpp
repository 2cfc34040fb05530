#include "compression/compress/output_error.h"

#include <Eigen/Core>
#include <algorithm>
#include <vector>

#include "base/parallel.h"

namespace qb::compress {
namespace {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using ConstMatrixView = Eigen::Map<const Matrix>;

constexpr int64_t error_rows_at_once = 64;

}  // namespace

double output_error(std::span<const float> weights, std::span<const float> decoded,
                    const InputStatistics& inputs, int64_t thread_count) {
  const int64_t column_count = inputs.column_count;
  const int64_t row_count = static_cast<int64_t>(weights.size()) / column_count;
  const int64_t group_rows = row_count / inputs.group_count;
  const int64_t grain = std::min(error_rows_at_once, group_rows);
  std::vector<double> errors(static_cast<size_t>((row_count + grain - 1) / grain), 0.0);
  parallel_for(row_count, grain, thread_count, [&](int64_t first, int64_t last) {
    double sum = 0.0;
    for (int64_t row = first; row < last;) {  // a range may cross into the next group
      const int64_t group = row / group_rows;
      const int64_t count = std::min(last, (group + 1) * group_rows) - row;
      const Matrix difference =
          ConstMatrixView(weights.data() + row * column_count, count, column_count) -
          ConstMatrixView(decoded.data() + row * column_count, count, column_count);
      const ConstMatrixView hessian(inputs.hessian_of(group).data(), column_count, column_count);
      sum += static_cast<double>((difference * hessian).cwiseProduct(difference).sum());
      row += count;
    }
    errors[static_cast<size_t>(first / grain)] = sum;
  });
  double total = 0.0;
  for (const double error : errors) total += error;
  return total;
}

}  // namespace qb::compress
