#ifndef ORIEL_SERVER_ADMIN_STARTUP_REPORT_H_
#define ORIEL_SERVER_ADMIN_STARTUP_REPORT_H_

#include <cstdint>
#include <string>

#include "engine/engine.h"
#include "kernels/ops/backend.h"
#include "server/json.h"

namespace oriel {

// What serving costs on this machine, in lines for a log or a terminal: weights, the parts of the
// cache, tokens that fit, bits a value, and bytes a token at several lengths with the FP16 tail.
std::string StartupReport(const Engine& engine, int64_t weight_bytes);

// Who computes, in one line: back end, instruction set, threads and where they are pinned.
std::string BackendLine(const Backend& backend);

// The same as the report for programs.
Json ServerInfo(const Engine& engine, int64_t weight_bytes);

}  // namespace oriel

#endif  // ORIEL_SERVER_ADMIN_STARTUP_REPORT_H_
