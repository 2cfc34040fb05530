#include "network/hub/name.h"

#include <algorithm>

namespace qb::hub {
namespace {

bool is_letter_or_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_one_of(char c, std::string_view characters) {
  return characters.find(c) != std::string_view::npos;
}

// The hub's own rule for an organization's and a model's name.
bool is_name_part(std::string_view part) {
  return !part.empty() && part.size() <= 96 && !is_one_of(part.front(), "-.") &&
         !is_one_of(part.back(), "-.") && part.find("--") == std::string_view::npos &&
         part.find("..") == std::string_view::npos && std::ranges::all_of(part, [](char c) {
           return is_letter_or_digit(c) || is_one_of(c, "-._");
         });
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// What git allows of a branch's or tag's name, and of that what is a path below refs/ as well.
bool is_revision(std::string_view text) {
  return is_safe_path(text) && text.size() <= 200 && text.find("..") == std::string_view::npos &&
         text.front() != '-' &&
         std::ranges::none_of(text, [](char c) { return is_one_of(c, " ~^:?*["); });
}

}  // namespace

std::string text_of(const RepositoryName& name) {
  return name.revision == "main" ? name.id : fmt::format("{}@{}", name.id, name.revision);
}

Result<RepositoryName> parse_name(std::string_view text) {
  const size_t at = text.find('@');
  const std::string_view id = text.substr(0, at);
  const size_t slash = id.find('/');
  if (slash == std::string_view::npos || !is_name_part(id.substr(0, slash)) ||
      !is_name_part(id.substr(slash + 1)))
    return fail(Errc::bad_input,
                "\"{}\" is no name of a model on a hub: they are ORG/NAME or ORG/NAME@REVISION, "
                "as in Qwen/Qwen3-0.6B",
                text);
  RepositoryName name = {.id = std::string(id)};
  if (at == std::string_view::npos) return name;
  name.revision = text.substr(at + 1);
  if (!is_revision(name.revision))
    return fail(
        Errc::bad_input,
        "\"{}\": what follows the @ is no revision: a branch, a tag or a commit's 40 digits", text);
  return name;
}

bool is_hex(std::string_view text, size_t count) {
  return text.size() == count && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

bool is_safe_path(std::string_view path) {
  if (path.empty() || path.size() > 1000) return false;
  if (std::ranges::any_of(path, [](char c) { return is_control(c) || c == '\\'; })) return false;
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view part = path.substr(begin, end - begin);
    if (part.empty() || part == "." || part == ".." || part.size() > 255) return false;
    begin = end + 1;
  }
  return true;
}

}  // namespace qb::hub
