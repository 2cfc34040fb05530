// Convolution: image to columns and a matrix product for each group.
#include "compression/reference/convolution.h"

#include <vector>

#include "compression/reference/kernels.h"
#include "compression/reference/matrix.h"

namespace qb::reference {

ConvolutionGeometry geometry_of(const ir::Attributes& attributes, std::span<const int64_t> x,
                                std::span<const int64_t> weight, std::span<const int64_t> out) {
  const auto stride = attributes.integers("stride");
  const auto padding = attributes.integers("padding");
  return {weight[1], x[2],       x[3],       weight[2], weight[3], stride[0],
          stride[1], padding[0], padding[1], out[2],    out[3]};
}

void image_to_columns(const float* image, const ConvolutionGeometry& g, float* columns) {
  int64_t row = 0;
  for (int64_t channel = 0; channel < g.channels; ++channel) {
    for (int64_t tap = 0; tap < g.kernel_height * g.kernel_width; ++tap, ++row) {
      float* next = columns + row * g.out_height * g.out_width;
      for (int64_t y = 0; y < g.out_height; ++y) {
        const int64_t from_y = y * g.stride_down + tap / g.kernel_width - g.top;
        for (int64_t x = 0; x < g.out_width; ++x) {
          const int64_t from_x = x * g.stride_right + tap % g.kernel_width - g.left;
          const bool inside = from_y >= 0 && from_y < g.height && from_x >= 0 && from_x < g.width;
          *next++ = inside ? image[(channel * g.height + from_y) * g.width + from_x] : 0.0f;
        }
      }
    }
  }
}

Result<void> conv2d(const KernelArguments& a) {
  const Array& x = a.inputs[0];
  const Array& weight = a.inputs[1];
  const int64_t group_count = a.attributes.integer("group_count");
  const ConvolutionGeometry g = geometry_of(a.attributes, x.shape, weight.shape, a.out.shape);
  const int64_t out_channels = weight.extent(0) / group_count;
  const int64_t taps = g.channels * g.kernel_height * g.kernel_width;
  const int64_t area = g.out_height * g.out_width;
  // A 1x1 kernel at stride 1 without padding sees the picture as it is.
  const bool is_pointwise = taps == g.channels && area == g.height * g.width;
  Matrix columns(is_pointwise ? 0 : taps, is_pointwise ? 0 : area);
  for (int64_t batch = 0; batch < x.extent(0); ++batch) {
    for (int64_t group = 0; group < group_count; ++group) {
      const int64_t in_plane = batch * group_count + group;
      const float* image = x.values.data() + in_plane * g.channels * g.height * g.width;
      if (!is_pointwise) image_to_columns(image, g, columns.data());
      const ConstMatrixView taps_view(is_pointwise ? image : columns.data(), taps, area);
      const ConstMatrixView kernel(weight.values.data() + group * out_channels * taps, out_channels,
                                   taps);
      MatrixView out(a.out_values.data() + in_plane * out_channels * area, out_channels, area);
      out.noalias() = kernel * taps_view;
      if (a.inputs.size() > 2)
        out.colwise() +=
            ConstMatrixView(a.inputs[2].values.data() + group * out_channels, out_channels, 1)
                .col(0);
    }
  }
  return {};
}

}  // namespace qb::reference
