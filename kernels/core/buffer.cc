#include "kernels/core/buffer.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace oriel {

absl::StatusOr<Buffer> MakeHostBuffer(size_t size_bytes) {
  if (size_bytes == 0) return Buffer();
  void* memory = mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    return absl::ResourceExhaustedError(
        absl::StrCat("host buffer of ", size_bytes, " bytes: ", std::strerror(errno)));
  }
  return Buffer(static_cast<std::byte*>(memory), size_bytes,
                [](std::byte* data, size_t bytes) { munmap(data, bytes); });
}

}  // namespace oriel
