#include "measurement/prepare/class_texts.h"

#include <doctest/doctest.h>

using namespace qb;
using namespace qb::prepare;

namespace {

using Names = std::vector<std::string>;
using Ids = std::vector<int64_t>;

const models::Model animals = {.name = "animals",
                               .class_names = {"tench, Tinca tinca", "cock", "great grey owl",
                                               "crane", "Tibetan terrier, chrysanthemum dog"}};

Result<Ids> ids_of(const Names& names, const models::Model& model, bool is_folder = true) {
  return class_ids({.name = "set", .class_names = names, .is_folder = is_folder}, model, 5);
}

}  // namespace

TEST_CASE("classes are the network's by number, by name, or by their order") {
  CHECK(ids_of({"0", "4"}, animals).value() == Ids{0, 4});
  CHECK(ids_of({"Cock", "chrysanthemum_dog", "tinca tinca"}, animals).value() == Ids{1, 4, 0});
  CHECK(ids_of({"tench, Tinca tinca"}, animals).value() == Ids{0});
  const models::Model nameless = {.name = "nameless"};
  CHECK(ids_of({"n1", "n2", "n3", "n4", "n5"}, nameless).value() == Ids{0, 1, 2, 3, 4});
}

TEST_CASE("a class that is none of the network's is refused by its name") {
  const models::Model nameless = {.name = "nameless"};
  const auto problem_of = [](const Result<Ids>& ids) {
    return ids ? std::string() : ids.error().message;
  };
  CHECK(
      problem_of(ids_of({"cock", "unicorn"}, animals)).find("\"unicorn\" is no class of animals") !=
      std::string::npos);
  CHECK(problem_of(ids_of({"5"}, animals)).find("0 to 4") != std::string::npos);
  CHECK(problem_of(ids_of({"n1", "n2"}, nameless)).find("\"n1\" is no class") != std::string::npos);
  // A list has no order, and some names that are known aren't an order.
  CHECK_FALSE(ids_of({"n1", "n2", "n3", "n4", "n5"}, nameless, false));
  CHECK_FALSE(ids_of({"cock", "n2", "n3", "n4", "n5"}, animals));
}

TEST_CASE("synthetic weights get a made-up text for each class, with its end token last") {
  const ModelSource source = {.model = {.name = "made-up", .end_token = 99},
                              .weights = "synthetic"};
  const auto texts = make_class_texts(source, {"a", "b", "c"});
  REQUIRE(texts);
  CHECK(texts->token_shape[0] == 3);
  CHECK(texts->positions == Ids(3, texts->token_shape[1] - 1));
  for (size_t i = 0; i < 3; ++i)
    CHECK(texts->tokens[(i + 1) * static_cast<size_t>(texts->token_shape[1]) - 1] == 99);
  CHECK(texts->hash() == make_class_texts(source, {"a", "b", "c"})->hash());
}

TEST_CASE("real weights without a tokenizer have no texts") {
  const ModelSource source = {.model = {.name = "mute", .end_token = 99},
                              .weights = "pretrained",
                              .tokenizer_problem = "there is none"};
  const auto texts = make_class_texts(source, {"a", "b"});
  REQUIRE_FALSE(texts);
  CHECK(texts.error().message.find("there is none") != std::string::npos);
}
