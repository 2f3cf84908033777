#ifndef ORIEL_ENGINE_TOKENIZER_JINJA_TEMPLATE_H_
#define ORIEL_ENGINE_TOKENIZER_JINJA_TEMPLATE_H_

#include <ctime>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/tokenizer/jinja/ast.h"
#include "engine/tokenizer/jinja/limits.h"
#include "nlohmann/json.hpp"

namespace oriel::jinja {

// A parsed Jinja template. It behaves as in the environment that transformers gives chat templates:
// the immutable sandbox, trim_blocks and lstrip_blocks on, break and continue, the generation tag,
// raise_exception, strftime_now, and tojson without HTML escapes.
//
// Lifecycle  parse once, render often.
// Threads    Render is const and may run on several threads at once.
// Limits     jinja/limits.h; a template can neither hang nor use more memory than they say.
class Template {
 public:
  // The variables of one rendering, by name; a later one hides an earlier one of its name.
  using Variables = std::vector<std::pair<std::string, const nlohmann::ordered_json*>>;

  // Errors     InvalidArgument "line N: …" for source that is no template or is not UTF-8;
  //            ResourceExhausted for one that is too long or nests too deep.
  static absl::StatusOr<Template> Parse(std::string source, const Limits& limits);

  // `local_time` is asked where the template calls strftime_now.
  // Errors     InvalidArgument "line N: …" where the template fails or calls raise_exception;
  //            ResourceExhausted "line N: …" where it passes a limit.
  absl::StatusOr<std::string> Render(const Variables& variables,
                                     std::function<std::tm()> local_time) const;

 private:
  Template(Body body, const Limits& limits);

  // Behind a pointer so that copies share what never changes.
  std::shared_ptr<const Body> body_;
  Limits limits_;
};

}  // namespace oriel::jinja

#endif  // ORIEL_ENGINE_TOKENIZER_JINJA_TEMPLATE_H_
