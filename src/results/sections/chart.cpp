// Speed against quality of one model's cases, with the Pareto frontier. Cases that can't be
// compared with the others (not settled, another workload, quality judged on other items) are
// hollow, named as such and no part of the frontier.
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include "base/units.h"
#include "results/analysis/frontier.h"
#include "results/analysis/table.h"
#include "results/metrics/launches.h"
#include "results/metrics/metrics.h"
#include "results/sections/markup.h"
#include "results/sections/sections.h"

namespace qb::sections {
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

std::string grid_svg(const Axis& x, const Axis& y) {
  std::string svg;
  for (const double tick : ticks(x.low, x.high, 6)) {
    const std::string at = pixel(x.at(tick));
    svg += Element("line")
               .with("class", "grid")
               .with("x1", at)
               .with("x2", at)
               .with("y1", top)
               .with("y2", height - bottom)
               .str();
    svg += Element("text")
               .with("class", "tick")
               .with("x", at)
               .with("y", height - bottom + 18)
               .with("text-anchor", "middle")
               .text(fmt::format("{:g}", tick))
               .str();
  }
  for (const double tick : ticks(y.low, y.high, 5)) {
    const std::string at = pixel(y.at(tick));
    svg += Element("line")
               .with("class", "grid")
               .with("y1", at)
               .with("y2", at)
               .with("x1", left)
               .with("x2", width - right)
               .str();
    svg += Element("text")
               .with("class", "tick")
               .with("x", left - 8)
               .with("y", pixel(y.at(tick) + 4))
               .with("text-anchor", "end")
               .text(fmt::format("{:g}", tick))
               .str();
  }
  return svg;
}

std::string titles_svg(const metrics::Metric& speed, const metrics::Metric& quality) {
  const std::string_view base = quality.name == "output_cosine" ? "the first file" : "unquantized";
  return Element("text")
             .with("class", "axis")
             .with("x", (left + width - right) / 2)
             .with("y", height - 12)
             .with("text-anchor", "middle")
             .text(fmt::format("{} ({}), faster to the right", speed.label, speed.unit))
             .str() +
         Element("text")
             .with("class", "axis")
             .with("transform",
                   fmt::format("translate(18,{}) rotate(-90)", (top + height - bottom) / 2))
             .with("text-anchor", "middle")
             .text(fmt::format("{} with {}", quality.label, base))
             .str();
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
  return path.empty() ? path : Element("path").with("class", "frontier").with("d", path).str();
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

std::string mark_svg(const Mark& mark, const std::string& label, const std::string& text, double x,
                     double y, const std::optional<LabelPlacer::Place>& place) {
  const std::string name = place ? Element("text")
                                       .with("x", pixel(place->x))
                                       .with("y", pixel(place->y))
                                       .with_any("text-anchor", place->is_left ? "end" : "")
                                       .text(label)
                                       .str()
                                 : std::string();
  const std::string title = fmt::format("{}: {}", label, text);
  const std::string circle =
      Element("circle")
          .with("cx", pixel(x))
          .with("cy", pixel(y))
          .with("r", 6)
          .with("class", mark.record->subject.framework + (mark.unlike.empty() ? "" : " unlike"))
          .str();
  return Element("g")
      .with("class", "mark")
      .with("tabindex", "0")
      .with("role", "img")
      .with("aria-label", title)
      .add(Element("title").text(title).str())
      .add(circle)
      .add(name)
      .str();
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
    const double reach = best.contains(mark.record) ? height : near_reach;
    const double px = x.at(mark.speed);
    const double py = y.at(mark.quality);
    svg += mark_svg(mark, label, mark_text(mark, speed, quality), px, py,
                    placer.place(px, py, label.size(), reach));
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
  return Element("text")
      .with("class", "tick")
      .with("x", width - right)
      .with("y", top - 8)
      .with("text-anchor", "end")
      .text(fmt::format("hollow, not compared: {}", fmt::join(reasons, "; ")))
      .str();
}

std::string chart_svg(const std::vector<Mark>& marks, const std::vector<const Record*>& records) {
  const auto [slow, fast] = std::ranges::minmax_element(marks, {}, &Mark::speed);
  const auto [bad, good] = std::ranges::minmax_element(marks, {}, &Mark::quality);
  const Axis x = padded_axis(std::min(0.0, slow->speed), fast->speed, left, width - right);
  const Axis y = padded_axis(bad->quality, good->quality, height - bottom, top);
  const metrics::Metric& speed = *metrics::find_metric(metrics::speed_metric(*marks[0].record));
  const metrics::Metric& quality =
      *metrics::find_metric(analysis::quality_metric(*marks[0].record));
  return Element("svg")
      .with("viewBox", fmt::format("0 0 {} {}", width, height))
      .with("role", "group")
      .with("aria-label", "speed against quality")
      .add(grid_svg(x, y))
      .add(titles_svg(speed, quality))
      .add(legend_svg(marks))
      .add(frontier_svg(marks, x, y))
      .add(marks_svg(marks, records, x, y, speed, quality))
      .str();
}

}  // namespace

Blocks build_chart(const analysis::ModelGroup& group) {
  const std::vector<Mark> marks = marks_of(group.records);
  if (marks.size() < 2) return {};
  return {Figure{chart_svg(marks, group.records)}};
}

}  // namespace qb::sections
