#include "engine/model/weights.h"

#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "kernels/core/half.h"
#include "kernels/core/status.h"

namespace oriel {
namespace {

// Finds tensors by name, checks their shapes and hands them to the back end.
class WeightLoader {
 public:
  WeightLoader(const GgufFile& file, Backend& backend) : file_(file), backend_(backend) {}

  absl::StatusOr<std::unique_ptr<Matrix>> LoadMatrix(const std::string& name, int64_t rows,
                                                     int64_t columns) {
    ORIEL_ASSIGN_OR_RETURN(const GgufTensor tensor, file_.GetTensor(name));
    ORIEL_RETURN_IF_ERROR(CheckShape(tensor, rows, columns));
    if (columns % 32 != 0) {
      return absl::UnimplementedError(absl::StrCat(file_.path(), ": ", name, " has ", columns,
                                                   " columns; supported: multiples of 32"));
    }
    ORIEL_ASSIGN_OR_RETURN(
        std::unique_ptr<Matrix> matrix,
        backend_.MakeMatrix(MatrixSource{
            .dtype = tensor.dtype, .rows = rows, .columns = columns, .data = tensor.data}));
    // One copy stays resident. Look-ups bring back the few rows that they read.
    if (matrix->extra_bytes() > 0) file_.DropResident(tensor);
    return matrix;
  }

  absl::StatusOr<VectorWeight> LoadVector(const std::string& name, int64_t size) {
    ORIEL_ASSIGN_OR_RETURN(const GgufTensor tensor, file_.GetTensor(name));
    ORIEL_RETURN_IF_ERROR(CheckShape(tensor, 1, size));
    VectorWeight weight;
    ORIEL_ASSIGN_OR_RETURN(weight.memory,
                           backend_.MakeBuffer(static_cast<size_t>(size) * sizeof(float)));
    weight.size = size;
    ORIEL_RETURN_IF_ERROR(Decode(tensor, size, weight.memory.as<float>()));
    return weight;
  }

  // An absent vector is an empty one.
  absl::StatusOr<VectorWeight> LoadOptionalVector(const std::string& name, int64_t size) {
    if (file_.FindTensor(name) == nullptr) return VectorWeight{};
    return LoadVector(name, size);
  }

 private:
  absl::Status CheckShape(const GgufTensor& tensor, int64_t rows, int64_t columns) const {
    if (tensor.dims[0] == columns && tensor.dims[1] == rows && tensor.dims[2] == 1 &&
        tensor.dims[3] == 1) {
      return absl::OkStatus();
    }
    return absl::InvalidArgumentError(absl::StrCat(file_.path(), ": ", ToAbsl(tensor.name), " is ",
                                                   tensor.dims[1], " x ", tensor.dims[0],
                                                   ", expected ", rows, " x ", columns));
  }

  absl::Status Decode(const GgufTensor& tensor, int64_t size, float* out) const {
    const auto* halves = reinterpret_cast<const Half*>(tensor.data);
    const auto* bfloats = reinterpret_cast<const BFloat16*>(tensor.data);
    if (tensor.dtype == DType::kF32) {
      std::memcpy(out, tensor.data, static_cast<size_t>(size) * sizeof(float));
    } else if (tensor.dtype == DType::kF16) {
      for (int64_t i = 0; i < size; ++i) out[i] = ToFloat(halves[i]);
    } else if (tensor.dtype == DType::kBF16) {
      for (int64_t i = 0; i < size; ++i) out[i] = ToFloat(bfloats[i]);
    } else {
      return absl::UnimplementedError(
          absl::StrCat(file_.path(), ": ", ToAbsl(tensor.name), " is a vector of type ",
                       ToAbsl(TraitsOf(tensor.dtype).name), "; supported: F32, F16, BF16"));
    }
    return absl::OkStatus();
  }

  const GgufFile& file_;
  Backend& backend_;
};

absl::StatusOr<LayerWeights> LoadLayer(WeightLoader& loader, const ModelConfig& config,
                                       int32_t layer) {
  const auto name = [layer](const char* part) { return absl::StrCat("blk.", layer, ".", part); };
  const int64_t hidden = config.hidden;
  const int64_t q_rows = int64_t{config.q_heads} * config.head_dim;
  const int64_t kv_rows = int64_t{config.kv_heads} * config.head_dim;
  const int64_t width = config.feed_forward;
  LayerWeights w;
  ORIEL_ASSIGN_OR_RETURN(w.attention_norm, loader.LoadVector(name("attn_norm.weight"), hidden));
  ORIEL_ASSIGN_OR_RETURN(w.query, loader.LoadMatrix(name("attn_q.weight"), q_rows, hidden));
  ORIEL_ASSIGN_OR_RETURN(w.key, loader.LoadMatrix(name("attn_k.weight"), kv_rows, hidden));
  ORIEL_ASSIGN_OR_RETURN(w.value, loader.LoadMatrix(name("attn_v.weight"), kv_rows, hidden));
  ORIEL_ASSIGN_OR_RETURN(w.query_bias, loader.LoadOptionalVector(name("attn_q.bias"), q_rows));
  ORIEL_ASSIGN_OR_RETURN(w.key_bias, loader.LoadOptionalVector(name("attn_k.bias"), kv_rows));
  ORIEL_ASSIGN_OR_RETURN(w.value_bias, loader.LoadOptionalVector(name("attn_v.bias"), kv_rows));
  ORIEL_ASSIGN_OR_RETURN(w.output, loader.LoadMatrix(name("attn_output.weight"), hidden, q_rows));
  ORIEL_ASSIGN_OR_RETURN(w.feed_forward_norm, loader.LoadVector(name("ffn_norm.weight"), hidden));
  ORIEL_ASSIGN_OR_RETURN(w.gate, loader.LoadMatrix(name("ffn_gate.weight"), width, hidden));
  ORIEL_ASSIGN_OR_RETURN(w.up, loader.LoadMatrix(name("ffn_up.weight"), width, hidden));
  ORIEL_ASSIGN_OR_RETURN(w.down, loader.LoadMatrix(name("ffn_down.weight"), hidden, width));
  return w;
}

}  // namespace

absl::StatusOr<ModelWeights> LoadWeights(const GgufFile& file, const ModelConfig& config,
                                         Backend& backend) {
  WeightLoader loader(file, backend);
  ModelWeights weights;
  ORIEL_ASSIGN_OR_RETURN(weights.embedding,
                         loader.LoadMatrix("token_embd.weight", config.vocab, config.hidden));
  if (file.FindTensor("output.weight") != nullptr) {
    ORIEL_ASSIGN_OR_RETURN(weights.output,
                           loader.LoadMatrix("output.weight", config.vocab, config.hidden));
  }
  ORIEL_ASSIGN_OR_RETURN(weights.output_norm,
                         loader.LoadVector("output_norm.weight", config.hidden));
  weights.layers.reserve(static_cast<size_t>(config.layers));
  for (int32_t layer = 0; layer < config.layers; ++layer) {
    ORIEL_ASSIGN_OR_RETURN(LayerWeights loaded, LoadLayer(loader, config, layer));
    weights.layers.push_back(std::move(loaded));
  }
  return weights;
}

}  // namespace oriel
