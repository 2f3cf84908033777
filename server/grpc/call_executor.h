#ifndef ORIEL_SERVER_GRPC_CALL_EXECUTOR_H_
#define ORIEL_SERVER_GRPC_CALL_EXECUTOR_H_

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace oriel {

// A call that has something to do whenever it is woken.
//
// Threads   Poll is never run by two threads at a time, so what only Poll touches needs no lock.
class CallTask {
 public:
  virtual ~CallTask() = default;

  // Does what can be done now. Never waits.
  virtual void Poll() = 0;

 private:
  friend class CallQueue;
  enum class State : uint8_t { kIdle, kQueued, kRunning, kWokenWhileRunning };
  State state_ = State::kIdle;  // guarded by the queue's mutex
};

// The calls that have something to do.
//
// Lifecycle   shared by the executor and the calls: a wakeup that comes late finds it still there.
// Threads     all methods, from any; Wake does not block.
// Limits      a task is queued once, so the queue is as long as there are calls.
class CallQueue {
 public:
  // Lets the task be polled once more, after what is running of it now. Nothing happens once the
  // queue is closed.
  void Wake(std::shared_ptr<CallTask> task);

  // Polls until the queue is closed and empty.
  void Run();
  void Close();

 private:
  void Poll(std::shared_ptr<CallTask> task, std::unique_lock<std::mutex>& lock);

  std::mutex mutex_;  // guards everything below, and every task's state
  std::condition_variable has_work_;
  std::deque<std::shared_ptr<CallTask>> tasks_;
  bool closed_ = false;
};

// The threads on which calls work. gRPC's own threads and the engine's only wake: neither writes
// out messages for the other's clients.
//
// Lifecycle   the destructor polls what is queued and joins.
class CallExecutor {
 public:
  explicit CallExecutor(int32_t num_threads);
  ~CallExecutor();
  CallExecutor(const CallExecutor&) = delete;
  CallExecutor& operator=(const CallExecutor&) = delete;

  const std::shared_ptr<CallQueue>& queue() const { return queue_; }

 private:
  const std::shared_ptr<CallQueue> queue_ = std::make_shared<CallQueue>();
  std::vector<std::thread> threads_;
};

}  // namespace oriel

#endif  // ORIEL_SERVER_GRPC_CALL_EXECUTOR_H_
