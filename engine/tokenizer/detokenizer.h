#ifndef ORIEL_ENGINE_TOKENIZER_DETOKENIZER_H_
#define ORIEL_ENGINE_TOKENIZER_DETOKENIZER_H_

#include <string>
#include <string_view>

#include "engine/base/token_id.h"
#include "engine/tokenizer/tokenizer.h"

namespace oriel {

// Turns tokens into text as they come: a token may end inside of a character, a text delta never
// does.
//
// Bytes that later tokens may complete to a character are kept back, three at most. Bytes that
// nothing can complete become U+FFFD. The deltas and Finish() together are
// ReplaceInvalidUtf8(Tokenizer::Decode(all)), however the tokens cut it.
//
// Lifecycle   one a generation; borrows the tokenizer.
// Threads     one at a time.
class Detokenizer {
 public:
  Detokenizer(const Tokenizer& tokenizer, const DecodeOptions& options)
      : tokenizer_(tokenizer), options_(options) {}

  // The text that is certain now; may be empty.
  std::string Append(TokenId id);
  // What is left at the end: an incomplete character as U+FFFD. Starts over for the next Append.
  std::string Finish();

 private:
  const Tokenizer& tokenizer_;
  const DecodeOptions options_;
  std::string pending_;  // a start of one character
};

}  // namespace oriel

#endif  // ORIEL_ENGINE_TOKENIZER_DETOKENIZER_H_
