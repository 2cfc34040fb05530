// Chips by their names. Macs of two builds of a chip differ in bandwidth, and are told apart by
// their GPU's cores.
#include <algorithm>
#include <array>
#include <iterator>

#include "base/number.h"
#include "measurement/probes/apple_machine.h"

namespace qb::probes {
namespace {

constexpr int64_t gb = 1'000'000'000;
constexpr std::string_view specifications = "Apple's technical specifications";
constexpr std::string_view announcement = "Apple's announcement of August 2026";

constexpr AppleChipRow rows[] = {
    // Apple names no bandwidth for it: 128 bits of LPDDR4X at 4266 MT/s.
    {"M1", 0, 68'256'000'000, 16, "width and rate of its memory"},
    {"M1 Pro", 0, 200 * gb, 16, specifications},
    {"M1 Max", 0, 400 * gb, 16, specifications},
    {"M1 Ultra", 0, 800 * gb, 32, specifications},
    {"M2", 0, 100 * gb, 16, specifications},
    {"M2 Pro", 0, 200 * gb, 16, specifications},
    {"M2 Max", 0, 400 * gb, 16, specifications},
    {"M2 Ultra", 0, 800 * gb, 32, specifications},
    {"M3", 0, 100 * gb, 16, specifications},
    {"M3 Pro", 0, 150 * gb, 16, specifications},
    {"M3 Max", 30, 300 * gb, 16, specifications},
    {"M3 Max", 40, 400 * gb, 16, specifications},
    {"M3 Ultra", 0, 819 * gb, 32, specifications},
    {"M4", 0, 120 * gb, 16, specifications},
    {"M4 Pro", 0, 273 * gb, 16, specifications},
    {"M4 Max", 32, 410 * gb, 16, specifications},
    {"M4 Max", 40, 546 * gb, 16, specifications},
    {"M5", 0, 153 * gb, 16, specifications},
    {"M5 Pro", 0, 307 * gb, 16, specifications},
    {"M5 Max", 32, 460 * gb, 16, specifications},
    {"M5 Max", 40, 614 * gb, 16, specifications},
    {"M5 Ultra", 80, 1200 * gb, 0, announcement},
    {"M6", 0, 170 * gb, 0, announcement},
};

constexpr int first_generation_with_accelerators = 5;  // of the M series
constexpr int macos_with_accelerators[] = {26, 2};

// "26.2.1" → 26, 2; a part that isn't there is 0.
std::array<int, 2> version_of(std::string_view text) {
  std::array<int, 2> version = {};
  for (int& part : version) {
    part = take_number<int>(text).value_or(0);
    if (!text.starts_with('.')) break;
    text.remove_prefix(1);
  }
  return version;
}

}  // namespace

std::optional<AppleChip> parse_apple_chip(std::string_view brand) {
  constexpr std::string_view maker = "Apple ";
  constexpr std::string_view virtual_mark = " (Virtual)";
  if (!brand.starts_with(maker)) return std::nullopt;
  brand.remove_prefix(maker.size());
  AppleChip chip;
  if (brand.ends_with(virtual_mark)) {
    chip.is_virtual = true;
    brand.remove_suffix(virtual_mark.size());
  }
  const size_t space = brand.find(' ');
  chip.name = brand;
  chip.generation = brand.substr(0, space);
  if (space != std::string_view::npos) chip.variant = brand.substr(space + 1);
  return chip;
}

const AppleChipRow* find_apple_chip(std::string_view name, std::optional<int64_t> gpu_cores) {
  const auto* row = std::ranges::find_if(rows, [&](const AppleChipRow& candidate) {
    return candidate.name == name && (candidate.gpu_cores == 0 || candidate.gpu_cores == gpu_cores);
  });
  return row == std::end(rows) ? nullptr : row;
}

std::optional<NeuralAccelerators> neural_accelerators(const AppleChip& chip,
                                                      std::string_view macos) {
  if (!chip.generation.starts_with('M')) return std::nullopt;
  const auto generation = parse_number<int>(std::string_view(chip.generation).substr(1));
  if (!generation) return std::nullopt;
  if (chip.is_virtual) return NeuralAccelerators{false, "a virtual machine's GPU has none"};
  if (*generation < first_generation_with_accelerators)
    return NeuralAccelerators{false, fmt::format("{} has none: they begin with M{}", chip.name,
                                                 first_generation_with_accelerators)};
  if (macos.empty()) return std::nullopt;
  const auto [major, minor] = version_of(macos);
  const bool is_new = major != macos_with_accelerators[0] ? major > macos_with_accelerators[0]
                                                          : minor >= macos_with_accelerators[1];
  return NeuralAccelerators{
      is_new, fmt::format("{} has them; macOS {} {} {}.{}, which opens them", chip.name, macos,
                          is_new ? "is no older than" : "is older than", macos_with_accelerators[0],
                          macos_with_accelerators[1])};
}

}  // namespace qb::probes
