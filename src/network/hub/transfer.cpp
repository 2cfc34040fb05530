#include "network/hub/transfer.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace qb::hub {
namespace {

constexpr int redirect_count_max = 8;
constexpr long connect_s_max = 15;
constexpr size_t header_bytes_max = size_t{256} << 10;  // of one answer

struct CurlUrl {
  std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> handle = {curl_url(), &curl_url_cleanup};

  explicit CurlUrl(const std::string& text) {
    curl_url_set(handle.get(), CURLUPART_URL, text.c_str(), 0);
  }
  std::string part(CURLUPart what) const {
    char* text = nullptr;
    if (curl_url_get(handle.get(), what, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) return {};
    std::string copy = text;
    curl_free(text);
    return copy;
  }
  std::string scheme() const { return part(CURLUPART_SCHEME); }
  std::string host() const { return part(CURLUPART_HOST); }
  // Scheme, host and port: what a token is for.
  std::string origin() const {
    return fmt::format("{}://{}:{}", scheme(), host(), part(CURLUPART_PORT));
  }
};

// One answer while it comes in; callbacks of C get it as their pointer.
struct Exchange {
  const Sink& sink;
  const std::function<bool()>& goes_on;
  CURL* handle;
  Reply reply;
  size_t header_bytes = 0;
  bool has_begun = false;
  bool is_refused = false;  // the sink wanted no more
};

bool takes_body(int64_t status) { return status == 200 || status == 206; }

std::string lower(std::string_view text) {
  std::string copy(text);
  std::ranges::transform(copy, copy.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return copy;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())))
    text.remove_suffix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())))
    text.remove_prefix(1);
  return text;
}

size_t on_header(char* data, size_t, size_t count, void* pointer) {
  auto& exchange = *static_cast<Exchange*>(pointer);
  const std::string_view line(data, count);
  exchange.header_bytes += count;
  if (exchange.header_bytes > header_bytes_max) return 0;
  if (line.starts_with("HTTP/")) exchange.reply.headers.clear();  // a proxy's came before
  if (const size_t colon = line.find(':'); colon != std::string_view::npos)
    exchange.reply.headers[lower(line.substr(0, colon))] = trimmed(line.substr(colon + 1));
  return count;
}

size_t on_bytes(char* data, size_t, size_t count, void* pointer) {
  auto& exchange = *static_cast<Exchange*>(pointer);
  long status = 0;
  curl_easy_getinfo(exchange.handle, CURLINFO_RESPONSE_CODE, &status);
  exchange.reply.status = status;
  if (!takes_body(status)) return count;  // an error's page, or a redirect's: nobody reads it
  if (!exchange.has_begun) {
    exchange.has_begun = true;
    exchange.is_refused = !exchange.sink.begin(exchange.reply);
  }
  if (!exchange.is_refused) exchange.is_refused = !exchange.sink.write({data, count});
  return exchange.is_refused ? 0 : count;
}

int on_progress(void* pointer, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Exchange*>(pointer)->goes_on() ? 0 : 1;
}

// Where the server, or this machine, won't be otherwise in a minute.
bool is_lasting(CURLcode code) {
  static constexpr std::array codes = {
      CURLE_UNSUPPORTED_PROTOCOL, CURLE_URL_MALFORMAT,       CURLE_PEER_FAILED_VERIFICATION,
      CURLE_SSL_CACERT_BADFILE,   CURLE_SSL_CERTPROBLEM,     CURLE_COULDNT_RESOLVE_PROXY,
      CURLE_WRITE_ERROR,          CURLE_ABORTED_BY_CALLBACK, CURLE_OUT_OF_MEMORY};
  return std::ranges::find(codes, code) != codes.end();
}

std::string words_of(CURLcode code, const char* details) {
  if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
    return fmt::format(
        "its certificate isn't trusted here ({}); SSL_CERT_FILE names a file of "
        "certificates that are",
        details);
  if (code == CURLE_OPERATION_TIMEDOUT) return fmt::format("it is too slow ({})", details);
  return *details ? details : curl_easy_strerror(code);
}

bool is_redirect(int64_t status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

}  // namespace

std::string Reply::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string() : found->second;
}

struct Connection::State {
  Settings settings;
  std::string origin;
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> handle = {curl_easy_init(),
                                                                &curl_easy_cleanup};

  Reply get_once(const std::string& url, int64_t first_byte, const Sink& sink,
                 const std::function<bool()>& goes_on);
  void set_up(const std::string& url, int64_t first_byte, curl_slist* headers);
};

Connection::Connection(std::unique_ptr<State> state) : state_(std::move(state)) {}
Connection::Connection(Connection&&) noexcept = default;
Connection::~Connection() = default;

Result<Connection> Connection::open(const Settings& settings) {
  static const bool is_ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  auto state = std::make_unique<State>();
  if (!is_ready || !state->handle) return fail(Errc::unavailable, "libcurl can't be used here");
  state->settings = settings;
  state->origin = CurlUrl(settings.endpoint).origin();
  return Connection(std::move(state));
}

void Connection::State::set_up(const std::string& url, int64_t first_byte, curl_slist* headers) {
  CURL* curl = handle.get();
  curl_easy_reset(curl);  // connections are kept
  const bool is_tls = CurlUrl(url).scheme() == "https";
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, is_tls ? "https" : "http");
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "qbench");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, connect_s_max);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1000L);  // bytes a second
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, static_cast<long>(settings.stall_s));
  curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 512L << 10);
  if (!settings.certificates.empty())
    curl_easy_setopt(curl, CURLOPT_CAINFO, settings.certificates.c_str());
  if (first_byte > 0) curl_easy_setopt(curl, CURLOPT_RANGE, fmt::format("{}-", first_byte).c_str());
}

Reply Connection::State::get_once(const std::string& url, int64_t first_byte, const Sink& sink,
                                  const std::function<bool()>& goes_on) {
  std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers = {nullptr,
                                                                         &curl_slist_free_all};
  const CurlUrl target(url);
  if (!settings.token.empty() && target.scheme() == "https" && target.origin() == origin)
    headers.reset(curl_slist_append(
        nullptr, fmt::format("Authorization: Bearer {}", settings.token).c_str()));
  set_up(url, first_byte, headers.get());
  CURL* curl = handle.get();
  Exchange exchange = {.sink = sink, .goes_on = goes_on, .handle = curl, .reply = {}};
  exchange.reply.host = target.host();
  std::array<char, CURL_ERROR_SIZE> details = {};
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, details.data());
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &exchange);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &exchange);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &exchange);
  const CURLcode code = curl_easy_perform(curl);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, nullptr);
  long status = 0;
  curl_off_t retry_after_s = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &retry_after_s);
  Reply& reply = exchange.reply;
  reply.status = status;
  if (retry_after_s > 0) reply.retry_after_s = retry_after_s;
  if (code != CURLE_OK) {
    reply.trouble = words_of(code, details.data());
    reply.is_lasting = is_lasting(code);
  } else if (takes_body(status) && !exchange.has_begun && !sink.begin(reply)) {  // an empty file
    reply.is_lasting = true;
    reply.trouble = "it sends nothing";
  }
  return std::move(reply);
}

Reply Connection::get(const std::string& url, int64_t first_byte, const Sink& sink,
                      const std::function<bool()>& goes_on) {
  std::string place = url;
  for (int hop = 0;; ++hop) {
    Reply reply = state_->get_once(place, first_byte, sink, goes_on);
    if (!is_redirect(reply.status) || !reply.trouble.empty()) return reply;
    const char* next = nullptr;
    curl_easy_getinfo(state_->handle.get(), CURLINFO_REDIRECT_URL, &next);
    const std::string scheme = next ? CurlUrl(next).scheme() : std::string();
    const bool is_downgrade = CurlUrl(place).scheme() == "https" && scheme != "https";
    reply.is_lasting = true;
    if (scheme != "https" && scheme != "http")
      reply.trouble = "it redirects to no address";
    else if (is_downgrade)
      reply.trouble = fmt::format("it redirects to {}, which has no TLS", CurlUrl(next).host());
    else if (hop == redirect_count_max)
      reply.trouble = fmt::format("more than {} redirects", redirect_count_max);
    if (!reply.trouble.empty()) return reply;
    place = next;
  }
}

}  // namespace qb::hub
