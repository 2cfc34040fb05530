#include "network/pictures/user_pictures.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <fstream>

using namespace qb;
using namespace qb::pictures;
namespace fs = std::filesystem;

namespace {

struct Folder {
  fs::path path = fs::temp_directory_path() / fmt::format("qb_user_pictures_{}", ::getpid());
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
  fs::path add(const fs::path& name, std::string_view text = "") const {
    fs::create_directories((path / name).parent_path());
    std::ofstream(path / name, std::ios::binary) << text;
    return path / name;
  }
};

std::string problem_of(const fs::path& path) {
  const auto set = find_user_pictures(path);
  return set ? std::string() : set.error().message;
}

}  // namespace

TEST_CASE("each folder is a class, in the order of their names") {
  const Folder folder;
  for (const char* name : {"tench/b.JPEG", "tench/a.png", "tench/notes.txt", "cock/x.jpg",
                           ".hidden/y.jpg", "readme.md"})
    folder.add(name);
  const auto set = find_user_pictures(folder.path);
  REQUIRE(set);
  CHECK(set->class_names == std::vector<std::string>{"cock", "tench"});
  REQUIRE(set->pictures.size() == 3);
  CHECK(set->pictures[0].labels == std::vector<int64_t>{0});
  CHECK(set->pictures[1].path == folder.path / "tench/a.png");
  CHECK(set->pictures[2].labels == std::vector<int64_t>{1});
  CHECK(set->is_folder);
}

TEST_CASE("a CSV names files from where it lies, and their labels") {
  const Folder folder;
  folder.add("p/a.png");
  folder.add("p/b, c.jpg");
  const auto set = find_user_pictures(folder.add(
      "list.csv", "file,label\r\np/a.png,zebra\r\n\"p/b, c.jpg\",\"a \"\"big\"\" cat\"\n"));
  REQUIRE(set);
  CHECK(set->class_names == std::vector<std::string>{"a \"big\" cat", "zebra"});
  REQUIRE(set->pictures.size() == 2);
  CHECK(set->pictures[0].path == folder.path / "p/b, c.jpg");
  CHECK_FALSE(set->is_folder);
}

TEST_CASE("what holds no labelled pictures is refused by its name") {
  const Folder folder;
  folder.add("one/a.png");
  const fs::path empty = folder.path / "none";
  fs::create_directories(empty);
  CHECK(problem_of(folder.path / "nowhere").find("nowhere: no such file") != std::string::npos);
  CHECK(problem_of(empty).find("no folder of a class") != std::string::npos);
  CHECK(problem_of(folder.path).find("none: has no PNG or JPEG") != std::string::npos);
  fs::remove(empty);
  CHECK(problem_of(folder.path).empty());
  folder.add("one/b.webp");
  CHECK(problem_of(folder.path).find("b.webp: pictures are read as PNG or JPEG") !=
        std::string::npos);
  CHECK(problem_of(folder.add("a.csv", "")).find("names no picture") != std::string::npos);
  CHECK(problem_of(folder.add("b.csv", "one/a.png,x\none/a.png\n")).find("line 2 is not") !=
        std::string::npos);
  CHECK(problem_of(folder.add("c.csv", "one/z.png,x\n")).find("line 1: ") != std::string::npos);
}
