#ifndef ORIEL_KERNELS_REFERENCE_REFERENCE_OPS_H_
#define ORIEL_KERNELS_REFERENCE_REFERENCE_OPS_H_

#include "absl/status/status.h"
#include "kernels/ops/backend.h"

namespace oriel {

// Every op in plain loops and double arithmetic: the definition of correct. Specification:
// kernels/ops/.
absl::Status ReferenceEmbedding(const EmbeddingArgs& args);
absl::Status ReferenceRmsNorm(const RmsNormArgs& args);
absl::Status ReferenceMatMul(const MatMulArgs& args);
absl::Status ReferenceRopeAngles(const RopeAnglesArgs& args);
absl::Status ReferenceKvAppend(const KvAppendArgs& args);
absl::Status ReferenceKvSeal(const KvSealArgs& args);
absl::Status ReferenceAttentionDecode(const AttentionDecodeArgs& args);
absl::Status ReferenceAttentionPrefill(const AttentionPrefillArgs& args);
absl::Status ReferenceSwiglu(const SwigluArgs& args);
absl::Status ReferenceSample(const SampleArgs& args);

}  // namespace oriel

#endif  // ORIEL_KERNELS_REFERENCE_REFERENCE_OPS_H_
