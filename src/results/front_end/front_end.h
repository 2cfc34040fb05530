// The front end of the report's page and of the dashboard: the files that a browser runs, built in.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace qb::front_end {

struct File {
  std::string_view name;  // "charts.js"
  std::string_view media_type;
  std::string_view text;
};

// This folder's modules and style sheet, and "echarts.js", which is Apache ECharts.
std::span<const File> files();
const File* find_file(std::string_view name);

// The bare names by which modules import each other ("qbench/charts.js"), as an import map. In a
// page of one file each is the module itself, as a data: URL; else it is `folder` and its name.
std::string import_map_of_one_file();
std::string import_map(std::string_view folder);

std::string base64(std::string_view bytes);
// zlib's format in base64, which `inflate` in data.js reads: safe in an element, and much smaller.
std::string packed(std::string_view text);

}  // namespace qb::front_end
