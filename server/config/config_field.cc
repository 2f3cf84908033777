#include "server/config/config_field.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "kernels/core/status.h"
#include "kernels/formats/parse_codec.h"
#include "server/config/byte_size.h"
#include "server/config/nearest_name.h"

namespace oriel {
namespace {

template <typename T>
using Place = T& (*)(ServerConfig&);

// The places are functions of a mutable configuration; reading through one changes nothing.
template <typename T>
const T& Read(const ServerConfig& config, Place<T> place) {
  return place(const_cast<ServerConfig&>(config));
}

absl::Status NotInRange(std::string_view text, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("\"", ToAbsl(text), "\" is not ", what));
}

struct IntRange {
  int64_t least;
  int64_t most;
};

ConfigField Int(std::string_view name, ConfigGroup group, Place<int32_t> place, IntRange range,
                std::string_view help) {
  return {
      name, group, help,
      [place, range](ServerConfig& config, std::string_view text) {
        int64_t value = 0;
        if (!absl::SimpleAtoi(ToAbsl(text), &value) || value < range.least || value > range.most) {
          return NotInRange(text,
                            absl::StrCat("a whole number of ", range.least, " to ", range.most));
        }
        place(config) = static_cast<int32_t>(value);
        return absl::OkStatus();
      },
      [place](const ServerConfig& config) { return absl::StrCat(Read(config, place)); }};
}

ConfigField Bytes(std::string_view name, ConfigGroup group, Place<int64_t> place,
                  std::string_view help) {
  return {name, group, help,
          [place](ServerConfig& config, std::string_view text) {
            ORIEL_ASSIGN_OR_RETURN(place(config), ParseByteSize(text));
            return absl::OkStatus();
          },
          [place](const ServerConfig& config) { return ExactByteSize(Read(config, place)); }};
}

ConfigField Seconds(std::string_view name, Place<absl::Duration> place, IntRange range,
                    std::string_view help) {
  return {name, ConfigGroup::kServer, help,
          [place, range](ServerConfig& config, std::string_view text) {
            double value = 0;
            if (!absl::SimpleAtod(ToAbsl(text), &value) ||
                !(value >= static_cast<double>(range.least)) ||
                !(value <= static_cast<double>(range.most))) {
              return NotInRange(
                  text, absl::StrCat("a number of seconds of ", range.least, " to ", range.most));
            }
            place(config) = absl::Seconds(value);
            return absl::OkStatus();
          },
          [place](const ServerConfig& config) {
            return absl::StrCat(absl::ToDoubleSeconds(Read(config, place)));
          }};
}

ConfigField Text(std::string_view name, Place<std::string> place, std::string_view help) {
  return {name, ConfigGroup::kServer, help,
          [place](ServerConfig& config, std::string_view text) {
            place(config) = std::string(text);
            return absl::OkStatus();
          },
          [place](const ServerConfig& config) { return Read(config, place); }};
}

ConfigField CodecField(std::string_view name, Place<Codec> place, std::string_view help) {
  return {
      name, ConfigGroup::kEngine, help,
      [place](ServerConfig& config, std::string_view text) {
        ORIEL_ASSIGN_OR_RETURN(place(config), ParseCodec(text));
        return absl::OkStatus();
      },
      [place](const ServerConfig& config) { return std::string(CodecName(Read(config, place))); }};
}

ConfigField LogLevelField() {
  return {"log-level", ConfigGroup::kServer, "trace, debug, info, warn, error or off",
          [](ServerConfig& config, std::string_view text) {
            for (std::string_view level : {"trace", "debug", "info", "warn", "error", "off"}) {
              if (text != level) continue;
              config.log_level = std::string(text);
              return absl::OkStatus();
            }
            return NotInRange(text, "one of trace, debug, info, warn, error, off");
          },
          [](const ServerConfig& config) { return config.log_level; }};
}

ConfigField GrpcPortField() {
  return {"grpc-port", ConfigGroup::kServer, "port of gRPC; 0: any free one; off: no gRPC",
          [](ServerConfig& config, std::string_view text) {
            if (text == "off") {
              config.grpc_port.reset();
              return absl::OkStatus();
            }
            int32_t port = 0;
            if (!absl::SimpleAtoi(ToAbsl(text), &port) || port < 0 || port > 65535) {
              return NotInRange(text, "off or a whole number of 0 to 65535");
            }
            config.grpc_port = port;
            return absl::OkStatus();
          },
          [](const ServerConfig& config) -> std::string {
            return config.grpc_port ? absl::StrCat(*config.grpc_port) : "off";
          }};
}

ConfigField BackendField() {
  return {"backend", ConfigGroup::kEngine,
          "cpu, or reference: the plain loops that define the right result",
          [](ServerConfig& config, std::string_view text) {
            if (text == "cpu") {
              config.backend = BackendKind::kCpu;
            } else if (text == "reference") {
              config.backend = BackendKind::kReference;
            } else {
              return NotInRange(text, "one of cpu, reference");
            }
            return absl::OkStatus();
          },
          [](const ServerConfig& config) -> std::string {
            switch (config.backend) {
              case BackendKind::kCpu:
                return "cpu";
              case BackendKind::kReference:
                return "reference";
            }
            return "?";
          }};
}

ConfigField CpuIsaField() {
  return {"cpu-isa", ConfigGroup::kEngine,
          "instructions that the CPU back end may use: auto, avx2 or avx512",
          [](ServerConfig& config, std::string_view text) {
            const auto* set =
                std::find_if(kInstructionSets.begin(), kInstructionSets.end(),
                             [&](InstructionSet candidate) { return NameOf(candidate) == text; });
            if (set == kInstructionSets.end()) {
              return NotInRange(text, "one of auto, avx2, avx512");
            }
            config.cpu_isa = *set;
            return absl::OkStatus();
          },
          [](const ServerConfig& config) { return std::string(NameOf(config.cpu_isa)); }};
}

ConfigField BoolField(std::string_view name, ConfigGroup group, Place<bool> place,
                      std::string_view help) {
  return {name, group, help,
          [place](ServerConfig& config, std::string_view text) {
            if (!absl::SimpleAtob(ToAbsl(text), &place(config))) {
              return NotInRange(text, "true or false");
            }
            return absl::OkStatus();
          },
          [place](const ServerConfig& config) -> std::string {
            return Read(config, place) ? "true" : "false";
          }};
}

// clang-format off
std::vector<ConfigField> EngineFields() {
  constexpr ConfigGroup kGroup = ConfigGroup::kEngine;
  return {
      CodecField("key-codec", [](ServerConfig& c) -> Codec& { return c.engine.key_codec; },
                 "how keys are stored: fp16, int8, int4, int2, int1, e8_1p5, e8_2p5, ternary"),
      CodecField("value-codec", [](ServerConfig& c) -> Codec& { return c.engine.value_codec; },
                 "how values are stored: the same names"),
      Int("window-tokens", kGroup, [](ServerConfig& c) -> int32_t& { return c.engine.window_tokens; }, {0, 65536},
          "most recent tokens kept in FP16, a multiple of 64"),
      Int("sink-tokens", kGroup, [](ServerConfig& c) -> int32_t& { return c.engine.sink_tokens; }, {0, 64},
          "first tokens kept in FP16"),
      Int("max-model-len", kGroup, [](ServerConfig& c) -> int32_t& { return c.engine.max_model_len; }, {0, 1 << 30},
          "tokens of a prompt and its answer; 0: what the model was trained for"),
      Int("max-num-seqs", kGroup, [](ServerConfig& c) -> int32_t& { return c.engine.max_num_seqs; }, {1, 4096},
          "sequences that run at once"),
      Bytes("kv-cache-memory", kGroup, [](ServerConfig& c) -> int64_t& { return c.engine.kv_cache_memory_bytes; },
            "bytes for the cache, as 800M or 2GiB; 0: chosen from the free memory"),
      Int("prefill-chunk-tokens", kGroup, [](ServerConfig& c) -> int32_t& { return c.engine.prefill_chunk_tokens; }, {1, 65536},
          "prompt tokens of one step, all sequences together"),
      Int("threads", kGroup, [](ServerConfig& c) -> int32_t& { return c.engine.threads; }, {0, 256},
          "CPU threads that compute; 0: one a core"),
      BoolField("pin-threads", kGroup, [](ServerConfig& c) -> bool& { return c.pin_threads; },
                "keep each of these threads on a core of its own; true or false"),
      BackendField(),
      CpuIsaField(),
      Int("max-queued-requests", kGroup, [](ServerConfig& c) -> int32_t& { return c.engine.queue_requests_max; }, {1, 1 << 20},
          "requests that may wait; one more is answered 429"),
      Int("max-logprobs", kGroup, [](ServerConfig& c) -> int32_t& { return c.engine.top_logprobs_max; }, {0, 64},
          "log-probabilities a request may have for each token"),
  };
}

std::vector<ConfigField> ServerFields() {
  constexpr ConfigGroup kGroup = ConfigGroup::kServer;
  return {
      Text("host", [](ServerConfig& c) -> std::string& { return c.host; }, "address to listen on"),
      Int("http-port", kGroup, [](ServerConfig& c) -> int32_t& { return c.http_port; }, {0, 65535},
          "port of HTTP; 0: any free one"),
      Int("http-threads", kGroup, [](ServerConfig& c) -> int32_t& { return c.http_threads; }, {1, 64},
          "threads that serve HTTP sockets"),
      GrpcPortField(),
      Int("grpc-threads", kGroup, [](ServerConfig& c) -> int32_t& { return c.grpc_threads; }, {1, 64},
          "threads that write gRPC answers"),
      Int("max-grpc-calls", kGroup, [](ServerConfig& c) -> int32_t& { return c.grpc.calls_max; }, {1, 1 << 20},
          "generations that run for gRPC clients at once; one more is RESOURCE_EXHAUSTED"),
      Text("served-model-name", [](ServerConfig& c) -> std::string& { return c.served_model_name; },
           "name that clients use; empty: the file's name"),
      Seconds("drain-timeout", [](ServerConfig& c) -> absl::Duration& { return c.drain_timeout; }, {0, 86400},
              "seconds that running answers have to finish after SIGTERM"),
      LogLevelField(),
      BoolField("vllm-metric-names", kGroup, [](ServerConfig& c) -> bool& { return c.vllm_metric_names; },
                "also export metrics under the names that vLLM's dashboards query"),
      Int("max-connections", kGroup, [](ServerConfig& c) -> int32_t& { return c.http.connections_max; }, {1, 1 << 20},
          "connections open at once"),
      Bytes("max-body-bytes", kGroup, [](ServerConfig& c) -> int64_t& { return c.http.body_bytes_max; },
            "largest request body or gRPC message"),
      Bytes("max-request-memory", kGroup, [](ServerConfig& c) -> int64_t& { return c.http.request_memory_bytes; },
            "bytes that all requests may hold until they are read; one more is answered 429"),
      Int("max-header-bytes", kGroup, [](ServerConfig& c) -> int32_t& { return c.http.header_bytes_max; }, {1024, 1 << 20},
          "largest request line and headers"),
      Seconds("idle-timeout", [](ServerConfig& c) -> absl::Duration& { return c.http.idle_timeout; }, {1, 86400},
              "seconds that a connection may wait between requests"),
      Seconds("read-timeout", [](ServerConfig& c) -> absl::Duration& { return c.http.read_timeout; }, {1, 86400},
              "seconds that a request may take to arrive"),
      Seconds("write-timeout", [](ServerConfig& c) -> absl::Duration& { return c.http.write_timeout; }, {1, 86400},
              "seconds that a client may take to read one chunk"),
      Seconds("ping-interval", [](ServerConfig& c) -> absl::Duration& { return c.http.ping_interval; }, {1, 86400},
              "seconds between comments of a silent stream"),
      Seconds("request-timeout", [](ServerConfig& c) -> absl::Duration& { return c.api.request_timeout; }, {0, 86400},
              "seconds that a request may take; 0: no limit"),
      Int("max-choices", kGroup, [](ServerConfig& c) -> int32_t& { return c.api.choices_max; }, {1, 1024},
          "answers a request may ask for: n times its prompts"),
      Int("max-json-depth", kGroup, [](ServerConfig& c) -> int32_t& { return c.api.json_depth_max; }, {4, 256},
          "nested arrays and objects of a body"),
      Int("worker-threads", kGroup, [](ServerConfig& c) -> int32_t& { return c.workers.threads; }, {1, 64},
          "threads that read bodies, fill templates and tokenize"),
      Int("worker-queue", kGroup, [](ServerConfig& c) -> int32_t& { return c.workers.queue_max; }, {1, 1 << 16},
          "such jobs that may wait; one more is answered 429"),
  };
}
// clang-format on

std::vector<ConfigField> AllFields() {
  std::vector<ConfigField> fields = ServerFields();
  for (ConfigField& field : EngineFields()) fields.push_back(std::move(field));
  return fields;
}

}  // namespace

std::span<const ConfigField> ConfigFields() {
  static const std::vector<ConfigField> fields = AllFields();
  return fields;
}

const ConfigField* FindConfigField(std::string_view name) {
  std::string key(name);
  std::replace(key.begin(), key.end(), '_', '-');
  for (const ConfigField& field : ConfigFields()) {
    if (field.name == key) return &field;
  }
  return nullptr;
}

std::string SuggestConfigField(std::string_view name) {
  std::string key(name);
  std::replace(key.begin(), key.end(), '_', '-');
  std::vector<std::string_view> names;
  for (const ConfigField& field : ConfigFields()) names.push_back(field.name);
  const auto nearest = NearestName(key, names);
  if (!nearest) return "";
  // In the spelling of whoever asked.
  std::string spelled(*nearest);
  if (name.find('_') != name.npos) std::replace(spelled.begin(), spelled.end(), '-', '_');
  return absl::StrCat(" (did you mean ", spelled, "?)");
}

}  // namespace oriel
