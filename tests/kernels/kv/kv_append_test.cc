// CPU append against the reference on every instruction set, and where rows are written.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "hwy/targets.h"
#include "tests/kernels/kv/kv_harness.h"

namespace oriel {
namespace {

constexpr int kUnwritten = 0x7E00;

KvSpec Spec(RopePairs pairs, int head_dim, int rotary_pairs) {
  return {.head_dim = head_dim,
          .q_heads_per_kv_head = 2,
          .heads = {DefaultHeadFormat(Codec::kInt2, Codec::kE8_1p5),
                    DefaultHeadFormat(Codec::kFp16, Codec::kInt4),
                    DefaultHeadFormat(Codec::kInt8, Codec::kFp16)},
          .pairs = pairs,
          .rotary_pairs = rotary_pairs};
}

std::vector<float> Scratch(const TensorView<Half, 3>& rows, int tokens) {
  std::vector<float> values;
  for (int64_t head = 0; head < rows.dim(0); ++head) {
    for (int64_t token = 0; token < tokens; ++token) {
      for (int64_t c = 0; c < rows.dim(2); ++c) values.push_back(ToFloat(rows(head, token, c)));
    }
  }
  return values;
}

// A difference in the last bits of a float moves an FP16 number by one step, and rarely.
void ExpectSameHalves(const std::vector<float>& a, const std::vector<float>& b) {
  ASSERT_EQ(a.size(), b.size());
  size_t different = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_NEAR(a[i], b[i], std::abs(b[i]) / 1000.0f + 1e-5f);
    different += a[i] != b[i];
  }
  EXPECT_LE(different, a.size() / 100);
}

TEST(KvAppendTest, AgreesWithTheReferenceForBothPairingsAndPartialRotation) {
  constexpr int kTokens = 37;
  for (RopePairs pairs : {RopePairs::kAdjacent, RopePairs::kHalves}) {
    for (auto [head_dim, rotary] : {std::pair{64, 32}, {64, 16}, {64, 12}, {128, 64}, {128, 20}}) {
      KvHarness reference(Spec(pairs, head_dim, rotary));
      reference.Feed({{.tokens = kTokens}}, KvOps::kReference);
      for (int64_t left = hwy::SupportedTargets(); left != 0; left &= left - 1) {
        SCOPED_TRACE(hwy::TargetName(left & ~(left - 1)));
        hwy::SetSupportedTargetsForTest(left & ~(left - 1));
        KvHarness cpu(Spec(pairs, head_dim, rotary));
        cpu.Feed({{.tokens = kTokens}});
        EXPECT_LE(GreatestRowError(cpu.queries(), reference.queries(), head_dim), 1e-5);
        for (auto rows : {&KvLayerStorage::scratch_keys, &KvLayerStorage::scratch_values}) {
          ExpectSameHalves(Scratch(cpu.storage().*rows, kTokens),
                           Scratch(reference.storage().*rows, kTokens));
        }
        hwy::SetSupportedTargetsForTest(0);
      }
    }
  }
}

bool IsWritten(const Half* row, int head_dim) {
  int written = 0;
  for (int c = 0; c < head_dim; ++c) written += row[c].bits != kUnwritten;
  EXPECT_TRUE(written == 0 || written == head_dim);
  return written == head_dim;
}

TEST(KvAppendTest, WritesWhatOutlivesTheStepAndNothingElse) {
  for (KvOps ops : {KvOps::kReference, KvOps::kCpu}) {
    KvSpec spec = Spec(RopePairs::kHalves, 64, 32);
    spec.window_tokens = 64;
    KvHarness harness(spec);
    harness.Feed({{.tokens = 200}},
                 ops);  // last position 199: pages 0 and 1 are sealed in the step
    const KvLayerStorage& storage = harness.storage();
    for (int head = 0; head < 3; ++head) {
      for (int token = 0; token < 256; ++token) {
        const bool outlives = token >= 128 && token < 200;
        EXPECT_EQ(IsWritten(storage.window_keys.row(token / 64, head, token % 64), 64), outlives);
        EXPECT_EQ(IsWritten(storage.window_values.row(token / 64, head, token % 64), 64), outlives);
        EXPECT_EQ(IsWritten(storage.scratch_keys.row(head, token), 64), token < 200);
      }
      for (int token = 0; token < 5; ++token) {
        EXPECT_TRUE(IsWritten(storage.sink_keys.row(0, head, token), 64));
        EXPECT_TRUE(IsWritten(storage.sink_values.row(0, head, token), 64));
      }
    }
    // The same bits wherever a row is written.
    EXPECT_EQ(storage.window_keys(2, 1, 3, 7), storage.scratch_keys(1, 131, 7));
    EXPECT_EQ(storage.sink_values(0, 1, 4, 7), storage.scratch_values(1, 4, 7));
  }
}

TEST(KvAppendTest, ADecodeViewWritesItsWindowAndNoScratch) {
  KvHarness harness(Spec(RopePairs::kHalves, 64, 32));
  harness.Feed({{.decode = true}});
  EXPECT_FALSE(IsWritten(harness.storage().scratch_keys.row(0, 0), 64));
  EXPECT_TRUE(IsWritten(harness.storage().window_keys.row(0, 0, 0), 64));
  EXPECT_TRUE(IsWritten(harness.storage().sink_keys.row(0, 0, 0), 64));
}

TEST(KvAppendTest, RefusesShapesThatDoNotFit) {
  KvHarness harness(Spec(RopePairs::kHalves, 64, 32));
  harness.Feed({{.tokens = 3}});
  for (KvOps ops : {KvOps::kReference, KvOps::kCpu}) {
    KvAppendArgs args = harness.append_args();
    args.qkv.shape[1] -= 64;
    EXPECT_THAT(RunAppend(args, ops, harness.pool()).message(),
                testing::HasSubstr("qkv has shape [3, 704]"));
    args = harness.append_args();
    args.cosines.shape[1] = 33;
    EXPECT_THAT(RunAppend(args, ops, harness.pool()).message(),
                testing::HasSubstr("rotary pairs is 33"));
    args = harness.append_args();
    args.step = nullptr;
    EXPECT_EQ(RunAppend(args, ops, harness.pool()).code(), absl::StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace oriel
