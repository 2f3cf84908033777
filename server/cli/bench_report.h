#ifndef ORIEL_SERVER_CLI_BENCH_REPORT_H_
#define ORIEL_SERVER_CLI_BENCH_REPORT_H_

#include <string>

#include "engine/benchmark/speed_benchmark.h"
#include "server/json.h"
#include "server/model_bundle.h"

namespace oriel {

// The table for people: a head, and a row a test.
std::string BenchTableHead();
std::string BenchTableRow(const SpeedResult& result);

// One test as an object. The names are those of `llama-bench -o json` where it has one, so that its
// readers read this too: avg_ns, avg_ts (tokens a second, of all streams together), samples_ts, …
// Beside them:
//   n_streams            streams that decode together
//   cpu_isa              instructions that the kernels use
//   n_window, n_sink     tokens that a sequence keeps in FP16
//   kv_cache_bytes       what the sequences own, and the step's scratch
//   weight_bytes         the tensors of the file
//   resident_bytes       VmRSS at the test's end, of which resident_anonymous_bytes and
//                        resident_file_bytes; peak_resident_bytes since the start (VmHWM)
Json BenchJson(const SpeedResult& result, const ServedModel& served);

}  // namespace oriel

#endif  // ORIEL_SERVER_CLI_BENCH_REPORT_H_
