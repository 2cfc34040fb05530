#include "cli/interruption.h"

#include <csignal>

namespace qb::cli {
namespace {

std::atomic<bool> is_interrupted = false;

void on_interrupt(int signal) {
  is_interrupted = true;
  std::signal(signal, SIG_DFL);
}

}  // namespace

void watch_interruption() {
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
}

const std::atomic<bool>& interruption() { return is_interrupted; }

}  // namespace qb::cli
