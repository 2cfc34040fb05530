#include "network/hub/settings.h"

#include <doctest/doctest.h>

#include <map>

using namespace qb;
using namespace qb::hub;

namespace {

Result<Settings> settings_with(std::map<std::string, std::string> variables) {
  variables.try_emplace("HOME", "/nowhere");
  return settings_of([variables](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return {};
    return found->second;
  });
}

}  // namespace

TEST_CASE("the cache is where the hub's own tools have theirs") {
  const auto cache = [](std::map<std::string, std::string> variables) {
    return settings_with(std::move(variables)).value().cache.string();
  };
  CHECK(cache({}) == "/nowhere/.cache/huggingface/hub");
  CHECK(cache({{"XDG_CACHE_HOME", "/x"}}) == "/x/huggingface/hub");
  CHECK(cache({{"XDG_CACHE_HOME", "/x"}, {"HF_HOME", "/h"}}) == "/h/hub");
  CHECK(cache({{"HF_HOME", "~/h"}}) == "/nowhere/h/hub");
  CHECK(cache({{"HF_HOME", "/h"}, {"HUGGINGFACE_HUB_CACHE", "/o"}}) == "/o");
  CHECK(cache({{"HUGGINGFACE_HUB_CACHE", "/o"}, {"HF_HUB_CACHE", "/c"}}) == "/c");
}

TEST_CASE("endpoint, token, offline mode and time limit") {
  const Settings settings = settings_with({{"HF_ENDPOINT", "https://mirror.example/"},
                                           {"HF_TOKEN", " hf_x\n"},
                                           {"TRANSFORMERS_OFFLINE", "yes"},
                                           {"HF_HUB_DOWNLOAD_TIMEOUT", "7"}})
                                .value();
  CHECK(settings.endpoint == "https://mirror.example");
  CHECK(settings.token == "hf_x");
  CHECK(settings.token_source == "HF_TOKEN");
  CHECK(settings.is_offline);
  CHECK(settings.stall_s == 7);
  CHECK_FALSE(settings_with({{"HF_HUB_OFFLINE", "0"}}).value().is_offline);
  CHECK(settings_with({{"HF_TOKEN", "hf_x"}, {"HF_HUB_DISABLE_IMPLICIT_TOKEN", "1"}})
            .value()
            .token.empty());
}

TEST_CASE("a variable that says nothing useful is refused by its name") {
  const std::pair<const char*, const char*> bad[] = {
      {"HF_ENDPOINT", "mirror.example"}, {"HF_ENDPOINT", "ftp://x"},
      {"HF_ENDPOINT", "https://"},       {"HF_ENDPOINT", "https://user@x"},
      {"HF_ENDPOINT", "https://x?y"},    {"HF_TOKEN", "hf_a\r\nHost: x"},
      {"HF_HUB_DOWNLOAD_TIMEOUT", "0"},  {"HF_HUB_DOWNLOAD_TIMEOUT", "1s"},
  };
  for (const auto& [name, value] : bad) {
    const auto settings = settings_with({{name, value}});
    REQUIRE_FALSE(settings);
    CHECK(settings.error().message.find(name) != std::string::npos);
  }
}
