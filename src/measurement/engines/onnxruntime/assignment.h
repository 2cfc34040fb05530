// What runs after optimization, as ONNX Runtime tells it.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/json.h"
#include "measurement/engines/onnxruntime/runtime.h"

namespace qb::ort {

using Counts = std::map<std::string, int64_t>;

struct Assignment {
  Counts kernels;    // nodes by operator
  Counts providers;  // nodes by execution provider
};

inline Assignment assignment_of(const Ort::Session& session) {
  Assignment assignment;
  for (const auto& subgraph : session.GetEpGraphAssignmentInfo()) {
    for (const auto& node : subgraph.GetNodes()) {
      ++assignment.kernels[node.GetOperatorType()];
      ++assignment.providers[subgraph.GetEpName()];
    }
  }
  return assignment;
}

inline Json to_json(const Counts& counts) {
  Json json = Json::object({});
  for (const auto& [name, count] : counts) json.set(name, count);
  return json;
}

}  // namespace qb::ort
