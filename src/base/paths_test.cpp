#include "base/paths.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

using namespace qb;

namespace {

// The environment variable for the length of a test; null: not set.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    const char* old = std::getenv(name);
    was_set_ = old != nullptr;
    if (old) old_ = old;
    set(value);
  }
  Variable(const Variable&) = delete;
  ~Variable() { set(was_set_ ? old_.c_str() : nullptr); }

 private:
  void set(const char* value) const {
    if (value)
      ::setenv(name_, value, 1);
    else
      ::unsetenv(name_);
  }
  const char* name_;
  bool was_set_ = false;
  std::string old_;
};

}  // namespace

TEST_CASE("the user's folders: qbench's own variable, then XDG's if absolute, then home") {
  struct Row {
    const char *own, *xdg, *home;
    const char* folder;  // null: refused
  };
  const Row rows[] = {
      {"here", "/xdg", "/home/a", "here"},
      {nullptr, "/xdg", "/home/a", "/xdg/qbench"},
      {nullptr, "relative", "/home/a", "/home/a/.local/share/qbench"},
      {nullptr, "", "/home/a", "/home/a/.local/share/qbench"},
      {"", nullptr, "/home/a", "/home/a/.local/share/qbench"},
      {nullptr, "/xdg", nullptr, "/xdg/qbench"},
      {nullptr, nullptr, nullptr, nullptr},
      {nullptr, nullptr, "", nullptr},
      {nullptr, "relative", "relative", nullptr},
  };
  for (const Row& row : rows) {
    const Variable own("QBENCH_HOME", row.own);
    const Variable xdg("XDG_DATA_HOME", row.xdg);
    const Variable home("HOME", row.home);
    const auto folder = home_folder();
    REQUIRE(folder.has_value() == (row.folder != nullptr));
    if (row.folder)
      CHECK(*folder == row.folder);
    else
      CHECK(folder.error().message.ends_with("set HOME, or QBENCH_HOME to a folder"));
  }
}
