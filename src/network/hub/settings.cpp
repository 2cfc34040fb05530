#include "network/hub/settings.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/file.h"
#include "base/number.h"

namespace qb::hub {
namespace fs = std::filesystem;
namespace {

bool is_true(const std::optional<std::string>& value) {
  if (!value) return false;
  std::string text = *value;
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text == "1" || text == "ON" || text == "YES" || text == "TRUE";
}

std::optional<std::string> first_of(const Environment& environment,
                                    std::initializer_list<const char*> names) {
  for (const char* name : names)
    if (auto value = environment(name)) return value;
  return {};
}

// "~/x" of a variable is below the home folder, as the hub's own tools take it.
Result<fs::path> expanded(const Environment& environment, std::string_view text) {
  if (text != "~" && !text.starts_with("~/")) return fs::path(text);
  const auto home = environment("HOME");
  if (!home)
    return fail(Errc::bad_input, "HOME is not set, so there is no {}: set HOME or HF_HOME", text);
  return fs::path(*home) / text.substr(std::min<size_t>(2, text.size()));
}

Result<fs::path> hub_home(const Environment& environment) {
  if (const auto given = environment("HF_HOME")) return expanded(environment, *given);
  if (const auto xdg = environment("XDG_CACHE_HOME")) return fs::path(*xdg) / "huggingface";
  return expanded(environment, "~/.cache/huggingface");
}

Result<fs::path> path_of(const Environment& environment, std::initializer_list<const char*> names,
                         std::string_view below_home) {
  if (const auto given = first_of(environment, names)) return expanded(environment, *given);
  QB_TRY(const fs::path home, hub_home(environment));
  return home / below_home;
}

std::string stripped(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return std::string(text);
}

Result<void> read_token(const Environment& environment, Settings& settings) {
  if (is_true(environment("HF_HUB_DISABLE_IMPLICIT_TOKEN"))) return {};
  for (const char* name : {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"})
    if (const auto value = environment(name); value && settings.token.empty()) {
      settings.token = stripped(*value);
      settings.token_source = name;
    }
  if (settings.token.empty()) {
    QB_TRY(const fs::path file, path_of(environment, {"HF_TOKEN_PATH"}, "token"));
    std::error_code ignored;
    if (!fs::exists(file, ignored)) return {};
    QB_TRY(const std::string text, read_file(file));
    settings.token = stripped(text);
    settings.token_source = file.string();
  }
  // It becomes a line of a request.
  if (!std::ranges::all_of(settings.token, [](char c) { return c > ' ' && c < 0x7f; }))
    return fail(Errc::bad_input, "{} holds no token: one is letters and digits, as in hf_…",
                settings.token_source);
  return {};
}

Result<std::string> endpoint_of(std::string text) {
  while (text.ends_with("/")) text.pop_back();
  const size_t scheme_end = text.find("://");
  const std::string scheme = text.substr(0, scheme_end);
  if (scheme_end == std::string::npos || (scheme != "https" && scheme != "http") ||
      text.size() <= scheme_end + 3 || text.find_first_of(" \"<>?#@\r\n", scheme_end) != text.npos)
    return fail(Errc::bad_input,
                "HF_ENDPOINT is \"{}\", no address of a hub, as in https://huggingface.co", text);
  return text;
}

}  // namespace

Result<Settings> settings_of(const Environment& environment) {
  Settings settings;
  if (const auto endpoint = environment("HF_ENDPOINT")) {
    QB_TRY(settings.endpoint, endpoint_of(*endpoint));
  }
  QB_TRY(const fs::path cache,
         path_of(environment, {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"}, "hub"));
  settings.cache = fs::absolute(cache);
  QB_CHECK(read_token(environment, settings));
  settings.certificates =
      first_of(environment, {"SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"}).value_or("");
  settings.is_offline =
      is_true(environment("HF_HUB_OFFLINE")) || is_true(environment("TRANSFORMERS_OFFLINE"));
  if (const auto seconds = environment("HF_HUB_DOWNLOAD_TIMEOUT")) {
    settings.stall_s = parse_number<int64_t>(*seconds).value_or(0);
    if (settings.stall_s < 1)
      return fail(Errc::bad_input, "HF_HUB_DOWNLOAD_TIMEOUT is \"{}\", no number of seconds",
                  *seconds);
  }
  return settings;
}

}  // namespace qb::hub
