#ifndef ORIEL_TESTS_MUTANTS_PLANTED_H_
#define ORIEL_TESTS_MUTANTS_PLANTED_H_

#include <string>
#include <string_view>
#include <vector>

namespace oriel {

// Which mistake of mutants.txt this process makes; at first none. Set before the engine is made.
void Plant(std::string_view name);

// All mistakes of mutants.txt.
std::vector<std::string> MutantNames();

// Asked by the copies of the engine's sources that plant.py makes.
bool IsPlanted(std::string_view name);

}  // namespace oriel

#endif  // ORIEL_TESTS_MUTANTS_PLANTED_H_
