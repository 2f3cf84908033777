#ifndef ORIEL_TESTS_SUPPORT_TINY_MODEL_H_
#define ORIEL_TESTS_SUPPORT_TINY_MODEL_H_

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "tests/support/gguf_writer.h"

namespace oriel {

// The shape of a small random model. Weights are Q8_0 blocks, norms and biases F32.
struct TinyModelSpec {
  std::string_view architecture = "llama";  // or "qwen2", which gets biases
  uint32_t layers = 2;
  uint32_t hidden = 128;
  uint32_t feed_forward = 256;
  uint32_t q_heads = 2;
  uint32_t kv_heads = 1;
  uint32_t head_dim = 64;
  uint32_t context_tokens = 4096;
  uint64_t seed = 1;
};

// Its vocabulary: the 256 bytes, three specials, two merged tokens, then specials that nobody uses;
// as many as a whole number of 32 rows.
inline constexpr int32_t kTinyModelVocab = 288;

// A complete model file: hyper-parameters, byte tokenizer, chat template, tensors.
GgufWriter MakeTinyModel(const TinyModelSpec& spec);

}  // namespace oriel

#endif  // ORIEL_TESTS_SUPPORT_TINY_MODEL_H_
