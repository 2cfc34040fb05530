#include "network/models/models.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

using namespace qb;
using namespace qb::models;

namespace {

// Trained parameters: all but the running statistics of batch norms.
int64_t trained_parameter_count(const ir::Graph& graph) {
  int64_t count = 0;
  for (const ir::Value value : graph.of_kind(ir::ValueKind::parameter))
    if (graph[value].name.find("running_") == std::string::npos)
      count += ir::element_count(graph[value].shape);
  return count;
}

std::string read_text(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("every model of the zoo builds the graphs of its golden file") {
  for (const Model& model : models::models()) {
    CAPTURE(model.name);
    const auto networks = build_networks(model);
    REQUIRE(networks);
    // Those of the hub are long, and the hashes of tests/compilers know them.
    if (!model.repository.empty()) continue;
    std::string text;
    for (const auto& [name, graph] : *networks) {
      CHECK((networks->size() > 1 || (name.empty() && graph.name == model.name)));
      text += ir::print(graph);
    }
    const std::string golden =
        fmt::format("{}/tests/golden/models/{}.txt", QB_SOURCE_DIR, model.name);
    if (std::getenv("QB_UPDATE_GOLDEN")) std::ofstream(golden) << text;
    CHECK(read_text(golden) == text);
  }
}

TEST_CASE("models have the parameter counts their authors publish") {
  struct Row {
    std::string_view model;
    int64_t parameter_count;
  };
  // Hugging Face model cards (of safetensors); torchvision's and the TPU repository's
  // EfficientNets; timm's and transformers' classes.
  const Row rows[] = {{"smollm2-135m", 134515008},     {"efficientnet-lite0", 4652008},
                      {"efficientnet-lite1", 5416680}, {"efficientnet-lite2", 6092072},
                      {"efficientnet-b0", 5288548},    {"llama-2-7b", 6738415616},
                      {"mistral-7b", 7241732096},      {"phi-2", 2779683840},
                      {"phi-3-mini", 3821079552},      {"llama-3.2-1b", 1235814400},
                      {"gemma-3-1b", 999885952},       {"tinyllama-1.1b", 1100048384},
                      {"qwen3-0.6b", 596049920},       {"qwen2.5-0.5b", 494032768},
                      {"smollm2-360m", 361821120},     {"smollm2-1.7b", 1711376384},
                      {"resnet-50", 25557032},         {"mobilenetv3-large", 5483032},
                      {"mobilenetv3-small", 2542856},  {"vit-b-16", 86567656},
                      {"vit-tiny-16", 5717416},        {"clip-vit-b-32", 151277313}};
  for (const Row& row : rows) {
    CAPTURE(row.model);
    int64_t count = 0;
    const auto networks = build_networks(find_model(row.model).value());
    for (const auto& [name, graph] : networks.value()) count += trained_parameter_count(graph);
    CHECK(count == row.parameter_count);
  }
}

TEST_CASE("a row of the zoo that builds nothing is refused by its name") {
  const auto networks = build_networks({.name = "nothing", .build = nullptr});
  REQUIRE_FALSE(networks);
  CHECK(networks.error().message.find("nothing builds nothing") != std::string::npos);
}

TEST_CASE("any model of the zoo can have synthetic weights, and is called so") {
  const Model model = find_model("qwen3-0.6b@synthetic").value();
  CHECK(model.name == "qwen3-0.6b@synthetic");
  CHECK(is_synthetic(model));
  CHECK_FALSE(is_synthetic(find_model("qwen3-0.6b").value()));
  CHECK(is_synthetic(find_model("smollm2-135m@synthetic").value()));
  CHECK_FALSE(find_model("gpt-17@synthetic"));
  CHECK_FALSE(find_model("@synthetic"));
}

TEST_CASE("an unknown model is refused with the list of known ones") {
  const auto model = find_model("gpt-17");
  REQUIRE_FALSE(model);
  CHECK(model.error().message.find("smollm2-135m") != std::string::npos);
}

TEST_CASE("a model of one's own is called by its folder, its file or its repository") {
  CHECK(model_name_of("/a/Qwen3-0.6B") == "Qwen3-0.6B");
  CHECK(model_name_of("/a/Qwen3-0.6B/") == "Qwen3-0.6B");
  CHECK(model_name_of("/a/tiny.Q4_1.gguf") == "tiny.Q4_1");
  CHECK(model_name_of("/c/models--Org--A-B.c/snapshots/0123456789abcdef") == "A-B.c");
  CHECK(model_name_of("/c/models--Org--A/snapshots/0123/a.gguf") == "a");
}
