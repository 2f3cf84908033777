#ifndef ORIEL_ENGINE_BASE_HISTOGRAM_H_
#define ORIEL_ENGINE_BASE_HISTOGRAM_H_

#include <cstdint>
#include <span>
#include <vector>

namespace oriel {

// Observations counted in buckets of fixed bounds, as a metrics reader wants them.
//
// Lifecycle   memory is allocated when it is made; Observe allocates nothing.
// Threads     one at a time; a copy is a snapshot.
class Histogram {
 public:
  // `bounds`: the upper bounds of the buckets, ascending, each included in its bucket; what is
  // above the last one has a bucket of its own. Lives as long as the program.
  explicit Histogram(std::span<const double> bounds)
      : bounds_(bounds), bucket_counts_(bounds.size() + 1) {}

  void Observe(double value);

  std::span<const double> bounds() const { return bounds_; }
  // Observations of each bucket alone, bounds().size() + 1 of them.
  std::span<const uint64_t> bucket_counts() const { return bucket_counts_; }
  uint64_t count() const { return count_; }
  double sum() const { return sum_; }

 private:
  std::span<const double> bounds_;
  std::vector<uint64_t> bucket_counts_;
  uint64_t count_ = 0;
  double sum_ = 0;
};

}  // namespace oriel

#endif  // ORIEL_ENGINE_BASE_HISTOGRAM_H_
