#include "server/cli/run_server.h"

#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <utility>

#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "kernels/core/status.h"
#include "server/admin/startup_report.h"
#include "server/cli/shutdown_signal.h"
#include "server/grpc/grpc_server.h"
#include "server/http/http_server.h"
#include "server/http/service_routes.h"
#include "server/serving_context.h"

namespace oriel {
namespace {

// After the engine has finished or cancelled everything, clients still read their last chunks.
constexpr absl::Duration kFlushTime = absl::Seconds(5);

// A connection is a file descriptor, and the usual soft limit is 1024.
void RaiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// Nothing has been promised to anybody yet. Without a handler the first process of a container
// would not even notice the signal.
void EndOnSignals() {
  for (int signal : {SIGINT, SIGTERM}) {
    // The code that a shell gives to a process which the signal ended.
    std::signal(signal, [](int caught) { _exit(128 + caught); });
  }
}

// Probes and scrapes come every few seconds; they are not worth a line each.
void LogAnswer(const HttpRecord& record) {
  const bool is_generation = record.route.starts_with("/v1/") && record.method == "POST";
  spdlog::log(is_generation ? spdlog::level::info : spdlog::level::debug,
              "{} {} {} {:.1f} ms id {}", record.method, record.route, record.status,
              absl::ToDoubleMilliseconds(record.duration), record.request_id);
}

// `serving` is null while the model loads.
HttpServerOptions MakeHttpOptions(const ServerConfig& config,
                                  std::shared_ptr<RequestMemory> request_memory,
                                  const std::atomic<ServingContext*>& serving) {
  return {.host = config.host,
          .port = config.http_port,
          .threads = config.http_threads,
          .limits = config.http,
          .request_memory = std::move(request_memory),
          .on_answer = [&serving](const HttpRecord& record) {
            ServingContext* context = serving;
            if (context != nullptr) context->metrics.CountResponse(record.route, record.status);
            LogAnswer(record);
          }};
}

void LogModel(const ServedModel& model) {
  const std::string report =
      BackendLine(*model.backend) + StartupReport(*model.engine, model.weight_bytes);
  for (absl::string_view line : absl::StrSplit(report, '\n', absl::SkipEmpty())) {
    spdlog::info("{}", ToStd(line));
  }
  if (model.text->template_status().ok()) return;
  spdlog::warn("chats are refused: {}", ToStd(model.text->template_status().message()));
}

std::unique_ptr<ServingContext> MakeServingContext(const ServerConfig& config,
                                                   const std::string& model_name,
                                                   std::shared_ptr<RequestMemory> request_memory,
                                                   ServedModel& model) {
  return std::unique_ptr<ServingContext>(
      new ServingContext{.config = config,
                         .model_name = model_name,
                         .created_unix_s = absl::ToUnixSeconds(absl::Now()),
                         .weight_bytes = model.weight_bytes,
                         .text = *model.text,
                         .engine = *model.engine,
                         .request_memory = std::move(request_memory)});
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

}  // namespace

absl::Status RunServer(const ServerConfig& config, const std::string& model_name,
                       const ModelLoader& load) {
  RaiseFileLimit();
  std::signal(SIGPIPE, SIG_IGN);
  // Everything that handlers refer to is older than the server, which is gone first.
  std::unique_ptr<ServedModel> model;
  std::unique_ptr<ServingContext> context;
  std::atomic<ServingContext*> serving{nullptr};
  Router loading_routes, serving_routes;
  AddLoadingRoutes(loading_routes);
  const auto request_memory = std::make_shared<RequestMemory>(config.http.request_memory_bytes);
  ORIEL_ASSIGN_OR_RETURN(
      const std::unique_ptr<HttpServer> http,
      HttpServer::Listen(MakeHttpOptions(config, request_memory, serving), loading_routes));
  if (config.grpc_port) {
    ORIEL_RETURN_IF_ERROR(GrpcServer::CheckAddress(config.host, *config.grpc_port));
  }
  EndOnSignals();
  http->Start();
  spdlog::info("listening on http://{}:{}", config.host, http->port());

  ORIEL_ASSIGN_OR_RETURN(model, load());
  LogModel(*model);
  context = MakeServingContext(config, model_name, request_memory, *model);
  AddServiceRoutes(*context, serving_routes);
  ShutdownSignal shutdown;
  model->engine->Start();
  ORIEL_ASSIGN_OR_RETURN(const std::unique_ptr<GrpcServer> grpc, ListenForGrpc(config, *context));
  if (grpc != nullptr) spdlog::info("listening for gRPC on {}:{}", config.host, grpc->port());
  serving = context.get();
  http->SetRoutes(serving_routes);
  spdlog::info("serving \"{}\"", model_name);
  shutdown.Run([&] {
    context->draining = true;
    Drain(*context, *http, grpc.get());
  });
  return absl::OkStatus();
}

}  // namespace oriel
