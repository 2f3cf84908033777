#include "server/config/config_layers.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "kernels/core/status.h"
#include "server/config/config_field.h"
#include "server/config/nearest_name.h"

namespace oriel {
namespace {

constexpr std::string_view kEnvironmentPrefix = "ORIEL_";
constexpr size_t kFileBytesMax = 1 << 20;

std::string EnvironmentName(std::string_view field_name) {
  std::string name = absl::AsciiStrToUpper(ToAbsl(field_name));
  std::replace(name.begin(), name.end(), '-', '_');
  return absl::StrCat(ToAbsl(kEnvironmentPrefix), name);
}

// Kubernetes and Docker describe a service to its neighbours in variables that begin with its name:
// ORIEL_SERVICE_HOST, ORIEL_SERVICE_PORT[_NAME], ORIEL_PORT=tcp://…, ORIEL_PORT_80_TCP[_ADDR].
bool IsServiceLink(std::string_view name, std::string_view value) {
  const absl::string_view text = ToAbsl(name);
  if (name.ends_with("_PORT")) {
    return value.starts_with("tcp://") || value.starts_with("udp://") ||
           value.starts_with("sctp://");
  }
  const bool of_port = absl::StrContains(text, "_TCP") || absl::StrContains(text, "_UDP") ||
                       absl::StrContains(text, "_SCTP");
  return absl::EndsWith(text, "_SERVICE_HOST") || absl::StrContains(text, "_SERVICE_PORT") ||
         (of_port && absl::StrContains(text, "_PORT_"));
}

const ConfigField* FieldOfVariable(std::string_view name) {
  for (const ConfigField& field : ConfigFields()) {
    if (EnvironmentName(field.name) == name) return &field;
  }
  return nullptr;
}

absl::Status UnknownVariable(std::string_view name) {
  std::vector<std::string> known(kScriptVariables.begin(), kScriptVariables.end());
  for (const ConfigField& field : ConfigFields()) known.push_back(EnvironmentName(field.name));
  const auto nearest = NearestName(name, std::vector<std::string_view>(known.begin(), known.end()));
  const std::string suggestion =
      nearest ? absl::StrCat(" (did you mean ", ToAbsl(*nearest), "?)") : "";
  return absl::InvalidArgumentError(
      absl::StrCat("environment: ", ToAbsl(name), ": no such setting", suggestion));
}

absl::StatusOr<std::string> ReadText(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return absl::NotFoundError(absl::StrCat(path, ": cannot be opened"));
  std::string text(kFileBytesMax + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(stream.gcount()));
  if (text.size() > kFileBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": larger than ", kFileBytesMax, " bytes, the most a file may have"));
  }
  return text;
}

absl::StatusOr<ConfigSettings> SettingsOfNode(const YAML::Node& root, const std::string& path) {
  ConfigSettings settings;
  if (root.IsNull()) return settings;
  if (!root.IsMap()) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": must be a map of names to values"));
  }
  for (const auto& entry : root) {
    if (!entry.first.IsScalar() || !entry.second.IsScalar()) {
      return absl::InvalidArgumentError(absl::StrCat(path, ":", entry.first.Mark().line + 1,
                                                     ": a setting must be one plain value"));
    }
    settings.emplace_back(entry.first.Scalar(), entry.second.Scalar());
  }
  return settings;
}

// `source` begins every message: "--", "ORIEL_…" or the file's path.
absl::Status Apply(const ConfigSettings& settings, absl::string_view source, ServerConfig& config) {
  for (const auto& [name, value] : settings) {
    const ConfigField* field = FindConfigField(name);
    if (field == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat(source, name, ": no such setting", SuggestConfigField(name)));
    }
    if (absl::Status status = field->set(config, value); !status.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(source, name, ": ", status.message()));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ConfigSettings> ReadConfigFile(const std::string& path) {
  ORIEL_ASSIGN_OR_RETURN(const std::string text, ReadText(path));
  // yaml-cpp reports by exceptions; none leaves this function.
  try {
    return SettingsOfNode(YAML::Load(text), path);
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ":", error.mark.line + 1, ": ", error.msg));
  }
}

absl::StatusOr<ConfigSettings> ReadConfigEnvironment(const char* const* environment) {
  ConfigSettings settings;
  for (; *environment != nullptr; ++environment) {
    const std::string_view entry = *environment;
    const size_t equals = entry.find('=');
    if (!entry.starts_with(kEnvironmentPrefix) || equals == entry.npos) continue;
    const std::string_view name = entry.substr(0, equals), value = entry.substr(equals + 1);
    const bool of_script =
        std::find(kScriptVariables.begin(), kScriptVariables.end(), name) != kScriptVariables.end();
    if (of_script || IsServiceLink(name, value)) continue;
    const ConfigField* field = FieldOfVariable(name);
    if (field == nullptr) return UnknownVariable(name);
    settings.emplace_back(std::string(field->name), std::string(value));
  }
  return settings;
}

absl::StatusOr<ServerConfig> ResolveServerConfig(const ConfigLayers& layers) {
  ServerConfig config;
  if (!layers.file_path.empty()) {
    ORIEL_ASSIGN_OR_RETURN(const ConfigSettings settings, ReadConfigFile(layers.file_path));
    ORIEL_RETURN_IF_ERROR(Apply(settings, absl::StrCat(layers.file_path, ": "), config));
  }
  ORIEL_RETURN_IF_ERROR(Apply(layers.environment, "environment: ", config));
  ORIEL_RETURN_IF_ERROR(Apply(layers.flags, "--", config));
  ORIEL_RETURN_IF_ERROR(ValidateEngineConfig(config.engine));
  if (config.http.request_memory_bytes < config.http.body_bytes_max) {
    return absl::InvalidArgumentError(
        absl::StrCat("max-request-memory is ", config.http.request_memory_bytes,
                     ", the least is max-body-bytes, ", config.http.body_bytes_max));
  }
  return config;
}

std::string PrintConfig(const ServerConfig& config) {
  YAML::Emitter emitter;
  emitter << YAML::BeginMap;
  for (const ConfigField& field : ConfigFields()) {
    emitter << YAML::Key << std::string(field.name) << YAML::Value;
    const std::string value = field.get(config);
    if (value.empty()) {
      emitter << YAML::DoubleQuoted << value;
    } else {
      emitter << value;
    }
  }
  emitter << YAML::EndMap;
  return absl::StrCat(emitter.c_str(), "\n");
}

}  // namespace oriel
