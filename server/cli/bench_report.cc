#include "server/cli/bench_report.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "kernels/core/status.h"
#include "server/admin/version.h"

namespace oriel {
namespace {

// As /proc/cpuinfo names the first processor; empty if it does not.
std::string CpuName() {
  constexpr std::string_view kField = "model name";
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(": ");
    if (line.starts_with(kField) && colon != line.npos) return line.substr(colon + 2);
  }
  return "";
}

int64_t NumParameters(const GgufFile& file) {
  int64_t sum = 0;
  for (const GgufTensor& tensor : file.tensors()) {
    sum += tensor.dims[0] * tensor.dims[1] * tensor.dims[2] * tensor.dims[3];
  }
  return sum;
}

// Architecture, parameters, and the type that holds most bytes, as "llama 135M Q4_1".
std::string ModelType(const GgufFile& file, const ModelConfig& config) {
  std::map<std::string_view, int64_t> bytes_of_type;
  std::string_view most;
  for (const GgufTensor& tensor : file.tensors()) {
    const std::string_view name = TraitsOf(tensor.dtype).name;
    bytes_of_type[name] += tensor.size_bytes;
    if (most.empty() || bytes_of_type[name] > bytes_of_type[most]) most = name;
  }
  const double parameters = static_cast<double>(NumParameters(file));
  const std::string size = parameters < 1e9 ? absl::StrFormat("%.0fM", parameters / 1e6)
                                            : absl::StrFormat("%.1fB", parameters / 1e9);
  return absl::StrCat(config.architecture, " ", size, " ", ToAbsl(most));
}

// What llama-bench calls a cache type: f16 where it has a name for the same thing.
std::string CacheType(Codec codec) {
  return codec == Codec::kFp16 ? "f16" : std::string(CodecName(codec));
}

void AddModel(const ServedModel& served, Json& out) {
  const EngineConfig& config = served.engine->config();
  out["build_commit"] = kVersion;
  out["cpu_info"] = CpuName();
  out["cpu_isa"] = std::string(served.backend->instruction_set());
  out["backends"] = std::string(served.backend->name());
  out["model_filename"] = served.file->path();
  out["model_type"] = ModelType(*served.file, served.engine->model_config());
  out["model_size"] = served.weight_bytes;
  out["model_n_params"] = NumParameters(*served.file);
  out["n_batch"] = config.prefill_chunk_tokens;
  out["n_ubatch"] = config.prefill_chunk_tokens;
  out["n_threads"] = served.backend->threads();
  out["type_k"] = CacheType(config.key_codec);
  out["type_v"] = CacheType(config.value_codec);
  out["n_window"] = config.window_tokens;
  out["n_sink"] = config.sink_tokens;
}

void AddTimes(const SpeedResult& result, Json& out) {
  const std::vector<double> ns(result.samples_ns.begin(), result.samples_ns.end());
  const std::vector<double> speeds = result.samples_tokens_per_s();
  out["n_prompt"] = result.test.prompt_tokens;
  out["n_gen"] = result.test.generate_tokens;
  out["n_depth"] = result.test.depth;
  out["n_streams"] = result.test.streams;
  out["test_time"] = absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", result.begin, absl::UTCTimeZone());
  out["avg_ns"] = static_cast<int64_t>(Mean(ns));
  out["stddev_ns"] = static_cast<int64_t>(StandardDeviation(ns));
  out["avg_ts"] = Mean(speeds);
  out["stddev_ts"] = StandardDeviation(speeds);
  out["samples_ns"] = result.samples_ns;
  out["samples_ts"] = speeds;
}

void AddMemory(const SpeedResult& result, const ServedModel& served, Json& out) {
  out["kv_cache_bytes"] = result.kv_cache_bytes;
  out["weight_bytes"] = served.weight_bytes;
  out["resident_bytes"] = result.memory.resident_bytes;
  out["resident_anonymous_bytes"] = result.memory.anonymous_bytes;
  out["resident_file_bytes"] = result.memory.file_bytes;
  out["peak_resident_bytes"] = result.memory.peak_resident_bytes;
}

std::string Megabytes(int64_t bytes) {
  return absl::StrFormat("%.1f", static_cast<double>(bytes) / 1e6);
}

}  // namespace

std::string BenchTableHead() {
  return absl::StrFormat("%-20s %20s %10s %12s %12s", "test", "tokens/s", "samples", "cache MB",
                         "resident MB");
}

std::string BenchTableRow(const SpeedResult& result) {
  const std::vector<double> speeds = result.samples_tokens_per_s();
  const std::string speed =
      absl::StrFormat("%.2f +- %.2f", Mean(speeds), StandardDeviation(speeds));
  return absl::StrFormat("%-20s %20s %10d %12s %12s", result.test.name(), speed, speeds.size(),
                         Megabytes(result.kv_cache_bytes), Megabytes(result.memory.resident_bytes));
}

Json BenchJson(const SpeedResult& result, const ServedModel& served) {
  Json out;
  AddModel(served, out);
  AddTimes(result, out);
  AddMemory(result, served, out);
  return out;
}

}  // namespace oriel
