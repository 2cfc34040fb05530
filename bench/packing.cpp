// How fast fp32 weights become a bundle: every matrix of a safetensors file as the weight of a
// linear, from the mapped file to the synced bundle.
//
//   bench_packing FILE.safetensors SCHEME THREADS FOLDER
//
// Prints JSON: bytes read, seconds (whole, and of quantizing without reading and writing), and the
// most memory resident.
#include <cstdio>
#include <cstdlib>

#include "base/clock.h"
#include "base/json.h"
#include "compression/compress/compress.h"
#include "compression/quant/quantize.h"
#include "measurement/probes/process.h"
#include "network/ir/builder.h"
#include "network/weights/weight_file.h"

using namespace qb;

namespace {

Result<ir::Graph> graph_of(const weights::WeightFile& file) {
  ir::Builder b("packing");
  for (const weights::StoredTensor& tensor : file.tensors)
    b.output(b.linear(
        b.input("x." + tensor.name, ElementType::f32, {ir::Symbol::batch, tensor.shape.at(1)}),
        b.parameter(tensor.name, {tensor.shape.at(0), tensor.shape.at(1)})));
  return b.finish();
}

Result<Json> measure(char** arguments) {
  QB_TRY(const weights::WeightFile file, weights::load_safetensors(arguments[1]));
  compress::Job job;
  QB_TRY(job.scheme, quant::find_scheme(arguments[2]));
  QB_TRY(job.model.graph, graph_of(file));
  job.thread_count = std::atoll(arguments[3]);
  job.root = arguments[4];
  job.source_hash = std::to_string(now_ns());  // never found: always built
  int64_t bytes = 0;
  job.model.source = [&](const ir::ValueInfo& info, std::span<float> out) -> Result<void> {
    bytes += static_cast<int64_t>(out.size_bytes());
    QB_CHECK(weights::decode_f32(*file.find(info.name), out, job.thread_count));
    for (const MappedFile& mapping : file.mappings) mapping.drop_resident_pages();
    return {};
  };
  const int64_t start = now_ns();
  QB_TRY(const std::filesystem::path folder, compress::build_bundle(job));
  const int64_t whole_ns = now_ns() - start;
  const int64_t peak = probes::peak_resident_bytes().value_or(0);
  // The arithmetic alone, on values in memory.
  int64_t quantizing_ns = 0;
  std::vector<float> values;
  for (const weights::StoredTensor& tensor : file.tensors) {
    values.resize(tensor.element_count());
    QB_CHECK(weights::decode_f32(tensor, values));
    const int64_t before = now_ns();
    const quant::Packed packed =
        quant::quantize(values, quant::layout_for(job.scheme, tensor.shape[0], tensor.shape[1]),
                        quant::scale_fit_of(job.scheme), job.thread_count);
    quantizing_ns += now_ns() - before;
    if (packed.codes.empty()) return fail(Errc::bad_input, "{} is empty", tensor.name);
  }
  std::filesystem::remove_all(folder);
  return Json::object({{"bytes", bytes},
                       {"whole_s", static_cast<double>(whole_ns) * 1e-9},
                       {"quantizing_s", static_cast<double>(quantizing_ns) * 1e-9},
                       {"peak_rss_bytes", peak}});
}

}  // namespace

int main(int argument_count, char** arguments) {
  if (argument_count != 5) {
    std::fprintf(stderr, "usage: bench_packing FILE.safetensors SCHEME THREADS FOLDER\n");
    return 2;
  }
  const Result<Json> result = measure(arguments);
  if (!result) {
    std::fprintf(stderr, "bench_packing: %s\n", result.error().message.c_str());
    return 1;
  }
  std::puts(dump_json(*result).c_str());
  return 0;
}
