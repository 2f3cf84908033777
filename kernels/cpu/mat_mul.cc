#include <algorithm>
#include <array>

#include "kernels/core/status.h"
#include "kernels/cpu/cpu_matrix.h"
#include "kernels/cpu/cpu_ops.h"
#include "kernels/cpu/mat_mul_blocks.h"
#include "kernels/cpu/mat_mul_floats.h"
#include "kernels/ops/check_args.h"

namespace oriel {
namespace {

constexpr int64_t kTermsMax = 4;

// Pieces of work a thread should find, so that the last one to finish is not waited for long.
constexpr int64_t kItemsPerThread = 8;

// Tokens that a panel is multiplied with once its weights are spread: enough to make the spreading
// cheap, few enough for their codes to stay in the second-level cache.
constexpr int64_t kRangeTokensMax = 192;
constexpr int64_t kRangeTilesMin = 4;

constexpr int64_t kFloatRowsPerItem = 16;
constexpr int64_t kCacheLine = 64;

int64_t DivideUp(int64_t value, int64_t by) { return (value + by - 1) / by; }
int64_t AlignUp(int64_t value) { return DivideUp(value, kCacheLine) * kCacheLine; }

// How many columns of the input share a scale, by the weights' type.
constexpr int64_t kRoundingColumns[] = {32, 256};

bool HasBlocks(const Matrix& matrix) { return TraitsOf(matrix.dtype()).block_elements > 1; }

// How those block-quantized terms of one call are cut that want the input rounded alike: items run
// over ranges of tokens, within a range over groups of neighbouring panels of all these terms.
struct BlockPlan {
  BlockProductShape shape;
  std::array<int64_t, kTermsMax + 1> panels_before{};  // panels of the terms before term i
  int64_t range_tokens = 0;
  int64_t ranges = 0;
  int64_t panels_per_item = 0;
  int64_t items_per_range = 0;

  int64_t panels() const { return panels_before[kTermsMax]; }
};

BlockPlan PlanBlocks(const MatMulArgs& args, int64_t rounding_columns, int64_t threads) {
  BlockPlan plan;
  plan.shape = ChooseBlockProductShape();
  for (size_t i = 0; i < kTermsMax; ++i) {
    int64_t panels = 0;
    if (i < args.terms.size() && HasBlocks(*args.terms[i].matrix) &&
        RoundingColumns(args.terms[i].matrix->dtype()) == rounding_columns) {
      panels = DivideUp(args.terms[i].matrix->rows(), plan.shape.panel_rows);
    }
    plan.panels_before[i + 1] = plan.panels_before[i] + panels;
  }
  if (plan.panels() == 0) return plan;

  const int64_t tokens = args.input.dim(0);
  const int64_t items_wanted = threads == 1 ? 1 : threads * kItemsPerThread;
  const int64_t tiles = DivideUp(tokens, plan.shape.tile_tokens);
  const int64_t ranges_wanted =
      std::max(DivideUp(tokens, kRangeTokensMax), DivideUp(items_wanted, plan.panels()));
  const int64_t range_tiles = std::min(tiles, std::max(kRangeTilesMin, tiles / ranges_wanted));
  plan.range_tokens = range_tiles * plan.shape.tile_tokens;
  plan.ranges = DivideUp(tokens, plan.range_tokens);
  plan.panels_per_item = std::max<int64_t>(1, plan.panels() * plan.ranges / items_wanted);
  plan.items_per_range = DivideUp(plan.panels(), plan.panels_per_item);
  return plan;
}

void RunBlockItem(const MatMulArgs& args, const BlockPlan& plan, const RoundedInput& input,
                  int64_t item, std::byte* scratch) {
  PanelProduct product{.input = &input, .scratch = scratch};
  product.first_token = item / plan.items_per_range * plan.range_tokens;
  product.tokens = std::min(plan.range_tokens, input.tokens - product.first_token);
  const int64_t begin = item % plan.items_per_range * plan.panels_per_item;
  const int64_t end = std::min(begin + plan.panels_per_item, plan.panels());
  size_t term = 0;
  for (int64_t panel = begin; panel < end; ++panel) {
    while (panel >= plan.panels_before[term + 1]) ++term;
    product.term = &args.terms[term];
    product.matrix = &AsCpuMatrix(*args.terms[term].matrix);
    product.first_row = (panel - plan.panels_before[term]) * plan.shape.panel_rows;
    MultiplyPanel(product);
  }
}

void MultiplyBlocks(const MatMulArgs& args, int64_t rounding_columns, ThreadPool& pool) {
  const BlockPlan plan = PlanBlocks(args, rounding_columns, pool.threads());
  if (plan.panels() == 0) return;
  RoundedInput input{.tokens = args.input.dim(0),
                     .blocks = args.input.dim(1) / kInputBlock,
                     .rounding_columns = rounding_columns};
  const int64_t input_bytes = AlignUp(RoundedInputBytes(input.tokens, input.blocks));
  const int64_t worker_bytes = AlignUp(PanelScratchBytes(plan.range_tokens));
  input.data = pool.Scratch(static_cast<size_t>(input_bytes + worker_bytes * pool.threads()));
  std::byte* workers = input.data + input_bytes;

  pool.ParallelFor(DivideUp(input.tokens, plan.shape.tile_tokens),
                   [&](int64_t tile, int32_t) { RoundInputTile(args.input, tile, input); });
  pool.ParallelFor(plan.ranges * plan.items_per_range, [&](int64_t item, int32_t worker) {
    RunBlockItem(args, plan, input, item, workers + worker * worker_bytes);
  });
}

void MultiplyFloats(const MatMulArgs& args, const MatMulTerm& term, ThreadPool& pool) {
  const int64_t rows = term.matrix->rows();
  pool.ParallelFor(DivideUp(rows, kFloatRowsPerItem), [&](int64_t item, int32_t) {
    const int64_t first = item * kFloatRowsPerItem;
    MultiplyFloatRows(args.input, term, first, std::min(kFloatRowsPerItem, rows - first));
  });
}

}  // namespace

absl::Status CpuMatMul(const MatMulArgs& args, ThreadPool& pool) {
  ORIEL_RETURN_IF_ERROR(CheckMatMulArgs(args));
  if (args.input.dim(0) == 0) return absl::OkStatus();
  for (int64_t columns : kRoundingColumns) MultiplyBlocks(args, columns, pool);
  for (const MatMulTerm& term : args.terms) {
    if (!HasBlocks(*term.matrix)) MultiplyFloats(args, term, pool);
  }
  return absl::OkStatus();
}

}  // namespace oriel
