#include "server/http/http_server.h"

#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <list>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "kernels/core/status.h"
#include "server/http/connection.h"
#include "server/listening_socket.h"

namespace oriel {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

// When the process has no file descriptor left, accepting fails at once, again and again.
constexpr auto kAcceptPause = std::chrono::milliseconds(100);

// A refused client may take its time over the answer. Beyond this number they are closed without.
constexpr int32_t kRefusalsMax = 64;

constexpr absl::Duration kPollInterval = absl::Milliseconds(5);

// Closed sockets end their coroutines within moments; a bug must not hang the shutdown.
constexpr absl::Duration kCloseTimeout = absl::Seconds(5);

class AsioHttpServer final : public HttpServer {
 public:
  AsioHttpServer(std::shared_ptr<HttpServerState> state, tcp::acceptor acceptor)
      : state_(std::move(state)), acceptor_(std::move(acceptor)), work_(state_->io.get_executor()) {
    port_ = acceptor_.local_endpoint().port();
  }
  ~AsioHttpServer() override;

  uint16_t port() const override { return port_; }
  void Start() override;
  void SetRoutes(const Router& router) override { state_->router = &router; }
  bool Drain(absl::Time deadline) override;
  int32_t num_connections() const override { return state_->num_connections(); }

 private:
  asio::awaitable<void> Accept();
  void Admit(tcp::socket socket);
  void CloseAll();

  const std::shared_ptr<HttpServerState> state_;
  tcp::acceptor acceptor_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  uint16_t port_ = 0;
  std::vector<std::thread> threads_;
  std::atomic<bool> accepting_{false};  // Accept has not returned
  std::mutex mutex_;                    // guards connections_
  std::list<std::weak_ptr<Connection>> connections_;
};

AsioHttpServer::~AsioHttpServer() {
  asio::post(acceptor_.get_executor(), [this] {
    error_code ignored;
    acceptor_.close(ignored);
  });
  const absl::Time deadline = absl::Now() + kCloseTimeout;
  // A connection may still be admitted until Accept has returned.
  for (CloseAll(); accepting_ || state_->num_connections() > 0; CloseAll()) {
    if (absl::Now() >= deadline) break;
    absl::SleepFor(kPollInterval);
  }
  work_.reset();
  state_->io.stop();
  for (std::thread& thread : threads_) thread.join();
  // What is queued may hold connections, and these hold the context that it is queued in.
  state_->io.restart();
  state_->io.poll();
  while (state_->num_connections() > 0 && absl::Now() < deadline) {
    absl::SleepFor(kPollInterval);
    state_->io.poll();
  }
}

void AsioHttpServer::Start() {
  accepting_ = true;
  asio::co_spawn(
      acceptor_.get_executor(), [this] { return Accept(); },
      [this](const std::exception_ptr&) { accepting_ = false; });
  for (int32_t i = 0; i < state_->options.threads; ++i) {
    threads_.emplace_back([this] { state_->io.run(); });
  }
}

asio::awaitable<void> AsioHttpServer::Accept() {
  while (acceptor_.is_open()) {
    auto [error, socket] = co_await acceptor_.async_accept(asio::make_strand(state_->io), kAwait);
    if (!error) {
      Admit(tcp::socket(std::move(socket)));
    } else if (error != asio::error::operation_aborted) {
      asio::steady_timer pause(acceptor_.get_executor(), kAcceptPause);
      co_await pause.async_wait(kAwait);
    }
  }
}

void AsioHttpServer::Admit(tcp::socket socket) {
  const bool full = state_->num_served >= state_->options.limits.connections_max;
  if (full && state_->num_refused >= kRefusalsMax) return;  // the socket closes
  const auto admission = full ? Admission::kRefused : Admission::kServed;
  auto connection = std::make_shared<Connection>(state_, std::move(socket), admission);
  {
    const std::lock_guard lock(mutex_);
    connections_.remove_if([](const auto& known) { return known.expired(); });
    connections_.push_back(connection);
  }
  connection->Start();
}

bool AsioHttpServer::Drain(absl::Time deadline) {
  state_->draining = true;
  while (state_->num_answering > 0 && absl::Now() < deadline) absl::SleepFor(kPollInterval);
  return state_->num_answering == 0;
}

void AsioHttpServer::CloseAll() {
  const std::lock_guard lock(mutex_);
  for (const auto& known : connections_) {
    if (auto connection = known.lock()) connection->Close();
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Listen(HttpServerOptions options,
                                                               const Router& router) {
  auto state = std::make_shared<HttpServerState>(std::move(options), router);
  const HttpServerOptions& used = state->options;
  ORIEL_ASSIGN_OR_RETURN(tcp::acceptor acceptor,
                         ListenOn(asio::make_strand(state->io), used.host, used.port));
  return std::make_unique<AsioHttpServer>(std::move(state), std::move(acceptor));
}

}  // namespace oriel
