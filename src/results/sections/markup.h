// Writes HTML and SVG: elements whose texts and attributes can't become markup.
#pragma once

#include <string>
#include <string_view>

namespace qb::sections {

// Safe in text and in quoted attributes.
std::string escape_markup(std::string_view text);
// Safe in text only, where quotes may stay: JSON is a half longer without them.
std::string escape_text(std::string_view text);

class Element {
 public:
  explicit Element(std::string_view name) : name_(name) {}
  Element&& with(std::string_view attribute, std::string_view value) &&;
  Element&& with(std::string_view attribute, double value) &&;
  // Only if there is a value.
  Element&& with_any(std::string_view attribute, std::string_view value) &&;
  Element&& text(std::string_view text) &&;
  Element&& add(std::string_view markup) &&;  // that is safe already
  // Of SVG: without content it closes itself. An element of HTML must have content.
  std::string str() &&;

 private:
  std::string name_;
  std::string attributes_;
  std::string content_;
};

// A coordinate to a tenth of a pixel.
std::string pixel(double value);

}  // namespace qb::sections
