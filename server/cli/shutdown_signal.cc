#include "server/cli/shutdown_signal.h"

#include <spdlog/spdlog.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdlib>
#include <thread>

namespace oriel {
namespace {

namespace asio = boost::asio;

constexpr int kAbortedExitCode = 130;

}  // namespace

struct ShutdownSignal::State {
  asio::io_context io;
  asio::signal_set signals{io, SIGINT, SIGTERM};
};

ShutdownSignal::ShutdownSignal() : state_(std::make_unique<State>()) {}
ShutdownSignal::~ShutdownSignal() = default;

void ShutdownSignal::Run(const std::function<void()>& drain) {
  std::thread drainer;
  state_->signals.async_wait([&](const boost::system::error_code& error, int) {
    if (error) return;
    drainer = std::thread([&] {
      drain();
      asio::post(state_->io, [&] { state_->signals.cancel(); });
    });
    state_->signals.async_wait([](const boost::system::error_code& second_error, int) {
      if (second_error) return;
      spdlog::warn("second signal: ending at once");
      std::_Exit(kAbortedExitCode);
    });
  });
  state_->io.run();
  if (drainer.joinable()) drainer.join();
}

}  // namespace oriel
