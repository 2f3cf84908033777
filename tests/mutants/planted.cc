#include "tests/mutants/planted.h"

#include <string>

namespace oriel {
namespace {

std::string& PlantedName() {
  static std::string name;
  return name;
}

}  // namespace

void Plant(std::string_view name) { PlantedName() = name; }

bool IsPlanted(std::string_view name) { return PlantedName() == name; }

}  // namespace oriel
