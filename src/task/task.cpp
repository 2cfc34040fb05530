#include "task/task.h"

#include <algorithm>
#include <cmath>

namespace qb::task {
namespace {

constexpr Task unknown = {.name = "unknown",
                          .summary = "of a task that this version doesn't know",
                          .item = "items",
                          .items_like = "of items like these",
                          .speed_metric = "inferences_per_s",
                          .quality_metric = "top1_agreement"};

bool lists(std::span<const std::string_view> names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

const Task* find_task(std::string_view name) {
  const auto found = std::ranges::find(tasks(), name, &Task::name);
  return found == tasks().end() ? nullptr : &*found;
}

const Task& row_of(std::string_view name) {
  const Task* row = find_task(name);
  return row ? *row : unknown;
}

const Axis* find_axis(std::string_view name) {
  const auto found = std::ranges::find(axes(), name, &Axis::name);
  return found == axes().end() ? nullptr : *found;
}

bool applies(std::string_view metric, const Task& task, const Workload& workload) {
  for (const Axis* axis : axes())
    if (lists(axis->metrics, metric) && is_default(*axis, workload)) return false;
  const bool is_of_some =
      std::ranges::any_of(tasks(), [&](const Task& row) { return lists(row.metrics, metric); });
  return !is_of_some || lists(task.metrics, metric);
}

double value_of(const Axis& axis, const Workload& workload) {
  return workload.real(axis.name, axis.default_value.value_or(axis.smallest));
}

bool is_default(const Axis& axis, const Workload& workload) {
  return axis.default_value && value_of(axis, workload) == *axis.default_value;
}

std::string text_of(const Axis& axis, double value) {
  return axis.is_integer ? fmt::format("{}", std::llround(value)) : fmt::format("{}", value);
}

std::string id_of(const Task& task, const Workload& workload) {
  std::string id;
  for (const Axis* axis : task.axes)
    if (axis->is_in_every_id || !is_default(*axis, workload))
      id += fmt::format("{}{}", axis->letter, text_of(*axis, value_of(*axis, workload)));
  return id;
}

std::string flag_of(const Axis& axis) {
  std::string flag = fmt::format("--{}", axis.suite_key);
  std::ranges::replace(flag, '_', '-');
  return flag;
}

std::string limits_text(const Axis& axis) {
  return fmt::format("must be a list of {} from {} to {}", axis.is_integer ? "integers" : "numbers",
                     text_of(axis, axis.smallest), text_of(axis, axis.largest));
}

Result<void> check(const Axis& axis, double value) {
  if (axis.is_integer && value != std::trunc(value))
    return fail(Errc::bad_input, "\"{}\" must be a whole number, not {}", axis.name, value);
  if (!(value >= axis.smallest && value <= axis.largest))
    return fail(Errc::bad_input, "\"{}\" must be {} to {}, not {}", axis.name,
                text_of(axis, axis.smallest), text_of(axis, axis.largest), text_of(axis, value));
  return {};
}

Result<void> check(const Task& task, const Workload& workload) {
  for (const auto& [name, value] : workload.values()) {
    const auto found = std::ranges::find(task.axes, std::string_view(name), &Axis::name);
    if (found == task.axes.end())
      return fail(Errc::bad_input, "a workload of {} has no \"{}\"", task.name, name);
    QB_CHECK(check(**found, value));
  }
  return {};
}

}  // namespace qb::task
