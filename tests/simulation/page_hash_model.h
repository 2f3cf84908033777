#ifndef ORIEL_TESTS_SIMULATION_PAGE_HASH_MODEL_H_
#define ORIEL_TESTS_SIMULATION_PAGE_HASH_MODEL_H_

#include <array>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "engine/base/token_id.h"
#include "engine/model/model.h"

namespace oriel {

// The cheapest model whose answers still depend on every page that a query reads: page_hash.h. It
// reads and writes pages through the same BatchInputs as a real model, in memory of its own, and
// fails a step whose lists cannot be right whoever made them: a page that stands twice in one step,
// a row written out of order, a page read that is another's, another index's or not written yet.
class PageHashModel : public Model {
 public:
  // Called at the start of each Forward: time passes there, and clients act while a step is under
  // way. An error is the device's.
  using ForwardHook = std::function<absl::Status(const BatchInputs&)>;

  PageHashModel(const ModelConfig& config, int32_t max_step_tokens, ForwardHook hook)
      : config_(config), max_step_tokens_(max_step_tokens), hook_(std::move(hook)) {}

  const ModelConfig& config() const override { return config_; }
  int32_t max_step_tokens() const override { return max_step_tokens_; }
  absl::Status Forward(const BatchInputs& inputs, const KvStorage& storage,
                       Stream& stream) override;
  absl::Status ComputeLogits(TensorView<const int32_t, 1> rows, TensorView<float, 2> logits,
                             Stream& stream) override;

 private:
  // 64 rows in FP16. Owner 0: nobody's, never written or given back.
  struct WindowPage {
    uint32_t owner = 0;
    int32_t index = -1;
    int32_t num_rows = 0;
    std::array<uint64_t, kPageTokens> hashes{};  // after each row
  };
  struct PackedPage {
    uint32_t owner = 0;
    int32_t index = -1;
    uint64_t sealed = 0;
  };
  struct Slot {
    uint32_t owner = 0;
    int32_t next_position = 0;
    std::array<uint64_t, kPageTokens> sinks{};  // after each sink
  };
  struct ScratchRow {
    uint32_t owner = 0;
    int32_t position = -1;
    TokenId token = kNoToken;
  };

  void Allocate(const KvStorage& storage);
  absl::Status StartViews();
  absl::Status StampPages();
  absl::Status Append(const KvView& view);
  absl::Status AppendToWindow(const KvView& view, int32_t position, TokenId token);
  absl::Status CheckSealItem(const KvSealItem& item) const;
  absl::Status Seal(const KvSealItem& item);
  void PoisonSealedWindowPages();

  const KvView& ViewOfRow(int32_t row) const;
  absl::Status Attend(const KvView& view, int32_t query, uint64_t& attended) const;
  absl::Status ReadPacked(const KvView& view, int32_t page, uint64_t& hash) const;
  absl::Status ReadUnpacked(const KvView& view, int32_t page, int32_t last, uint64_t& hash) const;
  absl::Status ReadWindow(const KvView& view, int32_t position, uint64_t& hash) const;

  const ModelConfig config_;
  const int32_t max_step_tokens_;
  const ForwardHook hook_;

  KvStorageShape shape_;
  uint64_t format_tag_ = 0;
  std::vector<WindowPage> windows_;
  std::vector<PackedPage> packed_;
  std::vector<Slot> slots_;
  std::vector<ScratchRow> scratch_;
  uint32_t last_owner_ = 0;

  uint64_t num_forwards_ = 0;
  std::vector<uint64_t> packed_stamps_;  // the last Forward whose lists hold the page
  std::vector<uint64_t> window_stamps_;
  BatchInputs inputs_;                        // of the last Forward; ComputeLogits reads its arrays
  std::vector<WindowPageId> sealed_windows_;  // read by the last Forward for the last time
};

}  // namespace oriel

#endif  // ORIEL_TESTS_SIMULATION_PAGE_HASH_MODEL_H_
