#include "server/cli/serve_command.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <utility>

#include "kernels/core/status.h"
#include "server/admin/startup_report.h"
#include "server/admin/version.h"
#include "server/cli/run_server.h"
#include "server/config/config_layers.h"
#include "server/model_bundle.h"

namespace oriel {
namespace {

void StartLog(const std::string& level) {
  // Flag names are spdlog's own, so every one that the configuration accepts is known here.
  auto logger = spdlog::stderr_logger_mt("oriel");
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e %L %v");
  logger->set_level(spdlog::level::from_str(level));
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

std::string ModelName(const ServerConfig& config, const std::string& model_path) {
  if (!config.served_model_name.empty()) return config.served_model_name;
  return std::filesystem::path(model_path).stem().string();
}

absl::Status DryRun(const ServerConfig& config, const std::string& model_path) {
  ORIEL_ASSIGN_OR_RETURN(const std::unique_ptr<ServedModel> served,
                         LoadServedModel(model_path, config.engine, BackendOptionsOf(config)));
  std::fputs(BackendLine(*served->backend).c_str(), stdout);
  std::fputs(StartupReport(*served->engine, served->weight_bytes).c_str(), stdout);
  return absl::OkStatus();
}

}  // namespace

ServeCommand::ServeCommand(CLI::App& app)
    : command_(app.add_subcommand("serve", "serve a model over HTTP and gRPC")) {
  command_->add_option("MODEL", model_path_, "GGUF file")->required();
  command_->add_flag("--dry-run", dry_run_, "load the model, report the capacity, and end");
  command_->add_flag("--print-config", print_config_, "print the configuration as YAML, and end");
  flags_.AddTo(*command_, ConfigGroup::kServer);
}

absl::Status ServeCommand::Run() {
  ORIEL_ASSIGN_OR_RETURN(const ServerConfig config, flags_.Resolve());
  if (print_config_) {
    std::fputs(PrintConfig(config).c_str(), stdout);
    return absl::OkStatus();
  }
  StartLog(config.log_level);
  if (dry_run_) return DryRun(config, model_path_);
  spdlog::info("oriel {}: loading {}", kVersion, model_path_);
  return RunServer(config, ModelName(config, model_path_), [&] {
    return LoadServedModel(model_path_, config.engine, BackendOptionsOf(config));
  });
}

}  // namespace oriel
