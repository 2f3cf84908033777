#ifndef ORIEL_ENGINE_TOKENIZER_JINJA_RUNTIME_H_
#define ORIEL_ENGINE_TOKENIZER_JINJA_RUNTIME_H_

#include <ctime>
#include <functional>
#include <memory>
#include <vector>

#include "engine/tokenizer/jinja/budget.h"
#include "engine/tokenizer/jinja/value.h"

namespace oriel::jinja {

// What native functions share during one rendering.
struct Runtime {
  Runtime(const Limits& limits, std::function<std::tm()> clock)
      : budget(limits), local_time(std::move(clock)) {}

  Budget budget;
  std::function<std::tm()> local_time;  // asked by strftime_now only
  // Values point at these; they go when the rendering ends.
  std::vector<std::unique_ptr<Namespace>> namespaces;
};

}  // namespace oriel::jinja

#endif  // ORIEL_ENGINE_TOKENIZER_JINJA_RUNTIME_H_
