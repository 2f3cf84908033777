#ifndef ORIEL_KERNELS_CORE_STREAM_H_
#define ORIEL_KERNELS_CORE_STREAM_H_

#include "absl/status/status.h"

namespace oriel {

// An ordered queue of device work. Ops enqueue on it and return; what they read must live until the
// stream has passed. On the CPU an op has finished when it returns, so Synchronize has nothing to
// wait for.
class Stream {
 public:
  virtual ~Stream() = default;
  virtual absl::Status Synchronize() = 0;
};

}  // namespace oriel

#endif  // ORIEL_KERNELS_CORE_STREAM_H_
