#include "results/sections/markup.h"

#include <fmt/format.h>

#include "base/printable.h"

namespace qb::sections {
namespace {

std::string_view entity_of(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    default:
      return {};
  }
}

std::string escaped(std::string_view text, bool are_quotes_escaped) {
  std::string out;
  for (const char c : printable_lines(text)) {
    const bool is_quote = c == '"' || c == '\'';
    const std::string_view entity = is_quote && !are_quotes_escaped ? "" : entity_of(c);
    if (entity.empty())
      out += c;
    else
      out += entity;
  }
  return out;
}

}  // namespace

std::string escape_markup(std::string_view text) { return escaped(text, true); }

std::string escape_text(std::string_view text) { return escaped(text, false); }

Element&& Element::with(std::string_view attribute, std::string_view value) && {
  attributes_ += fmt::format(R"( {}="{}")", attribute, escape_markup(value));
  return std::move(*this);
}

Element&& Element::with(std::string_view attribute, double value) && {
  return std::move(*this).with(attribute, fmt::format("{}", value));
}

Element&& Element::with_any(std::string_view attribute, std::string_view value) && {
  return value.empty() ? std::move(*this) : std::move(*this).with(attribute, value);
}

Element&& Element::text(std::string_view text) && {
  content_ += escape_markup(text);
  return std::move(*this);
}

Element&& Element::add(std::string_view markup) && {
  content_ += markup;
  return std::move(*this);
}

std::string Element::str() && {
  if (content_.empty()) return fmt::format("<{}{}/>", name_, attributes_);
  return fmt::format("<{0}{1}>{2}</{0}>", name_, attributes_, content_);
}

std::string pixel(double value) { return fmt::format("{:.1f}", value); }

}  // namespace qb::sections
