#include "base/output.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <thread>

#include "base/file.h"

using namespace qb;
namespace fs = std::filesystem;

namespace {

struct TemporaryFolder {
  fs::path path = fs::temp_directory_path() / fmt::format("qb_output_{}", ::getpid());
  TemporaryFolder() { fs::create_directories(path); }
  ~TemporaryFolder() { fs::remove_all(path); }
};

// What a reader of the pipe gets while `write` runs.
std::string read_through(const fs::path& pipe, const std::function<void()>& write) {
  std::string got;
  std::thread reader([&] {
    std::ifstream in(pipe);
    got.assign(std::istreambuf_iterator<char>(in), {});
  });
  write();
  reader.join();
  return got;
}

}  // namespace

TEST_CASE("a file is replaced, with the rights it had, and a new one is made with its folders") {
  const TemporaryFolder folder;
  const fs::path file = folder.path / "new" / "deep" / "x.txt";
  REQUIRE(check_output(file));
  CHECK_FALSE(fs::exists(file));  // asking leaves nothing behind
  REQUIRE(write_output(file, "one"));
  fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
  REQUIRE(write_output(file, "two"));
  CHECK(read_file(file).value() == "two");
  CHECK(fs::status(file).permissions() == (fs::perms::owner_read | fs::perms::owner_write));
  CHECK(std::distance(fs::directory_iterator(file.parent_path()), {}) == 1);
}

TEST_CASE("a link stays a link, and what it leads to is written, be it there or not") {
  const TemporaryFolder folder;
  std::ofstream(folder.path / "target.txt") << "old";
  fs::create_symlink("target.txt", folder.path / "first");
  fs::create_symlink("first", folder.path / "second");
  fs::create_symlink("absent.txt", folder.path / "dangling");
  REQUIRE(write_output(folder.path / "second", "new"));
  REQUIRE(write_output(folder.path / "dangling", "made"));
  for (const char* link : {"first", "second", "dangling"})
    CHECK(fs::is_symlink(folder.path / link));
  CHECK(read_file(folder.path / "target.txt").value() == "new");
  CHECK(read_file(folder.path / "absent.txt").value() == "made");
}

TEST_CASE("a pipe and a device are written and stay what they are") {
  const TemporaryFolder folder;
  const fs::path pipe = folder.path / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  fs::create_symlink(pipe, folder.path / "link");
  REQUIRE(check_output(pipe));  // doesn't wait for a reader
  CHECK(read_through(pipe, [&] { REQUIRE(write_output(folder.path / "link", "through")); }) ==
        "through");
  CHECK(read_through(pipe, [&] {
          auto stream = OutputStream::open(pipe).value();
          REQUIRE(stream.write("a"));
          REQUIRE(stream.write("b"));
        }) == "ab");
  CHECK(fs::is_fifo(pipe));
  REQUIRE(write_output("/dev/null", "gone"));
  CHECK(fs::is_character_file("/dev/null"));
}

TEST_CASE("a descriptor that is open is written where it stands, not replaced") {
  const TemporaryFolder folder;
  const fs::path file = folder.path / "x.txt";
  std::FILE* open = std::fopen(file.c_str(), "w");
  REQUIRE(open);
  std::fputs("before ", open);
  std::fflush(open);
  REQUIRE(write_output(fmt::format("/dev/fd/{}", ::fileno(open)), "between"));
  std::fputs(" after", open);
  std::fclose(open);
  CHECK(read_file(file).value() == "before between after");
}

TEST_CASE("a stream appends to a file") {
  const TemporaryFolder folder;
  for (int i = 0; i < 2; ++i) {
    auto stream = OutputStream::open(folder.path / "lines").value();
    REQUIRE(stream.write("line\n"));
  }
  CHECK(read_file(folder.path / "lines").value() == "line\nline\n");
}

TEST_CASE("what can't be written is refused by name, before and while writing") {
  const TemporaryFolder folder;
  std::ofstream(folder.path / "file") << "x";
  for (const fs::path& path :
       {folder.path, folder.path / "file" / "below.txt", fs::path("/dev/fd/987")}) {
    CAPTURE(path);
    const auto checked = check_output(path);
    REQUIRE_FALSE(checked);
    CHECK(checked.error().message.starts_with(path.string()));
    CHECK_FALSE(write_output(path, "x"));
    CHECK_FALSE(OutputStream::open(path));
  }
  if (!fs::exists("/dev/full")) return;  // there is one on Linux only
  CHECK(write_output("/dev/full", "x").error().message ==
        "/dev/full: cannot write: No space left on device");
  CHECK_FALSE(OutputStream::open("/dev/full").value().write("x"));
}
