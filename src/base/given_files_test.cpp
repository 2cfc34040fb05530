// What is given from outside: names that are shown, files that aren't what they should be.
#include <doctest/doctest.h>

#include <span>

#include "base/file_name.h"
#include "base/printable.h"
#include "base/stand_in.h"

using namespace qb;

TEST_CASE("what acts on a terminal is shown as its escape") {
  struct Row {
    std::string_view text, shown;
  };
  const Row rows[] = {{"plain é 网 🎈", "plain é 网 🎈"},
                      {"x\x1b[31mRED\x07", "x\\x1b[31mRED\\x07"},
                      {"a\r\n\tb\x7f", "a\\x0d\\x0a\\x09b\\x7f"},
                      {"\xc2\x9b"
                       "31m",
                       "\\x9b31m"},
                      {"a\u202e"
                       "b\u2066",
                       "a\\u202eb\\u2066"},
                      {"\xff\xc0\x80\xed\xa0\x80", "\\xff\\xc0\\x80\\xed\\xa0\\x80"},
                      {"\xe7\xbd", "\\xe7\\xbd"},
                      {"", ""}};
  for (const Row& row : rows) CHECK(printable(row.text) == row.shown);
  CHECK(printable_lines("a\x07\nb\x1b\n") == "a\\x07\nb\\x1b\n");
}

TEST_CASE("what a download left instead of the file is told by its first bytes") {
  const auto message = [](std::string_view text) {
    const auto checked = check_no_stand_in(std::as_bytes(std::span(text)));
    return checked ? std::string("no error") : checked.error().message;
  };
  CHECK(message("version https://git-lfs.github.com/spec/v1\noid sha256:4d\n")
            .find("is a Git LFS pointer") == 0);
  CHECK(message("\xef\xbb\xbf\n <!DOCTYPE HTML><html>").find("is a web page") == 0);
  CHECK(message("<HTML lang=en>").find("is a web page") == 0);
  CHECK(message("/annex/objects/MD5-s9--x").find("git annex get") != std::string::npos);
  CHECK(message("Entry not found").find("no such file") != std::string::npos);
  for (const std::string_view good :
       {"", "\x08\x07\x12", "GGUF", "{\"version\": 1}", "PK\x03\x04", "version 2 of a text"})
    CHECK(message(good) == "no error");
}

TEST_CASE("a file's name is made of any text, and its ending counts in any case") {
  CHECK(file_name_of("a/b.onnx.speed0") == "a_b.onnx.speed0");
  const std::string longest(246, 'x');
  CHECK(file_name_of(longest).size() <= 180);
  CHECK(file_name_of(longest + "1") != file_name_of(longest + "2"));
  std::string wide;
  for (int i = 0; i < 100; ++i) wide += "网";
  CHECK(printable(file_name_of(wide)) == file_name_of(wide));
  CHECK(file_ending("UPPER.ONNX") == ".onnx");
  CHECK(file_ending("net") == "");
}
