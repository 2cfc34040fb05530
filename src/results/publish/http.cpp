#include "results/publish/http.h"

#include <curl/curl.h>

#include <array>

namespace qb::publish {
namespace {

constexpr long connect_s_max = 15;
constexpr size_t answer_bytes_max = size_t{64} << 20;

size_t append(char* data, size_t, size_t count, void* pointer) {
  auto& answer = *static_cast<std::string*>(pointer);
  if (answer.size() + count > answer_bytes_max) return 0;
  answer.append(data, count);
  return count;
}

std::string content_type_of(CURL* curl) {
  const char* type = nullptr;
  curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
  return type ? type : "no content type";
}

}  // namespace

struct Http::State {
  HttpSettings settings;
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> handle = {curl_easy_init(),
                                                                &curl_easy_cleanup};

  void authorize(curl_slist*& headers) const {
    CURL* curl = handle.get();
    if (!settings.token.empty()) {
      headers = curl_slist_append(headers,
                                  fmt::format("Authorization: Bearer {}", settings.token).c_str());
    } else if (!settings.user.empty()) {
      curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
      curl_easy_setopt(curl, CURLOPT_USERNAME, settings.user.c_str());
      curl_easy_setopt(curl, CURLOPT_PASSWORD, settings.password.c_str());
    }
    if (!settings.certificates.empty())
      curl_easy_setopt(curl, CURLOPT_CAINFO, settings.certificates.c_str());
    if (settings.trusts_any) {
      curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
      curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    }
  }
};

Http::Http(std::unique_ptr<State> state) : state_(std::move(state)) {}
Http::Http(Http&&) noexcept = default;
Http::~Http() = default;

Result<Http> Http::open(const HttpSettings& settings) {
  static const bool is_ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  auto state = std::make_unique<State>();
  if (!is_ready || !state->handle) return fail(Errc::unavailable, "libcurl can't be used here");
  state->settings = settings;
  return Http(std::move(state));
}

Result<Http::Answer> Http::perform(const std::string& method, const std::string& url,
                                   const std::string& content_type, const std::string& body) {
  CURL* curl = state_->handle.get();
  curl_easy_reset(curl);  // connections are kept
  curl_slist* headers = nullptr;
  state_->authorize(headers);
  if (!content_type.empty()) {
    headers = curl_slist_append(headers, fmt::format("Content-Type: {}", content_type).c_str());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.c_str());
  }
  headers = curl_slist_append(headers, "Expect:");  // no server here is asked before
  const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> owned = {headers,
                                                                             &curl_slist_free_all};
  std::string answer;
  std::array<char, CURL_ERROR_SIZE> details = {};
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method.c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "qbench");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, connect_s_max);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, static_cast<long>(state_->settings.timeout_s));
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, details.data());
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, append);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
  const CURLcode code = curl_easy_perform(curl);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, nullptr);
  if (code != CURLE_OK)
    return fail(code == CURLE_OPERATION_TIMEDOUT ? Errc::timed_out : Errc::unavailable, "{}",
                details[0] ? details.data() : curl_easy_strerror(code));
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  return Answer{status, content_type_of(curl), std::move(answer)};
}

Result<Reply> Http::send(const std::string& method, const std::string& url,
                         const std::string& content_type, const std::string& body) {
  QB_TRY(const Answer answer, perform(method, url, content_type, body));
  Reply reply = {.status = answer.status};
  if (Result<Json> json = parse_json(answer.body); json)
    reply.json = *std::move(json);
  else if (answer.status == 200)
    return fail(Errc::unavailable, "it answers with {} where JSON is expected",
                answer.content_type);
  return reply;
}

Result<void> Http::deliver(const std::string& url, const Json& json) {
  QB_TRY(const Answer answer, perform("POST", url, "application/json", dump_json(json)));
  if (answer.status < 200 || answer.status >= 300)
    return fail(Errc::unavailable, "it answers with {}", answer.status);
  return {};
}

}  // namespace qb::publish
