// Which requests are answered: those of a browser that shows this dashboard, and of no other page.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace qb::dashboard {

struct Asked {
  std::string_view method;
  std::vector<std::string> hosts;    // each Host header there is
  std::vector<std::string> origins;  // each Origin header
  std::string_view fetch_site;       // Sec-Fetch-Site; "" for none
};

struct Refusal {
  int status = 0;  // 0: none, the request is answered
  std::string_view reason = {};
};

// A page elsewhere whose name was made to lead here (DNS rebinding) still names itself in Host;
// `allowed_hosts` ("localhost:7300") are compared as they are. Nothing here writes, so that GET and
// HEAD are all there is.
Refusal judge(const Asked& asked, const std::vector<std::string>& allowed_hosts);

// The names by which the address itself is reached, with the port.
std::vector<std::string> own_hosts(std::string_view address, int port);

}  // namespace qb::dashboard
