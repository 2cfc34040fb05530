#include "report/report.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "report/html.h"

using namespace qb;
using namespace qb::report;

namespace {

Record record_of(const char* model, const char* scheme, const char* framework, int64_t prompt,
                 std::vector<Measurement> measurements) {
  return {.run_id = "r",
          .subject = {model, scheme, framework, "cpu", {1, 2, prompt, prompt > 0 ? 4 : 0}},
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

std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("every format renders what its golden file holds") {
  for (const Format& format : formats()) {
    CAPTURE(std::string(format.name));
    const std::string text = format.render(made_up());
    const std::string golden =
        fmt::format("{}/tests/golden/report/made_up.{}", QB_SOURCE_DIR, format.name);
    if (std::getenv("QB_UPDATE_GOLDEN")) std::ofstream(golden, std::ios::binary) << text;
    CHECK(read_text(golden) == text);
  }
}

TEST_CASE("nothing of a record can become markup") {
  CHECK(escape_html("<a href=\"x\">'&") == "&lt;a href=&quot;x&quot;&gt;&#39;&amp;");
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
    CHECK_FALSE((format.render({}).empty() && format.name != "txt"));
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
