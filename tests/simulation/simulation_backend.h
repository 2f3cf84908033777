#ifndef ORIEL_TESTS_SIMULATION_SIMULATION_BACKEND_H_
#define ORIEL_TESTS_SIMULATION_SIMULATION_BACKEND_H_

#include <memory>
#include <utility>

#include "kernels/ops/backend.h"

namespace oriel {

// Memory and sampling for the simulation's model, which needs no other op: those are Unimplemented.
// Sampling follows DrawToken of page_hash.h; a log-probability is the plain logit, and the most
// likely tokens are by convention the first ids.
class SimulationBackend : public Backend {
 public:
  // What the next Sample returns, once: a broken device.
  void FailNextSample(absl::Status status) { next_sample_ = std::move(status); }
  // The buffer after `count` more cannot be had.
  void FailBufferAfter(int32_t count) { buffers_left_ = count; }
  void FailNothing() {
    next_sample_ = absl::OkStatus();
    buffers_left_ = -1;
  }

  std::string_view name() const override { return "simulation"; }
  absl::StatusOr<Buffer> MakeBuffer(size_t size_bytes) override;
  std::unique_ptr<Stream> MakeStream() override;
  absl::Status Sample(const SampleArgs& args, Stream& stream) override;

  absl::StatusOr<std::unique_ptr<Matrix>> MakeMatrix(const MatrixSource&) override {
    return Missing();
  }
  absl::Status Embedding(const EmbeddingArgs&, Stream&) override { return Missing(); }
  absl::Status RmsNorm(const RmsNormArgs&, Stream&) override { return Missing(); }
  absl::Status MatMul(const MatMulArgs&, Stream&) override { return Missing(); }
  absl::Status RopeAngles(const RopeAnglesArgs&, Stream&) override { return Missing(); }
  absl::Status KvAppend(const KvAppendArgs&, Stream&) override { return Missing(); }
  absl::Status KvSeal(const KvSealArgs&, Stream&) override { return Missing(); }
  absl::Status AttentionDecode(const AttentionDecodeArgs&, Stream&) override { return Missing(); }
  absl::Status AttentionPrefill(const AttentionPrefillArgs&, Stream&) override { return Missing(); }
  absl::Status Swiglu(const SwigluArgs&, Stream&) override { return Missing(); }

 private:
  static absl::Status Missing() {
    return absl::UnimplementedError("the simulation has no such op");
  }

  absl::Status next_sample_;
  int32_t buffers_left_ = -1;  // -1: as many as are asked for
};

}  // namespace oriel

#endif  // ORIEL_TESTS_SIMULATION_SIMULATION_BACKEND_H_
