#ifndef ORIEL_KERNELS_OPS_BACKEND_H_
#define ORIEL_KERNELS_OPS_BACKEND_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "kernels/core/buffer.h"
#include "kernels/core/stream.h"
#include "kernels/ops/attention_decode.h"
#include "kernels/ops/attention_prefill.h"
#include "kernels/ops/embedding.h"
#include "kernels/ops/kv_append.h"
#include "kernels/ops/kv_seal.h"
#include "kernels/ops/mat_mul.h"
#include "kernels/ops/matrix.h"
#include "kernels/ops/rms_norm.h"
#include "kernels/ops/rope_angles.h"
#include "kernels/ops/sample.h"
#include "kernels/ops/swiglu.h"

namespace oriel {

// A device and the ops it has, one virtual an op. Each op's header is its specification.
//
// Lifecycle   made by MakeBackend (backend_factory.h); outlives every Buffer and Matrix that it
//             made.
// Threads     one thread at a time enqueues on a stream; the back end's own workers are its affair.
// Limits      the constants of the op headers.
class Backend {
 public:
  virtual ~Backend() = default;

  virtual std::string_view name() const = 0;
  // The processor instructions that its kernels use; empty where they are not chosen.
  virtual std::string_view instruction_set() const { return ""; }
  // Host threads that compute, the caller's included.
  virtual int32_t threads() const { return 1; }
  // The logical cores that these are pinned to, the caller's first; empty: they are not.
  virtual std::span<const int32_t> pinned_cores() const { return {}; }

  // Called by the thread that is to run the steps, before the first of them: a back end that pins
  // its threads pins this one. A thread that only loads the model need not. FailedPrecondition: it
  // cannot.
  virtual absl::Status AdoptThread() { return absl::OkStatus(); }

  virtual absl::StatusOr<Buffer> MakeBuffer(size_t size_bytes) = 0;
  virtual absl::StatusOr<std::unique_ptr<Matrix>> MakeMatrix(const MatrixSource& source) = 0;
  virtual std::unique_ptr<Stream> MakeStream() = 0;

  virtual absl::Status Embedding(const EmbeddingArgs& args, Stream& stream) = 0;
  virtual absl::Status RmsNorm(const RmsNormArgs& args, Stream& stream) = 0;
  virtual absl::Status MatMul(const MatMulArgs& args, Stream& stream) = 0;
  virtual absl::Status RopeAngles(const RopeAnglesArgs& args, Stream& stream) = 0;
  virtual absl::Status KvAppend(const KvAppendArgs& args, Stream& stream) = 0;
  virtual absl::Status KvSeal(const KvSealArgs& args, Stream& stream) = 0;
  virtual absl::Status AttentionDecode(const AttentionDecodeArgs& args, Stream& stream) = 0;
  virtual absl::Status AttentionPrefill(const AttentionPrefillArgs& args, Stream& stream) = 0;
  virtual absl::Status Swiglu(const SwigluArgs& args, Stream& stream) = 0;
  virtual absl::Status Sample(const SampleArgs& args, Stream& stream) = 0;
};

}  // namespace oriel

#endif  // ORIEL_KERNELS_OPS_BACKEND_H_
