#include "orchestration/campaign/divergence.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include "compression/bundle/tensor_file.h"

using namespace qb;
using namespace qb::campaign;
namespace fs = std::filesystem;

namespace {

struct Folder {
  fs::path path = fs::temp_directory_path() / fmt::format("qb_divergence_{}", ::getpid());
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }

  // A file with rows of two values.
  fs::path file(std::string_view tensor, std::string_view name, std::vector<float> rows) const {
    const int64_t shape[] = {std::ssize(rows) / 2, 2};
    const bundle::NamedTensor tensors[] = {
        {std::string(tensor), {ElementType::f32, shape, rows.data()}}};
    REQUIRE(bundle::save_tensor_file(path / name, Json::object({}), tensors));
    return path / name;
  }
};

}  // namespace

TEST_CASE("rows of logits are compared as distributions") {
  const Folder folder;
  const auto a = folder.file("logits", "a", {1, 0, 0, 1, 1, 0});
  const auto b = folder.file("logits", "b", {1, 0, 1, 0});
  const Json found = compare_logits(a, b).value();
  CHECK(found["rows"].as_int() == 2);
  CHECK(found["top1_agreement"].as_double() == 0.5);
  CHECK(found["kl_divergence"].as_double() > 0.0);
  CHECK(found["logit_max_abs_difference"].as_double() == 1.0);
}

TEST_CASE("vectors of sentences are compared by the neighbours that are found with them") {
  const Folder folder;
  const std::vector<float> rows = {1, 0, 0.9f, 0.1f, 0, 1};
  const auto a = folder.file("embeddings", "a", rows);
  const auto longer = folder.file("embeddings", "longer", {2, 0, 1.8f, 0.2f, 0, 2});
  const auto other = folder.file("embeddings", "other", {1, 0, 0.1f, 0.9f, 0, 1});
  const Json same = compare_logits(longer, a).value();
  CHECK(same["rows"].as_int() == 3);
  CHECK(same["top1_agreement"].as_double() == 1.0);
  CHECK(same["logit_max_abs_difference"].as_double() == doctest::Approx(1.0));
  CHECK(same["kl_divergence"].is_null());
  CHECK(compare_logits(other, a).value()["top1_agreement"].as_double() ==
        doctest::Approx(2.0 / 3.0));
}

TEST_CASE("rows that can't be compared are refused") {
  const Folder folder;
  const auto logits = folder.file("logits", "logits", {1, 0});
  const auto vectors = folder.file("embeddings", "vectors", {1, 0});
  CHECK_FALSE(compare_logits(logits, vectors));
  CHECK_FALSE(compare_logits(vectors, vectors));
  CHECK_FALSE(compare_logits(logits, folder.path / "none"));
}
