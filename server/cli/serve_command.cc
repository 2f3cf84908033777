#include "server/cli/serve_command.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "kernels/core/status.h"
#include "server/admin/startup_report.h"
#include "server/admin/version.h"
#include "server/cli/shutdown_signal.h"
#include "server/config/config_layers.h"
#include "server/grpc/grpc_server.h"
#include "server/http/http_server.h"
#include "server/http/service_routes.h"
#include "server/model_bundle.h"
#include "server/serving_context.h"

namespace oriel {
namespace {

// After the engine has finished or cancelled everything, clients still read their last chunks.
constexpr absl::Duration kFlushTime = absl::Seconds(5);

void StartLog(const std::string& level) {
  // Flag names are spdlog's own, so every one that the configuration accepts is known here.
  auto logger = spdlog::stderr_logger_mt("oriel");
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e %L %v");
  logger->set_level(spdlog::level::from_str(level));
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

// A connection is a file descriptor, and the usual soft limit is 1024.
void RaiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

std::string ModelName(const ServerConfig& config, const std::string& model_path) {
  if (!config.served_model_name.empty()) return config.served_model_name;
  return std::filesystem::path(model_path).stem().string();
}

void LogLines(const std::string& text) {
  for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    spdlog::info("{}", std::string_view(line.data(), line.size()));
  }
}

// Probes and scrapes come every few seconds; they are not worth a line each.
void LogAnswer(const HttpRecord& record) {
  const bool is_generation = record.route.starts_with("/v1/") && record.method == "POST";
  spdlog::log(is_generation ? spdlog::level::info : spdlog::level::debug,
              "{} {} {} {:.1f} ms id {}", record.method, record.route, record.status,
              absl::ToDoubleMilliseconds(record.duration), record.request_id);
}

HttpServerOptions MakeHttpOptions(const ServerConfig& config, ServingContext& context) {
  return {.host = config.host,
          .port = config.http_port,
          .threads = config.http_threads,
          .limits = config.http,
          .on_answer = [&context](const HttpRecord& record) {
            context.metrics.CountResponse(record.route, record.status);
            LogAnswer(record);
          }};
}

GrpcServerOptions MakeGrpcOptions(const ServerConfig& config, ServingContext& context) {
  return {.host = config.host,
          .port = *config.grpc_port,
          .threads = config.grpc_threads,
          .calls_max = config.grpc.calls_max,
          .on_answer = [&context](const GrpcRecord& record) {
            context.metrics.CountGrpcResponse(record.method, record.code);
            spdlog::log(
                record.method.starts_with("Generate") ? spdlog::level::info : spdlog::level::debug,
                "gRPC {} {} {:.1f} ms id {}", record.method, record.code,
                absl::ToDoubleMilliseconds(record.duration), record.request_id);
          }};
}

// Null if gRPC is off.
absl::StatusOr<std::unique_ptr<GrpcServer>> ListenForGrpc(const ServerConfig& config,
                                                          ServingContext& context) {
  if (!config.grpc_port) return nullptr;
  return GrpcServer::Listen(MakeGrpcOptions(config, context), context);
}

// `grpc` may be null.
void Drain(ServingContext& context, HttpServer& http, GrpcServer* grpc) {
  if (grpc != nullptr) grpc->BeginDrain();
  const absl::Time deadline = absl::Now() + context.config.drain_timeout;
  spdlog::info("draining: refusing new work, running answers have {:.0f} s",
               absl::ToDoubleSeconds(context.config.drain_timeout));
  const bool finished = context.engine.Drain(deadline);
  const absl::Time flush_deadline = std::max(deadline, absl::Now()) + kFlushTime;
  const bool http_delivered = http.Drain(flush_deadline);
  const bool grpc_delivered = grpc == nullptr || grpc->Drain(flush_deadline);
  spdlog::info("drained: {}", finished && http_delivered && grpc_delivered
                                  ? "every answer is complete"
                                  : "some answers were ended early");
}

absl::Status Serve(const ServerConfig& config, const std::string& model_path, ServedModel& served) {
  ServingContext context{.config = config,
                         .model_name = ModelName(config, model_path),
                         .created_unix_s = absl::ToUnixSeconds(absl::Now()),
                         .weight_bytes = served.weight_bytes,
                         .text = *served.text,
                         .engine = *served.engine};
  Router router;
  AddServiceRoutes(context, router);
  ORIEL_ASSIGN_OR_RETURN(const std::unique_ptr<HttpServer> http,
                         HttpServer::Listen(MakeHttpOptions(config, context), router));
  ShutdownSignal shutdown;
  served.engine->Start();
  ORIEL_ASSIGN_OR_RETURN(const std::unique_ptr<GrpcServer> grpc, ListenForGrpc(config, context));
  http->Start();
  spdlog::info("serving {} as \"{}\"", model_path, context.model_name);
  spdlog::info("listening on http://{}:{}", config.host, http->port());
  if (grpc != nullptr) spdlog::info("listening for gRPC on {}:{}", config.host, grpc->port());
  shutdown.Run([&] {
    context.draining = true;
    Drain(context, *http, grpc.get());
  });
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
  RaiseFileLimit();
  std::signal(SIGPIPE, SIG_IGN);
  spdlog::info("oriel {}: loading {}", kVersion, model_path_);
  ORIEL_ASSIGN_OR_RETURN(const std::unique_ptr<ServedModel> served,
                         LoadServedModel(model_path_, config.engine, BackendOptionsOf(config)));
  const std::string report =
      BackendLine(*served->backend) + StartupReport(*served->engine, served->weight_bytes);
  if (dry_run_) {
    std::fputs(report.c_str(), stdout);
    return absl::OkStatus();
  }
  LogLines(report);
  if (!served->text->template_status().ok()) {
    spdlog::warn("chats are refused: {}", ToStd(served->text->template_status().message()));
  }
  return Serve(config, model_path_, *served);
}

}  // namespace oriel
