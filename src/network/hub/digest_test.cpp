#include "network/hub/digest.h"

#include <doctest/doctest.h>

using namespace qb::hub;

TEST_CASE("contents have the names that git and the hub give them") {
  // `git hash-object` and `sha256sum` of "hello\n"; git's empty blob; FIPS 180-4's "abc".
  CHECK(blob_digest(DigestKind::sha1, "hello\n") == "ce013625030ba8dba906f756967f9e9ca394464a");
  CHECK(blob_digest(DigestKind::sha1, "") == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
  CHECK(blob_digest(DigestKind::sha256, "abc") ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(blob_digest(DigestKind::sha256, "") ==
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_CASE("a digest of pieces is that of the whole") {
  Digest digest(DigestKind::sha256);
  digest.update("a");
  digest.update("");
  digest.update("bc");
  CHECK(digest.hex() == blob_digest(DigestKind::sha256, "abc"));
}
