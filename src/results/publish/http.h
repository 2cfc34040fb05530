// One request to a server that answers with JSON: libcurl, and nothing of it outside of http.cpp.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "base/json.h"
#include "base/result.h"

namespace qb::publish {

struct HttpSettings {
  std::string token;  // sent as "Authorization: Bearer"; else user and password; "" for none
  std::string user;
  std::string password;
  std::filesystem::path certificates;  // that are trusted; "" for the system's
  bool trusts_any = false;             // whatever the server's certificate is
  int64_t timeout_s = 120;             // of one request
};

struct Reply {
  int64_t status = 0;
  Json json;  // null where the answer is none
};

class Http {
 public:
  static Result<Http> open(const HttpSettings& settings);
  Http(Http&&) noexcept;
  ~Http();

  // `content_type` "" sends no body. No redirect is followed: what is sent is for this server.
  // Errors: no answer in time, or one that is no JSON where its status is 200.
  Result<Reply> send(const std::string& method, const std::string& url,
                     const std::string& content_type, const std::string& body);
  Result<Reply> post(const std::string& url, const Json& json) {
    return send("POST", url, "application/json", dump_json(json));
  }
  // Whatever it answers, if the status says that it took it: what webhooks do.
  Result<void> deliver(const std::string& url, const Json& json);

 private:
  struct Answer {
    int64_t status = 0;
    std::string content_type;
    std::string body;
  };
  Result<Answer> perform(const std::string& method, const std::string& url,
                         const std::string& content_type, const std::string& body);
  struct State;
  explicit Http(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace qb::publish
