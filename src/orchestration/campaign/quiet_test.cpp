#include "orchestration/campaign/quiet.h"

#include <doctest/doctest.h>

#include <vector>

using namespace qb;
using namespace qb::campaign;

TEST_CASE("what keeps a machine from being measured") {
  const auto of = [](const Json& condition) { return hindrance_of(condition, 4); };
  CHECK(of(Json::object({})).empty());
  CHECK(of(Json::object({{"power_source", "mains"},
                         {"thermal_pressure", "nominal"},
                         {"low_power_mode", false},
                         {"load_average_1m", 0.9}}))
            .empty());
  CHECK(of(Json::object({{"power_source", "battery"}})) == "it runs on its battery");
  CHECK(of(Json::object({{"thermal_pressure", "heavy"}})) == "its thermal pressure is heavy");
  CHECK(of(Json::object({{"low_power_mode", true}})) == "it is in low power mode");
  CHECK(of(Json::object({{"load_average_1m", 1.1}})) == "it is busy: a load of 1.1 on 4 cores");
}

TEST_CASE("it waits until nothing hinders, and says what did") {
  std::vector<Json> conditions = {Json::object({}), Json::object({{"load_average_1m", 3.0}}),
                                  Json::object({{"load_average_1m", 3.5}}),
                                  Json::object({{"power_source", "battery"}})};
  std::vector<std::string> told;
  const Wait wait =
      wait_until_quiet({.longest_ns = 1'000'000'000'000,
                        .look_ns = 1'000'000,
                        .core_count = 4,
                        .condition =
                            [&] {
                              const Json next = conditions.back();
                              if (conditions.size() > 1) conditions.pop_back();
                              return next;
                            },
                        .on_waiting = [&](const std::string& why) { told.push_back(why); }});
  CHECK(wait.last_hindrance.empty());
  CHECK(wait.first_hindrance == "it runs on its battery");
  CHECK(wait.waited_ns >= 3'000'000);
  CHECK(told ==
        std::vector<std::string>{"it runs on its battery", "it is busy: a load of 3.5 on 4 cores"});
}

TEST_CASE("it waits no longer than it may, and not at all when interrupted") {
  const auto busy = [] { return Json::object({{"load_average_1m", 9.0}}); };
  const Wait late = wait_until_quiet(
      {.longest_ns = 5'000'000, .look_ns = 1'000'000, .core_count = 4, .condition = busy});
  CHECK_FALSE(late.last_hindrance.empty());
  CHECK(late.waited_ns >= 5'000'000);
  const std::atomic<bool> stop = true;
  const Wait stopped = wait_until_quiet({.longest_ns = 1'000'000'000'000,
                                         .core_count = 4,
                                         .is_interrupted = &stop,
                                         .condition = busy});
  CHECK(stopped.waited_ns < 1'000'000'000);
}
