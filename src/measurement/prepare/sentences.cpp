#include "measurement/prepare/sentences.h"

#include <algorithm>

namespace qb::prepare {
namespace {

constexpr size_t bytes_min = 40;
constexpr size_t bytes_max = 300;

bool is_capital(char c) { return c >= 'A' && c <= 'Z'; }
bool is_small(char c) { return c >= 'a' && c <= 'z'; }

// A word of three small letters, so no "Mr.", before a mark.
bool ends_at(std::string_view text, size_t mark) {
  constexpr size_t letters_min = 3;
  return std::string_view(".?!").find(text[mark]) != std::string_view::npos &&
         mark >= letters_min &&
         std::ranges::all_of(text.substr(mark - letters_min, letters_min), is_small);
}

void add(std::string_view sentence, std::vector<std::string>& sentences) {
  const bool is_long_enough = sentence.size() >= bytes_min && sentence.size() <= bytes_max;
  if (is_long_enough && is_capital(sentence.front())) sentences.emplace_back(sentence);
}

void cut_paragraph(std::string_view paragraph, std::vector<std::string>& sentences) {
  size_t first = 0;
  for (size_t i = 0; i < paragraph.size(); ++i) {
    const bool is_last = i + 1 == paragraph.size();
    const bool is_followed =
        i + 2 < paragraph.size() && paragraph[i + 1] == ' ' && is_capital(paragraph[i + 2]);
    if (!ends_at(paragraph, i) || !(is_last || is_followed)) continue;
    add(paragraph.substr(first, i + 1 - first), sentences);
    first = i + 2;
  }
}

}  // namespace

std::vector<std::string> cut_sentences(std::string_view text) {
  std::vector<std::string> sentences;
  std::string paragraph;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#') {
      cut_paragraph(paragraph, sentences);
      paragraph.clear();
    } else {
      paragraph += paragraph.empty() ? "" : " ";
      paragraph += line;
    }
  }
  cut_paragraph(paragraph, sentences);
  return sentences;
}

}  // namespace qb::prepare
