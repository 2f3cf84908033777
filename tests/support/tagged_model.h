#ifndef ORIEL_TESTS_SUPPORT_TAGGED_MODEL_H_
#define ORIEL_TESTS_SUPPORT_TAGGED_MODEL_H_

#include <cstdint>
#include <vector>

#include "engine/model/model.h"
#include "tests/support/tag_hash.h"

namespace oriel {

// Mistakes that a cache, a planner or a kernel could make; the tests of the tests plant them.
enum class PlantedBug : uint8_t {
  kNone,
  kPageNotSealed,                // a page keeps the bytes that it had before
  kOffByOneAtPageEdge,           // the last row of a packed page is read one row early
  kSinkReadTwice,                // a sink is read in its slot and in its packed page
  kWrongSlot,                    // sinks of the neighbouring slot are read
  kPackedPageShared,             // two sequences get the same packed page
  kWindowPageShared,             // two page indices get the same window page
  kWindowOverwrittenBeforeSeal,  // a row changes between its last read and its sealing
  kScratchOfAnotherView,         // every view reads the scratch from row 0 on
  kWrongHeadOffset,              // heads are read as if all were as large as the head itself
  kWrongHeadCodec,               // every head is encoded with the codecs of the first
  kSealBeforeAppend,             // pages are sealed before the step's rows are there
  kSealedTwice,                  // a page is sealed again from rows that have moved on
  kViewOfFirstQuery,             // all queries of a chunk see what the first one sees
  kCausalMaskOffByOne,           // a query does not see its own token
};

struct TaggedModelOptions {
  int32_t max_step_tokens = 1024;
  int32_t vocab = 97;
  int32_t context_tokens = 4096;
  PlantedBug bug = PlantedBug::kNone;
  // Whether a read of a row that is not the sequence's own token at that position fails the step.
  // Without, only the answer shows it.
  bool check_rows = true;
  TokenId nan_token = kNoToken;  // rows of this token get logits that are not numbers
  int64_t fail_at_forward = -1;  // this Forward (from 0) fails as a broken device would
};

// A model whose keys and values are tags. It reads and writes them through the same BatchInputs as
// a real model, exactly as kernels/ops/kv_view.h says, but in memory of its own: KvStorage gives
// the sizes. So its answers depend on every page that a query reads and on nothing else.
class TaggedModel : public Model {
 public:
  explicit TaggedModel(const TaggedModelOptions& options);

  const ModelConfig& config() const override { return config_; }
  int32_t max_step_tokens() const override { return options_.max_step_tokens; }
  absl::Status Forward(const BatchInputs& inputs, const KvStorage& storage,
                       Stream& stream) override;
  absl::Status ComputeLogits(TensorView<const int32_t, 1> rows, TensorView<float, 2> logits,
                             Stream& stream) override;

 private:
  // A stored token: its tag, and whose it is. Owner 0 is poison: never written, or released.
  struct Row {
    uint64_t tag = 0xBAD;
    int32_t position = -1;
    uint32_t owner = 0;
  };
  // The smallest head page has more than 64 cells.
  static constexpr int64_t kCellBytes = 16;
  struct Layer {
    std::vector<Row> packed;   // [num_pages, layer_page_bytes / kCellBytes]
    std::vector<Row> windows;  // [num_window_pages, 64]
    std::vector<Row> sinks;    // [num_sequence_slots, sink_tokens]
  };

  void Allocate(const KvStorage& storage);
  absl::Status CheckInputs(const BatchInputs& inputs, const KvStorage& storage) const;
  absl::Status StartViews(const BatchInputs& inputs);
  absl::Status Append(const BatchInputs& inputs, const std::vector<uint64_t>& tags, Layer& layer);
  absl::Status Seal(const BatchInputs& inputs, Layer& layer);
  absl::Status AttendView(const BatchInputs& inputs, const KvView& view, const Layer& layer);
  int32_t NumPackedFor(const BatchInputs& inputs, const KvView& view, int32_t query) const;
  const Row& ReadUnpacked(const BatchInputs& inputs, const KvView& view, int32_t token,
                          const Layer& layer) const;
  absl::Status CheckRow(const Row& row, const KvView& view, int32_t query, int32_t token) const;
  void PoisonSealedWindowPages(const BatchInputs& inputs);

  absl::Status SealPage(const KvSealItem& item, Layer& layer);
  absl::Status AttendPacked(const BatchInputs& inputs, const KvView& view, int32_t query,
                            int32_t token, const Layer& layer, uint64_t& attended) const;

  // Where a head's row lies. A head page begins at its offset in the bytes of the page, as in a
  // real pool, and each of its rows takes one cell.
  size_t PackedCell(PageId page, int64_t head_offset, int32_t row) const;
  int64_t HeadOffsetToRead(int32_t head) const;
  size_t WindowRow(WindowPageId page, int32_t row) const;

  const TaggedModelOptions options_;
  ModelConfig config_;
  KvStorageShape shape_;
  KvLayerFormat format_;  // of every layer
  std::vector<Layer> layers_;
  std::vector<Row> scratch_;
  std::vector<uint32_t> owner_of_slot_;
  std::vector<int32_t> next_position_of_slot_;
  uint32_t last_owner_ = 0;
  int64_t num_forwards_ = 0;
  std::vector<KvSealItem> last_seals_;  // of the last Forward
  std::vector<uint64_t> attended_;      // a row of the last Forward
  std::vector<TokenId> tokens_;         // a row of the last Forward
};

}  // namespace oriel

#endif  // ORIEL_TESTS_SUPPORT_TAGGED_MODEL_H_
