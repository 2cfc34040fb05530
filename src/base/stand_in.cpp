#include "base/stand_in.h"

#include <algorithm>
#include <fstream>
#include <string>
#include <string_view>

namespace qb {
namespace {

constexpr size_t head_bytes = 512;

struct StandIn {
  std::string_view start;  // in lower case; of the text after spaces and a byte order mark
  std::string_view what;
  std::string_view remedy;
};
constexpr StandIn stand_ins[] = {
    {"version https://git-lfs.github.com/spec/", "a Git LFS pointer",
     "fetch the file with `git lfs pull`"},
    {"/annex/objects/", "a git-annex pointer", "fetch the file with `git annex get`"},
    {"<!doctype html", "a web page", "download the file itself"},
    {"<html", "a web page", "download the file itself"},
    {"<!--", "a web page", "download the file itself"},
    {"<?xml", "an XML text, as servers answer with errors", "download the file itself"},
    {"entry not found", "a server's answer that there is no such file", "check its address"},
    {"repository not found", "a server's answer that there is no such file", "check its address"},
    {"invalid username or password", "a server's refusal", "log in and download the file again"},
};

std::string lower_head(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  std::string head(text);
  for (char& c : head)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return head;
}

}  // namespace

Result<void> check_no_stand_in(std::span<const std::byte> bytes) {
  const std::string head =
      lower_head({reinterpret_cast<const char*>(bytes.data()), std::min(bytes.size(), head_bytes)});
  for (const StandIn& row : stand_ins)
    if (head.starts_with(row.start))
      return fail(Errc::bad_input, "is {}, not the file that was meant: {}", row.what, row.remedy);
  return {};
}

Result<void> check_no_stand_in(const std::filesystem::path& path) {
  char head[head_bytes];
  std::ifstream file(path, std::ios::binary);
  file.read(head, sizeof(head));
  const auto count = static_cast<size_t>(std::max<std::streamsize>(0, file.gcount()));
  return check_no_stand_in(std::as_bytes(std::span(head, count)));
}

}  // namespace qb
