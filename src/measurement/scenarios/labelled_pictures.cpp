#include "measurement/scenarios/labelled_pictures.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "compression/quality/quality.h"

namespace qb::scenarios {

Result<LabelledPictures> LabelledPictures::read(const bundle::TensorFile& dataset,
                                                const wire::Request& request,
                                                const ir::Graph& graph) {
  LabelledPictures pictures;
  QB_TRY(pictures.images_, dataset.find("images", ElementType::f32, 4));
  QB_TRY(pictures.labels_, dataset.find("labels", ElementType::i64, 2));
  const TensorView& images = pictures.images_;
  const TensorView& labels = pictures.labels_;
  const std::vector<int64_t> wanted = ir::bind(graph[graph.of_kind(ir::ValueKind::input)[0]].shape,
                                               {{ir::Symbol::batch, images.shape[0]}});
  if (!std::ranges::equal(wanted, images.shape) || labels.shape[0] != images.shape[0])
    return fail(Errc::bad_input, "{}: {} pictures of [{}] with {} rows of labels do not fit {}",
                request.dataset, images.shape[0], fmt::join(images.shape.subspan(1), ", "),
                labels.shape[0], graph.name);
  pictures.shape_ = {1, images.shape[1], images.shape[2], images.shape[3]};
  pictures.count_ = request.item_count_max > 0 ? std::min(request.item_count_max, images.shape[0])
                                               : images.shape[0];
  return pictures;
}

TensorView LabelledPictures::picture(int64_t number) const {
  const size_t size = images_.element_count() / static_cast<size_t>(images_.shape[0]);
  return {ElementType::f32, shape_, images_.f32().data() + static_cast<size_t>(number) * size};
}

std::span<const int64_t> LabelledPictures::right_classes(int64_t number) const {
  const auto label_count = static_cast<size_t>(labels_.shape[1]);
  return labels_.i64().subspan(static_cast<size_t>(number) * label_count, label_count);
}

void Accuracy::add(std::span<const float> logits, std::span<const int64_t> right) {
  ++count_;
  class_count_ = logits.size();
  top1_count_ += quality::in_top_k(logits, 1, right) ? 1 : 0;
  top5_count_ += quality::in_top_k(logits, 5, right) ? 1 : 0;
}

void Accuracy::send_to(const wire::Send& send) const {
  if (count_ == 0) return;
  const auto count = static_cast<double>(count_);
  send(wire::Fact{"top1_accuracy", static_cast<double>(top1_count_) / count});
  if (class_count_ > 5) send(wire::Fact{"top5_accuracy", static_cast<double>(top5_count_) / count});
}

}  // namespace qb::scenarios
