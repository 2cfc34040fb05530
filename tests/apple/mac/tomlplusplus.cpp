// Homebrew's toml++ is a library too: its C++ names depend on the standard library, so Debian's
// won't do.
#define TOML_HEADER_ONLY 0
#define TOML_IMPLEMENTATION
#include <toml++/toml.hpp>
