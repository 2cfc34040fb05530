// Whether a device's matrix products are right, asked once a run before it is measured.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "base/json.h"
#include "base/result.h"
#include "orchestration/runner/frameworks.h"

namespace qb::campaign {

class Products {
 public:
  using Ask = std::function<Result<Json>(const runner::Framework&, const std::string& device)>;
  explicit Products(Ask ask) : ask_(std::move(ask)) {}

  // Writes manifest "products", for devices other than the CPU. A check that couldn't be made is
  // written there and stops nothing. Errors: framework_failed, products that are wrong.
  Result<void> check(const runner::Framework& framework, const std::string& device, Json& manifest);

 private:
  Ask ask_;
  std::map<std::pair<std::string, std::string>, Json> known_;  // by framework and device
};

}  // namespace qb::campaign
