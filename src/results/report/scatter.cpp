// The speed-quality scatter as SVG.
#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include "base/units.h"
#include "results/analysis/frontier.h"
#include "results/analysis/table.h"
#include "results/metrics/launches.h"
#include "results/metrics/metrics.h"
#include "results/report/html.h"

namespace qb::report {
namespace {

constexpr double near_reach = 14;  // of a name from its point
constexpr double width = 860;
constexpr double height = 420;
constexpr double left = 70;
constexpr double right = 30;
constexpr double top = 24;
constexpr double bottom = 52;

struct Mark {
  const Record* record;
  double speed, quality;
  std::string unlike;  // why it can't be compared with the others; empty for most
};

// From `low` to `high` in steps of 1, 2 or 5 times a power of ten, about `count` of them.
std::vector<double> ticks(double low, double high, int count) {
  const double rough = (high - low) / count;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  const double step = (rough / power < 1.5   ? 1
                       : rough / power < 3.5 ? 2
                       : rough / power < 7.5 ? 5
                                             : 10) *
                      power;
  std::vector<double> values;
  for (double tick = std::ceil(low / step) * step; tick <= high + step * 1e-9; tick += step)
    values.push_back(std::fabs(tick) < step * 1e-9 ? 0.0 : tick);
  return values;
}

struct Axis {
  double low, high, from, to;  // values and pixels
  double at(double value) const { return from + (value - low) / (high - low) * (to - from); }
};

// Values that differ by less than labels can tell get the axis of a single one.
Axis padded_axis(double low, double high, double from, double to) {
  const bool is_spread = high - low > 1e-4 * std::max(std::fabs(low), std::fabs(high));
  const double margin = is_spread ? (high - low) * 0.08 : std::max(std::fabs(high), 1.0) * 0.05;
  return {low - margin, high + margin, from, to};
}

std::string axes_svg(const Axis& x, const Axis& y, const metrics::Metric& speed,
                     const metrics::Metric& quality) {
  std::string svg;
  for (const double tick : ticks(x.low, x.high, 6))
    svg += fmt::format(
        R"(<line class="grid" x1="{0:.1f}" x2="{0:.1f}" y1="{1}" y2="{2}"/><text class="tick" x="{0:.1f}" y="{3}" text-anchor="middle">{4:g}</text>)",
        x.at(tick), top, height - bottom, height - bottom + 18, tick);
  for (const double tick : ticks(y.low, y.high, 5))
    svg += fmt::format(
        R"(<line class="grid" y1="{0:.1f}" y2="{0:.1f}" x1="{1}" x2="{2}"/><text class="tick" x="{3}" y="{4:.1f}" text-anchor="end">{5:g}</text>)",
        y.at(tick), left, width - right, left - 8, y.at(tick) + 4, tick);
  svg += fmt::format(
      R"(<text class="axis" x="{}" y="{}" text-anchor="middle">{} ({}), faster to the right</text>)",
      (left + width - right) / 2, height - 12, escape_html(speed.label), escape_html(speed.unit));
  svg += fmt::format(
      R"svg(<text class="axis" transform="translate(18,{}) rotate(-90)" text-anchor="middle">{} with {}</text>)svg",
      (top + height - bottom) / 2, escape_html(quality.label),
      quality.name == "output_cosine" ? "the first file" : "unquantized");
  return svg;
}

// Of the marks that can be compared: indices, by rising speed.
std::vector<size_t> frontier_of(const std::vector<Mark>& marks) {
  std::vector<size_t> alike;
  std::vector<analysis::Point> points;
  for (size_t i = 0; i < marks.size(); ++i) {
    if (!marks[i].unlike.empty()) continue;
    alike.push_back(i);
    points.push_back({marks[i].speed, marks[i].quality});
  }
  std::vector<size_t> frontier;
  for (const size_t i : analysis::find_frontier(points)) frontier.push_back(alike[i]);
  return frontier;
}

std::string frontier_svg(const std::vector<Mark>& marks, const Axis& x, const Axis& y) {
  std::string path;
  for (const size_t i : frontier_of(marks))
    path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : " L", x.at(marks[i].speed),
                        y.at(marks[i].quality));
  return path.empty() ? path : fmt::format(R"(<path class="frontier" d="{}"/>)", path);
}

std::set<const Record*> frontier_records(const std::vector<Mark>& marks) {
  std::set<const Record*> best;
  for (const size_t i : frontier_of(marks)) best.insert(marks[i].record);
  return best;
}

// Finds each label a place where it covers neither a label nor a point.
class LabelPlacer {
 public:
  // Where circles are, so that no label covers one.
  void avoid(double x, double y) { boxes_.push_back({x - 8, x + 8, y + 4}); }
  struct Place {
    double x, y;
    bool is_left;
  };
  // Beside the point, right or left, then ever further below and above, up to `reach` away: a name
  // that stands far from its point is no name.
  std::optional<Place> place(double x, double y, size_t length, double reach) {
    const double text_width = static_cast<double>(length) * 7.0;
    for (double step = 0; step <= reach; step += 4) {
      for (const double row : {y + 4 + step, y + 4 - step}) {
        for (const bool is_left : {false, true}) {
          const Box box = is_left ? Box{x - 10 - text_width, x - 10, row}
                                  : Box{x + 10, x + 10 + text_width, row};
          const bool is_outside = box.start < left || box.end > width - 4;
          if (is_outside ||
              std::ranges::any_of(boxes_, [&](const Box& other) { return overlap(box, other); }))
            continue;
          boxes_.push_back(box);
          return Place{is_left ? box.end : box.start, row, is_left};
        }
      }
    }
    return std::nullopt;
  }

 private:
  struct Box {
    double start, end, y;
  };
  static bool overlap(const Box& a, const Box& b) {
    return a.start < b.end && a.end > b.start && std::fabs(a.y - b.y) < 13;
  }
  std::vector<Box> boxes_;
};

// "190 tokens/s, agreement 0.635"
std::string mark_text(const Mark& mark, const metrics::Metric& speed,
                      const metrics::Metric& quality) {
  return fmt::format("{}, {} {:.3f}{}{}", format_quantity(mark.speed, speed.unit), quality.label,
                     mark.quality, mark.unlike.empty() ? "" : "; ", mark.unlike);
}

std::string marks_svg(std::vector<Mark> marks, const std::vector<const Record*>& records,
                      const Axis& x, const Axis& y, const metrics::Metric& speed,
                      const metrics::Metric& quality) {
  const std::set<const Record*> best = frontier_records(marks);
  std::ranges::sort(marks, {}, [&](const Mark& mark) {  // the frontier is named first
    return std::pair(!best.contains(mark.record), -mark.quality);
  });
  LabelPlacer placer;
  for (const Mark& mark : marks) placer.avoid(x.at(mark.speed), y.at(mark.quality));
  std::string svg;
  for (const Mark& mark : marks) {
    const std::string label = analysis::short_label_of(*mark.record, records);
    const double px = x.at(mark.speed);
    const double py = y.at(mark.quality);
    const auto place =
        placer.place(px, py, label.size(), best.contains(mark.record) ? height : near_reach);
    const std::string name =
        place ? fmt::format(R"(<text x="{:.1f}" y="{:.1f}"{}>{}</text>)", place->x, place->y,
                            place->is_left ? R"( text-anchor="end")" : "", escape_html(label))
              : std::string();
    svg += fmt::format(
        R"(<g class="mark" tabindex="0" role="img" aria-label="{0}: {1}"><title>{0}: {1}</title><circle cx="{2:.1f}" cy="{3:.1f}" r="6" class="{4}{5}"/>{6}</g>)",
        escape_html(label), escape_html(mark_text(mark, speed, quality)), px, py,
        escape_html(mark.record->subject.framework), mark.unlike.empty() ? "" : " unlike", name);
  }
  return svg;
}

// Why the record is shown apart: it did not settle, ran another workload than the first, or its
// quality was judged on other items.
std::string why_unlike(const Record& record, const std::vector<const Record*>& records) {
  if (!analysis::is_ok(record)) return std::string(name_of(record.outcome));
  if (analysis::sweep_of(record.subject.workload) !=
      analysis::sweep_of(records.front()->subject.workload))
    return "another workload than the first case's";
  if (analysis::is_judged_alike(record, records)) return {};
  return fmt::format("judged on {} {}, most on {}", *analysis::judged_item_count(record),
                     analysis::item_noun(record), *analysis::usual_item_count(records));
}

std::vector<Mark> marks_of(const std::vector<const Record*>& records) {
  std::vector<Mark> marks;
  for (const Record* record : records) {
    const Measurement* speed = find_measurement(*record, metrics::speed_metric(*record));
    const Measurement* quality = find_measurement(*record, analysis::quality_metric(*record));
    if (speed && quality && speed->value && quality->value)
      marks.push_back({record, *speed->value, *quality->value, why_unlike(*record, records)});
  }
  return marks;
}

// What the hollow circles are; empty where there are none.
std::string legend_svg(const std::vector<Mark>& marks) {
  std::set<std::string> reasons;
  for (const Mark& mark : marks)
    if (!mark.unlike.empty()) reasons.insert(mark.unlike);
  if (reasons.empty()) return {};
  return fmt::format(
      R"(<text class="tick" x="{}" y="{}" text-anchor="end">hollow, not compared: {}</text>)",
      width - right, top - 8, escape_html(fmt::format("{}", fmt::join(reasons, "; "))));
}

}  // namespace

std::string render_scatter(const std::vector<const Record*>& records) {
  const std::vector<Mark> marks = marks_of(records);
  if (marks.size() < 2) return {};
  const auto [slow, fast] = std::ranges::minmax_element(marks, {}, &Mark::speed);
  const auto [bad, good] = std::ranges::minmax_element(marks, {}, &Mark::quality);
  const Axis x = padded_axis(std::min(0.0, slow->speed), fast->speed, left, width - right);
  const Axis y = padded_axis(bad->quality, good->quality, height - bottom, top);
  const metrics::Metric& speed = *metrics::find_metric(metrics::speed_metric(*marks[0].record));
  const metrics::Metric& quality =
      *metrics::find_metric(analysis::quality_metric(*marks[0].record));
  return fmt::format(
      R"(<svg viewBox="0 0 {} {}" role="group" aria-label="speed against quality">{}{}{}{}</svg>)",
      width, height, axes_svg(x, y, speed, quality), legend_svg(marks), frontier_svg(marks, x, y),
      marks_svg(marks, records, x, y, speed, quality));
}

}  // namespace qb::report
