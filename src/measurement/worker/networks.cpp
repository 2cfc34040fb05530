#include "measurement/worker/networks.h"

#include "compression/bundle/model.h"

namespace qb::worker {

Result<TensorView> Network::output(std::string_view output_name) const {
  QB_TRY(const size_t index, bundle->graph().find_output(output_name));
  const std::span<const TensorView> outputs = session->outputs();
  if (index >= outputs.size())
    return fail(Errc::framework_failed, "{} gave {} outputs of {}", bundle->graph().name,
                outputs.size(), bundle->graph().outputs.size());
  return outputs[index];
}

Result<std::vector<Network>> load_networks(const std::filesystem::path& folder) {
  QB_TRY(std::vector<bundle::NamedBundle> model, bundle::load_model(folder));
  std::vector<Network> networks;
  for (bundle::NamedBundle& loaded : model)
    networks.push_back({.name = std::move(loaded.name),
                        .bundle = std::make_unique<const bundle::Bundle>(std::move(loaded.bundle)),
                        .session = nullptr});
  return networks;
}

Result<void> compile_networks(Engine& engine, const CompileOptions& options,
                              std::span<Network> networks) {
  for (Network& network : networks) {
    auto session = engine.compile(*network.bundle, options);
    if (!session && network.name.empty()) return tl::unexpected(std::move(session).error());
    QB_TRY(network.session,
           with_context(std::move(session), fmt::format("network \"{}\"", network.name)));
  }
  return {};
}

Result<const Network*> find_network(std::span<const Network> networks, std::string_view name) {
  std::string names;
  for (const Network& network : networks) {
    if (network.name == name) return &network;
    names += fmt::format("{}\"{}\"", names.empty() ? "" : ", ", network.name);
  }
  return fail(Errc::bad_input, "the model has no network \"{}\"; it has {}", name, names);
}

}  // namespace qb::worker
