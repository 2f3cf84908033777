#ifndef ORIEL_KERNELS_CORE_DTYPE_H_
#define ORIEL_KERNELS_CORE_DTYPE_H_

#include <cstdint>
#include <optional>
#include <string_view>

namespace oriel {

// Element types of weights as they lie in a model file. The block types are those of GGUF: a row is
// a whole number of blocks, a block holds `block_elements` values in `block_bytes` bytes.
enum class DType : uint8_t {
  kF32,
  kF16,
  kBF16,
  kQ4_0,
  kQ4_1,
  kQ5_0,
  kQ5_1,
  kQ8_0,
  kQ4_K,
  kQ5_K,
  kQ6_K,
};

struct DTypeTraits {
  std::string_view name;
  int block_elements;
  int block_bytes;
};

constexpr DTypeTraits TraitsOf(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return {"F32", 1, 4};
    case DType::kF16:
      return {"F16", 1, 2};
    case DType::kBF16:
      return {"BF16", 1, 2};
    case DType::kQ4_0:
      return {"Q4_0", 32, 18};
    case DType::kQ4_1:
      return {"Q4_1", 32, 20};
    case DType::kQ5_0:
      return {"Q5_0", 32, 22};
    case DType::kQ5_1:
      return {"Q5_1", 32, 24};
    case DType::kQ8_0:
      return {"Q8_0", 32, 34};
    case DType::kQ4_K:
      return {"Q4_K", 256, 144};
    case DType::kQ5_K:
      return {"Q5_K", 256, 176};
    case DType::kQ6_K:
      return {"Q6_K", 256, 210};
  }
  return {"?", 1, 0};
}

// Bytes of a row of `elements` values; none if they are not a whole number of blocks.
constexpr std::optional<int64_t> RowBytes(DType dtype, int64_t elements) {
  const DTypeTraits traits = TraitsOf(dtype);
  if (elements % traits.block_elements != 0) return std::nullopt;
  return elements / traits.block_elements * traits.block_bytes;
}

}  // namespace oriel

#endif  // ORIEL_KERNELS_CORE_DTYPE_H_
