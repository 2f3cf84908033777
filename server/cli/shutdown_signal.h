#ifndef ORIEL_SERVER_CLI_SHUTDOWN_SIGNAL_H_
#define ORIEL_SERVER_CLI_SHUTDOWN_SIGNAL_H_

#include <functional>
#include <memory>

namespace oriel {

// SIGTERM and SIGINT as calls.
//
// Lifecycle   from its construction on, the signals no longer end the process.
// Threads     Run on one thread; `drain` runs on another.
class ShutdownSignal {
 public:
  ShutdownSignal();
  ~ShutdownSignal();

  // Waits for the first signal, runs `drain`, and returns. A second signal before that ends the
  // process at once, with exit code 130.
  void Run(const std::function<void()>& drain);

 private:
  struct State;  // keeps Asio out of this header
  std::unique_ptr<State> state_;
};

}  // namespace oriel

#endif  // ORIEL_SERVER_CLI_SHUTDOWN_SIGNAL_H_
