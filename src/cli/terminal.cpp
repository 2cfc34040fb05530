#include "cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <string_view>

#include "base/number.h"

namespace qb::cli {
namespace {

std::optional<size_t> columns_of_environment() {
  const char* value = std::getenv("COLUMNS");
  const auto columns = parse_number<size_t>(value ? value : "");
  return columns > 0 ? columns : std::nullopt;
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
