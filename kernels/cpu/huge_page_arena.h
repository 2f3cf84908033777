#ifndef ORIEL_KERNELS_CPU_HUGE_PAGE_ARENA_H_
#define ORIEL_KERNELS_CPU_HUGE_PAGE_ARENA_H_

#include <cstddef>
#include <memory>

#include "absl/status/statusor.h"
#include "kernels/core/buffer.h"

namespace oriel {

// Memory for weights, in pages of 2 MiB where the system gives them: a step reads all weights once,
// and with pages of 4 KiB a core spends about half of that time on address translation (17 against
// 31 GB/s a core on a virtual Zen 4). A matrix by itself is often smaller than such a page, so
// matrices lie side by side in large chunks.
//
// Lifecycle   buffers may outlive the arena: a chunk ends with the last buffer cut from it.
// Threads     one at a time.
// Invariant   buffers are aligned to 64 bytes and zero at first, as every Buffer. Memory becomes
//             resident when it is touched.
class HugePageArena {
 public:
  // ResourceExhausted names the bytes asked for. Zero bytes give an empty buffer.
  absl::StatusOr<Buffer> Allocate(size_t size_bytes);

 private:
  // Shared by the arena and by every buffer cut from it, since they end in any order.
  std::shared_ptr<Buffer> chunk_;
  size_t begin_ = 0;  // of what is left of the chunk
  size_t end_ = 0;
};

}  // namespace oriel

#endif  // ORIEL_KERNELS_CPU_HUGE_PAGE_ARENA_H_
