#include "tests/support/tiny_model.h"

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "absl/strings/str_cat.h"
#include "kernels/core/half.h"
#include "kernels/core/status.h"

namespace oriel {
namespace {

// The printable stand-in of a byte in byte-level BPE vocabularies (GPT-2's table), as UTF-8.
std::string ByteToken(int byte) {
  const auto printable = [](int b) {
    return (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || (b >= 174 && b <= 255);
  };
  int code = byte;
  if (!printable(byte)) {
    code = 256;
    for (int b = 0; b < byte; ++b) code += printable(b) ? 0 : 1;
  }
  if (code < 128) return std::string(1, static_cast<char>(code));
  return {static_cast<char>(0xC0 | (code >> 6)), static_cast<char>(0x80 | (code & 0x3F))};
}

class TinyModelBuilder {
 public:
  explicit TinyModelBuilder(const TinyModelSpec& spec) : spec_(spec), random_(spec.seed) {}

  GgufWriter Build() {
    AddHyperParameters();
    AddTokenizer();
    AddMatrix("token_embd.weight", kTinyModelVocab, spec_.hidden, 1.0);
    AddVector("output_norm.weight", spec_.hidden, 1.0f);
    for (uint32_t layer = 0; layer < spec_.layers; ++layer) AddLayer(layer);
    return std::move(writer_);
  }

 private:
  void AddHyperParameters() {
    const std::string arch(spec_.architecture);
    writer_.AddString("general.architecture", arch);
    writer_.AddString("general.name", "tiny");
    writer_.AddUint32(arch + ".block_count", spec_.layers);
    writer_.AddUint32(arch + ".embedding_length", spec_.hidden);
    writer_.AddUint32(arch + ".feed_forward_length", spec_.feed_forward);
    writer_.AddUint32(arch + ".attention.head_count", spec_.q_heads);
    writer_.AddUint32(arch + ".attention.head_count_kv", spec_.kv_heads);
    writer_.AddUint32(arch + ".attention.key_length", spec_.head_dim);
    writer_.AddUint32(arch + ".context_length", spec_.context_tokens);
    writer_.AddFloat32(arch + ".attention.layer_norm_rms_epsilon", 1e-5f);
    writer_.AddFloat32(arch + ".rope.freq_base", 10000.0f);
  }

  void AddTokenizer() {
    std::vector<std::string> tokens;
    std::vector<int32_t> types;
    for (int byte = 0; byte < 256; ++byte) tokens.push_back(ByteToken(byte));
    types.assign(256, 1);
    for (const char* special : {"<|endoftext|>", "<|im_start|>", "<|im_end|>"}) {
      tokens.emplace_back(special);
      types.push_back(3);
    }
    for (const char* merged : {"th", "the"}) {
      tokens.emplace_back(merged);
      types.push_back(1);
    }
    while (tokens.size() < kTinyModelVocab) {
      tokens.push_back(absl::StrCat("<|unused_", tokens.size(), "|>"));
      types.push_back(3);
    }
    writer_.AddString("tokenizer.ggml.model", "gpt2");
    writer_.AddString("tokenizer.ggml.pre", "gpt-2");
    writer_.AddStringArray("tokenizer.ggml.tokens", tokens);
    writer_.AddInt32Array("tokenizer.ggml.token_type", types);
    writer_.AddStringArray("tokenizer.ggml.merges", std::vector<std::string>{"t h", "th e"});
    writer_.AddUint32("tokenizer.ggml.eos_token_id", 258);
    writer_.AddString(
        "tokenizer.chat_template",
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n"
        "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}");
  }

  void AddLayer(uint32_t layer) {
    const auto name = [layer](const char* part) { return absl::StrCat("blk.", layer, ".", part); };
    const uint32_t q_rows = spec_.q_heads * spec_.head_dim;
    const uint32_t kv_rows = spec_.kv_heads * spec_.head_dim;
    AddVector(name("attn_norm.weight"), spec_.hidden, 1.0f);
    AddMatrix(name("attn_q.weight"), q_rows, spec_.hidden, 2.0);
    AddMatrix(name("attn_k.weight"), kv_rows, spec_.hidden, 2.0);
    AddMatrix(name("attn_v.weight"), kv_rows, spec_.hidden, 1.0);
    if (spec_.architecture == "qwen2") {
      AddVector(name("attn_q.bias"), q_rows, 0.5f);
      AddVector(name("attn_k.bias"), kv_rows, 3.0f);
      AddVector(name("attn_v.bias"), kv_rows, 0.1f);
    }
    AddMatrix(name("attn_output.weight"), spec_.hidden, q_rows, 1.0);
    AddVector(name("ffn_norm.weight"), spec_.hidden, 1.0f);
    AddMatrix(name("ffn_gate.weight"), spec_.feed_forward, spec_.hidden, 1.0);
    AddMatrix(name("ffn_up.weight"), spec_.feed_forward, spec_.hidden, 1.0);
    AddMatrix(name("ffn_down.weight"), spec_.hidden, spec_.feed_forward, 1.0);
  }

  void AddVector(const std::string& name, uint32_t size, float around) {
    std::uniform_real_distribution<float> uniform(0.8f * around, 1.2f * around);
    std::vector<float> values(size);
    for (float& value : values) value = uniform(random_);
    writer_.AddTensor(name, DType::kF32, {size}, std::as_bytes(std::span(values)));
  }

  // Blocks of 32: a half scale and 32 signed bytes, near uniform with the deviation gain /
  // sqrt(columns).
  void AddMatrix(const std::string& name, uint32_t rows, uint32_t columns, double gain) {
    const double step = gain * std::sqrt(3.0) / std::sqrt(static_cast<double>(columns)) / 127.0;
    const Half scale = ToHalf(static_cast<float>(step));
    std::uniform_int_distribution<int> uniform(-127, 127);
    std::vector<std::byte> data;
    data.reserve(size_t{rows} * columns / 32 * 34);
    for (size_t block = 0; block < size_t{rows} * columns / 32; ++block) {
      data.push_back(static_cast<std::byte>(scale.bits & 0xFF));
      data.push_back(static_cast<std::byte>(scale.bits >> 8));
      for (int i = 0; i < 32; ++i) data.push_back(static_cast<std::byte>(uniform(random_)));
    }
    writer_.AddTensor(name, DType::kQ8_0, {columns, rows}, data);
  }

  const TinyModelSpec& spec_;
  std::mt19937_64 random_;
  GgufWriter writer_;
};

}  // namespace

GgufWriter MakeTinyModel(const TinyModelSpec& spec) { return TinyModelBuilder(spec).Build(); }

}  // namespace oriel
