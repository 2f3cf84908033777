#include "server/cli/generate_command.h"

#include <cstdio>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "kernels/core/status.h"
#include "server/json.h"
#include "server/model_bundle.h"

namespace oriel {
namespace {

// What one answer was and cost.
struct Answer {
  std::vector<TokenId> tokens;
  std::string text;
  FinishReason finish_reason = FinishReason::kNone;
  int64_t prompt_tokens = 0;
  absl::Duration prompt_time;
  absl::Duration decode_time;
  EngineStats stats;  // while the sequence was running: the last state before it ended

  double prompt_speed() const {
    return static_cast<double>(prompt_tokens) / absl::ToDoubleSeconds(prompt_time);
  }
  // The first token comes with the prompt, so one less was decoded.
  double decode_speed() const {
    if (tokens.size() < 2) return 0.0;
    return static_cast<double>(tokens.size() - 1) / absl::ToDoubleSeconds(decode_time);
  }
};

// Runs the engine step by step until the request has finished; `print` takes the text as it comes.
absl::StatusOr<Answer> RunToEnd(Engine& engine, const ModelText& text, GenerationRequest request,
                                bool print) {
  Answer answer;
  answer.prompt_tokens = static_cast<int64_t>(request.prompt.size());
  const std::unique_ptr<TextStream> stream = text.MakeTextStream(SkipSpecialTokens::kYes);
  const auto say = [&](const std::string& delta) {
    answer.text += delta;
    if (!print) return;
    std::fwrite(delta.data(), 1, delta.size(), stdout);
    std::fflush(stdout);
  };
  const absl::Time begin = absl::Now();
  absl::Time first_token = begin;
  ORIEL_ASSIGN_OR_RETURN(const std::shared_ptr<TokenStream> events,
                         engine.Submit(std::move(request)));
  std::vector<TokenEvent> batch;
  while (answer.finish_reason == FinishReason::kNone) {
    ORIEL_RETURN_IF_ERROR(engine.Step().status());
    const EngineStats stats = engine.stats();
    if (stats.sequences_running > 0) answer.stats = stats;
    batch.clear();
    events->Drain(batch);
    for (const TokenEvent& event : batch) {
      if (event.kind == TokenEvent::Kind::kToken) {
        if (answer.tokens.empty()) first_token = absl::Now();
        answer.tokens.push_back(event.token);
        say(stream->Append(event.token));
      } else if (event.kind == TokenEvent::Kind::kFinished) {
        ORIEL_RETURN_IF_ERROR(event.status);
        answer.finish_reason = event.finish_reason;
      }
    }
  }
  say(stream->Finish());
  answer.prompt_time = first_token - begin;
  answer.decode_time = absl::Now() - first_token;
  return answer;
}

void PrintSummary(const Answer& answer) {
  std::fprintf(stderr, "\n%s\n",
               absl::StrFormat("prompt: %d tokens in %.2f s, %.1f tokens/s; answer: %d tokens, "
                               "%.1f tokens/s; cache: %d bytes",
                               answer.prompt_tokens, absl::ToDoubleSeconds(answer.prompt_time),
                               answer.prompt_speed(), answer.tokens.size(), answer.decode_speed(),
                               answer.stats.kv_cache_bytes_owned())
                   .c_str());
}

void PrintJson(const Answer& answer) {
  const Json out = {
      {"text", answer.text},
      {"tokens", answer.tokens},
      {"finish_reason", answer.finish_reason == FinishReason::kStop ? "stop" : "length"},
      {"prompt_tokens", answer.prompt_tokens},
      {"prompt_seconds", absl::ToDoubleSeconds(answer.prompt_time)},
      {"prompt_tokens_per_second", answer.prompt_speed()},
      {"decode_tokens_per_second", answer.decode_speed()},
      {"kv_cache_bytes", answer.stats.kv_cache_bytes_owned()},
      {"kv_cache_pages", answer.stats.pages_owned}};
  std::printf("%s\n", out.dump(2, ' ', false, Json::error_handler_t::replace).c_str());
}

}  // namespace

GenerateCommand::GenerateCommand(CLI::App& app)
    : command_(app.add_subcommand("generate", "one answer in the terminal")) {
  command_->add_option("MODEL", model_path_, "GGUF file")->required();
  command_->add_option("--prompt,-p", prompt_, "the text to go on from")->required();
  command_->add_option("--max-tokens,-n", max_tokens_, "tokens to generate at most");
  command_->add_option("--temperature", temperature_, "0: always the most likely token");
  command_->add_option("--top-p", top_p_, "nucleus sampling, 1: off");
  command_->add_option("--top-k", top_k_, "0: off");
  command_->add_option("--seed", seed_, "of the draws");
  command_->add_flag("--chat", chat_,
                     "put the prompt into the model's chat template as a user turn");
  command_->add_flag("--ignore-eos", ignore_eos_, "go on after an end token");
  command_->add_flag("--json", json_, "one JSON object instead of text");
  flags_.AddTo(*command_, ConfigGroup::kEngine);
}

absl::Status GenerateCommand::Run() {
  ORIEL_ASSIGN_OR_RETURN(ServerConfig config, flags_.Resolve());
  config.engine.max_num_seqs = 1;
  ORIEL_ASSIGN_OR_RETURN(const std::unique_ptr<ServedModel> served,
                         LoadServedModel(model_path_, config.engine, BackendOptionsOf(config)));
  const ModelText& text = *served->text;
  std::string prompt = prompt_;
  if (chat_) {
    ChatInput chat;
    chat.messages.push_back({{"role", "user"}, {"content", prompt_}});
    ORIEL_ASSIGN_OR_RETURN(prompt, text.RenderChat(chat));
  }
  GenerationRequest request;
  request.id = 1;
  ORIEL_ASSIGN_OR_RETURN(request.prompt,
                         text.Encode(prompt, chat_ ? AddSpecialTokens::kNo : AddSpecialTokens::kYes,
                                     served->engine->config().max_model_len));
  request.sampling.temperature = static_cast<float>(temperature_);
  request.sampling.top_p = static_cast<float>(top_p_);
  request.sampling.top_k = top_k_;
  request.sampling.seed = seed_;
  request.max_tokens = max_tokens_;
  request.ignore_eos = ignore_eos_;
  request.end_token_ids = text.end_tokens();
  ORIEL_RETURN_IF_ERROR(served->backend->AdoptThread());
  ORIEL_ASSIGN_OR_RETURN(const Answer answer,
                         RunToEnd(*served->engine, text, std::move(request), !json_));
  if (json_) {
    PrintJson(answer);
  } else {
    PrintSummary(answer);
  }
  return absl::OkStatus();
}

}  // namespace oriel
