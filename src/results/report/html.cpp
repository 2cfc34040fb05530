// One self-contained HTML page: page.html, filled.
#include <map>

#include "base/units.h"
#include "results/front_end/front_end.h"
#include "results/report/page.h"
#include "results/report/report.h"
#include "results/sections/markup.h"
#include "results/sections/sections.h"

namespace qb::report {
namespace {

using analysis::Cell;
using analysis::Table;
using sections::escape_markup;

// The best value of each column that has a better side, among the cells that may be ranked.
std::vector<std::optional<double>> best_values(const Table& table) {
  std::vector<std::optional<double>> best(table.columns.size());
  for (const auto& row : table.rows)
    for (size_t i = 0; i < row.size(); ++i) {
      const metrics::Better better = table.columns[i].better;
      if (!row[i].value || !row[i].is_ranked || better == metrics::Better::neither) continue;
      if (!best[i] ||
          (better == metrics::Better::lower ? *row[i].value < *best[i] : *row[i].value > *best[i]))
        best[i] = row[i].value;
    }
  return best;
}

std::string cell_html(const Cell& cell, const analysis::Column& column,
                      const std::optional<double>& best) {
  std::string classes = column.unit.empty() ? "" : "number";
  if (cell.value && cell.is_ranked && best && *cell.value == *best) classes += " best";
  if (cell.is_bad) classes += " bad";
  constexpr size_t long_text = 60;
  if (column.unit.empty() && cell.text.size() > long_text) classes += " long";
  std::string html = "<td";
  if (!classes.empty()) html += fmt::format(R"( class="{}")", classes);
  if (cell.value) html += fmt::format(R"( data-value="{:.6g}")", *cell.value);
  if (!cell.note.empty()) html += fmt::format(R"( title="{}")", escape_markup(cell.note));
  return html + fmt::format(">{}</td>", escape_markup(cell.text));
}

std::string table_html(const Table& table) {
  const auto best = best_values(table);
  std::string html = R"(<div class="table"><table class="sortable"><thead><tr>)";
  for (const auto& column : table.columns)
    html +=
        fmt::format(R"(<th{}><button>{}</button></th>)",
                    column.unit.empty() ? "" : R"( class="number")", escape_markup(column.heading));
  html += "</tr></thead><tbody>";
  for (const auto& row : table.rows) {
    html += "<tr>";
    for (size_t i = 0; i < row.size(); ++i) html += cell_html(row[i], table.columns[i], best[i]);
    html += "</tr>";
  }
  return html + "</tbody></table></div>";
}

// More records than this make a page too large if it has their manifests twice: then only the
// document that it carries has them, and each record that is opened.
constexpr size_t folded_record_max = 100;

struct ToHtml {
  bool has_folded = true;
  std::string operator()(const sections::Heading& heading) const {
    const std::string_view tag = heading.level == sections::Level::model ? "h2" : "h3";
    return fmt::format("<{0}>{1}</{0}>", tag, escape_markup(heading.text));
  }
  std::string operator()(const sections::Paragraph& paragraph) const {
    return fmt::format("<p{}>{}</p>", paragraph.is_aside ? R"( class="soft")" : "",
                       escape_markup(paragraph.text));
  }
  std::string operator()(const sections::List& list) const {
    std::string html;
    if (list.has_neighbours) html += fmt::format("<p>{}</p>", escape_markup(list.title));
    html += R"(<ul class="verdict">)";
    for (const auto& item : list.items)
      html +=
          fmt::format("<li>{}{}</li>",
                      item.label.empty() ? std::string()
                                         : fmt::format("<b>{}</b>: ", escape_markup(item.label)),
                      escape_markup(item.text));
    return html + "</ul>";
  }
  std::string operator()(const sections::Notes& notes) const {
    std::string html;
    for (const auto& note : notes.notes)
      html += fmt::format("<li>{}</li>", escape_markup(note.text));
    if (html.empty()) return html;
    return fmt::format(R"(<ul class="{}">{}</ul>)", notes.are_problems ? "bad" : "soft", html);
  }
  std::string operator()(const Table& table) const { return table_html(table); }
  std::string operator()(const sections::Figure& figure) const {
    return fmt::format(R"(<div class="chart">{}</div>)", figure.svg);
  }
  std::string operator()(const sections::Folded& folded) const {
    if (!has_folded)
      return fmt::format(
          R"(<p class="soft">{}: in the record that a point of a chart opens, and in JSON</p>)",
          escape_markup(folded.summary));
    std::string html;
    for (const auto& text : folded.texts)
      html += fmt::format("<details><summary>{}</summary><pre>{}</pre></details>",
                          escape_markup(text.label), sections::escape_text(text.text));
    return fmt::format("<details><summary>{}</summary>{}</details>", escape_markup(folded.summary),
                       html);
  }
};

// Where the group's records lie in the document, for the charts.
std::string places_of(const analysis::ModelGroup& group, const std::vector<Record>& all) {
  std::string places;
  for (const Record* record : group.records)
    places += fmt::format("{}{}", places.empty() ? "" : " ", record - all.data());
  return places;
}

std::string group_html(const analysis::ModelGroup& group, const std::vector<Record>& all) {
  const ToHtml to_html = {.has_folded = all.size() <= folded_record_max};
  std::string html;
  for (const sections::Section& section : sections::sections)
    for (const sections::Block& block : section.build(group)) html += std::visit(to_html, block);
  return fmt::format(R"(<section data-records="{}">{}</section>)", places_of(group, all), html);
}

std::string host_html(const Run& run) {
  std::string html;
  for (const auto& [key, value] : run.host.as_object())
    html += fmt::format("{}{}: {}", html.empty() ? "" : " · ", escape_markup(key),
                        escape_markup(host_value_text(key, value)));
  return html;
}

// The template with each "{{name}}" replaced by its value; what a value holds is left as it is.
std::string filled(std::string_view text, const std::map<std::string_view, std::string>& values) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t open = text.find("{{", at);
    out += text.substr(at, open - at);
    if (open == std::string_view::npos) break;
    const size_t close = text.find("}}", open);
    out += values.at(text.substr(open + 2, close - open - 2));
    at = close + 2;
  }
  return out;
}

// The same in every page.
const std::string& packed_echarts() {
  static const std::string packed = front_end::packed(front_end::find_file("echarts.js")->text);
  return packed;
}

}  // namespace

std::string render_html(const Document& document) {
  const Run& run = document.run;
  std::string groups;
  for (const auto& group : analysis::group_by_model(document.records))
    groups += group_html(group, document.records);
  return filled(page_template(),
                {{"style", std::string(front_end::find_file("style.css")->text)},
                 {"document", front_end::packed(dump_json(document_json(document)))},
                 {"echarts", packed_echarts()},
                 {"import_map", front_end::import_map_of_one_file()},
                 {"suite", escape_markup(run.suite_name)},
                 {"started_at", escape_markup(run.started_at)},
                 {"run", escape_markup(run.id)},
                 {"seed", fmt::format("{}", run.seed)},
                 {"host", host_html(run)},
                 {"sections", groups},
                 {"suite_text", escape_markup(run.suite_text)}});
}

}  // namespace qb::report
