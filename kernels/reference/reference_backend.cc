#include "kernels/reference/reference_backend.h"

#include "kernels/reference/reference_matrix.h"
#include "kernels/reference/reference_ops.h"

namespace oriel {
namespace {

class HostStream : public Stream {
 public:
  absl::Status Synchronize() override { return absl::OkStatus(); }
};

class ReferenceBackend : public Backend {
 public:
  std::string_view name() const override { return "reference"; }

  absl::StatusOr<Buffer> MakeBuffer(size_t size_bytes) override {
    return MakeHostBuffer(size_bytes);
  }
  absl::StatusOr<std::unique_ptr<Matrix>> MakeMatrix(const MatrixSource& source) override {
    return MakeReferenceMatrix(source);
  }
  std::unique_ptr<Stream> MakeStream() override { return std::make_unique<HostStream>(); }

  absl::Status Embedding(const EmbeddingArgs& args, Stream&) override {
    return ReferenceEmbedding(args);
  }
  absl::Status RmsNorm(const RmsNormArgs& args, Stream&) override { return ReferenceRmsNorm(args); }
  absl::Status MatMul(const MatMulArgs& args, Stream&) override { return ReferenceMatMul(args); }
  absl::Status RopeAngles(const RopeAnglesArgs& args, Stream&) override {
    return ReferenceRopeAngles(args);
  }
  absl::Status KvAppend(const KvAppendArgs& args, Stream&) override {
    return ReferenceKvAppend(args);
  }
  absl::Status KvSeal(const KvSealArgs& args, Stream&) override { return ReferenceKvSeal(args); }
  absl::Status AttentionDecode(const AttentionDecodeArgs& args, Stream&) override {
    return ReferenceAttentionDecode(args);
  }
  absl::Status AttentionPrefill(const AttentionPrefillArgs& args, Stream&) override {
    return ReferenceAttentionPrefill(args);
  }
  absl::Status Swiglu(const SwigluArgs& args, Stream&) override { return ReferenceSwiglu(args); }
  absl::Status Sample(const SampleArgs& args, Stream&) override { return ReferenceSample(args); }
};

}  // namespace

std::unique_ptr<Backend> MakeReferenceBackend() { return std::make_unique<ReferenceBackend>(); }

}  // namespace oriel
