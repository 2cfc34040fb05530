// Reads a suite with toml++.
#include "orchestration/spec/suite.h"

#include <toml++/toml.h>

#include <functional>
#include <optional>
#include <sstream>

#include "base/file.h"
#include "base/number.h"
#include "task/task.h"

namespace qb::spec {
namespace {

// One table of the file, with the name it has in messages.
struct Section {
  const toml::table& table;
  std::string origin;
  std::string name;

  tl::unexpected<Error> refuse(const toml::node& at, std::string_view field,
                               std::string_view reason) const {
    return fail(Errc::bad_input, "{}:{}: {}{}{}: {}", origin, at.source().begin.line, name,
                name.empty() ? "" : ".", field, reason);
  }
};

using Reader = std::function<Result<void>(const Section&, const toml::node&)>;
struct Field {
  std::string_view name;
  Reader read;
};

// Reads every field that is there; one that no row names is an error that lists the known ones.
Result<void> read_fields(const Section& section, std::span<const Field> fields) {
  for (const auto& [key, node] : section.table) {
    std::string known;
    bool found = false;
    for (const Field& field : fields) {
      known += fmt::format("{}{}", known.empty() ? "" : ", ", field.name);
      if (field.name != key.str()) continue;
      QB_CHECK(field.read(section, node));
      found = true;
    }
    if (!found)
      return section.refuse(node, key.str(), fmt::format("unknown field; known: {}", known));
  }
  return {};
}

Field text(std::string_view name, std::string& target) {
  return {name, [name, &target](const Section& section, const toml::node& node) -> Result<void> {
            const auto value = node.value_exact<std::string>();
            if (!value || value->empty()) return section.refuse(node, name, "must be a text");
            target = *value;
            return {};
          }};
}

Field integer(std::string_view name, int64_t& target, int64_t smallest) {
  return {
      name,
      [name, &target, smallest](const Section& section, const toml::node& node) -> Result<void> {
        const auto value = node.value_exact<int64_t>();
        if (!value || *value < smallest || *value > 1'000'000'000)
          return section.refuse(node, name,
                                fmt::format("must be an integer of at least {}", smallest));
        target = *value;
        return {};
      }};
}

Field boolean(std::string_view name, bool& target) {
  return {name, [name, &target](const Section& section, const toml::node& node) -> Result<void> {
            const auto value = node.value_exact<bool>();
            if (!value) return section.refuse(node, name, "must be true or false");
            target = *value;
            return {};
          }};
}

// Between 0 and 1, both excluded.
Field share(std::string_view name, double& target) {
  return {name, [name, &target](const Section& section, const toml::node& node) -> Result<void> {
            const auto value = node.value_exact<double>();
            if (!value || !(*value > 0.0 && *value < 1.0))
              return section.refuse(node, name, "must be a number between 0 and 1, such as 0.02");
            target = *value;
            return {};
          }};
}

Field duration(std::string_view name, int64_t& target) {
  return {name, [name, &target](const Section& section, const toml::node& node) -> Result<void> {
            const auto value = parse_duration(node.value_or(std::string()));
            if (!value) return section.refuse(node, name, value.error().message);
            target = *value;
            return {};
          }};
}

Field bytes(std::string_view name, int64_t& target) {
  return {name, [name, &target](const Section& section, const toml::node& node) -> Result<void> {
            const auto value = parse_bytes(node.value_or(std::string()));
            if (!value) return section.refuse(node, name, value.error().message);
            target = *value;
            return {};
          }};
}

// The items of a list, or the one thing that stands in its place.
std::vector<const toml::node*> items_of(const toml::node& node) {
  std::vector<const toml::node*> items;
  if (const toml::array* array = node.as_array())
    for (const toml::node& item : *array) items.push_back(&item);
  else
    items.push_back(&node);
  return items;
}

Field names(std::string_view name, std::vector<std::string>& target) {
  return {name, [name, &target](const Section& section, const toml::node& node) -> Result<void> {
            target.clear();
            for (const toml::node* item : items_of(node)) {
              if (!item->is_string()) return section.refuse(node, name, "must be a list of names");
              target.push_back(*item->value<std::string>());
            }
            if (target.empty()) return section.refuse(node, name, "must be a list of names");
            return {};
          }};
}

// Values of an axis. 20 is a rate as good as 20.0, but 2.5 no count.
Field numbers(const task::Axis& axis, Benchmark& benchmark) {
  return {axis.suite_key,
          [&axis, &benchmark](const Section& section, const toml::node& node) -> Result<void> {
            std::vector<double>& target = benchmark.axes[std::string(axis.name)];
            target.clear();
            for (const toml::node* item : items_of(node)) {
              if (!(axis.is_integer ? item->is_integer() : item->is_number()) ||
                  !task::check(axis, *item->value<double>()))
                return section.refuse(node, axis.suite_key, task::limits_text(axis));
              target.push_back(*item->value<double>());
            }
            if (target.empty())
              return section.refuse(node, axis.suite_key, task::limits_text(axis));
            return {};
          }};
}

Result<void> read_protocol(const Section& section, Protocol& protocol) {
  const Field fields[] = {
      integer("launches", protocol.launch_count, 1),
      integer("launches_max", protocol.launch_count_max, 1),
      share("half_width", protocol.half_width),
      integer("warmup_count", protocol.warmup_count_min, 0),
      duration("warmup_duration", protocol.warmup_duration_ns_min),
      integer("iteration_count", protocol.iteration_count_min, 1),
      duration("duration_min", protocol.duration_ns_min),
      duration("duration_max", protocol.duration_ns_max),
      duration("time_limit", protocol.time_limit_ns),
      duration("cool_down", protocol.cool_down_ns),
      duration("budget", protocol.budget_ns),
      bytes("memory_max", protocol.memory_bytes_max),
      integer("processes_max", protocol.process_count_max, 1),
  };
  QB_CHECK(read_fields(section, fields));
  if (protocol.half_width > 0.0 &&
      std::max(protocol.launch_count, protocol.launch_count_max) < half_width_launches_min)
    return section.refuse(section.table, "half_width",
                          fmt::format("is judged from {} launches on: launches_max must be {} at "
                                      "least",
                                      half_width_launches_min, half_width_launches_min));
  return {};
}

Result<void> read_workload(const Section& section, Benchmark& benchmark) {
  std::vector<Field> fields;
  for (const task::Axis* axis : task::axes()) fields.push_back(numbers(*axis, benchmark));
  return read_fields(section, fields);
}

Result<Benchmark> read_benchmark(const Section& section) {
  Benchmark benchmark;
  const Field fields[] = {
      names("model", benchmark.models),
      names("scheme", benchmark.schemes),
      names("framework", benchmark.frameworks),
      names("device", benchmark.devices),
      boolean("quality", benchmark.quality),
      integer("quality_items", benchmark.quality_item_count, 2),
      {"workload",
       [&](const Section& outer, const toml::node& node) -> Result<void> {
         if (!node.is_table()) return outer.refuse(node, "workload", "must be a table");
         return read_workload({*node.as_table(), outer.origin, outer.name + ".workload"},
                              benchmark);
       }},
  };
  QB_CHECK(read_fields(section, fields));
  if (benchmark.models.empty()) return section.refuse(section.table, "model", "is missing");
  if (benchmark.schemes.empty()) return section.refuse(section.table, "scheme", "is missing");
  if (benchmark.frameworks.empty()) return section.refuse(section.table, "framework", "is missing");
  return benchmark;
}

Result<void> read_benchmarks(const Section& section, const toml::node& node,
                             std::vector<Benchmark>& benchmarks) {
  const toml::array* array = node.as_array();
  if (!array || !array->is_homogeneous<toml::table>())
    return section.refuse(node, "benchmark", "must be [[benchmark]] tables");
  for (const toml::node& item : *array) {
    QB_TRY(Benchmark benchmark, read_benchmark({*item.as_table(), section.origin,
                                                fmt::format("benchmark[{}]", benchmarks.size())}));
    benchmarks.push_back(std::move(benchmark));
  }
  return {};
}

struct Unit {
  std::string_view name;
  double size;
};

// A positive number and one of the units.
std::optional<int64_t> parse_quantity(std::string_view text, std::span<const Unit> units) {
  const auto count = take_number<double>(text);
  for (const Unit& unit : units)
    if (count && text == unit.name && *count > 0 && *count * unit.size < 9e18)
      return static_cast<int64_t>(*count * unit.size);
  return std::nullopt;
}

}  // namespace

Result<int64_t> parse_duration(std::string_view text) {
  static constexpr Unit units[] = {{"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}};
  if (const auto ns = parse_quantity(text, units)) return *ns;
  return fail(Errc::bad_input, "\"{}\" is no duration such as \"250ms\", \"90s\", \"5m\" or \"1h\"",
              text);
}

Result<int64_t> parse_bytes(std::string_view text) {
  static constexpr Unit units[] = {{"B", 1}, {"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}};
  if (const auto count = parse_quantity(text, units)) return *count;
  return fail(Errc::bad_input, "\"{}\" is no amount such as \"800MB\" or \"6GB\"", text);
}

Result<Suite> parse_suite(std::string_view text_of_suite, std::string_view origin) {
  toml::table table;
  try {
    table = toml::parse(text_of_suite);
  } catch (const toml::parse_error& error) {
    return fail(Errc::bad_input, "{}:{}: {}", origin, error.source().begin.line,
                error.description());
  }
  Suite suite = {.text = std::string(text_of_suite)};
  const Section root = {table, std::string(origin), ""};
  const Field fields[] = {
      text("name", suite.name),
      {"protocol",
       [&](const Section& section, const toml::node& node) -> Result<void> {
         if (!node.is_table()) return section.refuse(node, "protocol", "must be a table");
         return read_protocol({*node.as_table(), section.origin, "protocol"}, suite.protocol);
       }},
      {"benchmark",
       [&](const Section& section, const toml::node& node) -> Result<void> {
         return read_benchmarks(section, node, suite.benchmarks);
       }},
  };
  QB_CHECK(read_fields(root, fields));
  if (suite.name.empty()) return root.refuse(table, "name", "is missing");
  return suite;
}

Result<Suite> load_suite(const std::filesystem::path& path) {
  QB_TRY(const std::string text, read_file(path));
  return parse_suite(text, path.string());
}

}  // namespace qb::spec
