#include "engine/tokenizer/end_of_generation.h"

#include <algorithm>
#include <array>
#include <span>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "kernels/core/status.h"

namespace oriel {
namespace {

constexpr std::array<std::string_view, 3> kEndKeys = {
    "tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"};

constexpr std::array<std::string_view, 17> kEndTexts = {
    "<|eot_id|>",
    "<|im_end|>",
    "<|end|>",
    "<|return|>",
    "<|call|>",
    "<end_of_turn>",
    "<|endoftext|>",
    "</s>",
    "<|eom_id|>",
    "<EOT>",
    "_<EOT>",
    "[EOT]",
    "[EOS]",
    "<|end_of_text|>",
    "<end_of_utterance>",
    "<eos>",
    "<\xEF\xBD\x9C"
    "end\xE2\x96\x81of\xE2\x96\x81sentence\xEF\xBD\x9C>"};

// A code model's markers: one token each, by id or else by the first text that the vocabulary has.
constexpr std::array<std::string_view, 5> kPadTexts = {"<|fim_pad|>", "<fim-pad>", "<fim_pad>",
                                                       "<PAD>", "[PAD]"};
constexpr std::array<std::string_view, 5> kRepositoryTexts = {"<|fim_repo|>", "<|repo_name|>",
                                                              "<fim-repo>", "<REPO>", "<reponame>"};
constexpr std::array<std::string_view, 1> kFileTexts = {"<|file_sep|>"};

struct CodeMarker {
  std::string_view key;
  std::span<const std::string_view> texts;
};

constexpr std::array<CodeMarker, 3> kCodeMarkers = {{
    {"tokenizer.ggml.fim_pad_token_id", kPadTexts},
    {"tokenizer.ggml.fim_rep_token_id", kRepositoryTexts},
    {"tokenizer.ggml.fim_sep_token_id", kFileTexts},
}};

std::optional<TokenId> FindFirst(const Vocabulary& vocabulary,
                                 std::span<const std::string_view> texts) {
  for (std::string_view text : texts) {
    if (const std::optional<TokenId> id = vocabulary.Find(text); id.has_value()) return id;
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<std::optional<TokenId>> FindTokenByKey(const GgufMetadata& metadata,
                                                      const Vocabulary& vocabulary,
                                                      std::string_view key) {
  ORIEL_ASSIGN_OR_RETURN(const std::optional<uint64_t> id, metadata.FindUint(key));
  if (!id.has_value()) return std::optional<TokenId>();
  if (*id >= static_cast<uint64_t>(vocabulary.size())) {
    return absl::InvalidArgumentError(absl::StrCat("metadata key '", ToAbsl(key), "' is ", *id,
                                                   ", but the vocabulary has ", vocabulary.size(),
                                                   " tokens"));
  }
  return std::optional<TokenId>(static_cast<TokenId>(*id));
}

absl::StatusOr<std::vector<TokenId>> FindEndOfGenerationTokens(const GgufMetadata& metadata,
                                                               const Vocabulary& vocabulary) {
  std::vector<TokenId> ids;
  const auto add = [&ids](const std::optional<TokenId>& id) {
    if (id.has_value()) ids.push_back(*id);
  };
  for (std::string_view key : kEndKeys) {
    ORIEL_ASSIGN_OR_RETURN(const std::optional<TokenId> id,
                           FindTokenByKey(metadata, vocabulary, key));
    add(id);
  }
  for (std::string_view text : kEndTexts) add(vocabulary.Find(text));
  for (const CodeMarker& marker : kCodeMarkers) {
    ORIEL_ASSIGN_OR_RETURN(const std::optional<TokenId> id,
                           FindTokenByKey(metadata, vocabulary, marker.key));
    add(id.has_value() ? id : FindFirst(vocabulary, marker.texts));
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

}  // namespace oriel
