#ifndef ORIEL_KERNELS_OPS_CHECK_ARGS_H_
#define ORIEL_KERNELS_OPS_CHECK_ARGS_H_

#include "absl/status/status.h"
#include "kernels/ops/embedding.h"
#include "kernels/ops/mat_mul.h"
#include "kernels/ops/matrix.h"
#include "kernels/ops/rms_norm.h"
#include "kernels/ops/rope_angles.h"
#include "kernels/ops/sample.h"
#include "kernels/ops/swiglu.h"

namespace oriel {

// What every back end checks before it touches memory: the Errors and Limits of the op's header.
// InvalidArgument names the field, its value and what was expected.
absl::Status CheckMatrixSource(const MatrixSource& source);
absl::Status CheckEmbeddingArgs(const EmbeddingArgs& args);
absl::Status CheckRmsNormArgs(const RmsNormArgs& args);
absl::Status CheckMatMulArgs(const MatMulArgs& args);
absl::Status CheckRopeAnglesArgs(const RopeAnglesArgs& args);
absl::Status CheckSwigluArgs(const SwigluArgs& args);
absl::Status CheckSampleArgs(const SampleArgs& args);

}  // namespace oriel

#endif  // ORIEL_KERNELS_OPS_CHECK_ARGS_H_
