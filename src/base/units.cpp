#include "base/units.h"

#include <fmt/format.h>

#include <cmath>
#include <span>

namespace qb {
namespace {

std::string three_digits(double value) {
  const double magnitude = std::fabs(value);
  constexpr double longest = 1e9;  // more digits would tear a table
  if (magnitude == 0.0) return "0";
  if (magnitude >= longest) return fmt::format("{:.3g}", value);
  if (magnitude >= 99.95) return fmt::format("{:.0f}", value);
  if (magnitude >= 9.995) return fmt::format("{:.1f}", value);
  if (magnitude >= 0.9995) return fmt::format("{:.2f}", value);
  return fmt::format("{:.3g}", value);
}

std::string scaled(double value, std::span<const std::string_view> units) {
  size_t step = 0;
  while (step + 1 < units.size() && std::fabs(value) >= 999.5) {
    value /= 1000.0;
    ++step;
  }
  return fmt::format("{} {}", three_digits(value), units[step]);
}

}  // namespace

std::string format_quantity(double value, std::string_view unit) {
  static constexpr std::string_view bytes[] = {"B", "kB", "MB", "GB", "TB"};
  static constexpr std::string_view nanoseconds[] = {"ns", "us", "ms", "s"};
  if (unit == "B") return scaled(value, bytes);
  if (unit == "ns") return scaled(value, nanoseconds);
  if (unit == "1" || unit.empty()) return three_digits(value);
  if (unit == "%" && std::fabs(value) < 1e9) return fmt::format("{:.1f} %", value);
  return fmt::format("{} {}", three_digits(value), unit);
}

}  // namespace qb
