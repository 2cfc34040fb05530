#include "cli/live_table.h"

#include <doctest/doctest.h>

using namespace qb;
using namespace qb::cli;

namespace {

Case case_of(int64_t number) {
  return {"model", "s" + std::to_string(number), "onnxruntime", "cpu", {}};
}

plan::Plan plan_of(int64_t case_count) {
  plan::Plan plan;
  for (int64_t i = 0; i < case_count; ++i) {
    plan.cases.push_back({case_of(i)});
    for (int64_t j = 0; j < 2; ++j)
      plan.launches.push_back({.case_index = static_cast<size_t>(i), .index = j});
  }
  return plan;
}

bool has(const std::vector<std::string>& lines, std::string_view text) {
  for (const std::string& line : lines)
    if (line.find(text) != std::string::npos) return true;
  return false;
}

}  // namespace

TEST_CASE("every case has a line with its launches, newest figure and state") {
  LiveTable table(plan_of(3));
  table.set_state(case_of(1), "measure");
  table.add_launch(case_of(1), "decode 12 tokens/s");
  const auto lines = table.render(24, 200);
  REQUIRE(lines.size() == 4);
  CHECK(lines[1].find("0 of 2") != std::string::npos);
  CHECK(lines[1].find("waiting") != std::string::npos);
  CHECK(lines[2].find("1 of 2") != std::string::npos);
  CHECK(lines[2].find("decode 12 tokens/s") != std::string::npos);
  CHECK(lines[2].find("measure") != std::string::npos);
}

TEST_CASE("a small terminal shows the cases around the one that changed last") {
  LiveTable table(plan_of(50));
  table.set_state(case_of(30), "measure");
  const auto lines = table.render(6, 200);
  REQUIRE(lines.size() == 6);
  CHECK(has(lines, "/s30/"));
  CHECK_FALSE(has(lines, "/s0/"));
  CHECK(has(lines, "5 of 50 cases"));
  table.set_state(case_of(49), "measure");
  CHECK(has(table.render(6, 200), "/s49/"));
  CHECK(table.render(1, 200).size() == 1);
}

TEST_CASE("no line is wider than the terminal, and no character is cut in two") {
  LiveTable table(plan_of(1));
  table.add_launch(case_of(0), "–––––––––");
  for (size_t width = 1; width < 90; ++width) {
    for (const std::string& line : table.render(5, width)) {
      size_t columns = 0;
      for (const char c : line) columns += (static_cast<unsigned char>(c) & 0xc0u) != 0x80u;
      CHECK(columns <= width);
      if (!line.empty()) CHECK(static_cast<unsigned char>(line.back()) != 0xe2u);
    }
  }
}
