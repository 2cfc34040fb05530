#include "orchestration/plan/own_files.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

using namespace qb;
using namespace qb::plan;
namespace fs = std::filesystem;

TEST_CASE("files of equal names are told apart by as few folders as it takes") {
  CHECK(labels_of({"/a/b/m.onnx", "/a/b/n.onnx"}) == std::vector<std::string>{"m.onnx", "n.onnx"});
  CHECK(labels_of({"/a/c/m.onnx", "/b/c/m.onnx", "/b/c/n.onnx"}) ==
        std::vector<std::string>{"a/c/m.onnx", "b/c/m.onnx", "n.onnx"});
  CHECK(labels_of({"/a/\x1b[2J\n.onnx"}) == std::vector<std::string>{"\\x1b[2J\\x0a.onnx"});
  CHECK(labels_of({"/m.onnx", "/a/m.onnx"}) == std::vector<std::string>{"/m.onnx", "a/m.onnx"});
}

TEST_CASE("a name of the zoo is no file, whatever lies in the folder") {
  CHECK_FALSE(is_file_name("smollm2-135m"));
  CHECK_FALSE(is_file_name("gpt"));
  CHECK(is_file_name("model.onnx"));
  CHECK(is_file_name("./model"));
}

TEST_CASE("a file that can't be measured is refused by name, with what to do") {
  const fs::path folder = fs::temp_directory_path() / fmt::format("qb_own_{}", ::getpid());
  fs::create_directories(folder / "folder.onnx");
  for (const char* name : {"m.onnx", "M.ONNX", "m.pth", "m.bin", "m"})
    std::ofstream(folder / name) << "x";
  const auto error_of = [&](std::vector<std::string> names) {
    for (std::string& name : names) name = (folder / name).string();
    const auto checked = check_files(names);
    return checked ? std::string("no error") : checked.error().message;
  };
  const auto names = [&](const std::string& message, std::string_view file, std::string_view word) {
    CAPTURE(message);
    CHECK(message.find(file) != std::string::npos);
    CHECK(message.find(word) != std::string::npos);
  };
  CHECK(error_of({"m.onnx"}) == "no error");
  CHECK(error_of({"M.ONNX"}) == "no error");
  names(error_of({"nowhere.onnx"}), "nowhere.onnx", "no such file");
  names(error_of({"folder.onnx"}), "folder.onnx", "no regular file");
  names(error_of({"m.pth"}), "m.pth", "pickle");
  names(error_of({"m.bin"}), "m.bin", ".onnx");
  names(error_of({"m"}), "m", "without ending");
  names(error_of({"m.onnx", "../" + folder.filename().string() + "/m.onnx"}), "m.onnx", "twice");
  names(error_of({"m\xff.onnx"}), "--model", "UTF-8");
  fs::remove_all(folder);
}

TEST_CASE("a name with commas stays whole where there is such a file") {
  const fs::path folder = fs::temp_directory_path() / fmt::format("qb_comma_{}", ::getpid());
  fs::create_directories(folder);
  const std::string file = (folder / "net,v2.onnx").string();
  std::ofstream(file) << "x";
  using Names = std::vector<std::string>;
  CHECK(split_models("a,b") == Names{"a", "b"});
  CHECK(split_models(file) == Names{file});
  CHECK(split_models("a," + file + ",b") == Names{"a", file, "b"});
  CHECK(split_models(folder.string() + "/net,v3.onnx") ==
        Names{folder.string() + "/net", "v3.onnx"});
  fs::remove_all(folder);
}

TEST_CASE("files are measured as they are: their outputs are compared, schemes make no sense") {
  const std::vector<std::string> files = {"/a.onnx", "/b.pt2"};
  const auto plan =
      build_file_plan(files, {}, {.axes = {{"thread_count", {1, 2}}}}, {.launch_count = 3}, 4, 1);
  REQUIRE(plan);
  CHECK(plan->cases.size() == 4);
  CHECK(plan->cases[0].subject.framework == "onnxruntime");
  CHECK(plan->cases[2].subject.framework == "pytorch");
  CHECK(plan->cases[2].file == "/b.pt2");
  CHECK(plan->launches.size() == 4 * 3 + 4);
  const std::vector<std::string> one = {"/a.onnx"};
  CHECK(build_file_plan(one, {}, {}, {.launch_count = 3}, 4, 1)->launches.size() == 3);
  CHECK_FALSE(build_file_plan(one, {}, {.schemes = {"fp32"}}, {}, 4, 1));
  CHECK_FALSE(build_file_plan(one, {}, {.devices = {"tpu"}}, {}, 4, 1));
  CHECK_FALSE(build_file_plan(one, {}, {.axes = {{"batch", {8}}}}, {}, 4, 1));
  CHECK_FALSE(build_file_plan(one, {}, {.axes = {{"depth_tokens", {5}}}}, {}, 4, 1));
}
