#ifndef ORIEL_TESTS_SIMULATION_SIMULATION_RANDOM_H_
#define ORIEL_TESTS_SIMULATION_SIMULATION_RANDOM_H_

#include <cmath>
#include <cstdint>

namespace oriel {

// Random numbers that are the same on every machine and standard library (SplitMix64). A simulation
// has no other source of chance.
class SimulationRandom {
 public:
  explicit SimulationRandom(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    uint64_t x = (state_ += 0x9E3779B97F4A7C15u);
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
  }

  // Both ends included.
  int32_t Between(int32_t least, int32_t most) {
    return least + static_cast<int32_t>(Next() % static_cast<uint64_t>(most - least + 1));
  }

  bool OneIn(int32_t n) { return Between(1, n) == 1; }

  // As many numbers between 1 and 2 as between 2 and 4 and so on: mostly short, sometimes very
  // long. Both ends included, least >= 1.
  int32_t HeavyTailed(int32_t least, int32_t most) {
    const double share = static_cast<double>(Next() >> 11) * 0x1.0p-53;
    const double number = least * std::pow(static_cast<double>(most) / least, share) + 0.5;
    const int32_t rounded = static_cast<int32_t>(number);
    return rounded < least ? least : (rounded > most ? most : rounded);
  }

 private:
  uint64_t state_;
};

}  // namespace oriel

#endif  // ORIEL_TESTS_SIMULATION_SIMULATION_RANDOM_H_
