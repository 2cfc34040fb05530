#include "results/dashboard/guard.h"

#include <doctest/doctest.h>

using namespace qb::dashboard;

TEST_CASE("a request is answered only under the dashboard's own names, and to its own page") {
  const std::vector<std::string> hosts = own_hosts("127.0.0.1", 7300);
  const Asked own = {.method = "GET", .hosts = {"127.0.0.1:7300"}, .origins = {}, .fetch_site = ""};
  CHECK(judge(own, hosts).status == 0);
  struct Row {
    const char* what;
    Asked asked;
    int status;
  };
  const Row rows[] = {
      {"localhost", {"GET", {"localhost:7300"}, {}, ""}, 0},
      {"its own origin", {"GET", {"localhost:7300"}, {"http://localhost:7300"}, "same-origin"}, 0},
      {"typed into the address bar", {"GET", {"localhost:7300"}, {}, "none"}, 0},
      {"rebound name", {"GET", {"evil.example:7300"}, {}, ""}, 421},
      {"own name as a part", {"GET", {"localhost:7300.evil.example"}, {}, ""}, 421},
      {"another port", {"GET", {"localhost:7301"}, {}, ""}, 421},
      {"no port", {"GET", {"localhost"}, {}, ""}, 421},
      {"capitals", {"GET", {"LOCALHOST:7300"}, {}, ""}, 421},
      {"two hosts", {"GET", {"localhost:7300", "evil.example"}, {}, ""}, 421},
      {"no host", {"GET", {}, {}, ""}, 421},
      {"foreign origin", {"GET", {"localhost:7300"}, {"http://evil.example"}, ""}, 403},
      {"opaque origin", {"GET", {"localhost:7300"}, {"null"}, ""}, 403},
      {"origin of another scheme",
       {"GET", {"localhost:7300"}, {"https://localhost:7300"}, ""},
       403},
      {"a foreign page's picture", {"GET", {"localhost:7300"}, {}, "cross-site"}, 403},
      {"writing", {"POST", {"localhost:7300"}, {"http://localhost:7300"}, ""}, 405},
      {"deleting", {"DELETE", {"localhost:7300"}, {}, ""}, 405},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    CHECK(judge(row.asked, hosts).status == row.status);
  }
}
