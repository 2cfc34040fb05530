#include "measurement/wire/reason.h"

#include <algorithm>
#include <cstdio>

#include "base/printable.h"

namespace qb::wire {
namespace {

constexpr size_t long_line = 300;     // bytes; beyond that a line is cut at its first sentence
constexpr size_t longest_line = 600;  // and at this many whatever it is

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view spaces = " \t\r\n";
  text.remove_prefix(std::min(text.find_first_not_of(spaces), text.size()));
  return text.substr(0, text.find_last_not_of(spaces) + 1);
}

// A TorchScript program's stack stands before the error that ended it.
std::string_view after_stack(std::string_view text) {
  constexpr std::string_view mark = "RuntimeError: ";
  const size_t at = text.rfind(mark);
  return at == std::string_view::npos ? text : text.substr(at + mark.size());
}

// "…s. Next": the end of the first sentence that is more than a word or two.
size_t end_of_sentence(std::string_view line) {
  constexpr size_t shortest = 40;
  const size_t end = line.find(". ", shortest);
  return std::min(end == std::string_view::npos ? line.size() : end + 1, line.size());
}

// Cut between characters, not bytes.
std::string cut(std::string_view line) {
  size_t end = longest_line;
  while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xc0u) == 0x80u) --end;
  return std::string(line.substr(0, end)) + "…";
}

std::string logged(std::string line, std::string_view text) {
  if (line != trimmed(text)) std::fprintf(stderr, "%s\n", printable_lines(text).c_str());
  return line;
}

}  // namespace

std::string framework_reason(std::string_view text) {
  std::string_view line = trimmed(after_stack(text));
  line = trimmed(line.substr(0, line.find('\n')));
  if (line.size() > long_line) line = line.substr(0, end_of_sentence(line));
  return logged(line.size() > longest_line ? cut(line) : std::string(line), text);
}

std::string first_line(std::string_view text) {
  const std::string_view line = trimmed(text);
  return printable(logged(std::string(trimmed(line.substr(0, line.find('\n')))), text));
}

}  // namespace qb::wire
