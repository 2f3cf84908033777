#ifndef ORIEL_ENGINE_TOKENIZER_PATTERN_H_
#define ORIEL_ENGINE_TOKENIZER_PATTERN_H_

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace oriel {

// What one thread needs while it matches: PCRE2's result, limits and stack. One a call of Encode.
//
// Limits      10 million steps a match and 8 MiB of stack, so that no text can hold a worker.
class MatchWorkspace {
 public:
  MatchWorkspace();

  pcre2_match_data* data() const { return data_.get(); }
  pcre2_match_context* context() const { return context_.get(); }

 private:
  struct Free {
    void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
    void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
    void operator()(pcre2_jit_stack* stack) const { pcre2_jit_stack_free(stack); }
  };
  std::unique_ptr<pcre2_match_data, Free> data_;
  std::unique_ptr<pcre2_jit_stack, Free> stack_;  // the context refers to it
  std::unique_ptr<pcre2_match_context, Free> context_;
};

// A regular expression over UTF-8 text with Unicode classes, compiled to machine code where the
// system allows it and interpreted otherwise. \s is Unicode's White_Space and \S everything else;
// an expression may not contain an escaped backslash before an s.
//
// Threads     const; each thread brings its own workspace.
class Pattern {
 public:
  // Errors: InvalidArgument with the expression and PCRE2's reason.
  static absl::StatusOr<Pattern> Compile(std::string_view expression);

  // Appends the parts of `text` to `pieces`: every match, and what lies between matches. In their
  // order they are the whole text. `text` must be valid UTF-8. Errors: InvalidArgument if a limit
  // of the workspace is reached.
  absl::Status Split(std::string_view text, MatchWorkspace& workspace,
                     std::vector<std::string_view>& pieces) const;

 private:
  struct Free {
    void operator()(pcre2_code* code) const { pcre2_code_free(code); }
  };
  explicit Pattern(pcre2_code* code) : code_(code) {}

  std::unique_ptr<pcre2_code, Free> code_;
};

}  // namespace oriel

#endif  // ORIEL_ENGINE_TOKENIZER_PATTERN_H_
