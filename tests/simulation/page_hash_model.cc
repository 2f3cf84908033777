#include "tests/simulation/page_hash_model.h"

#include <algorithm>
#include <limits>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "kernels/core/status.h"
#include "tests/simulation/page_hash.h"

namespace oriel {

absl::Status PageHashModel::Forward(const BatchInputs& inputs, const KvStorage& storage, Stream&) {
  ORIEL_RETURN_IF_ERROR(hook_(inputs));
  if (num_forwards_++ == 0) Allocate(storage);
  PoisonSealedWindowPages();
  inputs_ = inputs;
  ORIEL_RETURN_IF_ERROR(CheckKvStepView(inputs.all, storage.layer(0)));
  ORIEL_RETURN_IF_ERROR(StartViews());
  ORIEL_RETURN_IF_ERROR(StampPages());
  for (int64_t v = 0; v < inputs.all.views.dim(0); ++v) {
    ORIEL_RETURN_IF_ERROR(Append(inputs.all.views(v)));
  }
  for (int64_t i = 0; i < inputs.seals.dim(0); ++i) {
    ORIEL_RETURN_IF_ERROR(Seal(inputs.seals(i)));
  }
  // Every view is read, also where no token is drawn: a wrong page shows in the step that reads it.
  for (int64_t v = 0; v < inputs.all.views.dim(0); ++v) {
    uint64_t attended = 0;
    const KvView& view = inputs.all.views(v);
    ORIEL_RETURN_IF_ERROR(Attend(view, view.last_position(), attended));
  }
  return absl::OkStatus();
}

absl::Status PageHashModel::ComputeLogits(TensorView<const int32_t, 1> rows,
                                          TensorView<float, 2> logits, Stream&) {
  for (int64_t i = 0; i < rows.dim(0); ++i) {
    const KvView& view = ViewOfRow(rows(i));
    const int32_t query = view.first_position + rows(i) - view.first_row;
    uint64_t attended = 0;
    ORIEL_RETURN_IF_ERROR(Attend(view, query, attended));
    if (HasNoNumbers(attended)) {
      std::fill_n(logits.row(i), config_.vocab, std::numeric_limits<float>::quiet_NaN());
      continue;
    }
    for (TokenId token = 0; token < config_.vocab; ++token) {
      logits(i, token) = TagLogit(attended, token);
    }
  }
  return absl::OkStatus();
}

void PageHashModel::Allocate(const KvStorage& storage) {
  shape_ = storage.shape();
  for (int32_t l = 0; l < storage.layers(); ++l) {
    format_tag_ = AddFormat(format_tag_, storage.format(l));
  }
  windows_.resize(static_cast<size_t>(shape_.num_window_pages));
  packed_.resize(static_cast<size_t>(shape_.num_pages));
  slots_.resize(static_cast<size_t>(shape_.num_sequence_slots));
  scratch_.resize(static_cast<size_t>(shape_.scratch_rows));
  window_stamps_.resize(windows_.size());
  packed_stamps_.resize(packed_.size());
}

// A view that begins at position 0 is a new sequence: whatever its slot left behind is foreign.
absl::Status PageHashModel::StartViews() {
  for (int64_t v = 0; v < inputs_.all.views.dim(0); ++v) {
    const KvView& view = inputs_.all.views(v);
    Slot& slot = slots_[static_cast<size_t>(view.sequence_slot)];
    if (view.first_position == 0) slot = {.owner = ++last_owner_};
    if (slot.next_position != view.first_position) {
      return absl::InternalError(absl::StrCat("slot ", view.sequence_slot, " goes on at position ",
                                              view.first_position, " instead of ",
                                              slot.next_position));
    }
    slot.next_position = view.last_position() + 1;
  }
  return absl::OkStatus();
}

// No page stands in two places of one step. That holds for a window page that is sealed and given
// back in the step, too: until the step's launches are over, nobody else may write it.
absl::Status PageHashModel::StampPages() {
  const auto stamp = [this](const char* kind, TensorView<const int32_t, 1> pages,
                            std::vector<uint64_t>& stamps) {
    for (int64_t i = 0; i < pages.dim(0); ++i) {
      if (pages(i) == kNoPage) continue;
      uint64_t& last = stamps[static_cast<size_t>(pages(i))];
      if (last == num_forwards_) {
        return absl::InternalError(
            absl::StrCat(kind, " page ", pages(i), " stands twice in the lists of a step"));
      }
      last = num_forwards_;
    }
    return absl::OkStatus();
  };
  ORIEL_RETURN_IF_ERROR(stamp("packed", inputs_.all.packed_pages, packed_stamps_));
  return stamp("window", inputs_.all.window_pages, window_stamps_);
}

absl::Status PageHashModel::Append(const KvView& view) {
  Slot& slot = slots_[static_cast<size_t>(view.sequence_slot)];
  const int32_t first_kept =
      kPageTokens * NumPackedPages(view.last_position(), inputs_.all.window_tokens);
  for (int32_t i = 0; i < view.num_queries; ++i) {
    const int32_t position = view.first_position + i;
    const TokenId token = inputs_.tokens(view.first_row + i);
    if (!view.is_decode()) {
      scratch_[static_cast<size_t>(view.scratch_row + i)] = {slot.owner, position, token};
    }
    if (position < shape_.sink_tokens) {
      const uint64_t before =
          position == 0 ? kNoSinks : slot.sinks[static_cast<size_t>(position) - 1];
      slot.sinks[static_cast<size_t>(position)] = AddSink(before, token, position);
    }
    if (position < first_kept) continue;
    ORIEL_RETURN_IF_ERROR(AppendToWindow(view, position, token));
  }
  return absl::OkStatus();
}

absl::Status PageHashModel::AppendToWindow(const KvView& view, int32_t position, TokenId token) {
  const uint32_t owner = slots_[static_cast<size_t>(view.sequence_slot)].owner;
  const int32_t index = position / kPageTokens;
  const WindowPageId id =
      inputs_.all.window_pages(view.window_begin + index - view.first_window_page);
  if (id == kNoPage) {
    return absl::InternalError(absl::StrCat("no window page for position ", position));
  }
  WindowPage& page = windows_[static_cast<size_t>(id)];
  const int32_t row = position % kPageTokens;
  if (row == 0) {
    page.owner = owner;
    page.index = index;
    page.num_rows = 0;
  }
  if (page.owner != owner || page.index != index || page.num_rows != row) {
    return absl::InternalError(absl::StrCat(
        "position ", position, " is written to window page ", id, ", which holds ", page.num_rows,
        " rows of page ", page.index, ", owner ", page.owner, " instead of ", owner));
  }
  const size_t r = static_cast<size_t>(row);
  const uint64_t before = row == 0 ? kEmptyPage : page.hashes[r - 1];
  page.hashes[r] = AddRowToPage(before, token, position, shape_.sink_tokens);
  ++page.num_rows;
  return absl::OkStatus();
}

absl::Status PageHashModel::CheckSealItem(const KvSealItem& item) const {
  const bool has_window = item.window_rows > 0;
  const int32_t num_scratch = kPageTokens - item.window_rows;
  const bool page_exists = item.page >= 0 && item.page < shape_.num_pages;
  const bool window_exists = item.window_rows >= 0 && item.window_rows <= kPageTokens &&
                             item.window_page < shape_.num_window_pages &&
                             has_window == (item.window_page >= 0);
  const bool scratch_exists =
      num_scratch == 0 ||
      (item.scratch_row >= 0 && item.scratch_row + num_scratch <= shape_.scratch_rows);
  if (page_exists && window_exists && scratch_exists) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(
      "page ", item.page, " is to be sealed from ", item.window_rows, " rows of window page ",
      item.window_page, " and scratch row ", item.scratch_row, ", which do not exist"));
}

absl::Status PageHashModel::Seal(const KvSealItem& item) {
  ORIEL_RETURN_IF_ERROR(CheckSealItem(item));
  PackedPage sealed;
  uint64_t hash = kEmptyPage;
  int32_t next_position = 0;
  if (item.window_rows > 0) {
    sealed_windows_.push_back(item.window_page);
    const WindowPage& page = windows_[static_cast<size_t>(item.window_page)];
    if (page.num_rows < item.window_rows) {
      return absl::InternalError(absl::StrCat("page ", item.page, " is sealed from ",
                                              item.window_rows, " rows of window page ",
                                              item.window_page, ", which holds ", page.num_rows));
    }
    sealed = {.owner = page.owner, .index = page.index};
    hash = page.hashes[static_cast<size_t>(item.window_rows) - 1];
    next_position = page.index * kPageTokens + item.window_rows;
  }
  for (int32_t r = item.window_rows; r < kPageTokens; ++r) {
    const ScratchRow& row = scratch_[static_cast<size_t>(item.scratch_row + r - item.window_rows)];
    if (r == 0) {
      sealed = {.owner = row.owner, .index = row.position / kPageTokens};
      next_position = sealed.index * kPageTokens;
    }
    if (row.owner != sealed.owner || row.position != next_position++) {
      return absl::InternalError(
          absl::StrCat("page ", item.page, " is sealed with row ", row.position, " in place ", r));
    }
    hash = AddRowToPage(hash, row.token, row.position, shape_.sink_tokens);
  }
  PackedPage& page = packed_[static_cast<size_t>(item.page)];
  if (page.owner == sealed.owner) {
    return absl::InternalError(absl::StrCat("page ", item.page, " is sealed twice"));
  }
  sealed.sealed = SealedPage(hash, format_tag_);
  page = sealed;
  return absl::OkStatus();
}

// The window page of a sealed page is given back after the step: nobody may read it any more.
void PageHashModel::PoisonSealedWindowPages() {
  for (WindowPageId id : sealed_windows_) windows_[static_cast<size_t>(id)].owner = 0;
  sealed_windows_.clear();
}

const KvView& PageHashModel::ViewOfRow(int32_t row) const {
  const KvView* begin = inputs_.all.views.data;
  const KvView* end = begin + inputs_.all.views.dim(0);
  return *(std::upper_bound(begin, end, row,
                            [](int32_t r, const KvView& view) { return r < view.first_row; }) -
           1);
}

// kernels/ops/kv_view.h, a page at a time.
absl::Status PageHashModel::Attend(const KvView& view, int32_t query, uint64_t& attended) const {
  const Slot& slot = slots_[static_cast<size_t>(view.sequence_slot)];
  const int32_t num_sinks = std::min(shape_.sink_tokens, query + 1);
  attended = num_sinks == 0 ? kNoSinks : slot.sinks[static_cast<size_t>(num_sinks) - 1];
  const int32_t num_packed = NumPackedPages(query, inputs_.all.window_tokens);
  for (int32_t page = 0; page <= query / kPageTokens; ++page) {
    uint64_t hash = 0;
    if (page < num_packed) {
      ORIEL_RETURN_IF_ERROR(ReadPacked(view, page, hash));
    } else {
      const int32_t last = std::min(query, page * kPageTokens + kPageTokens - 1);
      ORIEL_RETURN_IF_ERROR(ReadUnpacked(view, page, last, hash));
    }
    attended = ::oriel::Attend(attended, hash);
  }
  return absl::OkStatus();
}

absl::Status PageHashModel::ReadPacked(const KvView& view, int32_t page, uint64_t& hash) const {
  const PageId id = inputs_.all.packed_pages(view.packed_begin + page);
  const PackedPage& packed = packed_[static_cast<size_t>(id)];
  const uint32_t owner = slots_[static_cast<size_t>(view.sequence_slot)].owner;
  hash = packed.sealed;
  if (packed.owner == owner && packed.index == page) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("packed page ", id, " holds page ", packed.index,
                                          " of owner ", packed.owner, " instead of page ", page,
                                          " of owner ", owner));
}

// A page's rows up to position `last`: those before the view's queries lie in the window page, the
// others in the scratch if the view is a prompt.
absl::Status PageHashModel::ReadUnpacked(const KvView& view, int32_t page, int32_t last,
                                         uint64_t& hash) const {
  if (view.is_decode() || last < view.first_position) return ReadWindow(view, last, hash);
  hash = kEmptyPage;
  int32_t position = page * kPageTokens;
  if (position < view.first_position) {
    position = view.first_position;
    ORIEL_RETURN_IF_ERROR(ReadWindow(view, position - 1, hash));
  }
  for (; position <= last; ++position) {
    const ScratchRow& row =
        scratch_[static_cast<size_t>(view.scratch_row + position - view.first_position)];
    hash = AddRowToPage(hash, row.token, position, shape_.sink_tokens);
  }
  return absl::OkStatus();
}

absl::Status PageHashModel::ReadWindow(const KvView& view, int32_t position, uint64_t& hash) const {
  const int32_t index = position / kPageTokens;
  const WindowPageId id =
      inputs_.all.window_pages(view.window_begin + index - view.first_window_page);
  if (id == kNoPage) {
    return absl::InternalError(absl::StrCat("no window page to read position ", position));
  }
  const WindowPage& page = windows_[static_cast<size_t>(id)];
  const uint32_t owner = slots_[static_cast<size_t>(view.sequence_slot)].owner;
  const int32_t row = position % kPageTokens;
  hash = page.hashes[static_cast<size_t>(row)];
  if (page.owner == owner && page.index == index && row < page.num_rows) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("window page ", id, " holds ", page.num_rows,
                                          " rows of page ", page.index, ", owner ", page.owner,
                                          ", instead of position ", position, " of owner ", owner));
}

}  // namespace oriel
