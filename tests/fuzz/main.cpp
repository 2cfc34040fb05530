// Runs a fuzz target on files, or on all files of folders: an ordinary test of seeds and of what
// once crashed it. A crash ends it; the name printed last is the file's.
#include <algorithm>
#include <cstdio>
#include <vector>

#include "base/file.h"
#include "fuzz.h"

namespace {

bool run(const std::filesystem::path& path) {
  std::printf("%s\n", path.string().c_str());
  std::fflush(stdout);
  const qb::Result<std::string> content = qb::read_file(path);
  if (!content) {
    std::fprintf(stderr, "%s\n", content.error().message.c_str());
    return false;
  }
  const std::vector<uint8_t> exact(content->begin(), content->end());  // no byte behind the last
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
  return true;
}

}  // namespace

int main(int argument_count, char** arguments) {
  int run_count = 0;
  for (int i = 1; i < argument_count; ++i) {
    std::vector<std::filesystem::path> files;
    if (std::filesystem::is_directory(arguments[i]))
      for (const auto& entry : std::filesystem::directory_iterator(arguments[i]))
        files.push_back(entry.path());
    else
      files.emplace_back(arguments[i]);
    std::ranges::sort(files);
    for (const std::filesystem::path& file : files) {
      if (!run(file)) return 1;
      ++run_count;
    }
  }
  std::printf("%d files ran\n", run_count);
  return run_count > 0 ? 0 : 1;  // an empty corpus checks nothing
}
