#include "server/cli/config_flags.h"

#include <unistd.h>

#include "server/config/config_layers.h"

namespace oriel {

void ConfigFlags::AddTo(CLI::App& command, ConfigGroup most) {
  command.add_option("--config", file_path_, "YAML file with any of these settings");
  for (const ConfigField& field : ConfigFields()) {
    if (field.group == ConfigGroup::kServer && most == ConfigGroup::kEngine) continue;
    auto& value = values_.emplace_back(std::string(field.name), std::string());
    command.add_option("--" + value.first, value.second, std::string(field.help));
  }
}

absl::StatusOr<ServerConfig> ConfigFlags::Resolve() const {
  ConfigLayers layers{
      .file_path = file_path_, .environment = ReadConfigEnvironment(environ), .flags = {}};
  for (const auto& [name, value] : values_) {
    if (!value.empty()) layers.flags.emplace_back(name, value);
  }
  return ResolveServerConfig(layers);
}

}  // namespace oriel
