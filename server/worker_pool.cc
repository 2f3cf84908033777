#include "server/worker_pool.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace oriel {

WorkerPool::WorkerPool(int32_t num_threads, int32_t queue_max)
    : queue_max_(static_cast<size_t>(queue_max)) {
  for (int32_t i = 0; i < num_threads; ++i) threads_.emplace_back([this] { Run(); });
}

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

absl::Status WorkerPool::Submit(std::function<void()> job) {
  {
    const std::lock_guard lock(mutex_);
    if (jobs_.size() >= queue_max_) {
      return absl::ResourceExhaustedError(absl::StrCat(
          jobs_.size(), " requests already wait to be read, the most that may; try again later"));
    }
    jobs_.push_back(std::move(job));
  }
  changed_.notify_one();
  return absl::OkStatus();
}

size_t WorkerPool::num_waiting() const {
  const std::lock_guard lock(mutex_);
  return jobs_.size();
}

void WorkerPool::Run() {
  while (true) {
    std::function<void()> job;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job();
  }
}

}  // namespace oriel
