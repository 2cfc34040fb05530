#include "compression/bundle/outline.h"

#include <doctest/doctest.h>

#include "network/ir/builder.h"

using namespace qb;
using namespace qb::bundle;
using ir::Symbol;
using ir::Value;

namespace {

// A table that is the head too, two layers of one shape, a norm.
ir::Graph tied_graph() {
  ir::Builder b("tied");
  const Value tokens = b.input("tokens", ElementType::i64, {Symbol::batch, Symbol::sequence});
  const Value table = b.parameter("table", {10, 48});
  Value x = b.embedding(tokens, table);
  for (const char* name : {"a", "b"}) x = b.linear(x, b.parameter(name, {48, 48}));
  b.output(b.linear(b.rms_norm(x, "norm.weight", 1e-5), table));
  return b.finish().value();
}

}  // namespace

TEST_CASE("an outline counts weights by shape and role") {
  const Outline outline = outline_of(tied_graph());
  CHECK(outline.groups.size() == 3);
  CHECK(outline.weight_count() == 10 * 48 + 2 * 48 * 48 + 48);
  CHECK(outline.largest_count() == 48 * 48);
  CHECK(outline.cache_bytes_per_token == 0);
  CHECK(stored_bytes_of(outline, *quant::find_scheme("fp32")) == outline.weight_count() * 4);
  CHECK(stored_bytes_of(outline, *quant::find_scheme("bf16")) ==
        (outline.weight_count() - 48) * 2 + int64_t{48} * 4);
  CHECK_FALSE(stored_bytes_of(outline, *quant::find_scheme("as-is")));
  Outline twice = outline;
  add(outline, twice);
  CHECK(twice.groups.size() == 3);
  CHECK(twice.weight_count() == 2 * outline.weight_count());
}

TEST_CASE("an outline comes back from JSON, and one that makes no sense is refused") {
  const Outline outline = outline_of(tied_graph());
  const auto again = outline_from_json(to_json(outline));
  REQUIRE(again);
  CHECK(dump_json(to_json(*again)) == dump_json(to_json(outline)));
  for (const char* text : {R"({"groups": [[1, 2, 3]]})", R"({"groups": [[0, 2, 3, 1]]})",
                           R"({"groups": [[1, -2, 3, 1]]})",
                           R"({"groups": [[1, 1099511627776, 1099511627776, 1]]})"}) {
    CAPTURE(text);
    CHECK_FALSE(outline_from_json(parse_json(text).value()));
  }
}
