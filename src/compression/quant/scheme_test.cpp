#include "compression/quant/scheme.h"

#include <doctest/doctest.h>

#include <set>

using namespace qb;
using namespace qb::quant;

TEST_CASE("every listed scheme is found by its name and by no other") {
  std::set<std::string> names;
  for (const Scheme& scheme : schemes()) {
    CAPTURE(scheme.name);
    CHECK(names.insert(scheme.name).second);
    const auto found = find_scheme(scheme.name);
    REQUIRE(found);
    CHECK(found->summary == scheme.summary);
    CHECK(found->options == scheme.options);
    CHECK(scheme.summary.ends_with('.'));
  }
}

TEST_CASE("a name says what the scheme is") {
  const Scheme scheme = find_scheme("w4g64s+mse+gptq").value();
  CHECK(scheme.weight_bits == 4);
  CHECK(scheme.group_size == 64);
  CHECK(scheme.symmetric);
  CHECK(scheme.has(option_mse));
  CHECK(scheme.has(option_gptq));
  CHECK(scheme.needs_calibration());
  CHECK(base_of(scheme).name == "w4g64s");
  const Scheme measured = find_scheme("static8t:entropy").value();
  CHECK(measured.calibration == Calibration::entropy);
  CHECK(measured.granularity == Granularity::tensor);
  CHECK(measured.folds());
  const Scheme by_token = find_scheme("dyn8c:token+smooth").value();
  CHECK(by_token.activations == Activations::by_token);
  CHECK(by_token.symmetric);
  CHECK(base_of(by_token).name == "dyn8c:token");
  CHECK(base_of(find_scheme("dyn8c+smooth").value()).name == "dyn8c");
  CHECK(base_of(measured).name == "static8t");
  CHECK(find_scheme("auto:4.5bpw").value().target_bits == 4.5);
  CHECK(find_scheme("w8c").value().needs_calibration() == false);
  CHECK(describe_roles(find_scheme("w4g32+inner").value().roles()) == "linear, convolution");
  for (const char* name : {"fp32+lora", "as-is+lora", "q4_0+lora", "w4g128+gptq+lora"})
    CHECK((find_scheme(name).value().roles() & role_adapter) == 0);
  CHECK((find_scheme("bf16+lora").value().roles() & role_adapter) != 0);
}

TEST_CASE("names that say nothing, or two things, are refused") {
  struct Row {
    std::string name, reason;
  };
  const Row rows[] = {
      {"w5g7", "known: fp32"},
      {"", "unknown scheme"},
      {"w4g64+", "unknown option"},
      {"w4g64+fast", "known: mse"},
      {"w4g64+mse+mse", "twice"},
      {"w4g64+mse+hqq", "both choose scales"},
      {"w4g64+smooth", "quantize activations"},
      {"dyn8c+smooth+awq", "both scale channels"},
      {"w4g64:mse", "measures no activations"},
      {"static8c:best", "unknown calibration"},
      {"dyn8c:best", "\":token\" is known"},
      {"dyn8c:token:mse", "\":token\" is known"},
      {"static8c:token", "unknown calibration"},
      {"w8c:token", "measures no activations"},
      {"fp32+inner", "nothing to be added"},
      {"as-is+inner", "not fitted"},
      {"dyn8c+lora", "would read rounded activations"},
      {"q4_0+gptq", "integer weights"},
      {"auto:3bpw", "no budget"},
      {"auto:4.5", "no budget"},
      {"auto", "unknown scheme"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const auto scheme = find_scheme(row.name);
    REQUIRE_FALSE(scheme);
    CAPTURE(scheme.error().message);
    CHECK(scheme.error().message.find(row.reason) != std::string::npos);
  }
}
