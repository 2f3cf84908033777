#include <span>

#include "kernels/core/status.h"
#include "server/admin/cache_geometry.h"
#include "server/admin/version.h"
#include "server/grpc/message_conversion.h"

namespace oriel {
namespace {

void WriteBits(std::span<const KvLayerFormat> formats, v1::KvCacheInfo& info) {
  double key_sum = 0, value_sum = 0;
  int64_t num_heads = 0;
  for (const KvLayerFormat& format : formats) {
    v1::KvLayerBits& layer = *info.add_layers();
    for (int32_t head = 0; head < format.kv_heads; ++head) {
      const HeadBits bits = StoredBits(format, head);
      layer.add_key_bits(static_cast<float>(bits.key));
      layer.add_value_bits(static_cast<float>(bits.value));
      key_sum += bits.key;
      value_sum += bits.value;
      ++num_heads;
    }
  }
  if (num_heads == 0) return;
  info.set_key_bits_mean(key_sum / static_cast<double>(num_heads));
  info.set_value_bits_mean(value_sum / static_cast<double>(num_heads));
}

void WriteCache(const Engine& engine, const EngineStats& stats, v1::KvCacheInfo& info) {
  const EngineConfig& config = engine.config();
  const CacheGeometry geometry = MakeCacheGeometry(stats, config, engine.model_config());
  info.set_page_tokens(kPageTokens);
  info.set_pages_total(stats.pages_total);
  info.set_pages_free(stats.pages_free);
  info.set_window_pages_total(stats.window_pages_total);
  info.set_window_pages_free(stats.window_pages_free);
  info.set_window_tokens(config.window_tokens);
  info.set_sink_tokens(config.sink_tokens);
  info.set_key_codec(std::string(CodecName(config.key_codec)));
  info.set_value_codec(std::string(CodecName(config.value_codec)));
  WriteBits(engine.formats(), info);
  info.set_bytes_per_token(static_cast<double>(stats.page_bytes) / kPageTokens);
  info.set_fp16_bytes_per_token(geometry.fp16_token_bytes);
  info.set_cache_bytes(geometry.total_bytes());
  info.set_tokens_that_fit(geometry.tokens_that_fit);
}

}  // namespace

void WriteServerInfo(const ServingContext& context, v1::GetServerInfoResponse& message) {
  const Engine& engine = context.engine;
  const EngineStats stats = engine.stats();
  message.set_version(kVersion);
  message.set_model(context.model_name);
  message.set_architecture(engine.model_config().architecture);
  message.set_max_model_len(engine.config().max_model_len);
  message.set_max_num_seqs(engine.config().max_num_seqs);
  message.set_vocab_size(context.text.vocab_size());
  message.set_weight_bytes(context.weight_bytes);
  message.set_requests_running(stats.sequences_running);
  message.set_requests_waiting(stats.requests_waiting);
  WriteCache(engine, stats, *message.mutable_kv_cache());
}

}  // namespace oriel
