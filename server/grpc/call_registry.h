#ifndef ORIEL_SERVER_GRPC_CALL_REGISTRY_H_
#define ORIEL_SERVER_GRPC_CALL_REGISTRY_H_

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace oriel {

class GenerationCall;

// The generations that run for gRPC clients.
//
// Threads     all methods, from any.
// Limits      `calls_max` at once.
class CallRegistry {
 public:
  explicit CallRegistry(int32_t calls_max) : calls_max_(static_cast<size_t>(calls_max)) {}

  // ResourceExhausted if as many run as may.
  absl::Status Add(std::shared_ptr<GenerationCall> call);
  // Nothing happens if it was not added.
  void Remove(const std::shared_ptr<GenerationCall>& call);

  std::vector<std::shared_ptr<GenerationCall>> calls() const;

  // Whether none runs any more at `deadline` or before.
  bool WaitUntilEmpty(absl::Time deadline);

 private:
  const size_t calls_max_;
  mutable std::mutex mutex_;  // guards everything below
  std::condition_variable emptied_;
  std::set<std::shared_ptr<GenerationCall>> calls_;
};

}  // namespace oriel

#endif  // ORIEL_SERVER_GRPC_CALL_REGISTRY_H_
