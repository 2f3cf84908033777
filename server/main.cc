#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "absl/status/status.h"
#include "server/admin/version.h"
#include "server/cli/bench_command.h"
#include "server/cli/eval_command.h"
#include "server/cli/generate_command.h"
#include "server/cli/inspect_command.h"
#include "server/cli/serve_command.h"

namespace oriel {
namespace {

constexpr int kFailedExitCode = 1;

int Main(int argc, char** argv) {
  CLI::App app("Oriel serves language models with a packed key-value cache.", "oriel");
  app.set_version_flag("--version", kVersion);
  app.require_subcommand(1);
  ServeCommand serve(app);
  GenerateCommand generate(app);
  InspectCommand inspect(app);
  EvalCommand eval(app);
  BenchCommand bench(app);
  // CLI11 reports by exceptions; none leaves this function.
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    if (error.get_name() == "RequiredError" && argc < 2) std::fputs(app.help().c_str(), stderr);
    return code;
  }
  absl::Status status;
  if (serve.chosen()) status = serve.Run();
  if (generate.chosen()) status = generate.Run();
  if (inspect.chosen()) status = inspect.Run();
  if (eval.chosen()) status = eval.Run();
  if (bench.chosen()) status = bench.Run();
  if (status.ok()) return 0;
  std::fprintf(stderr, "oriel: %s\n", std::string(status.message()).c_str());
  return kFailedExitCode;
}

}  // namespace
}  // namespace oriel

int main(int argc, char** argv) { return oriel::Main(argc, argv); }
