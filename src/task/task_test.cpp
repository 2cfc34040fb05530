// The table of tasks: complete, unambiguous, and what is read from it.
#include "task/task.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

using namespace qb;
using namespace qb::task;

TEST_CASE("every task is complete, and no name stands twice") {
  std::set<std::string_view> names;
  for (const Task& row : tasks()) {
    CAPTURE(std::string(row.name));
    CHECK(names.insert(row.name).second);
    for (const std::string_view text : {row.summary, row.item, row.items_like, row.speed_metric,
                                        row.quality_metric, row.base, row.base_heading})
      CHECK_FALSE(text.empty());
    CHECK(std::ranges::count(row.columns, row.speed_metric, &Column::metric) == 1);
    CHECK(std::ranges::count(row.columns, row.quality_metric, &Column::metric) == 1);
    std::set<char> letters;  // a case's id can be read
    for (const Axis* axis : row.axes) CHECK(letters.insert(axis->letter).second);
    // What every task has, see Workload.
    for (const char* name : {"batch", "thread_count"})
      CHECK(std::ranges::count(row.axes, std::string_view(name), &Axis::name) == 1);
  }
}

TEST_CASE("an axis has one name, one key of a suite, and a default within its limits") {
  std::set<std::string_view> names, keys;
  for (const Axis* axis : axes()) {
    CAPTURE(std::string(axis->name));
    CHECK(names.insert(axis->name).second);
    CHECK(keys.insert(axis->suite_key).second);
    CHECK(find_axis(axis->name) == axis);
    CHECK_FALSE(axis->summary.empty());
    if (axis->default_value) CHECK(check(*axis, *axis->default_value));
    // It is shown somewhere: in a title, or in a column.
    CHECK((!axis->title.empty() || !axis->heading.empty()));
  }
}

TEST_CASE("a workload has the names of its task, whole numbers and limits") {
  const Task& language = row_of("causal_lm");
  const Workload good = {{"batch", 2}, {"prompt_tokens", 8}, {"arrivals_per_s", 12.5}};
  CHECK(check(language, good));
  CHECK(id_of(language, good) == "b2t1p8g64r12.5");
  struct Row {
    const char* name;
    double value;
    const char* complaint;
  };
  const Row rows[] = {{"batch", 0, "\"batch\" must be 1 to 1000000, not 0"},
                      {"batch", 1.5, "\"batch\" must be a whole number"},
                      {"depth_tokens", -1, "\"depth_tokens\" must be 0 to"},
                      {"steps", 4, "a workload of causal_lm has no \"steps\""}};
  for (const Row& row : rows) {
    CAPTURE(row.name);
    Workload bad = good;
    bad.set(row.name, row.value);
    const auto checked = check(language, bad);
    REQUIRE_FALSE(checked);
    CHECK(checked.error().message.find(row.complaint) != std::string::npos);
  }
  CHECK_FALSE(check(row_of("image_classification"), good));
}

TEST_CASE("a metric belongs to the tasks that list it, or to all") {
  const Task& language = row_of("causal_lm");
  const Task& pictures = row_of("image_classification");
  CHECK(applies("perplexity", language, {}));
  CHECK_FALSE(applies("perplexity", pictures, {}));
  CHECK(applies("rss_bytes_peak", pictures, {}));
  CHECK_FALSE(applies("arrivals_served_per_s", pictures, {{"arrivals_per_s", 0}}));
  CHECK(applies("arrivals_served_per_s", pictures, {{"arrivals_per_s", 3}}));
}

TEST_CASE("a task of a later version is known by its name alone") {
  CHECK(find_task("telepathy") == nullptr);
  CHECK(row_of("telepathy").axes.empty());
  CHECK_FALSE(applies("perplexity", row_of("telepathy"), {}));
}

TEST_CASE("a workload survives JSON, and what is no number is refused by name") {
  const Workload workload = {{"batch", 2}, {"arrivals_per_s", 12.5}};
  CHECK(dump_json(to_json(workload)) == R"({"arrivals_per_s":12.5,"batch":2})");
  CHECK(workload_from_json(to_json(workload)).value() == workload);
  const auto refused = workload_from_json(Json::object({{"batch", "two"}}));
  CHECK(refused.error().message == "field \"batch\" must be a number");
  CHECK_FALSE(workload_from_json(Json(3)));
  CHECK(workload.without("batch") == Workload{{"arrivals_per_s", 12.5}});
}
