#include "engine/tokenizer/jinja/filters.h"

#include "engine/tokenizer/jinja/methods.h"

namespace oriel::jinja {

const NamedFunction* FindFilter(std::string_view name) {
  for (const auto& filters :
       {TextFilters(), SequenceFilters(), SelectionFilters(), NumberFilters()}) {
    if (const NamedFunction* found = FindFunction(filters, name); found != nullptr) {
      return found;
    }
  }
  return nullptr;
}

}  // namespace oriel::jinja
