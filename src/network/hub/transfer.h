// One request to a server, with its redirects: libcurl, and nothing of it outside of transfer.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "network/hub/settings.h"

namespace qb::hub {

// What came back. `status` 0: no answer, or none to its end; `trouble` says why.
struct Reply {
  int64_t status = 0;                          // of the last answer: 200, 404, …
  std::map<std::string, std::string> headers;  // of the last answer; names in lower case
  std::string host;                            // that gave the last answer
  std::string trouble;                         // of the connection, in libcurl's words
  bool is_lasting = false;                     // another try would have the same trouble
  std::optional<int64_t> retry_after_s;        // what the server asks for

  bool is_whole() const { return trouble.empty() && (status == 200 || status == 206); }
  std::string header(const std::string& name) const;  // "" for none
};

// The bytes of an answer with status 200 or 206. False ends the transfer.
struct Sink {
  std::function<bool(const Reply& head)> begin;  // before the first of them
  std::function<bool(std::string_view bytes)> write;
};

class Connection {
 public:
  static Result<Connection> open(const Settings& settings);
  Connection(Connection&&) noexcept;
  ~Connection();

  // From `first_byte` on; a server may ignore that and say 200. `goes_on` is asked several times a
  // second, and false ends the transfer. The token goes to the hub itself, over TLS, and to no
  // other server; from TLS no redirect leads to a server without.
  Reply get(const std::string& url, int64_t first_byte, const Sink& sink,
            const std::function<bool()>& goes_on);

 private:
  struct State;
  explicit Connection(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace qb::hub
