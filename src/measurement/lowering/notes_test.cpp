// What several operators of a kind chose is all told.
#include "measurement/lowering/notes.h"

#include <doctest/doctest.h>

using namespace qb;

TEST_CASE("a kind's choices are told once each, none in another's place") {
  Json notes = Json::object({});
  CHECK(lowering::describe_computing(notes) == "f32");
  lowering::add_note(notes, "linear", "int4 in bf16");
  lowering::add_note(notes, "conv2d", "f32");
  lowering::add_note(notes, "linear", "linear in f32");
  lowering::add_note(notes, "linear", "int4 in bf16");
  CHECK(lowering::describe_computing(notes) ==
        "linear: int4 in bf16 and linear in f32; conv2d: f32");
}
