#ifndef ORIEL_KERNELS_REFERENCE_REFERENCE_BACKEND_H_
#define ORIEL_KERNELS_REFERENCE_REFERENCE_BACKEND_H_

#include <memory>

#include "kernels/ops/backend.h"

namespace oriel {

// The back end of reference_ops.h: one thread, host memory. Slow on purpose.
std::unique_ptr<Backend> MakeReferenceBackend();

}  // namespace oriel

#endif  // ORIEL_KERNELS_REFERENCE_REFERENCE_BACKEND_H_
