#include "engine/model/transformer.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "kernels/core/status.h"

namespace oriel {
namespace {

// Flattens [tokens, heads, head_dim] to [tokens, heads * head_dim].
TensorView<const float, 2> Flatten(const TensorView<float, 3>& heads) {
  return {heads.data, {heads.dim(0), heads.dim(1) * heads.dim(2)}};
}

// Columns [begin, begin + size) of every row.
TensorView<float, 2> Columns(const TensorView<float, 2>& rows, int64_t begin, int64_t size) {
  return {rows.data + begin, {rows.dim(0), size}, {rows.stride(0), 1}};
}

}  // namespace

absl::StatusOr<std::unique_ptr<Transformer>> Transformer::Make(ModelConfig config,
                                                               ModelWeights weights,
                                                               Backend& backend,
                                                               int32_t max_step_tokens) {
  std::unique_ptr<Transformer> model(
      new Transformer(std::move(config), std::move(weights), backend, max_step_tokens));
  ORIEL_RETURN_IF_ERROR(model->AllocateActivations());
  return model;
}

absl::Status Transformer::AllocateActivations() {
  const int64_t q_width = int64_t{config_.q_heads} * config_.head_dim;
  const int64_t kv_width = int64_t{config_.kv_heads} * config_.head_dim;
  const int64_t pairs = static_cast<int64_t>(config_.inverse_frequencies.size());
  const auto allocate = [this](Buffer& buffer, int64_t width) -> absl::Status {
    const int64_t bytes = int64_t{max_step_tokens_} * width * int64_t{sizeof(float)};
    ORIEL_ASSIGN_OR_RETURN(buffer, backend_.MakeBuffer(static_cast<size_t>(bytes)));
    return absl::OkStatus();
  };
  ORIEL_RETURN_IF_ERROR(allocate(residual_, config_.hidden));
  ORIEL_RETURN_IF_ERROR(allocate(normed_, config_.hidden));
  ORIEL_RETURN_IF_ERROR(allocate(logits_rows_, config_.hidden));
  ORIEL_RETURN_IF_ERROR(allocate(qkv_, q_width + 2 * kv_width));
  ORIEL_RETURN_IF_ERROR(allocate(queries_, q_width));
  ORIEL_RETURN_IF_ERROR(allocate(attention_, q_width));
  ORIEL_RETURN_IF_ERROR(allocate(gate_, config_.feed_forward));
  ORIEL_RETURN_IF_ERROR(allocate(up_, config_.feed_forward));
  ORIEL_RETURN_IF_ERROR(allocate(cosines_, pairs));
  ORIEL_RETURN_IF_ERROR(allocate(sines_, pairs));
  ORIEL_ASSIGN_OR_RETURN(inverse_frequencies_,
                         backend_.MakeBuffer(static_cast<size_t>(pairs) * sizeof(double)));
  std::memcpy(inverse_frequencies_.data(), config_.inverse_frequencies.data(),
              static_cast<size_t>(pairs) * sizeof(double));
  return absl::OkStatus();
}

Transformer::Activations Transformer::ViewActivations(int64_t tokens) const {
  const int64_t q_heads = config_.q_heads;
  const int64_t head_dim = config_.head_dim;
  const int64_t pairs = static_cast<int64_t>(config_.inverse_frequencies.size());
  const int64_t qkv_width = (q_heads + 2 * int64_t{config_.kv_heads}) * head_dim;
  return Activations{.residual = {residual_.as<float>(), {tokens, config_.hidden}},
                     .normed = {normed_.as<float>(), {tokens, config_.hidden}},
                     .qkv = {qkv_.as<float>(), {tokens, qkv_width}},
                     .queries = {queries_.as<float>(), {tokens, q_heads, head_dim}},
                     .attention = {attention_.as<float>(), {tokens, q_heads, head_dim}},
                     .gate = {gate_.as<float>(), {tokens, config_.feed_forward}},
                     .up = {up_.as<float>(), {tokens, config_.feed_forward}},
                     .cosines = {cosines_.as<float>(), {tokens, pairs}},
                     .sines = {sines_.as<float>(), {tokens, pairs}}};
}

absl::Status Transformer::Forward(const BatchInputs& inputs, const KvStorage& storage,
                                  Stream& stream) {
  const int64_t tokens = inputs.num_tokens();
  if (tokens > max_step_tokens_) {
    return absl::InvalidArgumentError(
        absl::StrCat("a step of ", tokens, " tokens, the limit is ", max_step_tokens_));
  }
  if (storage.layers() != config_.layers) {
    return absl::InvalidArgumentError(
        absl::StrCat("a cache of ", storage.layers(), " layers for a model of ", config_.layers));
  }
  const Activations x = ViewActivations(tokens);
  ORIEL_RETURN_IF_ERROR(backend_.Embedding(
      {.tokens = inputs.tokens, .table = weights_.embedding.get(), .out = x.residual}, stream));
  ORIEL_RETURN_IF_ERROR(backend_.RopeAngles(
      {.positions = inputs.positions,
       .inverse_frequencies = {inverse_frequencies_.as<const double>(), {x.cosines.dim(1)}},
       .magnitude = config_.rope_magnitude,
       .cosines = x.cosines,
       .sines = x.sines},
      stream));
  for (int32_t layer = 0; layer < config_.layers; ++layer) {
    const LayerWeights& weights = weights_.layers[static_cast<size_t>(layer)];
    ORIEL_RETURN_IF_ERROR(Attention(weights, inputs, storage.layer(layer), x, stream));
    ORIEL_RETURN_IF_ERROR(FeedForward(weights, x, stream));
  }
  forwarded_tokens_ = tokens;
  return backend_.RmsNorm({.input = x.residual,
                           .weight = weights_.output_norm.view(),
                           .out = x.normed,
                           .epsilon = config_.rms_epsilon},
                          stream);
}

absl::Status Transformer::Attention(const LayerWeights& layer, const BatchInputs& inputs,
                                    const KvLayerStorage& cache, const Activations& x,
                                    Stream& stream) {
  ORIEL_RETURN_IF_ERROR(backend_.RmsNorm({.input = x.residual,
                                          .weight = layer.attention_norm.view(),
                                          .out = x.normed,
                                          .epsilon = config_.rms_epsilon},
                                         stream));
  const int64_t q_width = layer.query->rows();
  const int64_t kv_width = layer.key->rows();
  const MatMulTerm qkv[] = {
      {layer.query.get(), layer.query_bias.view(), Columns(x.qkv, 0, q_width)},
      {layer.key.get(), layer.key_bias.view(), Columns(x.qkv, q_width, kv_width)},
      {layer.value.get(), layer.value_bias.view(), Columns(x.qkv, q_width + kv_width, kv_width)}};
  ORIEL_RETURN_IF_ERROR(backend_.MatMul({.input = x.normed, .terms = qkv}, stream));

  ORIEL_RETURN_IF_ERROR(backend_.KvAppend({.qkv = x.qkv,
                                           .cosines = x.cosines,
                                           .sines = x.sines,
                                           .pairs = config_.rope_pairs,
                                           .queries = x.queries,
                                           .step = &inputs.all,
                                           .storage = &cache},
                                          stream));
  ORIEL_RETURN_IF_ERROR(Seal(inputs, cache, stream));

  AttentionArgs attention{.queries = x.queries,
                          .out = x.attention,
                          .step = &inputs.prompt,
                          .storage = &cache,
                          .softmax_scale = 1.0f / std::sqrt(static_cast<float>(config_.head_dim))};
  if (inputs.prompt.views.dim(0) > 0) {
    ORIEL_RETURN_IF_ERROR(backend_.AttentionPrefill(attention, stream));
  }
  attention.step = &inputs.decode;
  if (inputs.decode.views.dim(0) > 0) {
    ORIEL_RETURN_IF_ERROR(backend_.AttentionDecode(attention, stream));
  }

  const MatMulTerm output[] = {{layer.output.get(), {}, x.residual, MatMulWrite::kAdd}};
  return backend_.MatMul({.input = Flatten(x.attention), .terms = output}, stream);
}

// Most steps seal nothing, and read no clock for it.
absl::Status Transformer::Seal(const BatchInputs& inputs, const KvLayerStorage& cache,
                               Stream& stream) {
  if (inputs.seals.dim(0) == 0) return absl::OkStatus();
  const absl::Time begin = absl::Now();
  absl::Status status = backend_.KvSeal({.items = inputs.seals, .storage = &cache}, stream);
  total_seal_time_ += absl::Now() - begin;
  return status;
}

absl::Status Transformer::FeedForward(const LayerWeights& layer, const Activations& x,
                                      Stream& stream) {
  ORIEL_RETURN_IF_ERROR(backend_.RmsNorm({.input = x.residual,
                                          .weight = layer.feed_forward_norm.view(),
                                          .out = x.normed,
                                          .epsilon = config_.rms_epsilon},
                                         stream));
  const MatMulTerm gate_up[] = {{layer.gate.get(), {}, x.gate}, {layer.up.get(), {}, x.up}};
  ORIEL_RETURN_IF_ERROR(backend_.MatMul({.input = x.normed, .terms = gate_up}, stream));
  ORIEL_RETURN_IF_ERROR(backend_.Swiglu({.gate = x.gate, .up = x.up, .out = x.gate}, stream));
  const MatMulTerm down[] = {{layer.down.get(), {}, x.residual, MatMulWrite::kAdd}};
  return backend_.MatMul({.input = x.gate, .terms = down}, stream);
}

absl::Status Transformer::ComputeLogits(TensorView<const int32_t, 1> rows,
                                        TensorView<float, 2> logits, Stream& stream) {
  const int64_t count = rows.dim(0);
  if (count > max_step_tokens_ || logits.dim(0) != count || logits.dim(1) != config_.vocab) {
    return absl::InvalidArgumentError(absl::StrCat("logits [", logits.dim(0), ", ", logits.dim(1),
                                                   "] for ", count, " rows of vocabulary ",
                                                   config_.vocab));
  }
  const TensorView<float, 2> normed(normed_.as<float>(), {forwarded_tokens_, config_.hidden});
  const TensorView<float, 2> gathered(logits_rows_.as<float>(), {count, config_.hidden});
  for (int64_t i = 0; i < count; ++i) {
    if (rows(i) < 0 || rows(i) >= forwarded_tokens_) {
      return absl::InvalidArgumentError(
          absl::StrCat("logits of row ", rows(i), ", the step had ", forwarded_tokens_));
    }
    std::copy_n(normed.row(rows(i)), config_.hidden, gathered.row(i));
  }
  const MatMulTerm term[] = {{&weights_.logits_matrix(), {}, logits}};
  return backend_.MatMul({.input = gathered, .terms = term}, stream);
}

}  // namespace oriel
