// qbench: the command line.
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "base/file.h"
#include "base/processor.h"
#include "cli/nearest.h"
#include "cli/verbs.h"

namespace qb::cli {
namespace {

// The verb comes first: a word there that is none has no options to be judged by.
Result<void> check_verb(const CLI::App& app, int argument_count, char** arguments) {
  std::vector<std::string> verbs;
  for (const CLI::App* verb : app.get_subcommands({})) verbs.push_back(verb->get_name());
  const std::string given = argument_count > 1 ? arguments[1] : "";
  if (given.starts_with("-") || std::ranges::find(verbs, given) != verbs.end()) return {};
  if (given.empty())
    return fail(Errc::bad_input, "say what to do: one of {}; --help tells more",
                fmt::join(verbs, " "));
  return fail(Errc::bad_input, "\"{}\" is no verb; did you mean \"{}\"? There are: {}", given,
              nearest_of(given, verbs), fmt::join(verbs, " "));
}

// What was printed must have arrived. A reader that wanted no more, as `head` does, is no error.
int finish_output(int code) {
  errno = 0;
  const bool is_flushed = std::fflush(stdout) == 0;
  if ((is_flushed && !std::ferror(stdout)) || errno == EPIPE) return code;
  refuse(fmt::format("standard output: cannot write{}",
                     errno == 0 ? std::string() : ": " + system_message()));
  return code == exit_ok ? exit_failed : code;
}

int main_of(int argument_count, char** arguments) {
  CLI::App app("Benchmarks quantized neural networks across frameworks and devices.", "qbench");
  app.require_subcommand(1);
  app.set_version_flag("--version", QB_VERSION);
  VerbOptions options;
  add_verbs(app, options);
  if (const auto verb = check_verb(app, argument_count, arguments); !verb)
    return refuse(verb.error().message);
  try {
    app.parse(argument_count, arguments);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? exit_ok : exit_usage;
  }
  return carry_out(app, options);
}

}  // namespace
}  // namespace qb::cli

int main(int argument_count, char** arguments) {
  if (const auto fits = qb::check_processor(); !fits) return qb::cli::refuse(fits.error().message);
  return qb::cli::finish_output(qb::cli::main_of(argument_count, arguments));
}
