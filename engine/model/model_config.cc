#include "engine/model/model_config.h"

#include <cmath>
#include <optional>

#include "absl/strings/str_cat.h"
#include "kernels/core/status.h"

namespace oriel {
namespace {

constexpr int64_t kLayersMax = 1024;
constexpr int64_t kHiddenMax = 65536;
constexpr int64_t kFeedForwardMax = 1 << 20;
constexpr int64_t kHeadsMax = 1024;
constexpr int64_t kContextMax = 1 << 30;
constexpr int64_t kVocabMax = 1 << 20;

// Reads `architecture.suffix` keys and keeps the first error, so that a list of reads stays a list.
class Keys {
 public:
  Keys(const GgufFile& file, std::string architecture)
      : file_(file), architecture_(std::move(architecture)) {}

  std::string Name(std::string_view suffix) const {
    return absl::StrCat(architecture_, ".", ToAbsl(suffix));
  }

  int32_t Count(std::string_view suffix, int64_t most, std::optional<int64_t> otherwise = {}) {
    const std::string key = Name(suffix);
    absl::StatusOr<std::optional<uint64_t>> value = file_.metadata().FindUint(key);
    if (!value.ok()) return Fail(value.status());
    if (!value->has_value() && !otherwise.has_value()) {
      return Fail(absl::InvalidArgumentError(absl::StrCat(file_.path(), ": no key ", key)));
    }
    const uint64_t count = value->value_or(static_cast<uint64_t>(otherwise.value_or(0)));
    if (count < 1 || count > static_cast<uint64_t>(most)) {
      return Fail(absl::InvalidArgumentError(
          absl::StrCat(file_.path(), ": ", key, " is ", count, ", it must be 1 to ", most)));
    }
    return static_cast<int32_t>(count);
  }

  double Number(std::string_view suffix, double otherwise) {
    absl::StatusOr<std::optional<float>> value = file_.metadata().FindFloat(Name(suffix));
    if (!value.ok()) {
      Fail(value.status());
      return otherwise;
    }
    const double number = value->has_value() ? static_cast<double>(**value) : otherwise;
    if (!std::isfinite(number) || number <= 0.0) {
      Fail(absl::InvalidArgumentError(absl::StrCat(file_.path(), ": ", Name(suffix), " is ", number,
                                                   ", it must be a positive number")));
      return otherwise;
    }
    return number;
  }

  const absl::Status& status() const { return status_; }

 private:
  int32_t Fail(const absl::Status& status) {
    if (status_.ok()) status_ = status;
    return 1;
  }

  const GgufFile& file_;
  std::string architecture_;
  absl::Status status_;
};

absl::StatusOr<RopePairs> RopePairsOf(const std::string& architecture, const std::string& path) {
  // The converter of llama files permutes query and key rows so that neighbours rotate together.
  if (architecture == "llama") return RopePairs::kAdjacent;
  if (architecture == "qwen2") return RopePairs::kHalves;
  return absl::UnimplementedError(absl::StrCat(path, ": architecture \"", architecture,
                                               "\" is not supported; supported: llama, qwen2"));
}

// Linear position scaling as the file asks for it; other kinds are refused by name.
absl::StatusOr<double> LinearRopeFactor(const GgufFile& file, Keys& keys) {
  const std::string key = keys.Name("rope.scaling.type");
  ORIEL_ASSIGN_OR_RETURN(std::optional<std::string_view> type, file.metadata().FindString(key));
  if (!type.has_value() || *type == "none") return 1.0;
  if (*type == "linear") return keys.Number("rope.scaling.factor", 1.0);
  return absl::UnimplementedError(absl::StrCat(file.path(), ": ", key, " \"", ToAbsl(*type),
                                               "\" is not supported; supported: none, linear"));
}

// One divisor a pair (llama 3 writes them into the file), or none.
absl::StatusOr<const float*> RopeDivisors(const GgufFile& file, int32_t pairs) {
  const GgufTensor* tensor = file.FindTensor("rope_freqs.weight");
  if (tensor == nullptr) return nullptr;
  if (tensor->dtype != DType::kF32 || tensor->dims[0] != pairs) {
    return absl::InvalidArgumentError(absl::StrCat(
        file.path(), ": rope_freqs.weight must be ", pairs, " values of type F32, it is ",
        tensor->dims[0], " of ", ToAbsl(TraitsOf(tensor->dtype).name)));
  }
  return reinterpret_cast<const float*>(tensor->data);
}

absl::Status ReadRope(const GgufFile& file, Keys& keys, ModelConfig& config) {
  const int32_t rotary = keys.Count("rope.dimension_count", config.head_dim, config.head_dim);
  if (rotary % 2 != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(file.path(), ": rope.dimension_count is ", rotary, ", it must be even"));
  }
  const double base = keys.Number("rope.freq_base", 10000.0);
  ORIEL_ASSIGN_OR_RETURN(const double factor, LinearRopeFactor(file, keys));
  ORIEL_ASSIGN_OR_RETURN(const float* divisors, RopeDivisors(file, rotary / 2));
  for (int32_t i = 0; i < rotary / 2; ++i) {
    double frequency = std::pow(base, -2.0 * i / rotary) / factor;
    if (divisors != nullptr) frequency /= static_cast<double>(divisors[i]);
    config.inverse_frequencies.push_back(frequency);
  }
  return absl::OkStatus();
}

absl::Status CheckHeads(const GgufFile& file, const ModelConfig& config) {
  if (config.head_dim != 64 && config.head_dim != 128) {
    return absl::UnimplementedError(
        absl::StrCat(file.path(), ": head_dim is ", config.head_dim, "; supported: 64, 128"));
  }
  if (config.q_heads % config.kv_heads != 0 || config.q_heads / config.kv_heads > 16) {
    return absl::UnimplementedError(absl::StrCat(file.path(), ": ", config.q_heads,
                                                 " query heads over ", config.kv_heads,
                                                 " KV heads; supported: whole ratios 1 to 16"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ModelConfig> ReadModelConfig(const GgufFile& file) {
  ModelConfig config;
  ORIEL_ASSIGN_OR_RETURN(std::string_view architecture,
                         file.metadata().GetString("general.architecture"));
  config.architecture = std::string(architecture);
  ORIEL_ASSIGN_OR_RETURN(config.rope_pairs, RopePairsOf(config.architecture, file.path()));
  ORIEL_ASSIGN_OR_RETURN(std::optional<std::string_view> name,
                         file.metadata().FindString("general.name"));
  config.name = std::string(name.value_or(""));

  Keys keys(file, config.architecture);
  config.layers = keys.Count("block_count", kLayersMax);
  config.hidden = keys.Count("embedding_length", kHiddenMax);
  config.feed_forward = keys.Count("feed_forward_length", kFeedForwardMax);
  config.q_heads = keys.Count("attention.head_count", kHeadsMax);
  config.kv_heads = keys.Count("attention.head_count_kv", kMaxKvHeads, config.q_heads);
  config.context_tokens = keys.Count("context_length", kContextMax);
  config.head_dim =
      keys.Count("attention.key_length", kHiddenMax, config.hidden / std::max(1, config.q_heads));
  config.rms_epsilon = static_cast<float>(keys.Number("attention.layer_norm_rms_epsilon", 1e-5));
  ORIEL_RETURN_IF_ERROR(keys.status());
  ORIEL_RETURN_IF_ERROR(CheckHeads(file, config));
  ORIEL_RETURN_IF_ERROR(ReadRope(file, keys, config));
  ORIEL_RETURN_IF_ERROR(keys.status());

  ORIEL_ASSIGN_OR_RETURN(const GgufTensor embedding, file.GetTensor("token_embd.weight"));
  if (embedding.dims[1] > kVocabMax) {
    return absl::InvalidArgumentError(absl::StrCat(file.path(), ": token_embd.weight has ",
                                                   embedding.dims[1], " rows, the limit is ",
                                                   kVocabMax));
  }
  config.vocab = static_cast<int32_t>(embedding.dims[1]);
  return config;
}

}  // namespace oriel
