#include "compression/quant/gptq.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <numeric>

#include "base/parallel.h"

namespace qb::quant {
namespace {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using ConstMatrixView = Eigen::Map<const Matrix>;

constexpr double damping = 0.01;
constexpr int64_t rows_at_once = 64;
constexpr int64_t columns_at_once = 128;

std::vector<int64_t> falling_order(const ConstMatrixView& hessian) {
  std::vector<int64_t> order(static_cast<size_t>(hessian.rows()));
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, {}, [&](int64_t i) { return std::pair(-hessian(i, i), i); });
  return order;
}

// The upper Cholesky factor U of the damped, permuted hessian's inverse: inverse = Uᵀ U.
Result<Matrix> inverse_factor(const ConstMatrixView& hessian, std::span<const int64_t> order) {
  const int64_t n = hessian.rows();
  Eigen::MatrixXd permuted(n, n);
  for (int64_t row = 0; row < n; ++row)
    for (int64_t column = 0; column < n; ++column)
      permuted(row, column) =
          hessian(order[static_cast<size_t>(row)], order[static_cast<size_t>(column)]);
  const double mean = permuted.diagonal().mean();
  permuted.diagonal().array() += mean > 0 ? damping * mean : 1.0;
  const Eigen::LLT<Eigen::MatrixXd> factor(permuted);
  if (factor.info() != Eigen::Success)
    return fail(Errc::bad_input, "the calibration inputs give a matrix that can't be inverted");
  const Eigen::MatrixXd inverse = factor.solve(Eigen::MatrixXd::Identity(n, n));
  const Eigen::LLT<Eigen::MatrixXd, Eigen::Upper> upper(inverse);
  if (upper.info() != Eigen::Success)
    return fail(Errc::bad_input, "the calibration inputs give a matrix that can't be inverted");
  return Matrix(Eigen::MatrixXd(upper.matrixU()).cast<float>());
}

// What every row needs.
struct Task {
  ConstMatrixView weights;
  const PackedLayout& layout;
  std::span<const GroupFit> fits;
  std::vector<int64_t> order;
  Matrix factor;
};

GroupFit fit_at(const Task& task, int64_t row, int64_t column) {
  const int64_t scale_row = task.layout.per_tensor ? 0 : row;
  return task.fits[static_cast<size_t>(scale_row * task.layout.groups_per_row() +
                                       column / task.layout.group_size)];
}

// Rows [first_row, first_row + remaining.rows()), whose permuted weights are in `remaining`.
void round_rows(const Task& task, int64_t first_row, Matrix& remaining, uint8_t* codes) {
  const int64_t column_count = remaining.cols();
  Matrix errors(remaining.rows(), columns_at_once);
  for (int64_t begin = 0; begin < column_count; begin += columns_at_once) {
    const int64_t end = std::min(begin + columns_at_once, column_count);
    for (int64_t i = begin; i < end; ++i) {
      const int64_t column = task.order[static_cast<size_t>(i)];
      const float pivot = task.factor(i, i);
      for (int64_t row = 0; row < remaining.rows(); ++row) {
        const GroupFit fit = fit_at(task, first_row + row, column);
        const uint8_t code = nearest_code(remaining(row, i), fit, task.layout.bits);
        codes[row * column_count + column] = code;
        const float decoded =
            static_cast<float>(static_cast<int32_t>(code) - fit.zero_point) * fit.scale;
        errors(row, i - begin) = (remaining(row, i) - decoded) / pivot;
      }
      if (i + 1 < end)
        remaining.middleCols(i + 1, end - i - 1).noalias() -=
            errors.col(i - begin) * task.factor.row(i).segment(i + 1, end - i - 1);
    }
    if (end < column_count)
      remaining.rightCols(column_count - end).noalias() -=
          errors.leftCols(end - begin) *
          task.factor.block(begin, end, end - begin, column_count - end);
  }
}

}  // namespace

Result<std::vector<uint8_t>> gptq_codes(std::span<const float> weights, const PackedLayout& layout,
                                        std::span<const GroupFit> fits,
                                        std::span<const float> hessian, int64_t thread_count) {
  const int64_t column_count = layout.column_count;
  const ConstMatrixView h(hessian.data(), column_count, column_count);
  Task task = {ConstMatrixView(weights.data(), layout.row_count, column_count),
               layout,
               fits,
               falling_order(h),
               {}};
  QB_TRY(task.factor, inverse_factor(h, task.order));
  std::vector<uint8_t> codes(weights.size());
  parallel_for(layout.row_count, rows_at_once, thread_count, [&](int64_t begin, int64_t end) {
    Matrix remaining(end - begin, column_count);
    for (int64_t i = 0; i < column_count; ++i)
      remaining.col(i) =
          task.weights.col(task.order[static_cast<size_t>(i)]).segment(begin, end - begin);
    round_rows(task, begin, remaining, codes.data() + begin * column_count);
  });
  return codes;
}

}  // namespace qb::quant
