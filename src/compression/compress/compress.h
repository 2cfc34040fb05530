// From a model and a scheme to a bundle: fold, equalise, calibrate, choose bits, fit, write.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "compression/compress/calibrate.h"
#include "compression/compress/network.h"
#include "compression/quant/scheme.h"

namespace qb::compress {

struct Job {
  Network model;
  quant::Scheme scheme;
  // Of a checkpoint that another tool quantized: a weight as it lies there, for "as-is"; empty:
  // there is no checkpoint. The result is valid until the next call.
  std::function<Result<bundle::Stored>(const ir::ValueInfo&)> given;
  // The weights of that checkpoint whose inputs are rounded to 8 bits, by token.
  std::set<std::string> read_in_8_bits;
  std::string weights = "synthetic";  // or "pretrained"
  std::string source_hash;
  std::optional<CalibrationSet> calibration;  // what scheme.needs_calibration() asks for
  std::filesystem::path root;                 // of bundles
  int64_t thread_count = 1;                   // changes the time only, never a bit
  Tell tell;                                  // may be empty
};

// The folder of the bundle, found or built. A scheme that is plain rounding holds one parameter at
// a time in memory; one that is calibrated writes the fp32 network as a bundle of its own first,
// and runs it. Errors: unsupported (an option that does nothing on this network), bad values, disk.
Result<std::filesystem::path> build_bundle(const Job& job);

struct NetworkJob {
  std::string name;  // "" of a model's only network
  Job job;
};

// The folder of the model, see bundle/model.h: each network by build_bundle, below the root of the
// first. Errors: as of build_bundle, with the network's name; unsupported, for a scheme that is
// calibrated where there are several, since what one reads comes from another.
Result<std::filesystem::path> build_model(std::span<const NetworkJob> networks);

// What quantizing did to a weight.
struct LayerError {
  std::string parameter;
  std::string roles;      // "linear"
  std::string stored_as;  // "w4g32", "q8_0", "fp16"
  int64_t weight_count = 0;
  int64_t stored_bytes = 0;
  // 10 log10(sum w² / sum (w - w')²), in dB; absent when nothing is lost.
  std::optional<double> sqnr_db;
  // The same of the layer's outputs on the calibration set; absent without one.
  std::optional<double> output_sqnr_db;
};

// By what is lost of the layer's outputs, where that is known, else of its weights.
bool is_worse(const LayerError& a, const LayerError& b);

// Of every quantized parameter, the worst first. `folder` is the job's bundle.
Result<std::vector<LayerError>> layer_errors(const Job& job, const std::filesystem::path& folder);

}  // namespace qb::compress
