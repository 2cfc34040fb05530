#include "network/hub/name.h"

#include <doctest/doctest.h>

#include "base/percent_encoding.h"

using namespace qb;
using namespace qb::hub;

TEST_CASE("a name is an organization's and a model's, and maybe a revision") {
  CHECK(parse_name("Qwen/Qwen3-0.6B").value() == RepositoryName{"Qwen/Qwen3-0.6B", "main"});
  CHECK(parse_name("a/b@v1.0").value() == RepositoryName{"a/b", "v1.0"});
  CHECK(parse_name("a/b@refs/pr/3").value() == RepositoryName{"a/b", "refs/pr/3"});
  CHECK(text_of(*parse_name("a/b@main")) == "a/b");
  CHECK(text_of(*parse_name("a/b@x")) == "a/b@x");
}

TEST_CASE("what could lead elsewhere is no name") {
  for (const char* text :
       {"",         "a",        "/",        "a/",           "/b",
        "a/b/c",    "../b",     "a/..",     "a/.b",         "a/b.",
        "-a/b",     "a/b-",     "a--b/c",   "a/b..c",       "a/b c",
        "a/b\n",    "a/b?x",    "a/b#x",    "a/b%2e",       "a\\b/c",
        "a/b@",     "a/b@..",   "a/b@../x", "a/b@/x",       "a/b@x/",
        "a/b@x//y", "a/b@a..b", "a/b@-x",   "a/b@x y",      "a/b@x~1",
        "a/b@x^",   "a/b@x:y",  "a/b@x\ny", "./model.gguf", "folder/sub/model.gguf"})
    CHECK_MESSAGE(!parse_name(text), text);
}

TEST_CASE("a path from a server stays below its folder") {
  for (const char* path : {"a", "config.json", "1_Pooling/config.json", "a b/ü.json", "...", ".a"})
    CHECK_MESSAGE(is_safe_path(path), path);
  for (const std::string& path :
       {std::string(), std::string("/a"), std::string("a/"), std::string("a//b"), std::string("."),
        std::string(".."), std::string("../a"), std::string("a/.."), std::string("a/../b"),
        std::string("a/./b"), std::string("a\\b"), std::string("a\0b", 3), std::string("a\nb"),
        std::string(256, 'a'), std::string("\x7f")})
    CHECK_MESSAGE(!is_safe_path(path), path);
}

TEST_CASE("an address has no character with a meaning of its own") {
  CHECK(percent_encoded("a b/c?d#e%é", true) == "a%20b/c%3Fd%23e%25%C3%A9");
  CHECK(percent_encoded("refs/pr/1", false) == "refs%2Fpr%2F1");
  CHECK(is_hex("0123456789abcdef", 16));
  CHECK_FALSE(is_hex("0123456789ABCDEF", 16));
  CHECK_FALSE(is_hex("../4", 4));
}
