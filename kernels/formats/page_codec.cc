#include "kernels/formats/page_codec.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "kernels/core/check.h"
#include "kernels/formats/code_section.h"
#include "kernels/formats/group_encoder.h"
#include "kernels/formats/page_centre.h"

namespace oriel {
namespace {

constexpr size_t kPageValuesMax = kPageTokens * kHeadDimMax;
using PageValues = std::array<float, kPageValuesMax>;
using PageCodes = std::array<uint8_t, kPageValuesMax>;

// One half of a head page with everything that its coding depends on.
struct HalfFormat {
  PageHalf half = PageHalf::kKey;
  Codec codec = Codec::kFp16;
  int head_dim = 0;
  int groups = 1;
  bool asymmetric = false;
  float pre_scale = 1.0f;
  PageSection codes;
  PageSection scales;
  PageSection zeros;

  size_t num_values() const { return static_cast<size_t>(kPageTokens * head_dim); }
  size_t group_channels() const { return static_cast<size_t>(head_dim / groups); }
};

HalfFormat KeyHalf(const KvLayerFormat& format, int kv_head, const HeadPageLayout& layout) {
  const KvHeadFormat& head = format.head(kv_head);
  return {.half = PageHalf::kKey,
          .codec = head.key,
          .head_dim = format.head_dim,
          .groups = format.groups,
          .asymmetric = format.asymmetric,
          .pre_scale = std::ldexp(1.0f, head.key_pre_scale_log2),
          .codes = layout.key_codes,
          .scales = layout.key_scales,
          .zeros = layout.key_zeros};
}

HalfFormat ValueHalf(const KvLayerFormat& format, int kv_head, const HeadPageLayout& layout) {
  const KvHeadFormat& head = format.head(kv_head);
  return {.half = PageHalf::kValue,
          .codec = head.value,
          .head_dim = format.head_dim,
          .groups = format.groups,
          .asymmetric = format.asymmetric,
          .pre_scale = std::ldexp(1.0f, head.value_pre_scale_log2),
          .codes = layout.value_codes,
          .scales = layout.value_scales,
          .zeros = layout.value_zeros};
}

template <typename Byte>
std::span<Byte> SectionOf(std::span<Byte> page, PageSection section) {
  return page.subspan(static_cast<size_t>(section.offset), static_cast<size_t>(section.bytes));
}

void CheckShapes(const KvLayerFormat& format, int kv_head, size_t page_bytes,
                 const std::array<int64_t, 2>& keys, const std::array<int64_t, 2>& values) {
  ORIEL_CHECK(kv_head >= 0 && kv_head < format.kv_heads);
  ORIEL_CHECK(page_bytes == static_cast<size_t>(format.Layout(kv_head).bytes));
  ORIEL_CHECK(keys[0] == kPageTokens && keys[1] == format.head_dim);
  ORIEL_CHECK(values[0] == kPageTokens && values[1] == format.head_dim);
}

void CopyRows(TensorView<const Half, 2> rows, std::span<std::byte> section) {
  const size_t row_bytes = static_cast<size_t>(rows.dim(1)) * sizeof(Half);
  for (int token = 0; token < kPageTokens; ++token) {
    std::memcpy(section.data() + static_cast<size_t>(token) * row_bytes, rows.row(token),
                row_bytes);
  }
}

PageValues ScaledRows(TensorView<const Half, 2> rows, float pre_scale) {
  PageValues scaled;
  size_t next = 0;
  for (int64_t token = 0; token < kPageTokens; ++token) {
    for (int64_t c = 0; c < rows.dim(1); ++c) {
      scaled[next++] = ToFloat(FiniteHalf(rows(token, c))) * pre_scale;
    }
  }
  return scaled;
}

void SubtractCentre(const PageCentre& centre, int head_dim, PageValues& rows) {
  for (int i = 0; i < kPageTokens * head_dim; ++i) {
    rows[static_cast<size_t>(i)] -= centre.at(i % head_dim);
  }
}

void WriteCentre(const PageCentre& centre, const HeadPageLayout& layout,
                 std::span<std::byte> page) {
  const auto codes = SectionOf(page, layout.centre);
  std::memcpy(codes.data(), centre.codes.data(), codes.size());
  const auto scale = SectionOf(page, layout.centre_scale);
  std::fill(scale.begin(), scale.end(), std::byte{0});
  std::memcpy(scale.data(), &centre.scale, sizeof(Half));
}

PageCentre ReadCentre(const HeadPageLayout& layout, std::span<const std::byte> page) {
  PageCentre centre;
  const auto codes = SectionOf(page, layout.centre);
  std::memcpy(centre.codes.data(), codes.data(), codes.size());
  std::memcpy(&centre.scale, SectionOf(page, layout.centre_scale).data(), sizeof(Half));
  return centre;
}

void EncodeRows(const HalfFormat& f, const PageValues& rows, std::span<std::byte> page) {
  PageCodes codes;
  const auto scales = SectionOf(page, f.scales);
  const auto zeros = SectionOf(page, f.zeros);
  const size_t n = f.group_channels();
  size_t first = 0;
  for (int token = 0; token < kPageTokens; ++token) {
    for (int group = 0; group < f.groups; ++group, first += n) {
      const std::span<const float> x(rows.data() + first, n);
      const std::span<uint8_t> group_codes(codes.data() + first, n);
      const GroupParameters parameters =
          f.asymmetric ? EncodeAsymmetricGroup(f.codec, x, group_codes)
                       : EncodeSymmetricGroup(f.half, f.codec, x, group_codes);
      const size_t index = static_cast<size_t>(ScaleIndex(token, group));
      scales[index] = static_cast<std::byte>(parameters.scale);
      if (f.asymmetric) zeros[index] = static_cast<std::byte>(parameters.zero);
    }
  }
  PackCodes(f.half, f.codec, f.head_dim, {codes.data(), f.num_values()}, SectionOf(page, f.codes));
}

void DecodeRows(const HalfFormat& f, std::span<const std::byte> page, PageValues& rows) {
  PageCodes codes;
  UnpackCodes(f.half, f.codec, f.head_dim, SectionOf(page, f.codes),
              {codes.data(), f.num_values()});
  const auto scales = SectionOf(page, f.scales);
  const auto zeros = SectionOf(page, f.zeros);
  const size_t n = f.group_channels();
  size_t first = 0;
  for (int token = 0; token < kPageTokens; ++token) {
    for (int group = 0; group < f.groups; ++group, first += n) {
      const size_t index = static_cast<size_t>(ScaleIndex(token, group));
      GroupParameters parameters{.scale = std::to_integer<uint8_t>(scales[index])};
      const std::span<const uint8_t> group_codes(codes.data() + first, n);
      const std::span<float> x(rows.data() + first, n);
      if (f.asymmetric) {
        parameters.zero = std::to_integer<uint8_t>(zeros[index]);
        DecodeAsymmetricGroup(parameters, group_codes, x);
      } else {
        DecodeSymmetricGroup(f.codec, parameters, group_codes, x);
      }
    }
  }
}

void ReadRows(std::span<const std::byte> section, int head_dim, PageValues& rows) {
  for (size_t i = 0; i < static_cast<size_t>(kPageTokens * head_dim); ++i) {
    Half value;
    std::memcpy(&value, section.data() + i * sizeof(Half), sizeof(Half));
    rows[i] = ToFloat(value);
  }
}

void StoreRows(const PageValues& rows, float factor, TensorView<float, 2> out) {
  size_t next = 0;
  for (int64_t token = 0; token < kPageTokens; ++token) {
    for (int64_t c = 0; c < out.dim(1); ++c) out(token, c) = rows[next++] * factor;
  }
}

}  // namespace

void SealHeadPage(const KvLayerFormat& format, int kv_head, TensorView<const Half, 2> keys,
                  TensorView<const Half, 2> values, int num_sinks, std::span<std::byte> page) {
  CheckShapes(format, kv_head, page.size(), keys.shape, values.shape);
  const HeadPageLayout layout = format.Layout(kv_head);
  const HalfFormat key_half = KeyHalf(format, kv_head, layout);
  if (key_half.codec == Codec::kFp16) {
    CopyRows(keys, SectionOf(page, layout.key_codes));
  } else {
    PageValues rows = ScaledRows(keys, key_half.pre_scale);
    const PageCentre centre =
        MakePageCentre(format.head_dim, {rows.data(), key_half.num_values()}, num_sinks);
    SubtractCentre(centre, format.head_dim, rows);
    WriteCentre(centre, layout, page);
    EncodeRows(key_half, rows, page);
  }
  const HalfFormat value_half = ValueHalf(format, kv_head, layout);
  if (value_half.codec == Codec::kFp16) {
    CopyRows(values, SectionOf(page, layout.value_codes));
  } else {
    EncodeRows(value_half, ScaledRows(values, value_half.pre_scale), page);
  }
}

void DecodeHeadPage(const KvLayerFormat& format, int kv_head, std::span<const std::byte> page,
                    TensorView<float, 2> keys, TensorView<float, 2> values) {
  CheckShapes(format, kv_head, page.size(), keys.shape, values.shape);
  const HeadPageLayout layout = format.Layout(kv_head);
  PageValues rows;
  const HalfFormat key_half = KeyHalf(format, kv_head, layout);
  if (key_half.codec == Codec::kFp16) {
    ReadRows(SectionOf(page, layout.key_codes), format.head_dim, rows);
  } else {
    DecodeRows(key_half, page, rows);
    const PageCentre centre = ReadCentre(layout, page);
    for (int i = 0; i < kPageTokens * format.head_dim; ++i) {
      rows[static_cast<size_t>(i)] += centre.at(i % format.head_dim);
    }
  }
  StoreRows(rows, 1.0f / key_half.pre_scale, keys);
  const HalfFormat value_half = ValueHalf(format, kv_head, layout);
  if (value_half.codec == Codec::kFp16) {
    ReadRows(SectionOf(page, layout.value_codes), format.head_dim, rows);
  } else {
    DecodeRows(value_half, page, rows);
  }
  StoreRows(rows, 1.0f / value_half.pre_scale, values);
}

}  // namespace oriel
