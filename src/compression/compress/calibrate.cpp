#include "compression/compress/calibrate.h"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "base/parallel.h"
#include "compression/reference/convolution.h"

namespace qb::compress {
namespace {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using MatrixView = Eigen::Map<Matrix>;
using ConstMatrixView = Eigen::Map<const Matrix>;

constexpr size_t gathered_bytes_max = size_t{512} << 20;
constexpr int64_t hessian_rows_at_once = 64;  // fixed: sums are the same for any thread count
constexpr int64_t whole_window = std::numeric_limits<int64_t>::max();

bool is_product(const ir::Node& node) {
  return node.op == ir::Op::linear || node.op == ir::Op::conv2d;
}

// Sizes for the weight of a node.
InputStatistics statistics_for(const ir::Graph& graph, const ir::Node& node) {
  const std::vector<int64_t> weight = ir::bind(graph[node.inputs[1]].shape, {});
  InputStatistics s;
  s.column_count = static_cast<int64_t>(element_count(weight)) / weight[0];
  if (node.op == ir::Op::conv2d) s.group_count = node.attributes.integer("group_count");
  return s;
}

size_t hessian_bytes(const InputStatistics& s) {
  return static_cast<size_t>(s.group_count * s.column_count * s.column_count) * sizeof(float);
}

void allocate(InputStatistics& s) {
  const auto vectors = static_cast<size_t>(s.group_count * s.column_count);
  s.hessian.assign(vectors * static_cast<size_t>(s.column_count), 0.0f);
  s.mean.assign(vectors, 0.0f);
  s.mean_abs.assign(vectors, 0.0f);
  s.max_abs.assign(vectors, 0.0f);
}

// Sums until finish(): of x xᵀ, x and |x| over the columns of `x` [column_count, vector_count].
void add_columns(InputStatistics& s, int64_t group, const ConstMatrixView& x) {
  const int64_t n = s.column_count;
  MatrixView hessian(s.hessian.data() + group * n * n, n, n);
  hessian.noalias() += x * x.transpose();
  for (int64_t i = 0; i < n; ++i) {
    const auto at = static_cast<size_t>(group * n + i);
    s.mean[at] += x.row(i).sum();
    s.mean_abs[at] += x.row(i).cwiseAbs().sum();
    s.max_abs[at] = std::max(s.max_abs[at], x.row(i).cwiseAbs().maxCoeff());
  }
}

// The same for the rows of `x` [vector_count, column_count], a stripe of the hessian a thread.
void add_rows(InputStatistics& s, const ConstMatrixView& x, int64_t thread_count) {
  const int64_t n = s.column_count;
  MatrixView hessian(s.hessian.data(), n, n);
  parallel_for(n, hessian_rows_at_once, thread_count, [&](int64_t first, int64_t last) {
    hessian.middleRows(first, last - first).noalias() +=
        x.middleCols(first, last - first).transpose() * x;
    for (int64_t i = first; i < last; ++i) {
      const auto at = static_cast<size_t>(i);
      s.mean[at] += x.col(i).sum();
      s.mean_abs[at] += x.col(i).cwiseAbs().sum();
      s.max_abs[at] = std::max(s.max_abs[at], x.col(i).cwiseAbs().maxCoeff());
    }
  });
}

void finish(InputStatistics& s) {
  const float inverse = 1.0f / static_cast<float>(std::max<int64_t>(s.vector_count, 1));
  for (std::vector<float>* sums : {&s.hessian, &s.mean, &s.mean_abs})
    for (float& sum : *sums) sum *= inverse;
}

void add_linear(InputStatistics& s, std::span<const float> input, int64_t thread_count) {
  const auto count = static_cast<int64_t>(input.size()) / s.column_count;
  s.vector_count += count;
  add_rows(s, ConstMatrixView(input.data(), count, s.column_count), thread_count);
}

void add_convolution(InputStatistics& s, const ir::Graph& graph, const ir::Node& node,
                     const ir::Extents& one_picture, std::span<const float> input,
                     int64_t thread_count) {
  const auto x = ir::bind(graph[node.inputs[0]].shape, one_picture);
  const auto g =
      reference::geometry_of(node.attributes, x, ir::bind(graph[node.inputs[1]].shape, {}),
                             ir::bind(graph[node.output].shape, one_picture));
  const int64_t area = g.out_height * g.out_width;
  const int64_t plane = g.channels * g.height * g.width;
  s.vector_count += area;
  parallel_for(s.group_count, std::max<int64_t>(1, s.group_count / 16), thread_count,
               [&](int64_t first, int64_t last) {
                 Matrix columns(s.column_count, area);
                 for (int64_t group = first; group < last; ++group) {
                   reference::image_to_columns(input.data() + group * plane, g, columns.data());
                   add_columns(s, group, ConstMatrixView(columns.data(), s.column_count, area));
                 }
               });
}

}  // namespace

std::span<const float> InputStatistics::hessian_of(int64_t group) const {
  const auto size = static_cast<size_t>(column_count * column_count);
  return std::span(hessian).subspan(static_cast<size_t>(group) * size, size);
}

Result<Calibrator> Calibrator::open(const std::filesystem::path& fp32_bundle,
                                    const CalibrationSet& set, int64_t thread_count, Tell tell) {
  Calibrator calibrator;
  QB_TRY(bundle::Bundle bundle, bundle::load_bundle(fp32_bundle));
  QB_TRY(bundle::TensorFile data, bundle::TensorFile::open(set.file));
  calibrator.bundle_ = std::make_unique<bundle::Bundle>(std::move(bundle));
  calibrator.data_ = std::make_unique<bundle::TensorFile>(std::move(data));
  calibrator.thread_count_ = thread_count;
  calibrator.tell_ = std::move(tell);
  QB_TRY(calibrator.feed_,
         with_context(Feed::make(calibrator.graph(), *calibrator.data_), set.file.string()));
  if (calibrator.batch_count() == 0)
    return fail(Errc::bad_input, "{} holds no items", set.file.string());
  return calibrator;
}

reference::Interpreter Calibrator::make_interpreter(int64_t token_limit) const {
  return reference::Interpreter(*bundle_,
                                {.batch = 1, .context_tokens = feed_.position_count(token_limit)});
}

Result<void> Calibrator::run_batch(reference::Interpreter& interpreter, int64_t index,
                                   int64_t token_limit) const {
  return interpreter.run(feed_.inputs_of(index, token_limit).tensors, 0);
}

Result<void> Calibrator::run_all(const reference::Interpreter::Observer& observer,
                                 std::string_view what) {
  reference::Interpreter interpreter = make_interpreter(whole_window);
  interpreter.observe(observer);
  for (int64_t batch = 0; batch < batch_count(); ++batch) {
    if (tell_) tell_(what, static_cast<double>(batch) / static_cast<double>(batch_count()));
    QB_CHECK(run_batch(interpreter, batch, whole_window));
  }
  return {};
}

Result<const InputStatistics*> Calibrator::inputs_of(ir::Value parameter) {
  const bool is_used = std::ranges::any_of(graph().nodes, [&](const ir::Node& node) {
    return is_product(node) && node.inputs[1] == parameter;
  });
  if (!is_used) return nullptr;
  if (!gathered_.contains(parameter.index)) QB_CHECK(gather(parameter));
  return gathered_.at(parameter.index).get();
}

// Linears that read the same value share its statistics.
Result<void> Calibrator::gather(ir::Value first) {
  gathered_.clear();
  std::map<int32_t, std::shared_ptr<InputStatistics>> by_input;
  std::map<const ir::Node*, std::shared_ptr<InputStatistics>> observed;
  size_t total_bytes = 0;
  std::vector<const ir::Node*> nodes;
  for (const ir::Node& node : graph().nodes)
    if (is_product(node)) nodes.push_back(&node);
  const auto start =
      std::ranges::find_if(nodes, [&](const ir::Node* node) { return node->inputs[1] == first; });
  std::ranges::rotate(nodes, start);
  for (const ir::Node* node : nodes) {
    auto& shared = by_input[node->inputs[0].index];
    if (node->op == ir::Op::linear && shared) {
      gathered_[node->inputs[1].index] = shared;
      continue;
    }
    auto statistics = std::make_shared<InputStatistics>(statistics_for(graph(), *node));
    total_bytes += hessian_bytes(*statistics);
    if (total_bytes > gathered_bytes_max && !gathered_.empty()) break;
    allocate(*statistics);
    if (node->op == ir::Op::linear) shared = statistics;
    gathered_[node->inputs[1].index] = statistics;
    observed[node] = statistics;
  }
  const ir::Extents picture = feed_.extents();
  QB_CHECK(run_all(
      [&](const ir::Node& node, std::span<const std::span<const float>> inputs) {
        const auto found = observed.find(&node);
        if (found == observed.end()) return;
        if (node.op == ir::Op::linear)
          add_linear(*found->second, inputs[0], thread_count_);
        else
          add_convolution(*found->second, graph(), node, picture, inputs[0], thread_count_);
      },
      "watching the layers' inputs"));
  for (const auto& [node, statistics] : observed) finish(*statistics);
  return {};
}

Result<std::map<int32_t, quant::ActivationFit>> Calibrator::fit_activations(
    std::span<const ir::Value> values, quant::Calibration calibration) {
  std::map<int32_t, quant::ActivationObserver> observers;
  for (const ir::Value value : values) observers[value.index] = {};
  const bool needs_counts = calibration != quant::Calibration::min_max &&
                            calibration != quant::Calibration::moving_average;
  for (const bool is_counting : {false, true}) {
    if (is_counting && !needs_counts) break;
    std::set<int32_t> seen;  // of a batch: a value may have several readers
    QB_CHECK(run_all(
        [&](const ir::Node& node, std::span<const std::span<const float>> inputs) {
          if (&node == &graph().nodes.front()) seen.clear();
          for (size_t i = 0; i < inputs.size(); ++i) {
            const auto found = observers.find(node.inputs[i].index);
            if (found == observers.end() || !seen.insert(found->first).second) continue;
            if (is_counting)
              found->second.add_counts(inputs[i]);
            else
              found->second.add_range(inputs[i]);
          }
        },
        is_counting ? "counting activations" : "finding activations' ranges"));
  }
  std::map<int32_t, quant::ActivationFit> fits;
  for (const auto& [value, observer] : observers) fits[value] = observer.fit(calibration);
  return fits;
}

}  // namespace qb::compress
