#include "tests/support/tagged_model.h"

#include <algorithm>
#include <limits>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "kernels/core/check.h"
#include "kernels/core/status.h"

namespace oriel {

TaggedModel::TaggedModel(const TaggedModelOptions& options) : options_(options) {
  config_.architecture = "tagged";
  config_.layers = kTaggedLayers;
  config_.hidden = 64;
  config_.q_heads = config_.kv_heads = static_cast<int32_t>(kTaggedHeads.size());
  config_.head_dim = 64;
  config_.context_tokens = options.context_tokens;
  config_.vocab = options.vocab;
}

absl::Status TaggedModel::Forward(const BatchInputs& inputs, const KvStorage& storage, Stream&) {
  if (num_forwards_++ == options_.fail_at_forward) {
    return absl::InternalError("the device has failed");
  }
  if (layers_.empty()) Allocate(storage);
  ORIEL_RETURN_IF_ERROR(CheckInputs(inputs, storage));
  ORIEL_RETURN_IF_ERROR(StartViews(inputs));

  const size_t num_tokens = static_cast<size_t>(inputs.num_tokens());
  tokens_.assign(inputs.tokens.data, inputs.tokens.data + num_tokens);
  std::vector<uint64_t> tags(num_tokens);
  for (size_t i = 0; i < num_tokens; ++i)
    tags[i] = ContentTag(tokens_[i], inputs.positions.data[i]);
  for (Layer& layer : layers_) {
    std::fill(scratch_.begin(), scratch_.end(), Row());
    const bool seals_first = options_.bug == PlantedBug::kSealBeforeAppend;
    if (seals_first) ORIEL_RETURN_IF_ERROR(Seal(inputs, layer));
    ORIEL_RETURN_IF_ERROR(Append(inputs, tags, layer));
    if (!seals_first) ORIEL_RETURN_IF_ERROR(Seal(inputs, layer));
    attended_.assign(num_tokens, kNothingAttended);
    for (int64_t v = 0; v < inputs.all.views.dim(0); ++v) {
      ORIEL_RETURN_IF_ERROR(AttendView(inputs, inputs.all.views(v), layer));
    }
    std::transform(attended_.begin(), attended_.end(), tags.begin(), DeeperTag);
  }
  PoisonSealedWindowPages(inputs);
  last_seals_.assign(inputs.seals.data, inputs.seals.data + inputs.seals.dim(0));
  return absl::OkStatus();
}

absl::Status TaggedModel::ComputeLogits(TensorView<const int32_t, 1> rows,
                                        TensorView<float, 2> logits, Stream&) {
  for (int64_t i = 0; i < rows.dim(0); ++i) {
    const size_t row = static_cast<size_t>(rows(i));
    if (row >= attended_.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("logits of row ", row, " of a step of ", attended_.size(), " tokens"));
    }
    const bool is_nan = tokens_[row] == options_.nan_token;
    for (TokenId token = 0; token < options_.vocab; ++token) {
      logits(i, token) =
          is_nan ? std::numeric_limits<float>::quiet_NaN() : TagLogit(attended_[row], token);
    }
  }
  return absl::OkStatus();
}

void TaggedModel::Allocate(const KvStorage& storage) {
  const KvStorageShape& shape = shape_ = storage.shape();
  format_ = storage.format(0);
  const auto rows = [](int32_t count, int32_t each) {
    return std::vector<Row>(static_cast<size_t>(count) * static_cast<size_t>(each));
  };
  const int32_t cells = static_cast<int32_t>(format_.layer_page_bytes / kCellBytes);
  for (int32_t i = 0; i < kTaggedLayers; ++i) {
    layers_.push_back({.packed = rows(shape.num_pages, cells),
                       .windows = rows(shape.num_window_pages, kPageTokens),
                       .sinks = rows(shape.num_sequence_slots, shape.sink_tokens)});
  }
  scratch_ = rows(shape.scratch_rows, 1);
  owner_of_slot_.assign(static_cast<size_t>(shape.num_sequence_slots), 0);
  next_position_of_slot_.assign(static_cast<size_t>(shape.num_sequence_slots), 0);
}

absl::Status TaggedModel::CheckInputs(const BatchInputs& inputs, const KvStorage& storage) const {
  if (inputs.num_tokens() > options_.max_step_tokens) {
    return absl::InvalidArgumentError(absl::StrCat("step of ", inputs.num_tokens(), " tokens"));
  }
  ORIEL_RETURN_IF_ERROR(CheckKvStepView(inputs.all, storage.layer(0)));
  const int64_t num_prompt = inputs.prompt.views.dim(0);
  if (num_prompt + inputs.decode.views.dim(0) != inputs.all.views.dim(0)) {
    return absl::InvalidArgumentError("prompt and decode views do not make up all views");
  }
  int32_t row = 0;
  for (int64_t v = 0; v < inputs.all.views.dim(0); ++v) {
    const KvView& view = inputs.all.views(v);
    const bool in_order = view.first_row == row && view.is_decode() == (v >= num_prompt);
    if (!in_order) return absl::InvalidArgumentError(absl::StrCat("view ", v, " out of order"));
    for (int32_t i = 0; i < view.num_queries; ++i, ++row) {
      if (inputs.positions(row) == view.first_position + i) continue;
      return absl::InvalidArgumentError(absl::StrCat("row ", row, " has a wrong position"));
    }
  }
  if (row == inputs.num_tokens()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("views have ", row, " rows of ", inputs.num_tokens()));
}

// A view that begins at position 0 is a new sequence: whatever its slot left behind is foreign.
absl::Status TaggedModel::StartViews(const BatchInputs& inputs) {
  for (int64_t v = 0; v < inputs.all.views.dim(0); ++v) {
    const KvView& view = inputs.all.views(v);
    const size_t slot = static_cast<size_t>(view.sequence_slot);
    if (view.first_position == 0) {
      owner_of_slot_[slot] = ++last_owner_;
      next_position_of_slot_[slot] = 0;
    }
    if (next_position_of_slot_[slot] != view.first_position) {
      return absl::InternalError(absl::StrCat("slot ", slot, " goes on at position ",
                                              view.first_position, " instead of ",
                                              next_position_of_slot_[slot]));
    }
    next_position_of_slot_[slot] = view.last_position() + 1;
  }
  return absl::OkStatus();
}

absl::Status TaggedModel::Append(const BatchInputs& inputs, const std::vector<uint64_t>& tags,
                                 Layer& layer) {
  for (int64_t v = 0; v < inputs.all.views.dim(0); ++v) {
    const KvView& view = inputs.all.views(v);
    const size_t slot = static_cast<size_t>(view.sequence_slot);
    const int32_t first_kept =
        kPageTokens * NumPackedPages(view.last_position(), inputs.all.window_tokens);
    for (int32_t i = 0; i < view.num_queries; ++i) {
      const int32_t position = view.first_position + i;
      const Row row = {.tag = tags[static_cast<size_t>(view.first_row + i)],
                       .position = position,
                       .owner = owner_of_slot_[slot]};
      if (!view.is_decode()) scratch_[static_cast<size_t>(view.scratch_row + i)] = row;
      if (position < shape_.sink_tokens) {
        layer
            .sinks[slot * static_cast<size_t>(shape_.sink_tokens) + static_cast<size_t>(position)] =
            row;
      }
      if (position < first_kept) continue;
      const WindowPageId page = inputs.all.window_pages(view.window_begin + position / kPageTokens -
                                                        view.first_window_page);
      if (page == kNoPage) {
        return absl::InternalError(absl::StrCat("no window page for position ", position));
      }
      layer.windows[WindowRow(page, position % kPageTokens)] = row;
    }
  }
  return absl::OkStatus();
}

absl::Status TaggedModel::Seal(const BatchInputs& inputs, Layer& layer) {
  if (options_.bug == PlantedBug::kSealedTwice) {
    for (const KvSealItem& item : last_seals_) {
      if (item.window_rows == kPageTokens) ORIEL_RETURN_IF_ERROR(SealPage(item, layer));
    }
  }
  for (int64_t i = 0; i < inputs.seals.dim(0); ++i) {
    const KvSealItem& item = inputs.seals(i);
    if (options_.bug == PlantedBug::kPageNotSealed && i == 0) continue;
    if (options_.bug == PlantedBug::kWindowOverwrittenBeforeSeal && item.window_rows > 0) {
      layer.windows[WindowRow(item.window_page, 0)].tag ^= 1;
    }
    ORIEL_RETURN_IF_ERROR(SealPage(item, layer));
  }
  return absl::OkStatus();
}

absl::Status TaggedModel::SealPage(const KvSealItem& item, Layer& layer) {
  Row first;
  for (int32_t r = 0; r < kPageTokens; ++r) {
    const Row& row = r < item.window_rows
                         ? layer.windows[WindowRow(item.window_page, r)]
                         : scratch_[static_cast<size_t>(item.scratch_row + r - item.window_rows)];
    if (r == 0) first = row;
    const bool belongs = row.owner != 0 && row.owner == first.owner &&
                         row.position == first.position + r && first.position % kPageTokens == 0;
    if (options_.check_rows && !belongs) {
      return absl::InternalError(
          absl::StrCat("page ", item.page, " is sealed with a foreign row ", r));
    }
    for (int32_t h = 0; h < format_.kv_heads; ++h) {
      Row& sealed =
          layer.packed[PackedCell(item.page, format_.head_offset[static_cast<size_t>(h)], r)];
      if (options_.check_rows && sealed.owner == row.owner) {
        return absl::InternalError(absl::StrCat("page ", item.page, " is sealed twice"));
      }
      sealed = row;
      const int32_t codecs_of = options_.bug == PlantedBug::kWrongHeadCodec ? 0 : h;
      sealed.tag = PackedTag(row.tag, format_.head(codecs_of));
    }
  }
  return absl::OkStatus();
}

absl::Status TaggedModel::AttendView(const BatchInputs& inputs, const KvView& view,
                                     const Layer& layer) {
  for (int32_t query = view.first_position; query <= view.last_position(); ++query) {
    uint64_t& attended =
        attended_[static_cast<size_t>(view.first_row + query - view.first_position)];
    const int32_t num_packed = NumPackedFor(inputs, view, query);
    const int32_t end = options_.bug == PlantedBug::kCausalMaskOffByOne ? query : query + 1;
    for (int32_t token = 0; token < end; ++token) {
      if (token >= shape_.sink_tokens && token / kPageTokens < num_packed) {
        ORIEL_RETURN_IF_ERROR(AttendPacked(inputs, view, query, token, layer, attended));
        continue;
      }
      const Row& row = ReadUnpacked(inputs, view, token, layer);
      if (options_.check_rows) ORIEL_RETURN_IF_ERROR(CheckRow(row, view, query, token));
      attended = Attend(attended, row.tag);
    }
    if (options_.bug != PlantedBug::kSinkReadTwice || num_packed == 0) continue;
    for (int32_t token = 0; token < shape_.sink_tokens; ++token) {
      ORIEL_RETURN_IF_ERROR(AttendPacked(inputs, view, query, token, layer, attended));
    }
  }
  return absl::OkStatus();
}

int32_t TaggedModel::NumPackedFor(const BatchInputs& inputs, const KvView& view,
                                  int32_t query) const {
  const bool is_first = options_.bug == PlantedBug::kViewOfFirstQuery;
  return NumPackedPages(is_first ? view.first_position : query, inputs.all.window_tokens);
}

// Every head of a packed token.
absl::Status TaggedModel::AttendPacked(const BatchInputs& inputs, const KvView& view, int32_t query,
                                       int32_t token, const Layer& layer,
                                       uint64_t& attended) const {
  const PageId page = inputs.all.packed_pages(view.packed_begin + token / kPageTokens);
  int32_t page_row = token % kPageTokens;
  const bool at_edge = page_row == kPageTokens - 1;
  if (options_.bug == PlantedBug::kOffByOneAtPageEdge && at_edge) --page_row;
  for (int32_t h = 0; h < format_.kv_heads; ++h) {
    const Row& row = layer.packed[PackedCell(page, HeadOffsetToRead(h), page_row)];
    if (options_.check_rows) ORIEL_RETURN_IF_ERROR(CheckRow(row, view, query, token));
    attended = Attend(attended, row.tag);
  }
  return absl::OkStatus();
}

// kernels/ops/kv_view.h, case by case, of what is not packed.
const TaggedModel::Row& TaggedModel::ReadUnpacked(const BatchInputs& inputs, const KvView& view,
                                                  int32_t token, const Layer& layer) const {
  if (token < shape_.sink_tokens) {
    int32_t slot = view.sequence_slot;
    if (options_.bug == PlantedBug::kWrongSlot) slot = (slot + 1) % shape_.num_sequence_slots;
    return layer.sinks[static_cast<size_t>(slot * shape_.sink_tokens + token)];
  }
  if (token >= view.first_position && view.scratch_row >= 0) {
    const bool leaks = options_.bug == PlantedBug::kScratchOfAnotherView;
    return scratch_[static_cast<size_t>((leaks ? 0 : view.scratch_row) + token -
                                        view.first_position)];
  }
  const WindowPageId page =
      inputs.all.window_pages(view.window_begin + token / kPageTokens - view.first_window_page);
  static const Row kMissing;
  if (page == kNoPage) return kMissing;
  return layer.windows[WindowRow(page, token % kPageTokens)];
}

absl::Status TaggedModel::CheckRow(const Row& row, const KvView& view, int32_t query,
                                   int32_t token) const {
  const uint32_t owner = owner_of_slot_[static_cast<size_t>(view.sequence_slot)];
  if (row.owner == owner && row.position == token) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat("query ", query, " of slot ", view.sequence_slot, " reads for token ", token,
                   " a row of token ", row.position, ", owner ", row.owner, " instead of ", owner));
}

// A sealed page's window page is given back after the step: nobody may read it any more.
void TaggedModel::PoisonSealedWindowPages(const BatchInputs& inputs) {
  for (int64_t i = 0; i < inputs.seals.dim(0); ++i) {
    const KvSealItem& item = inputs.seals(i);
    if (item.window_page == kNoPage) continue;
    for (Layer& layer : layers_) {
      for (int32_t r = 0; r < kPageTokens; ++r)
        layer.windows[WindowRow(item.window_page, r)] = Row();
    }
  }
}

size_t TaggedModel::PackedCell(PageId page, int64_t head_offset, int32_t row) const {
  if (options_.bug == PlantedBug::kPackedPageShared) page &= ~1;
  return static_cast<size_t>((page * format_.layer_page_bytes + head_offset) / kCellBytes + row);
}

int64_t TaggedModel::HeadOffsetToRead(int32_t head) const {
  const int64_t offset = format_.head_offset[static_cast<size_t>(head)];
  if (options_.bug != PlantedBug::kWrongHeadOffset || head == 0) return offset;
  // Right only where all heads before are as large as this one.
  return format_.layer_page_bytes - offset;
}

size_t TaggedModel::WindowRow(WindowPageId page, int32_t row) const {
  if (options_.bug == PlantedBug::kWindowPageShared) page &= ~1;
  return static_cast<size_t>(page) * kPageTokens + static_cast<size_t>(row);
}

}  // namespace oriel
