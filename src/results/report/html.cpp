// One self-contained HTML page.
#include "results/report/html.h"

#include <algorithm>

#include "base/printable.h"
#include "base/units.h"
#include "results/analysis/frameworks.h"
#include "results/analysis/table.h"
#include "results/analysis/verdict.h"
#include "results/report/notes.h"
#include "results/report/report.h"

namespace qb::report {
namespace {

using analysis::Cell;
using analysis::Table;

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
  if (column.heading == "outcome" && cell.text != "ok") classes += " bad";
  constexpr size_t long_text = 60;
  if (column.unit.empty() && cell.text.size() > long_text) classes += " long";
  std::string html = "<td";
  if (!classes.empty()) html += fmt::format(R"( class="{}")", classes);
  if (cell.value) html += fmt::format(R"( data-value="{}")", *cell.value);
  if (!cell.note.empty()) html += fmt::format(R"( title="{}")", escape_html(cell.note));
  return html + fmt::format(">{}</td>", escape_html(cell.text));
}

std::string table_html(const Table& table) {
  const auto best = best_values(table);
  std::string html = R"(<div class="table"><table class="sortable"><thead><tr>)";
  for (const auto& column : table.columns)
    html +=
        fmt::format(R"(<th{}><button>{}</button></th>)",
                    column.unit.empty() ? "" : R"( class="number")", escape_html(column.heading));
  html += "</tr></thead><tbody>";
  for (const auto& row : table.rows) {
    html += "<tr>";
    for (size_t i = 0; i < row.size(); ++i) html += cell_html(row[i], table.columns[i], best[i]);
    html += "</tr>";
  }
  return html + "</tbody></table></div>";
}

std::string list_html(const std::vector<std::string>& lines, std::string_view style) {
  std::string html;
  for (const std::string& line : lines) html += fmt::format("<li>{}</li>", escape_html(line));
  return html.empty() ? html : fmt::format(R"(<ul class="{}">{}</ul>)", style, html);
}

std::string notes_html(const std::vector<const Record*>& records) {
  std::vector<std::string> lines;
  for (const Note& note : notes_of(records)) lines.push_back(note.text);
  return list_html(lines, "soft");
}

// The verdict of each workload of the group, in words.
std::string verdicts_html(const analysis::ModelGroup& group) {
  std::string html;
  const auto verdicts = analysis::judge(group);
  for (const auto& verdict : verdicts) {
    if (verdicts.size() > 1) html += fmt::format("<p>{}</p>", escape_html(verdict.title));
    html += R"(<ul class="verdict">)";
    for (const auto& line : analysis::lines_of(verdict))
      html += fmt::format(
          "<li>{}{}</li>",
          line.title.empty() ? std::string() : fmt::format("<b>{}</b>: ", escape_html(line.title)),
          escape_html(line.text));
    html += "</ul>";
  }
  return html;
}

std::string frameworks_html(const std::vector<const Record*>& records) {
  const Table table = analysis::compare_frameworks(records);
  if (table.rows.empty()) return {};
  return fmt::format("<h3>{}</h3>{}", escape_html(table.title), table_html(table));
}

std::string details_html(const std::vector<const Record*>& records) {
  std::string html;
  for (const Record* record : records)
    html += fmt::format("<details><summary>{}</summary><pre>{}</pre></details>",
                        escape_html(case_id(record->subject)),
                        escape_html(dump_json(record->manifest, 2)));
  return fmt::format(
      "<details><summary>What each figure depends on: hashes, versions, kernels</summary>{}"
      "</details>",
      html);
}

std::string group_html(const analysis::ModelGroup& group) {
  const Table table = analysis::summarize(group.records);
  const std::string scatter = render_scatter(group.records);
  return fmt::format("<section><h2>{}</h2><p class=\"soft\">{}</p>{}{}{}{}{}{}{}</section>",
                     escape_html(table.title), escape_html(describe_workload(group.records)),
                     verdicts_html(group),
                     scatter.empty() ? "" : fmt::format(R"(<div class="chart">{}</div>)", scatter),
                     table_html(table), frameworks_html(group.records),
                     list_html(problems_of(group.records), "bad"), notes_html(group.records),
                     details_html(group.records));
}

constexpr std::string_view reading_guide = R"html(
<section><h2>How to read this</h2>
<p><b>The chart</b>: to the right is faster, up is closer to the unquantized weights. The dashed line is the
Pareto frontier: a case below it is beaten by another one on both axes. A hollow circle
can't be compared with the others and is no part of the frontier: the chart says why. Where points crowd, hover over one
or focus it for its name.</p>
<p><b>±</b> is the farther side of the 95 % interval; hover over or focus a cell for both ends. <b>Can't be told from</b>: the
interval of the two cases' ratio, launches paired, holds 1. <b>†</b> stands behind quality that was judged on another number
of tokens or pictures than most of the table: it is neither ranked nor compared.</p>
<p><b>Same bits</b>: every framework runs the same quantized weights, from one file addressed by its content. What
the kernels do with them differs and is part of the result (see the details of each case): a 4-bit kernel may round
activations to 8 bits, and a scheme without a kernel is stored small but computed in 32 bits.</p>
<p><b>The same bits in each framework</b>: speed over that of the first framework that ran these bits, with the 95 %
interval of paired launches from three launches on; and how far its answers lie from that framework's on the same input:
share of equal answers, mean divergence in nats, largest difference of a logit.</p>
<p><b>Speed</b> is taken over launches, each a fresh process with its own warm-up. Its interval is true of this session; with
fewer than three launches there is none. <b>vs fp32</b> compares with the unquantized case of the same
framework in the same run.</p>
<p><b>Agreement</b> is the share of answers equal to those of the unquantized weights (reference interpreter). Synthetic
weights have no task quality, and none is shown. A dash means not available, never zero; hover for the reason.</p>
</section>)html";

std::string host_html(const Run& run) {
  std::string html;
  for (const auto& [key, value] : run.host.as_object())
    html +=
        fmt::format("{}{}: {}", html.empty() ? "" : " · ", escape_html(key),
                    escape_html(value.is_string()         ? value.as_string()
                                : key.ends_with("_bytes") ? format_quantity(value.as_double(), "B")
                                                          : dump_json(value)));
  return html;
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : printable_lines(text)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string render_html(const Document& document) {
  const Run& run = document.run;
  std::string sections;
  for (const auto& group : analysis::group_by_model(document.records))
    sections += group_html(group);
  return fmt::format(
      R"(<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"><title>qbench {0}</title><style>{1}</style></head><body><header><h1>qbench: {0}</h1><p class="soft">{2} · run {3} · seed {4}</p><p class="soft">{5}</p></header>{6}{7}<details><summary>The suite</summary><pre>{8}</pre></details><script>{9}</script></body></html>
)",
      escape_html(run.suite_name), page_style(), escape_html(run.started_at), escape_html(run.id),
      run.seed, host_html(run), sections, reading_guide, escape_html(run.suite_text),
      page_script());
}

}  // namespace qb::report
