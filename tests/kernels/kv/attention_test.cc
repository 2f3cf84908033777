// CPU attention against the reference: every codec in both halves, head sizes, ratios of query
// heads, windows, sinks, positions at page edges, and every instruction set that this machine can
// run.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <numeric>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "hwy/targets.h"
#include "kernels/core/status.h"
#include "tests/kernels/kv/kv_harness.h"

namespace oriel {
namespace {

constexpr double kRowError = 2e-3;
// Runs `body` once for each instruction set of this machine.
template <typename Body>
void ForEachTarget(Body body) {
  for (int64_t targets = hwy::SupportedTargets(); targets != 0; targets &= targets - 1) {
    const int64_t target = targets & ~(targets - 1);
    SCOPED_TRACE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    body();
    hwy::SetSupportedTargetsForTest(0);
  }
}

std::vector<KvHeadFormat> EveryCodecPair(Codec key) {
  std::vector<KvHeadFormat> heads;
  for (Codec value : kAllCodecs) heads.push_back(DefaultHeadFormat(key, value));
  return heads;
}

void ExpectClose(KvHarness& harness, double limit = kRowError) {
  const std::vector<float> reference = harness.Attend(KvOps::kReference);
  ForEachTarget([&] {
    EXPECT_LE(GreatestRowError(harness.Attend(), reference, harness.spec().head_dim), limit);
  });
}

class AttentionCodecTest : public testing::TestWithParam<std::tuple<int, Codec>> {};

TEST_P(AttentionCodecTest, DecodeAndPrefillAgreeWithTheReferenceForEveryPairOfCodecs) {
  const auto [head_dim, key] = GetParam();
  KvHarness harness({.head_dim = head_dim,
                     .q_heads_per_kv_head = 2,
                     .heads = EveryCodecPair(key),
                     .tokens_max = 512,
                     .key_bias = 4.0f});
  harness.FeedPrompt(0, 240, 240);
  harness.Feed({{.tokens = 40}});  // positions 240 … 279 see two or more pages packed
  ExpectClose(harness);
  harness.Feed({{.decode = true}});
  ExpectClose(harness);
}

INSTANTIATE_TEST_SUITE_P(Codecs, AttentionCodecTest,
                         testing::Combine(testing::Values(64, 128), testing::ValuesIn(kAllCodecs)),
                         [](const auto& tested) {
                           return absl::StrCat(ToAbsl(CodecName(std::get<1>(tested.param))), "_",
                                               std::get<0>(tested.param));
                         });

TEST(AttentionAsymmetricTest, AgreesWithTheReference) {
  for (int head_dim : {64, 128}) {
    KvHarness harness({.head_dim = head_dim,
                       .q_heads_per_kv_head = 2,
                       .heads = {DefaultHeadFormat(Codec::kInt2, Codec::kInt2),
                                 DefaultHeadFormat(Codec::kInt8, Codec::kInt4),
                                 DefaultHeadFormat(Codec::kE8_2p5, Codec::kE8_1p5)},
                       .asymmetric = true});
    harness.FeedPrompt(0, 240, 240);
    harness.Feed({{.tokens = 40}});
    ExpectClose(harness);
    harness.Feed({{.decode = true}});
    ExpectClose(harness);
  }
}

TEST(AttentionPreScaleTest, AgreesWithTheReference) {
  std::vector<KvHeadFormat> heads = {DefaultHeadFormat(Codec::kInt4, Codec::kE8_2p5),
                                     DefaultHeadFormat(Codec::kInt1, Codec::kInt8)};
  heads[0].key_pre_scale_log2 = 5;
  heads[0].value_pre_scale_log2 = -3;
  heads[1].key_pre_scale_log2 = -6;
  heads[1].value_pre_scale_log2 = 4;
  KvHarness harness({.heads = heads});
  harness.FeedPrompt(0, 240, 240);
  harness.Feed({{.tokens = 40}});
  ExpectClose(harness);
  harness.Feed({{.decode = true}});
  ExpectClose(harness);
}

// Contexts of several splits, whose states are merged.
TEST(AttentionSplitTest, ALongContextAgreesWithTheReference) {
  KvHarness harness({.heads = {DefaultHeadFormat(Codec::kInt2, Codec::kE8_1p5)},
                     .num_sequences = 2,
                     .tokens_max = 2304});
  harness.FeedPrompt(0, 2300, 500);
  harness.FeedPrompt(1, 1027, 500);
  harness.Feed({{.sequence = 0, .decode = true}, {.sequence = 1, .decode = true}});
  ExpectClose(harness);
}

struct ShapeCase {
  int head_dim;
  int ratio;
  int window;
  int sinks;
};

class AttentionShapeTest : public testing::TestWithParam<ShapeCase> {};

TEST_P(AttentionShapeTest, AgreesWithTheReferenceAtPageEdges) {
  const ShapeCase shape = GetParam();
  KvHarness harness({.head_dim = shape.head_dim,
                     .q_heads_per_kv_head = shape.ratio,
                     .heads = {DefaultHeadFormat(Codec::kInt2, Codec::kE8_1p5),
                               DefaultHeadFormat(Codec::kE8_2p5, Codec::kInt4)},
                     .window_tokens = shape.window,
                     .sink_tokens = shape.sinks,
                     .tokens_max = 384,
                     .rotary_pairs = shape.head_dim / 4});
  for (int edge : {1, 63, 64, 65, 66, 127, 128, 129, 192, 193, 194, 257}) {
    const int tokens = edge - harness.length(0);
    harness.Feed({{.tokens = tokens, .decode = tokens == 1}});
    SCOPED_TRACE(edge);
    ExpectClose(harness);
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, AttentionShapeTest,
                         testing::Values(ShapeCase{64, 1, 128, 5}, ShapeCase{64, 3, 0, 0},
                                         ShapeCase{64, 7, 64, 64}, ShapeCase{128, 6, 128, 5},
                                         ShapeCase{128, 8, 0, 64}, ShapeCase{128, 16, 64, 5},
                                         ShapeCase{64, 16, 0, 5}, ShapeCase{128, 1, 64, 0},
                                         ShapeCase{128, 12, 0, 5}),
                         [](const auto& tested) {
                           const ShapeCase& s = tested.param;
                           return absl::StrCat("d", s.head_dim, "_ratio", s.ratio, "_window",
                                               s.window, "_sinks", s.sinks);
                         });

KvSpec MixedSpec() {
  return {.head_dim = 64,
          .q_heads_per_kv_head = 3,
          .heads = {DefaultHeadFormat(Codec::kInt2, Codec::kE8_1p5),
                    DefaultHeadFormat(Codec::kInt8, Codec::kInt1),
                    DefaultHeadFormat(Codec::kFp16, Codec::kE8_2p5)},
          .tokens_max = 512};
}

TEST(AttentionPrefillTest, GivesTheSameBitsWhateverTheChunk) {
  constexpr int kTokens = 450;
  std::vector<float> whole;
  {
    KvHarness harness(MixedSpec());
    harness.Feed({{.tokens = kTokens}});
    whole = harness.Attend();
  }
  for (int chunk : {1, 17, 64, 100}) {
    KvHarness harness(MixedSpec());
    std::vector<float> rows;
    while (harness.length(0) < kTokens) {
      harness.Feed({{.tokens = std::min(chunk, kTokens - harness.length(0))}});
      const std::vector<float> part = harness.Attend();
      rows.insert(rows.end(), part.begin(), part.end());
    }
    ASSERT_EQ(rows.size(), whole.size());
    EXPECT_EQ(std::memcmp(rows.data(), whole.data(), rows.size() * sizeof(float)), 0)
        << "chunk " << chunk;
  }
}

// Rows of the sequence whose tokens are the last of the step.
std::vector<float> LastRows(const std::vector<float>& out, size_t count) {
  return {out.end() - static_cast<std::ptrdiff_t>(count), out.end()};
}

TEST(AttentionBatchTest, ASequenceGetsTheSameBitsAloneAndInABatch) {
  KvSpec spec = MixedSpec();
  spec.num_sequences = 3;
  for (bool decode : {true, false}) {
    const KvChunk last{.sequence = 2, .tokens = decode ? 1 : 70, .decode = decode};
    std::vector<float> results[2];
    for (int batched : {0, 1}) {
      KvHarness harness(spec, batched == 0 ? 1 : 3);
      harness.FeedPrompt(0, 200, 200);
      harness.FeedPrompt(1, 70, 70);
      harness.FeedPrompt(2, 391, 391);
      std::vector<KvChunk> step;
      if (batched != 0) {
        step = {{.sequence = 0, .tokens = 1, .decode = true}, {.sequence = 1, .tokens = 33}};
      }
      step.push_back(last);
      harness.Feed(step);
      const size_t values = static_cast<size_t>(last.tokens * harness.q_heads() * 64);
      results[batched] = LastRows(harness.Attend(), values);
    }
    EXPECT_EQ(std::memcmp(results[0].data(), results[1].data(), results[0].size() * 4), 0);
  }
}

// Adds `factor` times the direction of the sequence's query head 0 to nothing but one key: its
// score towers.
TEST(AttentionDecodeTest, HoldsItsErrorWhenOneKeyOutweighsAllOthers) {
  for (int head_dim : {64, 128}) {
    for (float nats : {4.0f, 12.0f, 30.0f}) {
      KvHarness harness({.head_dim = head_dim,
                         .q_heads_per_kv_head = 1,
                         .heads = {DefaultHeadFormat(Codec::kInt8, Codec::kInt8)},
                         .window_tokens = 0,
                         .sink_tokens = 0,
                         .tokens_max = 4160});
      harness.FeedPrompt(0, 4100, 500);
      harness.Feed({{.decode = true}});
      AttentionArgs args = harness.attention_args();
      // The query becomes a multiple of an early key, which thereby stands `nats` above the mean.
      std::vector<float> query(static_cast<size_t>(head_dim));
      {
        KvHarness early({.head_dim = head_dim,
                         .q_heads_per_kv_head = 1,
                         .heads = harness.spec().heads,
                         .window_tokens = 0,
                         .sink_tokens = 0,
                         .tokens_max = 128});
        early.Feed({{.tokens = 60}});
        float norm = 0.0f;
        for (int c = 0; c < head_dim; ++c) {
          query[static_cast<size_t>(c)] =
              ToFloat(early.storage().scratch_keys(0, 37, static_cast<int64_t>(c)));
          norm += query[static_cast<size_t>(c)] * query[static_cast<size_t>(c)];
        }
        for (float& q : query) q *= nats / (norm * args.softmax_scale);
      }
      args.queries.data = query.data();
      ASSERT_TRUE(RunDecode(args, KvOps::kReference, harness.pool()).ok());
      const std::vector<float> reference(args.out.data, args.out.data + head_dim);
      ForEachTarget([&] {
        ASSERT_TRUE(RunDecode(args, KvOps::kCpu, harness.pool()).ok());
        const std::vector<float> out(args.out.data, args.out.data + head_dim);
        EXPECT_LE(GreatestRowError(out, reference, head_dim), kRowError) << nats;
      });
    }
  }
}

// A change of a code byte that the weights resolve: the last bits of wide codes are below that.
std::byte CodeFlip(Codec codec, int byte) {
  if (codec == Codec::kFp16) return std::byte{0x38};
  if (codec == Codec::kInt8) return std::byte{0xF0};
  if (codec == Codec::kInt4) return std::byte{0xCC};
  return static_cast<std::byte>(1u << (byte % 8));
}

// What an attended bit changes and an unattended one does not.
class AttentionReadsTest : public testing::TestWithParam<Codec> {};

TEST_P(AttentionReadsTest, EveryByteOfAnAttendedPageCountsAndNoOther) {
  for (int head_dim : {64, 128}) {
    KvHarness harness({.head_dim = head_dim,
                       .q_heads_per_kv_head = 1,
                       .heads = {DefaultHeadFormat(GetParam(), GetParam())},
                       .window_tokens = 64,
                       .sink_tokens = 0,
                       .tokens_max = 320,
                       .softmax_scale = 0.02f});  // nearly even weights: every token counts
    harness.FeedPrompt(0, 256, 256);
    for (bool decode : {true, false}) {
      harness.Feed({{.tokens = decode ? 1 : 20, .decode = decode}});
      const std::vector<float> before = harness.Attend();
      const HeadPageLayout layout = harness.format().Layout(0);
      std::byte* page = harness.HeadPage(0, 1, 0);
      const int meaningful =
          layout.centre_scale.present() ? layout.centre_scale.offset + 2 : layout.bytes;
      for (int byte = 0; byte < meaningful; byte += 3 + byte % 17) {
        if (GetParam() == Codec::kFp16 && byte % 2 == 0) continue;
        const bool is_code = byte < layout.key_codes.bytes + layout.value_codes.bytes;
        const std::byte flip =
            is_code ? CodeFlip(GetParam(), byte) : static_cast<std::byte>(1u << (byte % 3));
        page[byte] ^= flip;
        EXPECT_NE(harness.Attend(), before) << "byte " << byte;
        page[byte] ^= flip;
      }
      EXPECT_EQ(harness.Attend(), before);
      std::byte* unattended = harness.HeadPage(0, 4, 0);
      unattended[0] ^= std::byte{1};
      EXPECT_EQ(harness.Attend(), before);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Codecs, AttentionReadsTest, testing::ValuesIn(kAllCodecs),
                         [](const auto& tested) { return std::string(CodecName(tested.param)); });

TEST(AttentionArgumentsTest, RefusesWhatItDoesNotServe) {
  KvHarness harness(MixedSpec());
  harness.Feed({{.tokens = 70}});
  AttentionArgs args = harness.attention_args();
  EXPECT_THAT(RunDecode(args, KvOps::kCpu, harness.pool()).message(),
              testing::HasSubstr("view 0: scratch_row"));
  args.queries.shape[1] = 8;
  EXPECT_THAT(RunPrefill(args, KvOps::kCpu, harness.pool()).message(),
              testing::HasSubstr("q_heads is 8"));
  args = harness.attention_args();
  args.out.shape[0] = 3;
  EXPECT_THAT(RunPrefill(args, KvOps::kCpu, harness.pool()).message(),
              testing::HasSubstr("out has shape [3,"));
  args = harness.attention_args();
  harness.Feed({{.decode = true}});
  const std::vector<WindowPageId> pages = {0, kNoPage};
  harness.step().window_pages = {pages.data(), {2}};
  EXPECT_THAT(RunDecode(harness.attention_args(), KvOps::kCpu, harness.pool()).message(),
              testing::HasSubstr("page 1 is read in FP16"));
  args = harness.attention_args();
  harness.step().window_tokens = 100;
  EXPECT_THAT(RunDecode(args, KvOps::kCpu, harness.pool()).message(),
              testing::HasSubstr("window_tokens is 100"));
}

}  // namespace
}  // namespace oriel
