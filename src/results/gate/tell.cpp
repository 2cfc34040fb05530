#include "results/gate/tell.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/printable.h"
#include "results/analysis/cases.h"
#include "results/sections/markup.h"

namespace qb::gate {
namespace {

constexpr size_t undecided_rows_max = 20;

std::string metric_text(const Finding& finding) {
  return std::string(finding.metric ? finding.metric->label : "runs at all");
}

// As comparison tells it.
std::string change_text(const Finding& f) {
  return comparison::change_text(
      {.change = f.change, .is_difference = f.is_difference, .interval = f.interval});
}

std::string figure_of(const Finding& f, const Measurement* m) {
  return f.metric ? comparison::figure_text(m, *f.metric) : "–";
}

analysis::Table table_of(const Judgement& judgement, GateAnswer answer, size_t rows_max) {
  using metrics::Better;
  analysis::Table table = {.columns = {{"case", "", Better::neither, 0},
                                       {"metric", "", Better::neither, 0},
                                       {"before", "1", Better::neither, 3},
                                       {"now", "1", Better::neither, 2},
                                       {"change (95 %)", "1", Better::neither, 0},
                                       {"tolerance", "1", Better::neither, 1}}};
  for (const Finding& f : judgement.findings) {
    if (f.answer != answer || table.rows.size() == rows_max) continue;
    const Record& record = f.record();
    table.rows.push_back(
        {{fmt::format("{} {}", record.subject.model, analysis::label_of(record)), {}, {}},
         {metric_text(f), {}, {}},
         {figure_of(f, f.before), {}, {}},
         {figure_of(f, f.after), {}, {}},
         {change_text(f), f.change, {}},
         {f.tolerance.empty() ? "–" : f.tolerance, {}, {}}});
  }
  return table;
}

// Each reason once, with how many findings it holds for; of those that tell how many launches it
// takes, the most.
sections::Notes reasons_of(const Judgement& judgement, GateAnswer answer) {
  std::vector<std::pair<std::string, std::vector<std::string>>> reasons;
  const Finding* slowest = nullptr;
  for (const Finding& f : judgement.findings) {
    if (f.answer != answer || f.reason.empty()) continue;
    if (f.launches_needed) {
      if (!slowest || *f.launches_needed > *slowest->launches_needed) slowest = &f;
      continue;
    }
    auto found =
        std::ranges::find(reasons, f.reason, [](const auto& entry) { return entry.first; });
    if (found == reasons.end()) found = reasons.insert(reasons.end(), {f.reason, {}});
    found->second.push_back(fmt::format("{} {}", case_id(f.record().subject), metric_text(f)));
  }
  sections::Notes notes;
  for (const auto& [reason, cases] : reasons)
    notes.notes.push_back({sections::NoteKind::reservation,
                           cases.size() == 1 ? fmt::format("{}: {}", cases.front(), reason)
                                             : fmt::format("{} and {} more: {}", cases.front(),
                                                           cases.size() - 1, reason)});
  if (slowest)
    notes.notes.push_back(
        {sections::NoteKind::reservation,
         fmt::format("{}: {} (`qbench run --resume --launches {}` makes more)",
                     metric_text(*slowest), slowest->reason, *slowest->launches_needed)});
  return notes;
}

void add_findings(sections::Blocks& blocks, const Judgement& judgement, GateAnswer answer,
                  std::string_view title, size_t rows_max) {
  const size_t count = judgement.count(answer);
  if (count == 0) return;
  blocks.emplace_back(sections::Heading{fmt::format("{} ({})", title, count)});
  blocks.emplace_back(table_of(judgement, answer, rows_max));
  if (count > rows_max)
    blocks.emplace_back(sections::Paragraph{fmt::format("and {} more", count - rows_max)});
  if (sections::Notes notes = reasons_of(judgement, answer); !notes.notes.empty())
    blocks.emplace_back(std::move(notes));
}

// "decode 0.953x (0.94x to 0.966x), tolerance 3 %".
std::string sentence_of(const Finding& f) {
  std::string text = metric_text(f);
  if (f.change) text += " " + change_text(f);
  if (!f.tolerance.empty()) text += ", tolerance " + f.tolerance;
  if (!f.reason.empty()) text += fmt::format("{}{}", f.metric ? "; " : ": ", f.reason);
  return text;
}

Json to_json(const Finding& f) {
  const auto value = [](const Measurement* m) { return m && m->value ? Json(*m->value) : Json(); };
  return Json::object(
      {{"case", case_id(f.record().subject)},
       {"metric", f.metric ? Json(f.metric->name) : Json()},
       {"unit", f.metric ? Json(f.metric->unit) : Json()},
       {"answer", name_of(f.answer)},
       {"before", value(f.before)},
       {"now", value(f.after)},
       {f.is_difference ? "difference" : "ratio", f.change ? Json(*f.change) : Json()},
       {"interval", f.interval
                        ? Json::array_of(std::vector<double>{f.interval->low, f.interval->high})
                        : Json()},
       {"tolerance", f.tolerance},
       {"launches", f.launch_count},
       {"launches_needed", f.launches_needed ? Json(*f.launches_needed) : Json()},
       {"reason", f.reason}});
}

}  // namespace

std::string_view name_of(GateAnswer answer) {
  constexpr std::string_view names[] = {"regression", "no regression", "can't tell yet"};
  return names[static_cast<size_t>(answer)];
}

std::string summary_of(const Judgement& judgement) {
  std::vector<std::string> parts;
  const auto add = [&](GateAnswer answer, std::string_view one, std::string_view many) {
    if (const size_t count = judgement.count(answer); count > 0)
      parts.push_back(fmt::format("{} {}", count, count == 1 ? one : many));
  };
  add(GateAnswer::regression, "regression", "regressions");
  add(GateAnswer::undecided, "can't be told yet", "can't be told yet");
  add(GateAnswer::no_regression, "no worse", "no worse");
  return fmt::format("{}: {}", name_of(judgement.answer()), fmt::join(parts, ", "));
}

sections::Blocks blocks_of(const Report& report) {
  const Judgement& judgement = report.judgement;
  sections::Blocks blocks;
  blocks.emplace_back(sections::Heading{"gate: " + summary_of(judgement), sections::Level::model});
  for (sections::Block& block : comparison::head_of(report.sides, report.rules.shifts))
    blocks.push_back(std::move(block));
  add_findings(blocks, judgement, GateAnswer::regression, "Regressions", judgement.findings.size());
  add_findings(blocks, judgement, GateAnswer::undecided, "Can't be told yet", undecided_rows_max);
  if (judgement.skipped_count > 0)
    blocks.emplace_back(sections::Paragraph{
        fmt::format("{} cases ran neither before nor now.", judgement.skipped_count)});
  return blocks;
}

Json to_json(const Report& report) {
  Json json = comparison::to_json(report.sides);
  Json tolerances = Json::object({});
  for (const Tolerance& t : report.rules.tolerances) tolerances.set(t.metric, t.text());
  Json::Array findings;
  for (const Finding& f : report.judgement.findings) findings.push_back(to_json(f));
  return json.set("answer", name_of(report.judgement.answer()))
      .set("false_alarms", report.rules.false_alarms)
      .set("run_noise", report.rules.shifts.run)
      .set("build_noise", report.rules.shifts.build)
      .set("tolerances", std::move(tolerances))
      .set("findings", std::move(findings));
}

std::string render_junit(const Report& report) {
  using sections::Element;
  const Judgement& judgement = report.judgement;
  const auto count = [&](GateAnswer a) { return fmt::format("{}", judgement.count(a)); };
  std::string cases;
  for (const Finding& f : judgement.findings) {
    const std::string text = printable(sentence_of(f));
    std::string what;
    if (f.answer == GateAnswer::regression)
      what = Element("failure").with("type", "regression").with("message", text).str();
    if (f.answer == GateAnswer::undecided)
      what = Element("skipped").with("message", "can't tell yet: " + text).str();
    cases += "    " +
             Element("testcase")
                 .with("classname", printable(case_id(f.record().subject)))
                 .with("name", f.metric ? f.metric->name : "runs")
                 .add(what)
                 .str() +
             "\n";
  }
  const auto suite = [&](std::string_view name, const std::string& content) {
    return Element(name)
        .with("name", "qbench gate")
        .with("tests", fmt::format("{}", judgement.findings.size()))
        .with("failures", count(GateAnswer::regression))
        .with("skipped", count(GateAnswer::undecided))
        .add("\n" + content)
        .str();
  };
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" +
         suite("testsuites", "  " + suite("testsuite", cases + "  ") + "\n") + "\n";
}

std::string render_annotations(const Report& report) {
  const auto data = [](std::string_view text) {
    std::string escaped;
    for (const char c : printable(text))
      escaped += c == '%' ? std::string("%25") : std::string(1, c);
    return escaped;
  };
  const auto property = [&](std::string_view text) {
    std::string escaped;
    for (const char c : data(text))
      escaped += c == ':' ? std::string("%3A") : c == ',' ? std::string("%2C") : std::string(1, c);
    return escaped;
  };
  std::string text;
  for (const Finding& f : report.judgement.findings)
    if (f.answer == GateAnswer::regression)
      text += fmt::format("::error title={}::{}\n",
                          property("qbench: " + case_id(f.record().subject)), data(sentence_of(f)));
  if (const size_t count = report.judgement.count(GateAnswer::undecided); count > 0)
    text += fmt::format("::warning title=qbench::{}\n",
                        data(fmt::format("{} of {} figures can't be told yet", count,
                                         report.judgement.findings.size())));
  return text;
}

}  // namespace qb::gate
