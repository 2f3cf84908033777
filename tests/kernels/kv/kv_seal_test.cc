// The CPU's fast seal against the definition in kernels/formats: equal bytes, on every instruction
// set.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "hwy/targets.h"
#include "kernels/core/status.h"
#include "kernels/cpu/kv_seal.h"
#include "kernels/formats/page_codec.h"
#include "tests/kernels/kv/kv_harness.h"

namespace oriel {
namespace {

using Rows = std::vector<Half>;

// Rows as they come and as they should not: tiny, huge, constant, zero, subnormal, infinite, NaN.
std::vector<Rows> RowKinds(size_t values) {
  std::mt19937 random(11);
  std::normal_distribution<float> normal;
  std::vector<Rows> kinds;
  for (float scale : {1.0f, 1e-3f, 3e-6f, 800.0f, 20000.0f}) {
    Rows rows(values);
    for (Half& x : rows) x = ToHalf(normal(random) * scale);
    kinds.push_back(rows);
  }
  kinds.push_back(Rows(values, ToHalf(0.0f)));
  kinds.push_back(Rows(values, ToHalf(0.75f)));
  Rows bits(values);
  for (Half& x : bits) x.bits = static_cast<uint16_t>(random());
  kinds.push_back(bits);
  Rows sparse(values, ToHalf(0.0f));
  for (size_t i = 0; i < values; i += 97) sparse[i] = ToHalf(normal(random));
  kinds.push_back(sparse);
  // Few different numbers: candidates and codewords tie.
  Rows coarse(values);
  for (Half& x : coarse) x = ToHalf(static_cast<float>(static_cast<int>(random() % 5) - 2) * 0.5f);
  kinds.push_back(coarse);
  return kinds;
}

class KvSealTest : public testing::TestWithParam<std::tuple<int, Codec>> {};

TEST_P(KvSealTest, WritesTheBytesOfThePageFormat) {
  const auto [head_dim, codec] = GetParam();
  const std::vector<Rows> kinds = RowKinds(static_cast<size_t>(64 * head_dim));
  for (int pre_scale : {0, -7, 9}) {
    KvHeadFormat head = DefaultHeadFormat(codec, codec);
    if (codec != Codec::kFp16)
      head.key_pre_scale_log2 = head.value_pre_scale_log2 = static_cast<int8_t>(pre_scale);
    const KvLayerFormat format = *MakeKvLayerFormat(head_dim, std::span(&head, 1));
    const size_t bytes = static_cast<size_t>(format.Layout(0).bytes);
    for (size_t kind = 0; kind < kinds.size(); ++kind) {
      const Half* keys = kinds[kind].data();
      const Half* values = kinds[(kind + 1) % kinds.size()].data();
      for (int num_sinks : {0, 5, 64}) {
        std::vector<std::byte> expected(bytes, std::byte{0xAB});
        SealHeadPage(format, 0, {keys, {64, head_dim}}, {values, {64, head_dim}}, num_sinks,
                     expected);
        for (int64_t left = hwy::SupportedTargets(); left != 0; left &= left - 1) {
          hwy::SetSupportedTargetsForTest(left & ~(left - 1));
          std::vector<std::byte> page(bytes, std::byte{0xCD});
          SealHeadPageFast(format, 0, keys, values, num_sinks, page.data());
          EXPECT_TRUE(page == expected) << hwy::TargetName(left & ~(left - 1)) << " kind " << kind
                                        << " sinks " << num_sinks << " pre-scale " << pre_scale;
          hwy::SetSupportedTargetsForTest(0);
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Codecs, KvSealTest,
                         testing::Combine(testing::Values(64, 128), testing::ValuesIn(kAllCodecs)),
                         [](const auto& tested) {
                           return std::string(CodecName(std::get<1>(tested.param))) +
                                  (std::get<0>(tested.param) == 64 ? "_64" : "_128");
                         });

TEST(KvSealTest, GathersAPageFromWindowAndScratchAsTheReferenceDoes) {
  const KvSpec spec = {.heads = {DefaultHeadFormat(Codec::kInt2, Codec::kE8_1p5),
                                 DefaultHeadFormat(Codec::kFp16, Codec::kInt8)},
                       .window_tokens = 64};
  // Chunks that cut pages, so that rows of one page come from both places.
  KvHarness fast(spec);
  KvHarness plain(spec);
  for (int tokens : {30, 100, 70, 1, 130}) {
    fast.Feed({{.tokens = tokens}});
    plain.Feed({{.tokens = tokens}});
    ASSERT_TRUE(RunSeal(plain.seal_args(), KvOps::kReference, plain.pool()).ok());
  }
  ASSERT_EQ(fast.num_sealed(0), 4);
  for (int page = 0; page < 4; ++page) {
    const std::byte* a = fast.HeadPage(0, page, 0);
    const std::byte* b = plain.HeadPage(0, page, 0);
    EXPECT_TRUE(std::equal(a, a + fast.format().layer_page_bytes, b)) << page;
  }
}

TEST(KvSealTest, RefusesItemsThatLeaveThePools) {
  KvHarness harness({.heads = {DefaultHeadFormat(Codec::kInt2, Codec::kInt2)}});
  harness.Feed({{.tokens = 70}});
  for (KvOps ops : {KvOps::kReference, KvOps::kCpu}) {
    const auto refusal = [&](KvSealItem item) {
      KvSealArgs args = harness.seal_args();
      args.items = {&item, {1}};
      return std::string(ToStd(RunSeal(args, ops, harness.pool()).message()));
    };
    EXPECT_THAT(refusal({.page = 8, .scratch_row = 0}), testing::HasSubstr("page is 8"));
    EXPECT_THAT(refusal({.page = 0, .scratch_row = 449}), testing::HasSubstr("scratch_row is 449"));
    EXPECT_THAT(refusal({.page = 0, .window_page = 8, .window_rows = 64}),
                testing::HasSubstr("window_page is 8"));
    EXPECT_THAT(refusal({.page = 0, .scratch_row = 0, .num_sinks = 65}),
                testing::HasSubstr("num_sinks is 65"));
  }
}

}  // namespace
}  // namespace oriel
