#include "network/hub/refusal.h"

#include <doctest/doctest.h>

using namespace qb;
using namespace qb::hub;

namespace {

std::string message_of(int64_t status, const std::string& code, const std::string& token,
                       std::string_view path = "") {
  Settings settings = {
      .endpoint = "https://hub.example", .token = token, .token_source = "HF_TOKEN"};
  Reply reply = {.status = status, .host = "hub.example"};
  if (!code.empty()) reply.headers["x-error-code"] = code;
  return refusal_of(reply, {"a/b", "v1"}, path, settings).message;
}

bool has(const std::string& text, std::string_view word) {
  return text.find(word) != std::string::npos;
}

}  // namespace

TEST_CASE("each refusal says what is missing and what to do") {
  CHECK(has(message_of(404, "RevisionNotFound", ""), "a/b has no revision \"v1\""));
  CHECK(has(message_of(404, "EntryNotFound", "", "x.json"), "no file x.json"));
  CHECK(has(message_of(404, "RepoNotFound", "hf_x"), "private (the token of HF_TOKEN was sent)"));
  CHECK(has(message_of(401, "RepoNotFound", ""), "private (no token was sent: set HF_TOKEN)"));
  CHECK(has(message_of(401, "", "hf_x"), "doesn't take the token of HF_TOKEN"));
  CHECK(has(message_of(403, "GatedRepo", ""), "licence at https://hub.example/a/b"));
  CHECK(has(message_of(403, "", "hf_x", "x"), "no access to a/b@v1"));
  CHECK(has(message_of(502, "", ""), "status 502"));
}

TEST_CASE("no refusal shows the token") {
  for (const int64_t status : {400, 401, 403, 404, 429, 500})
    for (const char* code : {"", "GatedRepo", "RepoNotFound", "RevisionNotFound"})
      CHECK_FALSE(has(message_of(status, code, "hf_secret"), "hf_secret"));
}
