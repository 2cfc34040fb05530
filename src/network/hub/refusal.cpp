#include "network/hub/refusal.h"

#include "base/printable.h"

namespace qb::hub {
namespace {

std::string token_text(const Settings& settings) {
  if (settings.token.empty()) return "no token was sent: set HF_TOKEN";
  if (!settings.endpoint.starts_with("https"))
    return "the token was not sent, since the hub has no TLS";
  return fmt::format("the token of {} was sent", settings.token_source);
}

Error not_found(const Reply& reply, const RepositoryName& name, std::string_view path,
                const Settings& settings) {
  const std::string code = reply.header("x-error-code");
  if (code == "RevisionNotFound")
    return {Errc::not_found, fmt::format("{} has no revision \"{}\" at {}", name.id, name.revision,
                                         settings.endpoint)};
  if (!path.empty())
    return {Errc::not_found,
            fmt::format("{} has no file {} at {}", text_of(name), path, settings.endpoint)};
  return {Errc::not_found, fmt::format("there is no model {} at {}, or it is private ({})", name.id,
                                       settings.endpoint, token_text(settings))};
}

Error unauthorized(const Reply& reply, const RepositoryName& name, std::string_view path,
                   const Settings& settings) {
  const std::string code = reply.header("x-error-code");
  if (code == "GatedRepo") return gated(name, settings);
  // The hub says 401 of what isn't there too, to whom it doesn't know.
  if (code == "RepoNotFound" || (reply.status == 401 && settings.token.empty()))
    return not_found(reply, name, path, settings);
  if (reply.status == 401)
    return {Errc::bad_input,
            fmt::format("{} doesn't take the token of {}: it may be mistyped, or no longer valid",
                        settings.endpoint, settings.token_source)};
  return {Errc::bad_input, fmt::format("{} gives no access to {} ({}){}", settings.endpoint,
                                       text_of(name), token_text(settings),
                                       reply.header("x-error-message").empty()
                                           ? ""
                                           : ": " + printable(reply.header("x-error-message")))};
}

}  // namespace

Error gated(const RepositoryName& name, const Settings& settings) {
  return {
      Errc::bad_input,
      fmt::format("{} is gated: accept its licence at {}/{} and set HF_TOKEN to a token of that "
                  "account ({})",
                  name.id, settings.endpoint, name.id, token_text(settings))};
}

Error refusal_of(const Reply& reply, const RepositoryName& name, std::string_view path,
                 const Settings& settings) {
  const std::string what =
      path.empty() ? text_of(name) : fmt::format("{}: {}", text_of(name), path);
  if (!reply.trouble.empty())
    return {Errc::unavailable,
            fmt::format("{}: {}: {}", what, reply.host, printable(reply.trouble))};
  if (reply.status == 404) return not_found(reply, name, path, settings);
  if (reply.status == 401 || reply.status == 403) return unauthorized(reply, name, path, settings);
  if (reply.status == 429)
    return {
        Errc::unavailable,
        fmt::format(
            "{}: {} wants fewer requests{}; {}", what, reply.host,
            reply.retry_after_s ? fmt::format(", the next one in {} s", *reply.retry_after_s) : "",
            token_text(settings))};
  return {Errc::unavailable,
          fmt::format("{}: {} answers with status {}", what, reply.host, reply.status)};
}

}  // namespace qb::hub
