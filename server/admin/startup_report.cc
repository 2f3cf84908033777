#include "server/admin/startup_report.h"

#include <array>
#include <span>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "kernels/core/status.h"
#include "server/admin/cache_geometry.h"
#include "server/config/byte_size.h"

namespace oriel {
namespace {

constexpr std::array<int32_t, 4> kReportedLengths = {4096, 32768, 131072, 1048576};

std::string ModelLine(const ModelConfig& model, int64_t weight_bytes) {
  return absl::StrCat("model    ", model.architecture, ", ", model.layers, " layers, ",
                      model.q_heads, " query and ", model.kv_heads, " KV heads of ", model.head_dim,
                      ", weights ", ReadableByteSize(weight_bytes), "\n");
}

std::string CacheLines(const Engine& engine, const EngineStats& stats,
                       const CacheGeometry& geometry) {
  const EngineConfig& config = engine.config();
  return absl::StrCat(
      "cache    ", ReadableByteSize(geometry.total_bytes()), ": packed ",
      ReadableByteSize(geometry.packed_bytes), " (", stats.pages_total, " pages), window ",
      ReadableByteSize(geometry.window_bytes), " (", stats.window_pages_total, " pages), sinks ",
      ReadableByteSize(geometry.sink_bytes), ", scratch ", ReadableByteSize(geometry.scratch_bytes),
      "\nformat   keys ", ToAbsl(CodecName(config.key_codec)), ", values ",
      ToAbsl(CodecName(config.value_codec)),
      absl::StrFormat(", %.3f bits a value as stored (FP16: 16)", geometry.bits_per_value),
      ", window ", config.window_tokens, " and sinks ", config.sink_tokens,
      " tokens in FP16\nfits     ", geometry.tokens_that_fit, " tokens, sequences of at most ",
      config.max_model_len, ", ", config.max_num_seqs, " at once\n");
}

}  // namespace

std::string StartupReport(const Engine& engine, int64_t weight_bytes) {
  const EngineStats stats = engine.stats();
  const EngineConfig& config = engine.config();
  const CacheGeometry geometry = MakeCacheGeometry(stats, config, engine.model_config());
  std::string report = ModelLine(engine.model_config(), weight_bytes);
  report += CacheLines(engine, stats, geometry);
  for (int32_t tokens : kReportedLengths) {
    const double bytes =
        static_cast<double>(SequenceBytes(tokens, stats, config)) / static_cast<double>(tokens);
    absl::StrAppendFormat(&report,
                          "bytes per token at %7d: %.0f, FP16 tail included; %.1f times less than "
                          "FP16's %d\n",
                          tokens, bytes, static_cast<double>(geometry.fp16_token_bytes) / bytes,
                          geometry.fp16_token_bytes);
  }
  return report;
}

std::string BackendLine(const Backend& backend) {
  const std::string_view instruction_set = backend.instruction_set();
  const std::span<const int32_t> pinned = backend.pinned_cores();
  return absl::StrCat(
      "compute  ", ToAbsl(backend.name()), " back end",
      instruction_set.empty() ? "" : absl::StrCat(", instructions ", ToAbsl(instruction_set)),
      ", threads ", backend.threads(),
      pinned.empty() ? "" : absl::StrCat(" pinned to cores ", absl::StrJoin(pinned, ", ")), "\n");
}

Json ServerInfo(const Engine& engine, int64_t weight_bytes) {
  const EngineStats stats = engine.stats();
  const EngineConfig& config = engine.config();
  const CacheGeometry geometry = MakeCacheGeometry(stats, config, engine.model_config());
  Json bytes_per_token = Json::object();
  for (int32_t tokens : kReportedLengths) {
    bytes_per_token[std::to_string(tokens)] =
        static_cast<double>(SequenceBytes(tokens, stats, config)) / static_cast<double>(tokens);
  }
  return {{"architecture", engine.model_config().architecture},
          {"weight_bytes", weight_bytes},
          {"key_codec", CodecName(config.key_codec)},
          {"value_codec", CodecName(config.value_codec)},
          {"window_tokens", config.window_tokens},
          {"sink_tokens", config.sink_tokens},
          {"page_tokens", kPageTokens},
          {"pages_total", stats.pages_total},
          {"pages_free", stats.pages_free},
          {"max_model_len", config.max_model_len},
          {"max_num_seqs", config.max_num_seqs},
          {"bits_per_value", geometry.bits_per_value},
          {"tokens_that_fit", geometry.tokens_that_fit},
          {"cache_bytes",
           {{"packed", geometry.packed_bytes},
            {"window", geometry.window_bytes},
            {"sinks", geometry.sink_bytes},
            {"scratch", geometry.scratch_bytes}}},
          {"bytes_per_token", std::move(bytes_per_token)}};
}

}  // namespace oriel
