// Eigen's views of row-major memory. Included by the kernels only.
#pragma once

#include <Eigen/Core>

namespace qb::reference {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using MatrixView = Eigen::Map<Matrix>;
using ConstMatrixView = Eigen::Map<const Matrix>;

}  // namespace qb::reference
