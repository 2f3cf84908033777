#include "server/cli/config_flags.h"

#include <unistd.h>

#include "kernels/core/status.h"
#include "server/config/config_layers.h"

namespace oriel {

void ConfigFlags::AddTo(CLI::App& command, ConfigGroup most) {
  command.add_option("--config", file_path_, "YAML file with any of these settings");
  for (const ConfigField& field : ConfigFields()) {
    if (field.group == ConfigGroup::kServer && most == ConfigGroup::kEngine) continue;
    Flag& flag = flags_.emplace_back();
    flag.name = std::string(field.name);
    flag.option = command.add_option("--" + flag.name, flag.value, std::string(field.help));
  }
}

absl::StatusOr<ServerConfig> ConfigFlags::Resolve() const {
  ConfigLayers layers{.file_path = file_path_, .environment = {}, .flags = {}};
  ORIEL_ASSIGN_OR_RETURN(layers.environment, ReadConfigEnvironment(environ));
  for (const Flag& flag : flags_) {
    if (flag.option->count() > 0) layers.flags.emplace_back(flag.name, flag.value);
  }
  return ResolveServerConfig(layers);
}

}  // namespace oriel
