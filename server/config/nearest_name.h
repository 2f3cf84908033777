#ifndef ORIEL_SERVER_CONFIG_NEAREST_NAME_H_
#define ORIEL_SERVER_CONFIG_NEAREST_NAME_H_

#include <optional>
#include <span>
#include <string_view>

namespace oriel {

// The candidate that a person who wrote `name` most likely meant: the least edit distance, if that
// is at most a third of the longer of the two. Cost: product of the lengths, a candidate.
std::optional<std::string_view> NearestName(std::string_view name,
                                            std::span<const std::string_view> candidates);

}  // namespace oriel

#endif  // ORIEL_SERVER_CONFIG_NEAREST_NAME_H_
