#include "kernels/cpu/huge_page_arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "kernels/core/status.h"

namespace oriel {
namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kHugePage = size_t{2} << 20;
constexpr size_t kChunk = size_t{64} << 20;

size_t AlignUp(size_t value, size_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

}  // namespace

absl::StatusOr<Buffer> HugePageArena::Allocate(size_t size_bytes) {
  if (size_bytes == 0) return Buffer();
  if (size_bytes > end_ - begin_) {
    const size_t chunk_bytes = std::max(AlignUp(size_bytes, kHugePage), kChunk);
    ORIEL_ASSIGN_OR_RETURN(Buffer chunk, MakeHostBuffer(chunk_bytes + kHugePage));
    // Without huge pages everything works, slower, so a refusal is no error.
    madvise(chunk.data(), chunk.size_bytes(), MADV_HUGEPAGE);
    const auto address = reinterpret_cast<uintptr_t>(chunk.data());
    begin_ = AlignUp(address, kHugePage) - address;
    end_ = begin_ + chunk_bytes;
    chunk_ = std::make_shared<Buffer>(std::move(chunk));
  }
  std::byte* data = chunk_->data() + begin_;
  begin_ += std::min(AlignUp(size_bytes, kAlignment), end_ - begin_);
  return Buffer(data, size_bytes, [chunk = chunk_](std::byte*, size_t) {});
}

}  // namespace oriel
