#include "server/grpc/grpc_server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <condition_variable>
#include <limits>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "grpc/health/v1/health.pb.h"
#include "server/grpc/generation_call.h"
#include "server/grpc/generation_service.h"
#include "server/listening_socket.h"

namespace oriel {
namespace {

// How often the engine's health and clients that do not read are looked at.
constexpr auto kMonitorInterval = std::chrono::milliseconds(200);

// What is left when the server closes are watchers of its health: they have heard the news.
constexpr auto kCloseTime = std::chrono::seconds(1);

// A client that pings more often than this is cut off.
constexpr int kPingIntervalMinMs = 1000;

// Streams of a connection beyond its generations: health, tokens, aborts.
constexpr int32_t kOtherStreamsMax = 64;

// What gRPC needs beside its clients' messages.
constexpr int64_t kConnectionMemoryBytes = 64 << 20;

class CallbackGrpcServer final : public GrpcServer {
 public:
  CallbackGrpcServer(GrpcServerOptions options, ServingContext& context)
      : context_{.serving = context,
                 .registry = CallRegistry(options.calls_max),
                 .executor = CallExecutor(options.threads),
                 .on_answer = std::move(options.on_answer)},
        service_(context_) {}
  ~CallbackGrpcServer() override;

  // False if the address is not to be had.
  bool Start(const std::string& address, int32_t calls_max);

  uint16_t port() const override { return static_cast<uint16_t>(port_); }
  void BeginDrain() override { ReportNotServing(); }
  bool Drain(absl::Time deadline) override { return context_.registry.WaitUntilEmpty(deadline); }

 private:
  void Monitor();
  void ReportNotServing();
  bool is_serving() const {
    return !context_.serving.draining && context_.serving.engine.health().ok();
  }

  CallContext context_;
  GenerationService service_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
  std::atomic<bool> not_serving_reported_{false};

  std::thread monitor_;
  std::mutex mutex_;  // guards `closing_`
  std::condition_variable closing_changed_;
  bool closing_ = false;
};

// A call's own limits bound what one client can hold; these bound what reaches a call at all.
void SetLimits(const HttpLimits& limits, int32_t calls_max, grpc::ServerBuilder& builder) {
  const auto milliseconds = [](absl::Duration duration) {
    return static_cast<int>(
        std::min<int64_t>(absl::ToInt64Milliseconds(duration), std::numeric_limits<int>::max()));
  };
  builder.SetMaxReceiveMessageSize(
      static_cast<int>(std::min<int64_t>(limits.body_bytes_max, std::numeric_limits<int>::max())));
  // Near its end gRPC refuses connections and resets streams, whatever their size.
  grpc::ResourceQuota memory("oriel");
  memory.Resize(static_cast<size_t>(limits.request_memory_bytes + kConnectionMemoryBytes));
  builder.SetResourceQuota(memory);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, limits.header_bytes_max);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, calls_max + kOtherStreamsMax);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, milliseconds(limits.idle_timeout));
  // A peer that vanished without a word is noticed by a ping that stays unanswered.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, milliseconds(limits.idle_timeout));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, milliseconds(limits.write_timeout));
  // Clients ping during a long silence; gRPC would take that for an attack and end the connection.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kPingIntervalMinMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  // gRPC would otherwise share a port that another server already has.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
}

bool CallbackGrpcServer::Start(const std::string& address, int32_t calls_max) {
  // Both are switches of the whole process that a builder reads; there is no narrower way.
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  // Makes the linker keep the description, for reflection to find.
  grpc::health::v1::HealthCheckRequest::descriptor();
  grpc::ServerBuilder builder;
  SetLimits(context_.serving.config.http, calls_max, builder);
  builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port_);
  builder.RegisterService(&service_);
  server_ = builder.BuildAndStart();
  if (server_ == nullptr || port_ == 0) return false;
  server_->GetHealthCheckService()->SetServingStatus(v1::Generation::service_full_name(), true);
  monitor_ = std::thread([this] { Monitor(); });
  return true;
}

// Once: who watches hears each report.
void CallbackGrpcServer::ReportNotServing() {
  if (!not_serving_reported_.exchange(true)) {
    server_->GetHealthCheckService()->SetServingStatus(false);
  }
}

// An engine that has failed serves nobody, and says so to whoever balances load.
void CallbackGrpcServer::Monitor() {
  std::unique_lock lock(mutex_);
  while (!closing_changed_.wait_for(lock, kMonitorInterval, [this] { return closing_; })) {
    if (!is_serving()) ReportNotServing();
    for (const auto& call : context_.registry.calls()) call->CheckClient();
  }
}

CallbackGrpcServer::~CallbackGrpcServer() {
  if (server_ == nullptr) return;
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  closing_changed_.notify_all();
  if (monitor_.joinable()) monitor_.join();
  server_->Shutdown(std::chrono::system_clock::now() + kCloseTime);
  // Every call ends before what it works with.
  context_.registry.WaitUntilEmpty(absl::InfiniteFuture());
}

// An IPv6 address stands in brackets before its port.
std::string AddressOf(const std::string& host, int32_t port) {
  const bool is_v6 = host.find(':') != std::string::npos && host.front() != '[';
  return is_v6 ? absl::StrCat("[", host, "]:", port) : absl::StrCat(host, ":", port);
}

absl::Status CannotListen(absl::string_view why) {
  return absl::UnavailableError(
      absl::StrCat("gRPC: ", why, "; --grpc-port chooses another port, 0 any free one, off none"));
}

}  // namespace

absl::Status GrpcServer::CheckAddress(const std::string& host, int32_t port) {
  boost::asio::io_context io;
  const auto socket = ListenOn(io.get_executor(), host, port);
  return socket.ok() ? absl::OkStatus() : CannotListen(socket.status().message());
}

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Listen(GrpcServerOptions options,
                                                               ServingContext& context) {
  const std::string address = AddressOf(options.host, options.port);
  const int32_t calls_max = options.calls_max;
  auto server = std::make_unique<CallbackGrpcServer>(std::move(options), context);
  if (!server->Start(address, calls_max))
    return CannotListen(absl::StrCat("cannot listen on ", address));
  return server;
}

}  // namespace oriel
