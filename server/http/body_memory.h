#ifndef ORIEL_SERVER_HTTP_BODY_MEMORY_H_
#define ORIEL_SERVER_HTTP_BODY_MEMORY_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace oriel {

// Counts the bytes of request bodies that arrive or wait to be read, on all connections together,
// so that many clients with large bodies do not fill the machine.
//
// Threads     any.
// Invariant   no more than bytes_max are held.
class BodyMemory {
 public:
  explicit BodyMemory(int64_t bytes_max) : bytes_max_(bytes_max) {}

  int64_t bytes_held() const { return bytes_held_; }

  // Takes `bytes` more, or returns false and takes none.
  bool TryTake(int64_t bytes);
  void GiveBack(int64_t bytes) { bytes_held_ -= bytes; }

 private:
  const int64_t bytes_max_;
  std::atomic<int64_t> bytes_held_{0};
};

// What one body holds of it, given back at the end. It goes where the body goes.
class BodyHold {
 public:
  explicit BodyHold(std::shared_ptr<BodyMemory> memory) : memory_(std::move(memory)) {}
  ~BodyHold() { memory_->GiveBack(bytes_); }
  BodyHold(const BodyHold&) = delete;
  BodyHold& operator=(const BodyHold&) = delete;

  // The body has `bytes` by now, no fewer than before. False: there is no room for them.
  bool GrowTo(int64_t bytes);

 private:
  const std::shared_ptr<BodyMemory> memory_;
  int64_t bytes_ = 0;
};

}  // namespace oriel

#endif  // ORIEL_SERVER_HTTP_BODY_MEMORY_H_
