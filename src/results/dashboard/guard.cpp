#include "results/dashboard/guard.h"

#include <fmt/format.h>

#include <algorithm>

namespace qb::dashboard {

Refusal judge(const Asked& asked, const std::vector<std::string>& allowed_hosts) {
  const auto is_allowed = [&](const std::string& host) {
    return std::ranges::find(allowed_hosts, host) != allowed_hosts.end();
  };
  if (asked.hosts.size() != 1 || !is_allowed(asked.hosts.front()))
    return {421, "this dashboard isn't called so: see qbench serve --host"};
  constexpr std::string_view scheme = "http://";
  for (const std::string& origin : asked.origins)
    if (!origin.starts_with(scheme) || !is_allowed(origin.substr(scheme.size())))
      return {403, "asked by another page"};
  if (asked.fetch_site == "cross-site" || asked.fetch_site == "same-site")
    return {403, "asked by another page"};
  if (asked.method != "GET" && asked.method != "HEAD") return {405, "this dashboard only reads"};
  return {};
}

std::vector<std::string> own_hosts(std::string_view address, int port) {
  std::vector<std::string> hosts;
  const bool is_loopback = address == "127.0.0.1" || address == "::1";
  if (address.find(':') != std::string_view::npos)
    hosts.push_back(fmt::format("[{}]:{}", address, port));
  else
    hosts.push_back(fmt::format("{}:{}", address, port));
  if (is_loopback) hosts.push_back(fmt::format("localhost:{}", port));
  return hosts;
}

}  // namespace qb::dashboard
