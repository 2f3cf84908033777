#include "engine/tokenizer/tokenizer.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "engine/tokenizer/end_of_generation.h"
#include "kernels/core/status.h"

namespace oriel {
namespace {

constexpr std::string_view kModelKey = "tokenizer.ggml.model";
constexpr std::string_view kPreTokenizerKey = "tokenizer.ggml.pre";
constexpr std::string_view kMergesKey = "tokenizer.ggml.merges";
constexpr std::string_view kBosKey = "tokenizer.ggml.bos_token_id";
constexpr std::string_view kEosKey = "tokenizer.ggml.eos_token_id";
constexpr std::string_view kUnknownKey = "tokenizer.ggml.unknown_token_id";
constexpr std::string_view kPaddingKey = "tokenizer.ggml.padding_token_id";
constexpr std::string_view kAddBosKey = "tokenizer.ggml.add_bos_token";
constexpr std::string_view kAddEosKey = "tokenizer.ggml.add_eos_token";
constexpr std::string_view kByteLevelModel = "gpt2";

// A pre-tokenizer that is merely near would give wrong ids without a sign, so only a known name
// will do.
absl::StatusOr<const PreTokenizerRule*> ReadRule(const GgufMetadata& metadata) {
  ORIEL_ASSIGN_OR_RETURN(const std::string_view model, metadata.GetString(kModelKey));
  if (model != kByteLevelModel) {
    return absl::InvalidArgumentError(absl::StrCat("metadata key '", ToAbsl(kModelKey), "' is '",
                                                   ToAbsl(model), "', only '",
                                                   ToAbsl(kByteLevelModel), "' is supported"));
  }
  ORIEL_ASSIGN_OR_RETURN(const std::string_view name, metadata.GetString(kPreTokenizerKey));
  if (const PreTokenizerRule* rule = FindPreTokenizerRule(name); rule != nullptr) return rule;
  std::string known;
  for (const PreTokenizerRule& rule : PreTokenizerRules()) {
    absl::StrAppend(&known, known.empty() ? "" : ", ", ToAbsl(rule.name));
  }
  return absl::InvalidArgumentError(absl::StrCat("metadata key '", ToAbsl(kPreTokenizerKey),
                                                 "' is '", ToAbsl(name),
                                                 "', which is not known; known are ", known));
}

// Errors of the metadata's own methods begin with the path already.
absl::Status WithPath(const absl::Status& status, const std::string& path) {
  const std::string prefix = absl::StrCat(path, ": ");
  if (ToStd(status.message()).starts_with(prefix)) return status;
  return absl::Status(status.code(), absl::StrCat(prefix, status.message()));
}

absl::Status TooManyTokens(size_t tokens_max) {
  return absl::InvalidArgumentError(
      absl::StrCat("text has more than the ", tokens_max, " tokens that are allowed"));
}

}  // namespace

struct Tokenizer::Workspace {
  MatchWorkspace match;
  BytePairEncoder::Workspace merge;
};

Tokenizer::Tokenizer(Vocabulary vocabulary, const PreTokenizerRule& rule,
                     PreTokenizer pre_tokenizer)
    : vocabulary_(std::move(vocabulary)),
      pre_tokenizer_name_(rule.name),
      pre_tokenizer_(std::move(pre_tokenizer)) {}

absl::StatusOr<std::unique_ptr<Tokenizer>> Tokenizer::FromGguf(const GgufFile& file) {
  const auto build = [&]() -> absl::StatusOr<std::unique_ptr<Tokenizer>> {
    const GgufMetadata& metadata = file.metadata();
    ORIEL_ASSIGN_OR_RETURN(const PreTokenizerRule* rule, ReadRule(metadata));
    ORIEL_ASSIGN_OR_RETURN(PreTokenizer pre_tokenizer, PreTokenizer::Make(*rule));
    ORIEL_ASSIGN_OR_RETURN(Vocabulary vocabulary, Vocabulary::FromGguf(metadata));
    ORIEL_ASSIGN_OR_RETURN(const std::vector<std::string_view> merges,
                           metadata.GetStringArray(kMergesKey));
    std::unique_ptr<Tokenizer> tokenizer(
        new Tokenizer(std::move(vocabulary), *rule, std::move(pre_tokenizer)));
    ORIEL_RETURN_IF_ERROR(tokenizer->ReadSpecialTokens(metadata, *rule));
    ORIEL_ASSIGN_OR_RETURN(tokenizer->encoder_,
                           BytePairEncoder::Make(tokenizer->vocabulary_, merges,
                                                 rule->whole_pieces_first
                                                     ? BytePairEncoder::WholePieces::kTakeThemFirst
                                                     : BytePairEncoder::WholePieces::kMergeThem));
    return tokenizer;
  };
  absl::StatusOr<std::unique_ptr<Tokenizer>> tokenizer = build();
  if (!tokenizer.ok()) return WithPath(tokenizer.status(), file.path());
  return tokenizer;
}

absl::Status Tokenizer::ReadSpecialTokens(const GgufMetadata& metadata,
                                          const PreTokenizerRule& rule) {
  ORIEL_ASSIGN_OR_RETURN(bos_id_, FindTokenByKey(metadata, vocabulary_, kBosKey));
  ORIEL_ASSIGN_OR_RETURN(eos_id_, FindTokenByKey(metadata, vocabulary_, kEosKey));
  ORIEL_ASSIGN_OR_RETURN(unknown_id_, FindTokenByKey(metadata, vocabulary_, kUnknownKey));
  ORIEL_ASSIGN_OR_RETURN(padding_id_, FindTokenByKey(metadata, vocabulary_, kPaddingKey));
  ORIEL_ASSIGN_OR_RETURN(const std::optional<bool> adds_bos, metadata.FindBool(kAddBosKey));
  ORIEL_ASSIGN_OR_RETURN(const std::optional<bool> adds_eos, metadata.FindBool(kAddEosKey));
  adds_bos_ = adds_bos.value_or(rule.adds_begin_token);
  adds_eos_ = adds_eos.value_or(false);
  if (adds_bos_ && !bos_id_.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the begin token is to be added, but '", ToAbsl(kBosKey), "' is missing"));
  }
  if (adds_eos_ && !eos_id_.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the end token is to be added, but '", ToAbsl(kEosKey), "' is missing"));
  }

  ORIEL_ASSIGN_OR_RETURN(end_of_generation_ids_, FindEndOfGenerationTokens(metadata, vocabulary_));
  // Some files list <|im_end|> and the like as normal tokens.
  for (TokenId id : end_of_generation_ids_) vocabulary_.MarkControl(id);

  for (TokenId id = 0; id < vocabulary_.size(); ++id) {
    const std::string_view text = vocabulary_.Text(id);
    const bool is_user_defined = vocabulary_.Kind(id) == TokenKind::kUserDefined;
    if (text.empty()) continue;
    if (is_user_defined) user_defined_tokens_.Add(text, id);
    if (is_user_defined || IsSpecial(id)) special_tokens_.Add(text, id);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<TokenId>> Tokenizer::Encode(std::string_view text,
                                                       const EncodeOptions& options) const {
  // No token has more bytes than the longest one, so this text is too long whatever it says.
  if (text.size() / vocabulary_.longest_token_bytes() > options.tokens_max) {
    return TooManyTokens(options.tokens_max);
  }
  const SpecialTokenMatcher& matcher =
      options.parse_special_tokens ? special_tokens_ : user_defined_tokens_;
  Workspace workspace;
  std::vector<TokenId> ids;
  if (options.add_special_tokens && adds_bos_) ids.push_back(*bos_id_);
  for (size_t begin = 0; begin < text.size();) {
    const SpecialTokenMatcher::Match match = matcher.FindFrom(text, begin);
    ORIEL_RETURN_IF_ERROR(
        EncodePlain(text.substr(begin, match.begin - begin), options.tokens_max, workspace, ids));
    if (match.size_bytes > 0) ids.push_back(match.id);
    begin = match.begin + match.size_bytes;
  }
  if (options.add_special_tokens && adds_eos_) ids.push_back(*eos_id_);
  if (ids.size() > options.tokens_max) return TooManyTokens(options.tokens_max);
  return ids;
}

absl::Status Tokenizer::EncodePlain(std::string_view text, size_t tokens_max, Workspace& workspace,
                                    std::vector<TokenId>& ids) const {
  ORIEL_ASSIGN_OR_RETURN(const std::vector<std::string_view> pieces,
                         pre_tokenizer_.Split(text, workspace.match));
  for (std::string_view piece : pieces) {
    encoder_->Encode(piece, workspace.merge, ids);
    if (ids.size() > tokens_max) return TooManyTokens(tokens_max);
  }
  return absl::OkStatus();
}

std::string Tokenizer::Decode(std::span<const TokenId> ids, const DecodeOptions& options) const {
  std::string text;
  for (TokenId id : ids) {
    if (options.skip_special_tokens && IsSpecial(id)) continue;
    text += TokenBytes(id);
  }
  return text;
}

bool Tokenizer::IsSpecial(TokenId id) const {
  const TokenKind kind = vocabulary_.Kind(id);
  return kind == TokenKind::kControl || kind == TokenKind::kUnknown;
}

bool Tokenizer::IsEndOfGeneration(TokenId id) const {
  return std::binary_search(end_of_generation_ids_.begin(), end_of_generation_ids_.end(), id);
}

}  // namespace oriel
