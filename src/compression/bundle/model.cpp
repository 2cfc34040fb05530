#include "compression/bundle/model.h"

#include <algorithm>
#include <set>

#include "base/hash.h"

namespace qb::bundle {
namespace fs = std::filesystem;
namespace {

constexpr int64_t model_format = 1;
constexpr size_t hash_length = 32;

// A content hash and nothing else: the list may be hostile, and its hashes become paths.
bool is_hash(std::string_view text) {
  return text.size() == hash_length && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

Result<void> check_names(std::span<const NetworkFolder> networks) {
  std::set<std::string_view> names;
  for (const NetworkFolder& network : networks)
    if (network.name.empty() || !names.insert(network.name).second)
      return fail(Errc::bad_input, "network \"{}\" has no name of its own", network.name);
  if (networks.empty()) return fail(Errc::bad_input, "the model has no network");
  return {};
}

Result<std::vector<NetworkFolder>> read_list(const fs::path& folder) {
  QB_TRY(const std::string text, read_file(folder / "model.json"));
  QB_TRY(const Json json, parse_json(text));
  if (json["format"].as_int() != model_format)
    return fail(Errc::bad_input, "model format {} is not {}", json["format"].as_int(),
                model_format);
  std::vector<NetworkFolder> networks;
  for (const Json& entry : json["networks"].as_array()) {
    const std::string& hash = entry["bundle"].as_string();
    const std::string& name = entry["name"].as_string();
    if (!is_hash(hash))
      return fail(Errc::bad_input, "network \"{}\": \"{}\" is no content hash", name, hash);
    networks.push_back({name, folder.parent_path() / hash});
  }
  QB_CHECK(check_names(networks));
  for (const NetworkFolder& network : networks)
    if (!fs::exists(network.folder / "bundle.json"))
      return fail(Errc::bad_input, "network \"{}\" is missing: {} is not there", network.name,
                  network.folder.string());
  return networks;
}

}  // namespace

Result<std::vector<NetworkFolder>> find_networks(const fs::path& folder) {
  if (!fs::exists(folder / "model.json")) return std::vector<NetworkFolder>{{"", folder}};
  return with_context(read_list(folder), folder.string());
}

Result<std::vector<NamedBundle>> load_model(const fs::path& folder) {
  QB_TRY(const std::vector<NetworkFolder> networks, find_networks(folder));
  std::vector<NamedBundle> model;
  for (const auto& [name, place] : networks) {
    if (name.empty()) {
      QB_TRY(Bundle bundle, load_bundle(place));
      model.push_back({name, std::move(bundle)});
      continue;
    }
    QB_TRY(Bundle bundle, with_context(load_bundle(place), fmt::format("network \"{}\"", name)));
    model.push_back({name, std::move(bundle)});
  }
  return model;
}

Result<void> verify_model(const fs::path& folder) {
  if (!fs::exists(folder / "model.json")) return verify_content(folder);
  QB_TRY(const std::string hash, hash_of_file(folder / "model.json"));
  if (hash != folder.filename().string())
    return fail(Errc::bad_input,
                "{}: its list of networks does not match its hash; delete the folder",
                folder.string());
  QB_TRY(const std::vector<NetworkFolder> networks, find_networks(folder));
  for (const auto& [name, place] : networks)
    QB_CHECK(with_context(verify_content(place), fmt::format("network \"{}\"", name)));
  return {};
}

Result<fs::path> write_model(const fs::path& root, std::span<const NetworkFolder> networks) {
  if (networks.size() == 1 && networks.front().name.empty()) return networks.front().folder;
  QB_CHECK(check_names(networks));
  Json::Array list;
  for (const auto& [name, place] : networks)
    list.push_back(Json::object({{"name", name}, {"bundle", place.filename().string()}}));
  const std::string text =
      dump_json(Json::object({{"format", model_format}, {"networks", std::move(list)}}));
  const fs::path folder = root / hash_of(text);
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return fail(Errc::io, "{}: cannot create: {}", folder.string(), error.message());
  QB_CHECK(write_file_atomically(folder / "model.json", text));
  return folder;
}

}  // namespace qb::bundle
