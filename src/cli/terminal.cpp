#include "cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <optional>
#include <string_view>

namespace qb::cli {
namespace {

std::optional<size_t> columns_of_environment() {
  const char* value = std::getenv("COLUMNS");
  const std::string_view text = value ? value : "";
  size_t columns = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), columns);
  const bool is_whole = error == std::errc() && end == text.data() + text.size();
  return is_whole && columns > 0 ? std::optional(columns) : std::nullopt;
}

}  // namespace

report::Layout layout_of_terminal(bool is_wide) {
  report::Layout layout = {.is_wide = is_wide};
  winsize size = {};
  if (const auto columns = columns_of_environment())
    layout.column_count = *columns;
  else if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    layout.column_count = size.ws_col;
  return layout;
}

}  // namespace qb::cli
