#ifndef ORIEL_TESTS_ENGINE_TOKENIZER_TINY_TOKENIZER_H_
#define ORIEL_TESTS_ENGINE_TOKENIZER_TINY_TOKENIZER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/tokenizer/byte_encoding.h"
#include "engine/tokenizer/tokenizer.h"
#include "gtest/gtest.h"
#include "tests/support/gguf_writer.h"
#include "tests/support/temporary_file.h"

namespace oriel {

// A byte-level vocabulary made by hand: token n < 256 is byte n, then one token for each merge,
// then added ones.
struct TinyVocabulary {
  std::string pre = "gpt-2";
  std::vector<std::string> merges;  // "left right" in the vocabulary's writing: a space is Ġ
  std::vector<std::pair<std::string, int32_t>> added;  // text, kind

  std::vector<std::string> Tokens() const {
    std::vector<std::string> tokens;
    for (int byte = 0; byte < 256; ++byte) {
      tokens.push_back(EncodeByte(static_cast<uint8_t>(byte)));
    }
    for (const std::string& merge : merges) {
      const size_t separator = merge.find(' ');
      tokens.push_back(merge.substr(0, separator) + merge.substr(separator + 1));
    }
    for (const auto& [text, kind] : added) tokens.push_back(text);
    return tokens;
  }

  // The tokenizer's keys; more may be added before the file is written.
  GgufWriter Writer() const {
    const std::vector<std::string> tokens = Tokens();
    std::vector<int32_t> kinds(tokens.size() - added.size(), 1);
    for (const auto& [text, kind] : added) kinds.push_back(kind);
    GgufWriter writer;
    writer.AddString("tokenizer.ggml.model", "gpt2");
    writer.AddString("tokenizer.ggml.pre", pre);
    writer.AddStringArray("tokenizer.ggml.tokens", tokens);
    writer.AddInt32Array("tokenizer.ggml.token_type", kinds);
    writer.AddStringArray("tokenizer.ggml.merges", merges);
    return writer;
  }
};

inline absl::StatusOr<std::unique_ptr<Tokenizer>> OpenTokenizer(const GgufWriter& writer) {
  const TemporaryFile written(writer.Bytes());
  const absl::StatusOr<GgufFile> file = GgufFile::Open(written.path());
  if (!file.ok()) return file.status();
  return Tokenizer::FromGguf(*file);
}

inline std::unique_ptr<Tokenizer> MakeTokenizer(const TinyVocabulary& vocabulary) {
  absl::StatusOr<std::unique_ptr<Tokenizer>> tokenizer = OpenTokenizer(vocabulary.Writer());
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.status();
  return std::move(tokenizer).value();
}

inline std::vector<TokenId> Encode(const Tokenizer& tokenizer, std::string_view text,
                                   const EncodeOptions& options = {}) {
  absl::StatusOr<std::vector<TokenId>> ids = tokenizer.Encode(text, options);
  EXPECT_TRUE(ids.ok()) << ids.status();
  return std::move(ids).value();
}

}  // namespace oriel

#endif  // ORIEL_TESTS_ENGINE_TOKENIZER_TINY_TOKENIZER_H_
