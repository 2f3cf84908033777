#include "server/cli/eval_command.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "engine/evaluation/kl_evaluation.h"
#include "engine/model/load_model.h"
#include "engine/runtime/resolve_engine_config.h"
#include "engine/tokenizer/tokenizer.h"
#include "kernels/backend_factory.h"
#include "kernels/core/status.h"
#include "server/cli/json_file.h"
#include "server/json.h"

namespace oriel {
namespace {

constexpr int64_t kTextBytesMax = int64_t{64} << 20;

absl::StatusOr<std::string> ReadText(const std::string& path) {
  std::error_code error;
  const uintmax_t size = std::filesystem::file_size(path, error);
  if (error) return absl::NotFoundError(absl::StrCat(path, ": ", error.message()));
  if (size > static_cast<uintmax_t>(kTextBytesMax)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " has ", size, " bytes, the limit is ", kTextBytesMax));
  }
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

absl::StatusOr<KlText> LoadText(const std::string& path, const Tokenizer& tokenizer,
                                int32_t num_tokens) {
  ORIEL_ASSIGN_OR_RETURN(const std::string content, ReadText(path));
  KlText text{.name = std::filesystem::path(path).stem().string(), .tokens = {}};
  ORIEL_ASSIGN_OR_RETURN(
      text.tokens,
      tokenizer.Encode(content, {.parse_special_tokens = false, .tokens_max = content.size() + 8}));
  if (static_cast<int32_t>(text.tokens.size()) < num_tokens) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " has ", text.tokens.size(), " tokens, --tokens asks for ", num_tokens));
  }
  text.tokens.resize(static_cast<size_t>(num_tokens));
  return text;
}

Json ToJson(const KlScores& scores) {
  return {{"kl_mean", scores.kl_mean},
          {"kl_p999", scores.kl_p999},
          {"perplexity", scores.perplexity},
          {"perplexity_reference", scores.perplexity_reference},
          {"perplexity_ratio", scores.perplexity_ratio},
          {"top1_agreement", scores.top1_agreement},
          {"scored_tokens", scores.scored_tokens}};
}

Json ToJson(const KlReport& report, const ServerConfig& config) {
  Json out = ToJson(report.all);
  out["bits_per_value"] = report.bits_per_value;
  out["bits_per_value_total"] = report.bits_per_value_total;
  out["key_codec"] = std::string(CodecName(config.engine.key_codec));
  out["value_codec"] = std::string(CodecName(config.engine.value_codec));
  out["window_tokens"] = config.engine.window_tokens;
  out["sink_tokens"] = config.engine.sink_tokens;
  Json per_text = Json::object();
  for (const KlScores& scores : report.per_text) per_text[scores.name] = ToJson(scores);
  out["per_text"] = per_text;
  return out;
}

void PrintScores(const KlScores& scores) {
  std::printf("%s\n", absl::StrFormat("%-16s KL %.4f (99.9 %%: %.3f)  perplexity %.3f / %.3f = %.4f"
                                      "  top-1 %.4f",
                                      scores.name, scores.kl_mean, scores.kl_p999,
                                      scores.perplexity, scores.perplexity_reference,
                                      scores.perplexity_ratio, scores.top1_agreement)
                          .c_str());
}

}  // namespace

EvalCommand::EvalCommand(CLI::App& app) {
  CLI::App* eval = app.add_subcommand("eval", "measure the quality of a packed cache");
  eval->require_subcommand(1);
  kl_ = eval->add_subcommand("kl", "KL divergence to FP16 pages, teacher-forced");
  kl_->add_option("MODEL", model_path_, "GGUF file")->required();
  kl_->add_option("--text", text_paths_, "text files, separated by commas")
      ->required()
      ->delimiter(',');
  kl_->add_option("--tokens", tokens_, "tokens of each text")->check(CLI::Range(2, 1 << 24));
  kl_->add_option("--score-from", score_from_, "first scored position")
      ->check(CLI::Range(0, 1 << 24));
  kl_->add_flag("--decode", decode_,
                "feed the scored tokens one by one through the decode kernels");
  kl_->add_option("--json", json_path_, "write the report there");
  flags_.AddTo(*kl_, ConfigGroup::kEngine);
}

absl::Status EvalCommand::Run() {
  ORIEL_ASSIGN_OR_RETURN(const ServerConfig config, flags_.Resolve());
  ORIEL_ASSIGN_OR_RETURN(const GgufFile file, GgufFile::Open(model_path_));
  ORIEL_ASSIGN_OR_RETURN(const std::unique_ptr<Tokenizer> tokenizer, Tokenizer::FromGguf(file));
  std::vector<KlText> texts;
  for (const std::string& path : text_paths_) {
    ORIEL_ASSIGN_OR_RETURN(KlText text, LoadText(path, *tokenizer, tokens_));
    texts.push_back(std::move(text));
  }
  ORIEL_ASSIGN_OR_RETURN(const std::unique_ptr<Backend> backend,
                         MakeBackend(BackendOptionsOf(config)));
  ORIEL_ASSIGN_OR_RETURN(
      const std::unique_ptr<Model> model,
      LoadModel(file, *backend, std::max(config.engine.prefill_chunk_tokens, 64)));
  ORIEL_RETURN_IF_ERROR(backend->AdoptThread());
  KlOptions options{.formats = {},
                    .engine = config.engine,
                    .score_from = score_from_,
                    .decode = decode_,
                    .progress = {}};
  ORIEL_ASSIGN_OR_RETURN(options.formats, MakeUniformFormats(config.engine, model->config()));
  options.progress = [last = int64_t{-1}](int64_t done, int64_t total) mutable {
    const int64_t percent = 100 * done / total;
    if (percent == std::exchange(last, percent)) return;
    std::fprintf(stderr, "\r%3lld %% of %lld tokens", static_cast<long long>(percent),
                 static_cast<long long>(total));
  };
  ORIEL_ASSIGN_OR_RETURN(const KlReport report, EvaluateKl(*model, *backend, options, texts));
  std::fprintf(stderr, "\n");
  for (const KlScores& scores : report.per_text) PrintScores(scores);
  PrintScores(report.all);
  std::printf("bits a value: %.3f packed, %.3f with window and sinks\n", report.bits_per_value,
              report.bits_per_value_total);
  return json_path_.empty() ? absl::OkStatus() : WriteJsonFile(json_path_, ToJson(report, config));
}

}  // namespace oriel
