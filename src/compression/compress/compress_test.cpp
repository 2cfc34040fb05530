#include "compression/compress/compress.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "base/rng.h"
#include "compression/bundle/layout.h"
#include "compression/compress/equalise.h"
#include "compression/compress/feed.h"
#include "compression/compress/rounded_values.h"
#include "network/ir/builder.h"

using namespace qb;
using namespace qb::compress;
using ir::Builder;
using ir::Symbol;
using ir::Value;
namespace fs = std::filesystem;

namespace {

// A folder of its own for each test.
struct TemporaryFolder {
  fs::path path = fs::temp_directory_path() / fmt::format("qb_compress_{}", ::getpid());
  TemporaryFolder() { fs::create_directories(path); }
  ~TemporaryFolder() { fs::remove_all(path); }
};

Result<void> seeded(const ir::ValueInfo& info, std::span<float> out) {
  Rng rng(derive_seed(5, info.name));
  const bool is_positive = info.name.ends_with("running_var") || info.shape.size() == 1;
  const double fan_in = info.shape.size() > 1 ? static_cast<double>(out.size()) /
                                                    static_cast<double>(info.shape[0].extent)
                                              : 1.0;
  for (float& value : out) {
    const double normal = rng.normal() / std::sqrt(fan_in);
    value = static_cast<float>(is_positive ? 0.5 + std::fabs(normal) : normal);
  }
  return {};
}

// Two inverted residuals and a classifier: batch norms, depthwise kernels, a sum.
ir::Graph picture_graph() {
  Builder b("pictures");
  const Value x = b.input("image", ElementType::f32, {Symbol::batch, 3, 9, 9});
  const auto conv = [&](Value in, const std::string& name, int64_t out, int64_t kernel,
                        int64_t groups) {
    const int64_t pad = kernel / 2;
    const Value weight =
        b.parameter(name + ".weight", {out, b.shape(in)[1].extent / groups, kernel, kernel});
    return b.batch_norm(
        b.conv2d(in, weight, {.padding = {pad, pad, pad, pad}, .group_count = groups}),
        name + ".norm", 1e-3);
  };
  const auto block = [&](Value in, const std::string& name) {
    Value y = b.relu6(conv(in, name + ".expand", 24, 1, 1));
    y = b.relu6(conv(y, name + ".depthwise", 24, 3, 24));
    return conv(y, name + ".project", 8, 1, 1);
  };
  Value y = block(conv(x, "stem", 8, 3, 1), "a");
  y = b.add(y, block(y, "b"));
  y = b.relu6(conv(y, "head", 32, 1, 1));
  b.output(b.linear(b.flatten(b.global_average_pool(y)), b.parameter("fc.weight", {10, 32}),
                    b.parameter("fc.bias", {10})));
  return b.finish().value();
}

// One block of a Llama, its head tied to the embedding.
ir::Graph text_graph() {
  Builder b("text");
  const Value tokens = b.input("tokens", ElementType::i64, {Symbol::batch, Symbol::sequence});
  const Value positions = b.input("positions", ElementType::i64, {Symbol::selected});
  const Value table = b.parameter("table", {50, 64});
  const ir::Shape cache = {Symbol::batch, 2, Symbol::context, 16};
  Value x = b.embedding(tokens, table);
  const Value normed = b.rms_norm(x, "norm1.weight", 1e-5);
  const Value q = b.linear(normed, b.parameter("q", {64, 64}));
  const Value k = b.linear(normed, b.parameter("k", {32, 64}));
  const Value v = b.linear(normed, b.parameter("v", {32, 64}));
  const Value attended = b.cached_attention(q, k, v, b.state("keys", cache),
                                            b.state("values", cache), {4, 2, 16, {1e4}});
  x = b.add(x, b.linear(attended, b.parameter("o", {64, 64})));
  const Value widened = b.rms_norm(x, "norm2.weight", 1e-5);
  const Value gate = b.linear(widened, b.parameter("gate", {96, 64}));
  const Value up = b.linear(widened, b.parameter("up", {96, 64}));
  x = b.add(x, b.linear(b.multiply(b.silu(gate), up), b.parameter("down", {64, 96})));
  x = b.rms_norm(b.select_positions(x, positions), "norm3.weight", 1e-5);
  b.output(b.linear(x, table));
  return b.finish().value();
}

CalibrationSet calibration_for(const ir::Graph& graph, const fs::path& root) {
  const fs::path file = root / (graph.name + ".tensors");
  const bool is_text = graph.name == "text";
  const std::vector<int64_t> shape =
      is_text ? std::vector<int64_t>{6, 40} : std::vector<int64_t>{6, 3, 9, 9};
  Rng rng(23);
  std::vector<int64_t> tokens(element_count(shape));
  std::vector<float> values(element_count(shape));
  for (int64_t& token : tokens) token = static_cast<int64_t>(rng.below(50));
  for (float& value : values) value = static_cast<float>(rng.normal());
  const bundle::NamedTensor tensor =
      is_text ? bundle::NamedTensor{"tokens", {ElementType::i64, shape, tokens.data()}}
              : bundle::NamedTensor{"images", {ElementType::f32, shape, values.data()}};
  REQUIRE(bundle::save_tensor_file(file, Json::object({}), {&tensor, 1}));
  return {"seeded", "hash", file, 6};
}

Job job_for(const ir::Graph& graph, std::string_view scheme, const fs::path& root) {
  return {.model = {graph, seeded},
          .scheme = quant::find_scheme(scheme).value(),
          .source_hash = graph.name,
          .calibration = calibration_for(graph, root),
          .root = root,
          .thread_count = 2};
}

Calibrator calibrator_for(const Network& network, const std::string& name, const fs::path& root) {
  const auto folder =
      bundle::build_plain_bundle(root, network.graph, quant::find_scheme("fp32").value(),
                                 {.scheme = "fp32", .source_hash = name}, network.source);
  REQUIRE(folder);
  auto calibrator = Calibrator::open(*folder, calibration_for(network.graph, root), 2, {});
  REQUIRE(calibrator);
  return *std::move(calibrator);
}

// The outputs on every batch of the calibration set.
std::vector<float> outputs_of(const Network& network, const std::string& name,
                              const fs::path& root) {
  const Calibrator calibrator = calibrator_for(network, name, root);
  reference::Interpreter interpreter = calibrator.make_interpreter(40);
  std::vector<float> outputs;
  for (int64_t batch = 0; batch < calibrator.batch_count(); ++batch) {
    REQUIRE(calibrator.run_batch(interpreter, batch, 40));
    const auto logits = interpreter.outputs()[0].f32();
    outputs.insert(outputs.end(), logits.begin(), logits.end());
  }
  return outputs;
}

double distance(std::span<const float> a, std::span<const float> b) {
  REQUIRE(a.size() == b.size());
  double error = 0;
  double size = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    error += std::pow(static_cast<double>(a[i]) - b[i], 2);
    size += std::pow(static_cast<double>(a[i]), 2);
  }
  return std::sqrt(error / size);
}

// Relative distance of a bundle's outputs from fp32's, both by the reference.
double damage_of(const ir::Graph& graph, std::string_view scheme, const fs::path& root) {
  const auto folder = build_bundle(job_for(graph, scheme, root));
  CAPTURE((folder ? "" : folder.error().message));
  REQUIRE(folder);
  const auto bundle = bundle::load_bundle(*folder);
  REQUIRE(bundle);
  auto calibrator = Calibrator::open(*folder, calibration_for(graph, root), 1, {});
  REQUIRE(calibrator);
  reference::Interpreter interpreter = calibrator->make_interpreter(40);
  std::vector<float> outputs;
  for (int64_t batch = 0; batch < calibrator->batch_count(); ++batch) {
    REQUIRE(calibrator->run_batch(interpreter, batch, 40));
    const auto logits = interpreter.outputs()[0].f32();
    outputs.insert(outputs.end(), logits.begin(), logits.end());
  }
  return distance(outputs_of({graph, seeded}, "fp32", root), outputs);
}

}  // namespace

TEST_CASE("folding batch norms and moving factors leave fp32 outputs as they are") {
  const TemporaryFolder root;
  const Network pictures = {picture_graph(), seeded};
  const Network folded = fold_batch_norms(pictures);
  CHECK(std::ranges::none_of(folded.graph.nodes,
                             [](const ir::Node& node) { return node.op == ir::Op::batch_norm; }));
  const std::vector<float> wanted = outputs_of(pictures, "pictures", root.path);
  CHECK(distance(wanted, outputs_of(folded, "folded", root.path)) < 1e-5);
  const auto equalised = equalise_weights(folded);
  REQUIRE(equalised);
  CHECK(distance(wanted, outputs_of(*equalised, "equalised", root.path)) < 1e-5);

  const Network text = {text_graph(), seeded};
  const std::vector<float> logits = outputs_of(text, "text", root.path);
  Calibrator calibrator = calibrator_for(text, "text", root.path);
  const auto smooth = smooth_activations(text, calibrator);
  REQUIRE(smooth);
  CHECK(distance(logits, outputs_of(*smooth, "smooth", root.path)) < 1e-5);
  const auto awq = protect_channels(text, calibrator, quant::find_scheme("w4g32").value(), 2);
  REQUIRE(awq);
  CHECK(distance(logits, outputs_of(*awq, "protected", root.path)) < 1e-5);
  // And they did move something.
  const Value down = find_value(text.graph, "down");
  CHECK(read_parameter(text, down).value() != read_parameter(*smooth, down).value());
  CHECK(read_parameter(text, down).value() != read_parameter(*awq, down).value());
}

TEST_CASE("links are found where nothing nonlinear stands between, and nowhere else") {
  const auto names = [](const ir::Graph& graph) {
    std::vector<std::string> list;
    for (const ChannelLink& link : find_links(graph)) {
      std::string text;
      for (const LinkEnd& end : link.producers) text += graph[end.parameter].name + " ";
      text += ">";
      for (const LinkEnd& end : link.consumers) text += " " + graph[end.parameter].name;
      list.push_back(text);
    }
    return list;
  };
  CHECK(names(text_graph()) == std::vector<std::string>{"norm1.weight > q k v", "v > o",
                                                        "norm2.weight > gate up", "up > down"});
  const Network folded = fold_batch_norms({picture_graph(), seeded});
  CHECK(names(folded.graph) ==
        std::vector<std::string>{"stem.weight stem.weight.folded_bias > a.expand.weight",
                                 "a.project.weight a.project.weight.folded_bias "
                                 "b.project.weight b.project.weight.folded_bias > "
                                 "b.expand.weight head.weight"});
}

TEST_CASE("what is rounded: all between convolutions, the inputs of linears, never the outputs") {
  const ir::Graph graph = fold_batch_norms({picture_graph(), seeded}).graph;
  const auto measured = rounded_values(graph, quant::find_scheme("static8c").value());
  const auto on_run = rounded_values(graph, quant::find_scheme("dyn8c").value());
  CHECK(rounded_values(graph, quant::find_scheme("w8c").value()).empty());
  for (const ir::Node& node : graph.nodes) {
    const bool is_output = std::ranges::find(graph.outputs, node.output) != graph.outputs.end();
    const bool is_measured = std::ranges::find(measured, node.output) != measured.end();
    if (node.op == ir::Op::relu6 || node.op == ir::Op::add ||
        node.op == ir::Op::global_average_pool)
      CHECK(is_measured);
    if (is_output || node.op == ir::Op::flatten) CHECK_FALSE(is_measured);
    if (node.op == ir::Op::conv2d || node.op == ir::Op::linear)
      CHECK(std::ranges::find(on_run, node.inputs[0]) != on_run.end());
  }
}

TEST_CASE("a sum is rounded after the relu that alone reads it, and so is a convolution") {
  ir::Builder b("residual");
  const ir::Value x = b.input("x", ElementType::f32, {ir::Symbol::batch, 4, 4, 4});
  const ir::Value y = b.apply(ir::Op::relu, {b.conv2d(x, b.parameter("a", {4, 4, 1, 1}), {})});
  const ir::Value z = b.conv2d(y, b.parameter("b", {4, 4, 1, 1}), {});
  const ir::Value sum = b.apply(ir::Op::relu, {b.add(z, x)});
  b.output(b.conv2d(sum, b.parameter("c", {4, 4, 1, 1}), {}));
  const ir::Graph graph = b.finish().value();
  const auto rounded = rounded_values(graph, quant::find_scheme("static8c").value());
  const auto is_rounded = [&](ir::Value value) {
    return std::ranges::find(rounded, value) != rounded.end();
  };
  for (const ir::Node& node : graph.nodes) {
    const ir::Node* reader = graph.only_reader(node.output);
    const bool is_inside = reader && reader->op == ir::Op::relu;  // what a relu alone reads
    const bool is_output = node.output == graph.outputs[0];
    CAPTURE(graph[node.output].name);
    CHECK(is_rounded(node.output) == !(is_inside || is_output));
  }
}

TEST_CASE("outputs keep their names when batch norms are folded") {
  ir::Builder b("named");
  const ir::Value x = b.input("x", ElementType::f32, {ir::Symbol::batch, 3, 4, 4});
  const ir::Value y = b.batch_norm(b.conv2d(x, b.parameter("w", {3, 3, 1, 1}), {}), "norm", 1e-3);
  b.output(y, "features");
  b.output(b.relu6(y), "clipped");
  const ir::Graph folded = fold_batch_norms({b.finish().value(), seeded}).graph;
  CHECK(folded.nodes.size() == 2);
  CHECK(folded.output_names == std::vector<std::string>{"features", "clipped"});
}

TEST_CASE("a relu6 is no part of a convolution whose result is asked for too") {
  ir::Builder b("shown");
  const ir::Value x = b.input("x", ElementType::f32, {ir::Symbol::batch, 3, 4, 4});
  const ir::Value shown = b.conv2d(x, b.parameter("w", {3, 3, 1, 1}), {});
  const ir::Value clipped = b.relu6(shown);
  b.output(shown);
  b.output(b.sigmoid(clipped));
  const ir::Graph graph = b.finish().value();
  const auto rounded = rounded_values(graph, quant::find_scheme("static8c").value());
  CHECK(rounded == std::vector<ir::Value>{x});
}

TEST_CASE("every scheme builds on both networks or says why not; threads change no bit") {
  for (const ir::Graph& graph : {picture_graph(), text_graph()}) {
    for (const quant::Scheme& scheme : quant::schemes()) {
      CAPTURE(graph.name);
      CAPTURE(scheme.name);
      std::vector<std::string> hashes;
      for (const int64_t thread_count : {1, 3}) {
        const TemporaryFolder root;
        Job job = job_for(graph, scheme.name, root.path);
        job.thread_count = thread_count;
        const auto folder = build_bundle(job);
        if (!folder) CHECK(folder.error().code == Errc::unsupported);
        hashes.push_back(folder ? folder->filename().string() : folder.error().message);
        if (folder) CHECK(bundle::load_bundle(*folder));
      }
      CHECK(hashes[0] == hashes[1]);
    }
  }
}

TEST_CASE("better fits do less damage than rounding to nearest at the same size") {
  const TemporaryFolder root;
  const double plain = damage_of(text_graph(), "w4g32", root.path);
  CHECK(damage_of(text_graph(), "w4g32+gptq", root.path) < 0.9 * plain);
  CHECK(damage_of(text_graph(), "w4g32+mse+gptq", root.path) < 0.9 * plain);
  CHECK(damage_of(picture_graph(), "w4c+gptq", root.path) <
        damage_of(picture_graph(), "w4c", root.path));
  CHECK(damage_of(picture_graph(), "static8c", root.path) < 0.1);
  CHECK(damage_of(text_graph(), "dyn8c", root.path) < 0.1);
}

TEST_CASE("corrected biases give each convolution its mean output back") {
  const TemporaryFolder root;
  const ir::Graph graph = picture_graph();
  const Network folded = fold_batch_norms({graph, seeded});
  Calibrator calibrator = calibrator_for(folded, "folded", root.path);
  const auto folder = build_bundle(job_for(graph, "w4t+bias", root.path));
  REQUIRE(folder);
  const auto bundle = bundle::load_bundle(*folder);
  REQUIRE(bundle);
  const Value weight = find_value(folded.graph, "a.expand.weight");
  const Value bias = find_value(folded.graph, "a.expand.weight.folded_bias");
  const auto inputs = calibrator.inputs_of(weight);
  REQUIRE(inputs);
  const std::vector<float> w = read_parameter(folded, weight).value();
  const std::vector<float> old_bias = read_parameter(folded, bias).value();
  std::vector<float> decoded(w.size());
  bundle::decode_f32(bundle->parameter(find_value(bundle->graph(), "a.expand.weight")), decoded);
  const auto new_bias =
      bundle->parameter(find_value(bundle->graph(), "a.expand.weight.folded_bias")).f32();
  const auto column_count = static_cast<size_t>((*inputs)->column_count);
  for (size_t row = 0; row < old_bias.size(); ++row) {
    double shift = new_bias[row] - old_bias[row];
    double error = 0;
    for (size_t i = 0; i < column_count; ++i)
      error += (static_cast<double>(w[row * column_count + i]) - decoded[row * column_count + i]) *
               (*inputs)->mean[i];
    CHECK(shift == doctest::Approx(error).epsilon(1e-3));
  }
}

TEST_CASE("beside pruned filters biases stay within 32 bits of calibrated integer sums") {
  const TemporaryFolder root;
  for (const char* name : {"static8c", "static8t", "static8c:mse+bias"}) {
    CAPTURE(name);
    Job job = job_for(picture_graph(), name, root.path);
    job.model.source = [](const ir::ValueInfo& info, std::span<float> out) -> Result<void> {
      QB_CHECK(seeded(info, out));
      if (info.name.ends_with("depthwise.weight"))
        for (float& value : out.first(out.size() / 4)) value *= 1e-14f;
      return {};
    };
    job.source_hash = "pruned";
    const auto bundle = bundle::load_bundle(build_bundle(job).value());
    REQUIRE(bundle);
    int checked = 0;
    for (const ir::Node& node : bundle->graph().nodes) {
      if (node.op != ir::Op::conv2d || node.inputs.size() < 3) continue;
      const bundle::Activation input = bundle->activation(node.inputs[0]);
      REQUIRE(input.mode == quant::Activations::measured);
      const quant::PackedView& weight = bundle->parameter(node.inputs[1]).packed;
      const auto bias = bundle->parameter(node.inputs[2]).f32();
      for (size_t row = 0; row < bias.size(); ++row, ++checked)
        CHECK(std::fabs(bias[row]) <= 1.001 * (1 << 30) * static_cast<double>(input.fit.scale) *
                                          weight.scale(static_cast<int64_t>(row), 0));
    }
    CHECK(checked > 100);
  }
}

TEST_CASE("mixed precision keeps to its budget and spends it") {
  const TemporaryFolder root;
  for (const char* name : {"auto:6bpw", "auto:8bpw"}) {
    CAPTURE(name);
    const Job job = job_for(text_graph(), name, root.path);
    const auto folder = build_bundle(job);
    CAPTURE((folder ? "" : folder.error().message));
    REQUIRE(folder);
    const auto errors = layer_errors(job, *folder);
    REQUIRE(errors);
    int64_t weight_count = 0;
    int64_t stored_bytes = 0;
    for (const LayerError& error : *errors) {
      weight_count += error.weight_count;
      stored_bytes += error.stored_bytes;
    }
    const double bits = static_cast<double>(stored_bytes) * 8.0 / static_cast<double>(weight_count);
    CHECK(bits <= job.scheme.target_bits);
    CHECK(bits > job.scheme.target_bits - 1.2);
    CHECK(bundle::load_bundle(*folder)->manifest()["notes"]["chosen"].as_array().size() == 8);
  }
  CHECK(damage_of(text_graph(), "auto:8bpw", root.path) <
        damage_of(text_graph(), "auto:6bpw", root.path));
  const auto too_few = build_bundle(job_for(text_graph(), "auto:4.2bpw", root.path));
  REQUIRE_FALSE(too_few);
  CHECK(too_few.error().code == Errc::unsupported);
}

TEST_CASE("layers are listed worst first, by what their outputs lost where that is known") {
  const TemporaryFolder root;
  const Job job = job_for(text_graph(), "w4g32+gptq", root.path);
  const auto errors = layer_errors(job, build_bundle(job).value());
  REQUIRE(errors);
  CHECK(errors->size() == 8);
  CHECK(std::ranges::is_sorted(
      *errors, {}, [](const LayerError& error) { return error.output_sqnr_db.value(); }));
  for (const LayerError& error : *errors) {
    CHECK(error.stored_as == "w4g32");
    CHECK(error.sqnr_db.value() > 10.0);
  }
}

TEST_CASE("a bundle that rounds what a convolution reads by token is refused") {
  const TemporaryFolder root;
  const auto folder = build_bundle(job_for(picture_graph(), "dyn8c", root.path)).value();
  REQUIRE(bundle::load_bundle(folder));
  std::string text = read_file(folder / "bundle.json").value();
  for (size_t at; (at = text.find("\"dynamic\"")) != std::string::npos;)
    text.replace(at, 9, "\"token\"");
  REQUIRE(write_file_atomically(folder / "bundle.json", text));
  const auto loaded = bundle::load_bundle(folder);
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().message.find("by token") != std::string::npos);
}

TEST_CASE("an option without use, or without data, is refused with the reason") {
  const TemporaryFolder root;
  const auto reason_of = [&](const ir::Graph& graph, std::string_view scheme, bool has_data) {
    Job job = job_for(graph, scheme, root.path);
    if (!has_data) job.calibration.reset();
    const auto folder = build_bundle(job);
    REQUIRE_FALSE(folder);
    return folder.error().message;
  };
  CHECK(reason_of(text_graph(), "w8c+bias", true).find("has none") != std::string::npos);
  CHECK(reason_of(text_graph(), "w8c+gptq", false).find("calibration set") != std::string::npos);
  CHECK(reason_of(picture_graph(), "dyn8c:token", true).find("no tokens") != std::string::npos);
  Builder b("alone");
  b.output(b.linear(b.input("image", ElementType::f32, {Symbol::batch, 1, 1, 4}),
                    b.parameter("w", {2, 4})));
  CHECK(reason_of(b.finish().value(), "w8c+cle", true).find("nonlinearity") != std::string::npos);
}

TEST_CASE("an input is fed from the tensor of its name, and only then from the one of its kind") {
  const TemporaryFolder folder;
  ir::Builder b("two inputs");
  const ir::Shape shape = {ir::Symbol::batch, ir::Symbol::sequence};
  const ir::Value tokens = b.input("tokens", ElementType::i64, shape);
  const ir::Value mask = b.input("mask", ElementType::i64, shape);
  const ir::Value x = b.embedding(tokens, b.parameter("table", {9, 4}));
  b.output(b.apply(ir::Op::mean_tokens, {x, mask}));
  const ir::Graph graph = b.finish().value();
  const int64_t extents[] = {2, 3};
  const std::vector<int64_t> ids = {1, 2, 3, 4, 5, 6};
  const std::vector<int64_t> ones = {1, 1, 1, 1, 1, 0};
  const auto feed_of = [&](std::string_view first, std::string_view second) {
    const bundle::NamedTensor tensors[] = {
        {std::string(first), {ElementType::i64, extents, ids.data()}},
        {std::string(second), {ElementType::i64, extents, ones.data()}}};
    REQUIRE(bundle::save_tensor_file(folder.path / "items", Json::object({}), tensors));
    const auto file = bundle::TensorFile::open(folder.path / "items");
    REQUIRE(file);
    const auto feed = Feed::make(graph, *file);
    if (!feed) return std::vector<int64_t>();
    const Feed::Inputs item = feed->inputs_of(1, 3);
    std::vector<int64_t> values(item.tensors[0].i64().begin(), item.tensors[0].i64().end());
    values.insert(values.end(), item.tensors[1].i64().begin(), item.tensors[1].i64().end());
    return values;
  };
  CHECK(feed_of("tokens", "mask") == std::vector<int64_t>{4, 5, 6, 1, 1, 0});
  CHECK(feed_of("mask", "tokens") == std::vector<int64_t>{1, 1, 0, 4, 5, 6});
  CHECK(feed_of("ids", "mask").empty());  // which of the two is not told
}
