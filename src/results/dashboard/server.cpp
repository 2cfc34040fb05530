#include "results/dashboard/server.h"

#include <fmt/format.h>
#include <httplib.h>

#include <chrono>
#include <memory>
#include <random>
#include <thread>

#include "results/dashboard/answers.h"
#include "results/dashboard/guard.h"
#include "results/front_end/front_end.h"

namespace qb::dashboard {
namespace {

using namespace std::chrono_literals;

constexpr const char* json_type = "application/json; charset=utf-8";
constexpr size_t thread_count = 256;  // each slow connection holds one until it times out
constexpr int waiting_count_max = 512;
constexpr time_t patience_s = 2;
constexpr int stream_count_max = 32;
constexpr auto look_interval = 500ms;

int status_of(Errc code) {
  return code == Errc::not_found ? 404 : code == Errc::bad_input ? 400 : 503;
}

// By a provider, since the library compresses texts that it is given itself, by brotli at its
// slowest: seconds for ECharts, to save a copy within the machine. `owner` keeps the text alive.
void send(httplib::Response& response, std::string_view text, const std::string& media_type,
          std::shared_ptr<const std::string> owner = {}) {
  response.set_content_provider(
      text.size(), media_type,
      [text, owner = std::move(owner)](size_t offset, size_t length, httplib::DataSink& sink) {
        return sink.write(text.data() + offset, length);
      });
}

void send_own(httplib::Response& response, std::string text, const std::string& media_type) {
  const auto owner = std::make_shared<const std::string>(std::move(text));
  send(response, *owner, media_type, owner);
}

void tell(httplib::Response& response, int status, std::string_view message) {
  response.status = status;
  send_own(response, dump_json(Json::object({{"error", message}})), json_type);
}

// Once a page: which of its inline scripts are ours.
std::string draw_nonce() {
  std::random_device source;
  std::string nonce;
  for (int i = 0; i < 4; ++i) nonce += fmt::format("{:08x}", source());
  return nonce;
}

std::string replaced(std::string text, std::string_view name, std::string_view value) {
  for (size_t at = text.find(name); at != std::string::npos;
       at = text.find(name, at + value.size()))
    text.replace(at, name.size(), value);
  return text;
}

// All modules at once, instead of one after another as they import each other.
std::string preloads() {
  std::string links;
  for (const front_end::File& file : front_end::files())
    if (file.media_type == "text/javascript")
      links += fmt::format("<link rel=\"modulepreload\" href=\"/front_end/{}\">", file.name);
  return links;
}

void send_page(httplib::Response& response) {
  const std::string nonce = draw_nonce();
  response.set_header(
      "Content-Security-Policy",
      fmt::format("default-src 'none'; script-src 'self' 'nonce-{}'; style-src 'self' "
                  "'unsafe-inline'; connect-src 'self'; img-src 'self' data: blob:; base-uri "
                  "'none'; form-action 'none'; frame-ancestors 'none'",
                  nonce));
  std::string page(front_end::find_file("dashboard.html")->text);
  page = replaced(std::move(page), "{{nonce}}", nonce);
  page = replaced(std::move(page), "{{preloads}}", preloads());
  page = replaced(std::move(page), "{{import_map}}", front_end::import_map("/front_end/"));
  send_own(response, std::move(page), "text/html; charset=utf-8");
}

class Server {
 public:
  Server(const ServerOptions& options, const std::atomic<bool>& stop)
      : options_(options), stop_(stop), answers_(options.store) {}

  Result<void> run(const std::function<void(const std::string& url)>& started) {
    if (!std::filesystem::exists(options_.store))
      return fail(Errc::not_found, "{}: there is no store yet; `qbench run` makes one",
                  options_.store.string());
    QB_CHECK(answers_.refresh());
    set_up();
    const int port =
        options_.port == 0
            ? http_.bind_to_any_port(options_.address)
            : (http_.bind_to_port(options_.address, options_.port) ? options_.port : -1);
    if (port <= 0)
      return fail(Errc::io, "{}:{} can't be had: is something else there?", options_.address,
                  options_.port);
    // The library keeps five that wait; of a page's connections the sixth would come a second late.
    ::listen(listener_, waiting_count_max);
    hosts_ = own_hosts(options_.address, port);
    hosts_.insert(hosts_.end(), options_.hosts.begin(), options_.hosts.end());
    std::thread watcher([this] { watch(); });
    started(fmt::format("http://{}/", hosts_.front()));
    http_.listen_after_bind();
    is_ended_ = true;
    watcher.join();
    return {};
  }

 private:
  void set_up() {
    http_.new_task_queue = [] { return new httplib::ThreadPool(thread_count); };
    http_.set_read_timeout(patience_s);
    http_.set_write_timeout(patience_s);
    http_.set_keep_alive_timeout(patience_s);
    http_.set_keep_alive_max_count(1000);
    http_.set_payload_max_length(1024);
    http_.set_tcp_nodelay(true);
    http_.set_socket_options([this](auto socket) {
      listener_ = socket;
      const int yes = 1;  // not SO_REUSEPORT, by which another program could share the port
      ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    });
    http_.set_default_headers({{"X-Content-Type-Options", "nosniff"},
                               {"Referrer-Policy", "no-referrer"},
                               {"Cross-Origin-Resource-Policy", "same-origin"},
                               {"Cache-Control", "no-store"}});
    http_.set_pre_routing_handler(
        [this](const httplib::Request& asked, httplib::Response& response) {
          return guard(asked, response);
        });
    http_.set_exception_handler([](const auto&, auto& response, const auto&) {
      tell(response, 500, "qbench made a mistake");
    });
    http_.Get("/", [](const auto&, auto& response) { send_page(response); });
    http_.Get("/front_end/([a-z_]+\\.(?:js|css))", [](const auto& asked, auto& response) {
      const front_end::File* file = front_end::find_file(asked.matches[1].str());
      if (!file) return tell(response, 404, "there is no such file");
      send(response, file->text, std::string(file->media_type));
    });
    add_answer("overview", &Answers::overview);
    add_answer("records", &Answers::records);
    add_answer("runs", &Answers::runs);
    add_answer("series", &Answers::series);
    add_answer("comparison", &Answers::comparison);
    add_answer("record", &Answers::record);
    add_answer("document", &Answers::document);
    http_.Get("/api/events", [this](const auto&, auto& response) { stream(response); });
  }

  static std::string text_of(const Json& json) { return dump_json(json); }
  static std::string text_of(const std::string& json) { return json; }

  template <typename Value>
  void add_answer(const char* name, Result<Value> (Answers::*answer)(const Parameters&) const) {
    http_.Get(fmt::format("/api/{}", name), [this, answer](const auto& asked, auto& response) {
      const Parameters wanted(asked.params.begin(), asked.params.end());
      const Result<Value> answered = (answers_.*answer)(wanted);
      if (!answered)
        return tell(response, status_of(answered.error().code), answered.error().message);
      send_own(response, text_of(*answered), json_type);
    });
  }

  httplib::Server::HandlerResponse guard(const httplib::Request& asked,
                                         httplib::Response& response) const {
    Asked what = {.method = asked.method, .hosts = {}, .origins = {}, .fetch_site = {}};
    const auto all_of = [&](const char* name, std::vector<std::string>& into) {
      for (auto [at, end] = asked.headers.equal_range(name); at != end; ++at)
        into.push_back(at->second);
    };
    all_of("Host", what.hosts);
    all_of("Origin", what.origins);
    const std::string site = asked.get_header_value("Sec-Fetch-Site");
    // Following a link from another page to the dashboard is no asking by that page.
    const bool is_link =
        asked.get_header_value("Sec-Fetch-Mode") == "navigate" && asked.path == "/";
    if (!is_link) what.fetch_site = site;
    const Refusal refusal = judge(what, hosts_);
    if (refusal.status == 0) return httplib::Server::HandlerResponse::Unhandled;
    tell(response, refusal.status, refusal.reason);
    return httplib::Server::HandlerResponse::Handled;
  }

  // An event each time a look at the store found something new.
  void stream(httplib::Response& response) {
    if (++stream_count_ > stream_count_max) {
      --stream_count_;
      return tell(response, 503, "too many pages are open");
    }
    response.set_chunked_content_provider(
        "text/event-stream",
        [this, told = int64_t{-1}, silent = 0](size_t, httplib::DataSink& sink) mutable {
          if (is_ended_ || stop_) {
            sink.done();
            return true;
          }
          const int64_t revision = answers_.revision();
          std::string event;
          if (revision != told)
            event = fmt::format("data: {}\n\n", dump_json(Json::object({{"revision", revision}})));
          else if (++silent % 20 == 0)
            event = ": still here\n\n";
          told = revision;
          if (!event.empty() && !sink.write(event.data(), event.size())) return false;
          std::this_thread::sleep_for(look_interval);
          return true;
        },
        [this](bool) { --stream_count_; });
  }

  void watch() {
    while (!stop_ && !is_ended_) {
      std::this_thread::sleep_for(look_interval);
      (void)answers_.refresh();  // what is wrong is answered to whoever asks
    }
    http_.stop();
  }

  const ServerOptions& options_;
  const std::atomic<bool>& stop_;
  Answers answers_;
  httplib::Server http_;
  int listener_ = -1;
  std::vector<std::string> hosts_;
  std::atomic<int> stream_count_ = 0;
  std::atomic<bool> is_ended_ = false;
};

}  // namespace

Result<void> serve(const ServerOptions& options, const std::atomic<bool>& stop,
                   const std::function<void(const std::string& url)>& started) {
  Server server(options, stop);
  return server.run(started);
}

}  // namespace qb::dashboard
