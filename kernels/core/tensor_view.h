#ifndef ORIEL_KERNELS_CORE_TENSOR_VIEW_H_
#define ORIEL_KERNELS_CORE_TENSOR_VIEW_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace oriel {

// A borrowed, strided, row-major view of memory on one device. The last dimension is contiguous.
// Strides count elements. Copying copies the view, never the data.
template <typename T, int kRank>
struct TensorView {
  static_assert(kRank >= 1);

  T* data = nullptr;
  std::array<int64_t, kRank> shape{};
  std::array<int64_t, kRank> strides{};

  constexpr TensorView() = default;

  // A dense view: each stride is the product of the dimensions behind it.
  constexpr TensorView(T* memory, const std::array<int64_t, kRank>& dimensions)
      : data(memory), shape(dimensions) {
    int64_t stride = 1;
    for (int i = kRank - 1; i >= 0; --i) {
      strides[static_cast<std::size_t>(i)] = stride;
      stride *= shape[static_cast<std::size_t>(i)];
    }
  }

  constexpr TensorView(T* memory, const std::array<int64_t, kRank>& dimensions,
                       const std::array<int64_t, kRank>& element_strides)
      : data(memory), shape(dimensions), strides(element_strides) {}

  // A view of mutable memory reads as a view of constant memory.
  template <typename U>
  requires(std::is_same_v<T, const U>) constexpr TensorView(const TensorView<U, kRank>& other)
      : data(other.data), shape(other.shape), strides(other.strides) {}

  constexpr int64_t dim(int axis) const { return shape[static_cast<std::size_t>(axis)]; }
  constexpr int64_t stride(int axis) const { return strides[static_cast<std::size_t>(axis)]; }

  constexpr int64_t num_elements() const {
    int64_t count = 1;
    for (int64_t extent : shape) count *= extent;
    return count;
  }

  template <typename... Index>
  requires(sizeof...(Index) == kRank) constexpr T& operator()(Index... index) const {
    return data[Offset(index...)];
  }

  // The start of the row at the given leading indices.
  template <typename... Index>
  requires(sizeof...(Index) == kRank - 1) constexpr T* row(Index... index) const {
    return data + Offset(index..., 0);
  }

  constexpr bool is_dense() const {
    int64_t stride = 1;
    for (int i = kRank - 1; i >= 0; --i) {
      if (strides[static_cast<std::size_t>(i)] != stride) return false;
      stride *= shape[static_cast<std::size_t>(i)];
    }
    return true;
  }

 private:
  template <typename... Index>
  constexpr int64_t Offset(Index... index) const {
    const std::array<int64_t, kRank> position{static_cast<int64_t>(index)...};
    int64_t offset = 0;
    for (int i = 0; i < kRank; ++i) {
      offset += position[static_cast<std::size_t>(i)] * strides[static_cast<std::size_t>(i)];
    }
    return offset;
  }
};

}  // namespace oriel

#endif  // ORIEL_KERNELS_CORE_TENSOR_VIEW_H_
