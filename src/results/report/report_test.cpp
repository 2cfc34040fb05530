#include "results/report/report.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "base/display_width.h"
#include "results/analysis/table.h"
#include "results/report/text_table.h"
#include "results/sections/markup.h"
#include "results/sections/sections.h"

using namespace qb;
using namespace qb::report;

namespace {

// A prompt of so many tokens; 0: pictures.
Workload workload_of(int64_t prompt) {
  Workload workload = {{"batch", 1}, {"thread_count", 2}, {"arrivals_per_s", 0}};
  if (prompt == 0) return workload;
  workload.set("prompt_tokens", static_cast<double>(prompt));
  workload.set("generated_tokens", 4);
  workload.set("depth_tokens", 0);
  return workload;
}

Record record_of(const char* model, const char* scheme, const char* framework, int64_t prompt,
                 std::vector<Measurement> measurements) {
  return {.run_id = "r",
          .subject = {model, scheme, framework, "cpu", workload_of(prompt),
                      prompt > 0                            ? "causal_lm"
                      : scheme == std::string_view("as-is") ? "own_file"
                                                            : "image_classification"},
          .measurements = std::move(measurements),
          .manifest = Json::object(
              {{"framework_version", "1.2.3"},
               {"weights", "pretrained"},
               {"bits_per_weight", 4.5},
               {"actual", Json::object({{"compute_type", "linear: <int8> & \"more\""}})},
               {"dataset", Json::object({{"name", "text, with comma"}, {"item_count", 1022}})}})};
}

// Made-up figures, for the looks of the renderers only.
Document made_up() {
  Document document;
  document.run = {.id = "r",
                  .started_at = "2026-01-02T03:04:05Z",
                  .suite_name = "made <up>",
                  .suite_text = "name = \"made <up>\"\n",
                  .seed = 7,
                  .host = Json::object({{"cpu", "A CPU"},
                                        {"physical_cores", 2},
                                        {"os", "An OS"},
                                        {"memory_bytes", 25300000000}})};
  document.records = {
      record_of("lm", "fp32", "onnxruntime", 8,
                {{.name = "decode_tokens_per_s", .value = 50.0},
                 {.name = "top1_agreement", .value = 1.0},
                 {.name = "bundle_bytes", .value = 5e8}}),
      record_of("lm", "w4g32", "onnxruntime", 8,
                {{.name = "decode_tokens_per_s", .value = 125.5, .low = 120.0, .high = 130.25},
                 {.name = "top1_agreement", .value = 0.875},
                 {.name = "bundle_bytes", .value = 8.64e7}}),
      record_of("lm", "w4g32", "mlx", 8,
                {{.name = "decode_tokens_per_s", .reason = "no \"worker\", none"}}),
      record_of(
          "vision", "fp32", "onnxruntime", 0,
          {{.name = "pictures_per_s", .value = 200.0}, {.name = "inference_ns_p50", .value = 5e6}}),
  };
  document.records[2].outcome = Outcome::unavailable;
  document.records[2].reason = "no \"worker\", none & <nothing>";
  return document;
}

// Classifiers of which the last was judged on fewer pictures than the others.
Document judged_unlike() {
  Document document;
  for (const int64_t count : {156, 156, 52}) {
    const double step = static_cast<double>(document.records.size());
    document.records.push_back(
        record_of("net", "w8c", "onnxruntime", 0,
                  {{.name = "pictures_per_s", .value = 100.0 + step},
                   {.name = "top1_accuracy", .value = 0.70 + 0.01 * step},
                   {.name = "top1_agreement", .value = 0.80 + 0.01 * step}}));
    document.records.back().subject.scheme += fmt::format("-{}", step);
    document.records.back().launches = {
        {.kind = "quality", .facts = Json::object({{"picture_count", count}})}};
  }
  return document;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::stringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

size_t widest(const std::string& text) {
  size_t width = 0;
  for (const std::string& line : lines_of(text)) width = std::max(width, display_width(line));
  return width;
}

std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// Without what every page carries alike: the front end's style, its modules, ECharts, and the JSON,
// which has a golden file of its own.
std::string without_front_end(std::string page) {
  for (const auto& [open, close] : {std::pair("<style>", "</style>"), {"<script", "</script>"}})
    for (size_t at = page.find(open); at != std::string::npos; at = page.find(open, at + 1)) {
      const size_t begin = page.find('>', at) + 1;
      page.replace(begin, page.find(close, begin) - begin, "…");
    }
  return page;
}

}  // namespace

TEST_CASE("every format renders what its golden file holds") {
  for (const Format& format : formats()) {
    CAPTURE(std::string(format.name));
    const std::string text = without_front_end(format.render(made_up(), {}));
    const std::string golden =
        fmt::format("{}/tests/golden/report/made_up.{}", QB_SOURCE_DIR, format.name);
    if (std::getenv("QB_UPDATE_GOLDEN")) std::ofstream(golden, std::ios::binary) << text;
    CHECK(read_text(golden) == text);
  }
}

namespace {

// What a reader of any format must find of a block; what only the page shows is none of it.
struct TextsOf {
  using Texts = std::vector<std::string>;
  Texts operator()(const sections::Heading& heading) const { return {heading.text}; }
  Texts operator()(const sections::Paragraph& paragraph) const { return {paragraph.text}; }
  Texts operator()(const sections::List& list) const {
    Texts texts;
    for (const auto& item : list.items) texts.insert(texts.end(), {item.label, item.text});
    return texts;
  }
  Texts operator()(const sections::Notes& notes) const {
    Texts texts;
    for (const auto& note : notes.notes) texts.push_back(note.text);
    return texts;
  }
  Texts operator()(const sections::Table& table) const {
    Texts texts;
    for (const auto& column : table.columns) texts.push_back(column.heading);
    for (const auto& row : table.rows)
      for (const auto& cell : row) texts.push_back(cell.text);
    return texts;
  }
  Texts operator()(const sections::Figure&) const { return {}; }
  Texts operator()(const sections::Folded&) const { return {}; }
};

}  // namespace

TEST_CASE(
    "every section that says something says it in the terminal, in Markdown and on the page") {
  Document document = made_up();
  document.records.push_back(document.records[1]);  // the same bits in two frameworks
  document.records.back().subject.framework = "pytorch";
  const std::string text = render_terminal(document, {.is_wide = true});
  const std::string markdown = render_markdown(document);
  const std::string page = render_html(document);
  for (const sections::Section& section : sections::sections) {
    CAPTURE(section.name);
    size_t block_count = 0;
    for (const auto& group : analysis::group_by_model(document.records))
      for (const sections::Block& block : section.build(group)) {
        ++block_count;
        for (const std::string& part : std::visit(TextsOf{}, block)) {
          CAPTURE(part);
          CHECK(text.find(part) != std::string::npos);
          CHECK(markdown.find(part) != std::string::npos);
          CHECK(page.find(sections::escape_markup(part)) != std::string::npos);
        }
      }
    CHECK(block_count > 0);  // the document has something for each section
  }
}

TEST_CASE("nothing of a record can become markup") {
  CHECK(sections::escape_markup("<a href=\"x\">'&") == "&lt;a href=&quot;x&quot;&gt;&#39;&amp;");
  Document document = made_up();
  document.records[0].subject.model = "<script>alert(1)</script>";
  document.records[0].reason = "<img src=x>";
  document.records[0].outcome = Outcome::failed;
  const std::string page = render_html(document);
  CHECK(page.find("<script>alert") == std::string::npos);
  CHECK(page.find("<img") == std::string::npos);
}

TEST_CASE("a run without records still renders") {
  for (const Format& format : formats())
    CHECK_FALSE((format.render({}, {}).empty() && format.name != "txt"));
}

TEST_CASE("JSON holds the raw samples and absent values as null") {
  Document document = made_up();
  document.records[0].launches = {{.samples = {{"decode", {1, 2}}}}};
  const auto json = parse_json(render_json(document));
  REQUIRE(json);
  const Json& record = (*json)["records"].as_array()[0];
  CHECK(record["launches"].as_array()[0]["samples_ns"]["decode"].as_array().size() == 2);
  const Json& absent = (*json)["records"].as_array()[2]["measurements"]["decode_tokens_per_s"];
  CHECK(absent["value"].is_null());
  CHECK(absent["reason"].as_string() == "no \"worker\", none");
}

TEST_CASE("model files share a table, and a chart even when they differ in the last bits only") {
  Document document;
  document.records = {record_of("a.onnx", "as-is", "onnxruntime", 0,
                                {{.name = "inferences_per_s", .value = 100.0},
                                 {.name = "output_cosine", .value = 1.0}}),
                      record_of("b.pt2", "as-is", "pytorch", 0,
                                {{.name = "inferences_per_s", .value = 150.0},
                                 {.name = "output_cosine", .value = 1.0 - 1e-16}})};
  document.records[1].manifest.set(
      "inputs", Json(Json::Array{Json::object({{"name", "x"},
                                               {"shape", "1x3"},
                                               {"type", "f32"},
                                               {"values", "drawn from -1..1"},
                                               {"assumed", Json(Json::Array{"N = 1"})}})}));
  const std::string text = render_terminal(document);
  CHECK(text.find("model files") == 0);
  CHECK(text.find("1.50x") != std::string::npos);
  CHECK(
      text.find("b.pt2 pytorch: input x: 1x3 f32, drawn from -1..1; the file leaves open what was "
                "taken as N = 1") != std::string::npos);
  const std::string page = render_html(document);
  CHECK(page.find("<svg") != std::string::npos);
  CHECK(page.find("with the first file") != std::string::npos);
}

TEST_CASE("a text fits the terminal, and says what it leaves out") {
  Document document = made_up();
  document.records[1].subject.scheme = "static8c:mse+bias+一个很长的名字";  // wide characters
  document.records[1].manifest.set(
      "actual", Json::object({{"compute_type",
                               "linear: products of eight bits, in many words, so "
                               "that no line of a narrow terminal could hold it"}}));
  for (const size_t columns : {60, 80, 100, 200}) {
    CAPTURE(columns);
    const std::string text = render_terminal(document, {.column_count = columns});
    CHECK(widest(text) <= columns);
    CHECK((text.find("not shown for width") != std::string::npos) == (columns < 200));
  }
  const std::string wide = render_terminal(document, {.column_count = 80, .is_wide = true});
  CHECK(wide.find("not shown") == std::string::npos);
  for (const char* heading :
       {"bits/weight", "prefill", "TTFT", "peak memory", "KL", "logit cosine"})
    CHECK(wide.find(heading) != std::string::npos);
}

TEST_CASE("the less important columns go first, and those without any value before them") {
  const analysis::Table table = {
      .columns = {{"name"}, {"first", "1", {}, 1}, {"last", "1", {}, 9}, {"empty", "1", {}, 2}},
      .rows = {{{"a"}, {"1", 1.0}, {"2", 2.0}, {"–"}}}};
  const auto has = [&](size_t columns, const char* heading) {
    const std::string text = table_text(table, {.column_count = columns});
    return lines_of(text)[0].find(heading) != std::string::npos;
  };
  CHECK(has(26, "empty"));
  CHECK_FALSE(has(25, "empty"));
  CHECK(has(19, "last"));
  CHECK_FALSE(has(18, "last"));
  CHECK(has(13, "first"));
  CHECK_FALSE(has(12, "first"));
  CHECK(has(5, "name"));
}

TEST_CASE("columns are aligned under wide characters") {
  const analysis::Table table = {.columns = {{"file"}, {"x", "1"}},
                                 .rows = {{{"模型.onnx"}, {"1"}}, {{"a.onnx"}, {"22"}}}};
  const auto lines = lines_of(table_text(table, {}));
  REQUIRE(lines.size() == 3);
  for (const std::string& line : lines) CHECK(display_width(line) == display_width(lines[0]));
}

TEST_CASE("what all or most cases share is noted once; reservations are never left out") {
  Document document;
  for (const char* framework : {"onnxruntime", "pytorch"})
    for (const char* scheme : {"fp32", "w8c", "w4g32", "w4g64", "q4_0"}) {
      document.records.push_back(record_of("lm", scheme, framework, 8, {}));
      Record& record = document.records.back();
      record.manifest.set("actual",
                          Json::object({{"compute_type", fmt::format("kernel of {}", scheme)}}));
      record.manifest.set("fits_cache", std::string_view(scheme) != "fp32");
      record.launches = {{.facts = Json::object({{"contention", "others"}})}};
    }
  std::vector<const Record*> records;
  for (const Record& record : document.records) records.push_back(&record);
  const sections::Blocks blocks = sections::build_notes({.model = "lm", .records = records});
  const auto& notes = std::get<sections::Notes>(blocks.at(0)).notes;
  REQUIRE(notes.size() == 7);
  CHECK(notes[0].text.starts_with("all but fp32: the weights fit the last-level cache"));
  CHECK(notes[1].text == "all: 10 launches in all disturbed by other programs (qbench explain)");
  CHECK(notes[2].text == "fp32: computes kernel of fp32");
  const std::string text = render_terminal(document);
  CHECK(text.find("last-level cache") != std::string::npos);
  CHECK(text.find("disturbed") != std::string::npos);
  CHECK(text.find("2 more notes on kernels and data") != std::string::npos);
  CHECK(text.find("kernel of q4_0") == std::string::npos);
  CHECK(render_terminal(document, {.is_wide = true}).find("kernel of q4_0") != std::string::npos);
  CHECK(render_markdown(document).find("kernel of q4_0") != std::string::npos);
}

TEST_CASE("requests that take longer after a pause are noted, the worst case's figure for all") {
  Document document;
  for (const double ratio : {1.2, 3.1, 1.9}) {
    document.records.push_back(record_of("lm", ratio > 2.0 ? "fp32" : "w8c", "mlx", 8, {}));
    for (const double noise : {-0.01, 0.0, 2.0})
      document.records.back().launches.push_back(
          {.facts = Json::object({{"after_pause_ratio", ratio + noise}})});
  }
  std::vector<const Record*> records;
  for (const Record& record : document.records) records.push_back(&record);
  const auto notes_of = [&](std::vector<const Record*> some) {
    const sections::Blocks blocks =
        sections::build_notes({.model = "lm", .records = std::move(some)});
    std::string texts;
    for (const auto& note : std::get<sections::Notes>(blocks.at(0)).notes) texts += note.text;
    return texts;
  };
  CHECK(notes_of(records).find("after a pause takes up to 3.1 times as long") != std::string::npos);
  CHECK(notes_of({records[0]}).find("pause") == std::string::npos);
}

TEST_CASE("quality judged on other items is marked, never the best, and apart in the chart") {
  const Document document = judged_unlike();
  const std::string text = render_terminal(document);
  CHECK(text.find("0.82†") != std::string::npos);
  CHECK(text.find("w8c-2: † quality on 52 pictures, most of the table on 156") !=
        std::string::npos);
  CHECK(text.find("quality on text, with comma (156 of 1022 pictures)") != std::string::npos);
  const std::string page = render_html(document);
  CHECK(page.find(R"(class="number best" data-value="0.81")") != std::string::npos);
  CHECK(page.find(R"(best" data-value="0.82")") == std::string::npos);
  CHECK(page.find("hollow, not compared: judged on 52 pictures, most on 156") != std::string::npos);
  CHECK(page.find(R"(class="onnxruntime unlike")") != std::string::npos);
  CHECK(render_markdown(document).find("0.82†") != std::string::npos);
}

TEST_CASE("cases that are alike have no hollow circle") {
  Document document = judged_unlike();
  document.records.pop_back();
  CHECK(render_html(document).find("unlike\"/>") == std::string::npos);
}

TEST_CASE("the verdict ends the text, and JSON has it as data") {
  const Document document = made_up();
  const auto lines = lines_of(render_terminal(document));
  CHECK(lines.back().starts_with("  fastest within 1 % of fp32's answers: "));
  const auto json = parse_json(render_json(document));
  REQUIRE(json);
  REQUIRE((*json)["verdicts"].as_array().size() == 2);
  const Json& claims = (*json)["verdicts"].as_array()[0]["claims"];
  const Json& fastest = claims.as_array()[0];
  CHECK(fastest["name"].as_string() == "fastest");
  CHECK(fastest["cases"].as_array()[0].as_string() == "lm/w4g32/onnxruntime/cpu/b1t2p8g4");
  CHECK(fastest["value"].as_double() == 125.5);
  CHECK(fastest["low"].as_double() == 120.0);
  CHECK(fastest["ratio"]["value"].as_double() == doctest::Approx(2.51));
  CHECK(fastest["ratio"]["low"].is_null());  // no launches, no interval
  const Json& absent = (*json)["verdicts"].as_array()[1]["claims"].as_array()[1];
  CHECK(absent["cases"].as_array().empty());
  CHECK_FALSE(absent["reason"].as_string().empty());
  CHECK((*json)["records"].as_array()[2]["speed_ratio"].is_null());
}

TEST_CASE("a title of several lines stays a heading of one") {
  Document document = made_up();
  document.records[0].subject.model = "a\nb";
  document.records.resize(1);
  CHECK(lines_of(render_terminal(document))[0].starts_with("a\\x0ab,"));
}

TEST_CASE("names keep a Markdown table whole, whatever is in them") {
  Document document = made_up();
  for (Record& record : document.records) {
    record.subject.model = "model";
    record.subject.framework = "a|b";
    record.subject.scheme = "w|\\x\ny";
  }
  const std::string text = render_markdown(document);
  std::istringstream lines(text);
  std::vector<int64_t> bar_counts;  // of a table's lines: those that no backslash escapes
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("|")) continue;
    int64_t count = 0;
    for (size_t i = 0; i < line.size(); ++i)
      count += line[i] == '|' && (i == 0 || line[i - 1] != '\\');
    bar_counts.push_back(count);
  }
  REQUIRE(bar_counts.size() > 3);
  CHECK(text.find("w\\|") != std::string::npos);
  for (size_t i = 1; i < 4; ++i) CHECK(bar_counts[i] == bar_counts[0]);
}

TEST_CASE("what a terminal acts on is measured as it is shown, and breaks no row") {
  const analysis::Table table = {
      .columns = {{"file"}, {"x", "1"}},
      .rows = {{{"a\x1b[31m\nb.onnx"}, {"1"}}, {{"\xe2\x80\xae.onnx"}, {"22"}}}};
  const auto lines = lines_of(table_text(table, {}));
  REQUIRE(lines.size() == 3);
  for (const std::string& line : lines) CHECK(line.find('\x1b') == std::string::npos);
  CHECK(display_width(lines[1]) == display_width(lines[0]));
  CHECK(display_width(lines[2]) == display_width(lines[0]));
}
