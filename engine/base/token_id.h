#ifndef ORIEL_ENGINE_BASE_TOKEN_ID_H_
#define ORIEL_ENGINE_BASE_TOKEN_ID_H_

#include <cstdint>

namespace oriel {

// A token's place in the vocabulary: 0 … vocab_size - 1.
using TokenId = int32_t;

inline constexpr TokenId kNoToken = -1;

}  // namespace oriel

#endif  // ORIEL_ENGINE_BASE_TOKEN_ID_H_
