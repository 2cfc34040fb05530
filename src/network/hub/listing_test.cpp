#include "network/hub/listing.h"

#include <doctest/doctest.h>

using namespace qb;
using namespace qb::hub;

namespace {

const std::string sha1(40, 'a');
const std::string sha256(64, 'b');

Result<std::vector<RemoteFile>> files_of(const std::string& json) {
  std::vector<RemoteFile> files;
  QB_CHECK(parse_tree_page(json, files));
  QB_CHECK(check_listing(files));
  return files;
}

std::string entry(const std::string& path, const std::string& more) {
  return fmt::format(R"({{"type":"file","path":"{}","oid":"{}","size":5{}}})", path, sha1, more);
}

}  // namespace

TEST_CASE("a large file has the size and the hash of its content, not of git's pointer") {
  const std::string large =
      fmt::format(R"(,"lfs":{{"oid":"{}","size":7000000000,"pointerSize":134}})", sha256);
  const auto files = files_of(fmt::format(R"([{},{},{{"type":"directory","path":"../x"}}])",
                                          entry("b", large), entry("a", "")));
  REQUIRE(files);
  REQUIRE(files->size() == 2);
  CHECK((*files)[0].path == "a");
  CHECK((*files)[0].digest == sha1);
  CHECK((*files)[0].digest_kind() == DigestKind::sha1);
  CHECK((*files)[1].size_bytes == 7'000'000'000);
  CHECK((*files)[1].digest == sha256);
  CHECK((*files)[1].digest_kind() == DigestKind::sha256);
}

TEST_CASE("a listing that makes no sense is refused") {
  for (const std::string& json :
       {std::string("{}"), std::string("["), std::string("<html>"), "[" + entry("../a", "") + "]",
        "[" + entry("a", "") + "," + entry("a", "") + "]",
        "[" + entry("a", "") + "," + entry("a-b", "") + "," + entry("a/b", "") + "]",
        std::string(R"([{"type":"file","path":"a","oid":"zz","size":5}])"),
        std::string(R"([{"type":"file","path":"a","size":5}])"),
        fmt::format(R"([{{"type":"file","path":"a","oid":"{}","size":-5}}])", sha1),
        fmt::format(R"([{{"type":"file","path":"a","oid":"{}","size":9000000000000000000}}])",
                    sha1)})
    CHECK_MESSAGE(!files_of(json), json);
}

TEST_CASE("a repository has a commit and may be gated") {
  const auto info = [](const char* gated) {
    return parse_repository(fmt::format(R"({{"sha":"{}","gated":{}}})", sha1, gated)).value();
  };
  CHECK(info("false").commit == sha1);
  CHECK_FALSE(info("false").is_gated);
  CHECK(info("\"manual\"").is_gated);
  CHECK(info("\"auto\"").is_gated);
  CHECK_FALSE(parse_repository(R"({"sha":"../../x"})"));
  CHECK_FALSE(parse_repository("null"));
}

TEST_CASE("of a link to the next page the query is taken") {
  CHECK(next_page_query(R"(<https://x/api?limit=1&cursor=Zz%3D>; rel="next")") ==
        "limit=1&cursor=Zz%3D");
  CHECK(next_page_query(R"(<https://x/a?c=1>; rel="prev", <https://x/b?c=2>; rel="next")") ==
        "c=2");
  for (const char* none : {"", "x", "<", "<>", "<https://x?c=1>", R"(<https://x?c=1>; rel="prev")",
                           R"(<https://x>; rel="next")"})
    CHECK_FALSE(next_page_query(none));
}

TEST_CASE("an index names each shard once, and none elsewhere") {
  CHECK(parse_shard_index(R"({"weight_map":{"x":"b","y":"a","z":"b"}})").value() ==
        std::vector<std::string>{"a", "b"});
  for (const char* bad : {"", "[]", "{}", R"({"weight_map":{}})", R"({"weight_map":{"x":"../a"}})",
                          R"({"weight_map":{"x":3}})"})
    CHECK_FALSE(parse_shard_index(bad));
}
