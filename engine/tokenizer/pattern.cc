#include "engine/tokenizer/pattern.h"

#include <array>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "kernels/core/check.h"
#include "kernels/core/status.h"

namespace oriel {
namespace {

constexpr uint32_t kMatchStepsMax = 10'000'000;
constexpr size_t kStackBytesStart = size_t{32} << 10;
constexpr size_t kStackBytesMax = size_t{8} << 20;

std::string Message(int error) {
  std::array<PCRE2_UCHAR, 256> text{};
  pcre2_get_error_message(error, text.data(), text.size());
  return reinterpret_cast<const char*>(text.data());
}

}  // namespace

MatchWorkspace::MatchWorkspace()
    : data_(pcre2_match_data_create(1, nullptr)),
      stack_(pcre2_jit_stack_create(kStackBytesStart, kStackBytesMax, nullptr)),
      context_(pcre2_match_context_create(nullptr)) {
  ORIEL_CHECK(data_ != nullptr && context_ != nullptr);
  pcre2_set_match_limit(context_.get(), kMatchStepsMax);
  // Without a stack of its own (no JIT on this system) PCRE2 takes 32 KiB of the machine stack.
  if (stack_ != nullptr) pcre2_jit_stack_assign(context_.get(), nullptr, stack_.get());
}

absl::StatusOr<Pattern> Pattern::Compile(std::string_view expression) {
  // PCRE2's own \s also takes U+180E, which has not been white space since Unicode 6.3.
  const std::string exact = absl::StrReplaceAll(
      ToAbsl(expression), {{"\\s", "\\p{White_Space}"}, {"\\S", "\\P{White_Space}"}});
  int error = 0;
  PCRE2_SIZE error_offset = 0;
  pcre2_code* code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(exact.data()), exact.size(),
                                   PCRE2_UTF | PCRE2_UCP | PCRE2_NO_AUTO_CAPTURE |
                                       PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C,
                                   &error, &error_offset, nullptr);
  if (code == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("pattern '", exact, "' at ", error_offset, ": ", Message(error)));
  }
  // Fails where memory may not be executed; matching then interprets the pattern.
  pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
  return Pattern(code);
}

absl::Status Pattern::Split(std::string_view text, MatchWorkspace& workspace,
                            std::vector<std::string_view>& pieces) const {
  size_t begin = 0;
  while (begin < text.size()) {
    const int result =
        pcre2_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), begin,
                    PCRE2_NO_UTF_CHECK, workspace.data(), workspace.context());
    if (result == PCRE2_ERROR_NOMATCH) break;
    if (result < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("text cannot be split into words at byte ", begin, ": ", Message(result)));
    }
    const PCRE2_SIZE* match = pcre2_get_ovector_pointer(workspace.data());
    ORIEL_CHECK(match[0] >= begin && match[1] > match[0] && match[1] <= text.size());
    if (match[0] > begin) pieces.push_back(text.substr(begin, match[0] - begin));
    pieces.push_back(text.substr(match[0], match[1] - match[0]));
    begin = match[1];
  }
  if (begin < text.size()) pieces.push_back(text.substr(begin));
  return absl::OkStatus();
}

}  // namespace oriel
