#ifndef ORIEL_SERVER_REQUEST_MEMORY_H_
#define ORIEL_SERVER_REQUEST_MEMORY_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/status.h"

namespace oriel {

// Counts the bytes that requests hold until they are read, HTTP bodies and gRPC messages together,
// so that many clients with large ones do not fill the machine.
//
// Threads     any.
// Invariant   no more than bytes_max are held.
class RequestMemory {
 public:
  explicit RequestMemory(int64_t bytes_max) : bytes_max_(bytes_max) {}

  int64_t bytes_max() const { return bytes_max_; }
  int64_t bytes_held() const { return bytes_held_; }

  // Takes `bytes` more, or returns false and takes none.
  bool TryTake(int64_t bytes);
  void GiveBack(int64_t bytes) { bytes_held_ -= bytes; }

 private:
  const int64_t bytes_max_;
  std::atomic<int64_t> bytes_held_{0};
};

// What one request holds of it, given back at the end. It goes where the body goes.
//
// Limits      the first kUncountedBytes of a request do not count: when others hold everything,
//             small requests are still served.
class RequestHold {
 public:
  static constexpr int64_t kUncountedBytes = 64 << 10;

  explicit RequestHold(std::shared_ptr<RequestMemory> memory) : memory_(std::move(memory)) {}
  ~RequestHold() { memory_->GiveBack(bytes_held_); }
  RequestHold(const RequestHold&) = delete;
  RequestHold& operator=(const RequestHold&) = delete;

  // The request has `bytes` by now, no fewer than before. ResourceExhausted: there is no room for
  // them; what it held before it still holds.
  absl::Status GrowTo(int64_t bytes);

 private:
  const std::shared_ptr<RequestMemory> memory_;
  int64_t bytes_held_ = 0;
};

// What a request is answered that finds no room.
absl::Status RequestMemoryFullError(int64_t bytes_max);

}  // namespace oriel

#endif  // ORIEL_SERVER_REQUEST_MEMORY_H_
