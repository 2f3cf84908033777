#include "server/grpc/call_executor.h"

#include <utility>

namespace oriel {

void CallQueue::Wake(std::shared_ptr<CallTask> task) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    switch (task->state_) {
      case CallTask::State::kQueued:
      case CallTask::State::kWokenWhileRunning:
        return;
      case CallTask::State::kRunning:
        task->state_ = CallTask::State::kWokenWhileRunning;
        return;
      case CallTask::State::kIdle:
        task->state_ = CallTask::State::kQueued;
        tasks_.push_back(std::move(task));
    }
  }
  has_work_.notify_one();
}

void CallQueue::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    has_work_.wait(lock, [this] { return closed_ || !tasks_.empty(); });
    if (tasks_.empty()) return;
    std::shared_ptr<CallTask> task = std::move(tasks_.front());
    tasks_.pop_front();
    Poll(std::move(task), lock);
  }
}

void CallQueue::Poll(std::shared_ptr<CallTask> task, std::unique_lock<std::mutex>& lock) {
  task->state_ = CallTask::State::kRunning;
  lock.unlock();
  task->Poll();
  lock.lock();
  if (task->state_ == CallTask::State::kWokenWhileRunning) {
    task->state_ = CallTask::State::kQueued;
    tasks_.push_back(std::move(task));
    return;
  }
  task->state_ = CallTask::State::kIdle;
  // This reference may be the last one, and no call is destroyed under the lock.
  lock.unlock();
  task.reset();
  lock.lock();
}

void CallQueue::Close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  has_work_.notify_all();
}

CallExecutor::CallExecutor(int32_t num_threads) {
  for (int32_t i = 0; i < num_threads; ++i) {
    threads_.emplace_back([this] { queue_->Run(); });
  }
}

CallExecutor::~CallExecutor() {
  queue_->Close();
  for (std::thread& thread : threads_) thread.join();
}

}  // namespace oriel
