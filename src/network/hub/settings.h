// How the hub is reached, by the variables that its own tools read.
#pragma once

#include <filesystem>
#include <string>

#include "base/environment.h"
#include "base/result.h"

namespace qb::hub {

struct Settings {
  std::string endpoint = "https://huggingface.co";  // HF_ENDPOINT, without a '/' at its end
  std::string token;                                // "" for none
  std::string token_source;                         // "HF_TOKEN", or the file's path
  std::filesystem::path cache;  // HF_HUB_CACHE, else HF_HOME/hub, else ~/.cache/huggingface/hub
  std::filesystem::path certificates;  // SSL_CERT_FILE and the like; "" for the system's
  bool is_offline = false;             // HF_HUB_OFFLINE
  int64_t stall_s = 30;                // HF_HUB_DOWNLOAD_TIMEOUT: no more than that without bytes
};

// Error: bad_input, for a variable that says nothing useful; io, for a token's file that can't be
// read. A token's file that is not there is no error.
Result<Settings> settings_of(const Environment& environment);

}  // namespace qb::hub
