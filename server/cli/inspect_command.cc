#include "server/cli/inspect_command.h"

#include <cstdio>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "engine/model/model_config.h"
#include "kernels/core/status.h"
#include "server/admin/startup_report.h"
#include "server/model_bundle.h"

namespace oriel {
namespace {

void PrintLine(const std::string& line) { std::printf("%s\n", line.c_str()); }

void PrintArchitecture(const GgufFile& file, const ModelConfig& config) {
  PrintLine(absl::StrCat("file            ", file.path(), ", GGUF version ", file.version()));
  PrintLine(absl::StrCat("architecture    ", config.architecture,
                         config.name.empty() ? "" : absl::StrCat(" (", config.name, ")")));
  PrintLine(absl::StrCat("layers          ", config.layers));
  PrintLine(
      absl::StrCat("hidden          ", config.hidden, ", feed-forward ", config.feed_forward));
  PrintLine(absl::StrCat("heads           ", config.q_heads, " query, ", config.kv_heads,
                         " KV, head_dim ", config.head_dim));
  PrintLine(absl::StrCat("context         ", config.context_tokens, " tokens"));
}

void PrintTensorTypes(const GgufFile& file) {
  std::map<std::string, std::pair<int64_t, int64_t>> types;  // name → count, bytes
  for (const GgufTensor& tensor : file.tensors()) {
    auto& [count, bytes] = types[std::string(TraitsOf(tensor.dtype).name)];
    ++count;
    bytes += tensor.size_bytes;
  }
  PrintLine(absl::StrCat("tensors         ", file.tensors().size()));
  for (const auto& [name, sums] : types) {
    PrintLine(absl::StrFormat("  %-6s        %d, %.1f MB", name, sums.first,
                              static_cast<double>(sums.second) / 1e6));
  }
}

void PrintTensors(const GgufFile& file) {
  for (const GgufTensor& tensor : file.tensors()) {
    PrintLine(absl::StrFormat("  %-40s %-5s %d x %d", std::string(tensor.name),
                              std::string(TraitsOf(tensor.dtype).name), tensor.dims[1],
                              tensor.dims[0]));
  }
}

void PrintTokenizer(const ModelText& text) {
  const Tokenizer& tokenizer = text.tokenizer();
  PrintLine(absl::StrCat("tokenizer       byte-level BPE, ", tokenizer.vocab_size(),
                         " tokens, pre \"", ToAbsl(tokenizer.pre_tokenizer_name()), "\""));
  std::string ends;
  for (TokenId id : tokenizer.end_of_generation_ids()) {
    absl::StrAppend(&ends, ends.empty() ? "" : ", ", id, " ", ToAbsl(tokenizer.TokenText(id)));
  }
  PrintLine(absl::StrCat("end tokens      ", ends));
  PrintLine(absl::StrCat("chat template   ",
                         text.template_status().ok() ? "yes" : text.template_status().ToString()));
}

}  // namespace

InspectCommand::InspectCommand(CLI::App& app)
    : command_(app.add_subcommand("inspect", "what a model file holds and what its cache costs")) {
  command_->add_option("MODEL", model_path_, "GGUF file")->required();
  command_->add_flag("--tensors", tensors_, "list every tensor");
  command_->add_flag("--chat-template", chat_template_, "print the chat template");
  flags_.AddTo(*command_, ConfigGroup::kEngine);
}

absl::Status InspectCommand::Run() {
  ORIEL_ASSIGN_OR_RETURN(const ServerConfig config, flags_.Resolve());
  ORIEL_ASSIGN_OR_RETURN(const std::unique_ptr<ServedModel> served,
                         LoadServedModel(model_path_, config.engine, BackendOptionsOf(config)));
  const GgufFile& file = *served->file;
  PrintArchitecture(file, served->engine->model_config());
  PrintTensorTypes(file);
  if (tensors_) PrintTensors(file);
  PrintTokenizer(*served->text);
  if (chat_template_) {
    ORIEL_ASSIGN_OR_RETURN(const std::string_view source,
                           file.metadata().GetString("tokenizer.chat_template"));
    PrintLine(std::string(source));
  }
  PrintLine(BackendLine(*served->backend) + StartupReport(*served->engine, served->weight_bytes));
  return absl::OkStatus();
}

}  // namespace oriel
