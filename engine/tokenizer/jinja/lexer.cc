#include "engine/tokenizer/jinja/lexer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "engine/tokenizer/jinja/text.h"
#include "engine/tokenizer/jinja/text_literal.h"
#include "kernels/core/status.h"

namespace oriel::jinja {
namespace {

constexpr size_t kDelimiterBytes = 2;  // of {{ {% {# and their ends

struct Operator {
  std::string_view sign;
  TokenKind kind;
};

// Longer signs first.
constexpr Operator kOperators[] = {
    {"//", TokenKind::kFloorDivide},
    {"**", TokenKind::kPower},
    {"==", TokenKind::kEqual},
    {"!=", TokenKind::kNotEqual},
    {"<=", TokenKind::kLessOrEqual},
    {">=", TokenKind::kGreaterOrEqual},
    {"+", TokenKind::kAdd},
    {"-", TokenKind::kSubtract},
    {"*", TokenKind::kMultiply},
    {"/", TokenKind::kDivide},
    {"%", TokenKind::kModulo},
    {"~", TokenKind::kTilde},
    {"(", TokenKind::kLeftParenthesis},
    {")", TokenKind::kRightParenthesis},
    {"[", TokenKind::kLeftBracket},
    {"]", TokenKind::kRightBracket},
    {"{", TokenKind::kLeftBrace},
    {"}", TokenKind::kRightBrace},
    {"<", TokenKind::kLess},
    {">", TokenKind::kGreater},
    {"=", TokenKind::kAssign},
    {".", TokenKind::kDot},
    {",", TokenKind::kComma},
    {":", TokenKind::kColon},
    {"|", TokenKind::kPipe},
    {";", TokenKind::kSemicolon},
};

bool IsDigit(char byte) { return byte >= '0' && byte <= '9'; }

bool IsNameByte(char byte) {
  return IsDigit(byte) || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
         byte == '_' || static_cast<unsigned char>(byte) >= 0x80;
}

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(source) {}

  absl::StatusOr<std::vector<Token>> Run();

 private:
  // The mark right behind a tag's start: {%- strips before it, {%+ keeps all.
  enum class Mark { kNone, kStrip, kKeep };

  absl::Status Tag(std::string_view data, Mark mark);
  absl::Status Comment();
  absl::Status Raw(size_t body_start);
  absl::Status Code(TokenKind begin, TokenKind end, std::string_view closer);
  absl::Status CodeToken();
  absl::Status NumberToken();
  absl::Status TextToken();
  absl::Status OperatorToken();
  absl::Status Balance(const Operator& op);

  size_t FindTag(size_t from) const;
  Mark ReadMark();
  // Where the body of {% raw %} starts if one stands at the tag at `tag`, else npos.
  size_t RawBodyStart(size_t tag) const;
  // Moves past a closer such as -%}; false where none stands here.
  bool SkipCloser(std::string_view closer, bool trims_line_end);

  void EmitData(std::string_view data, Mark mark, bool strips_line_start);
  void Emit(TokenKind kind, std::string text = "");
  void MoveTo(size_t position);
  size_t SkipSpace(size_t position) const;
  bool StartsWith(size_t position, std::string_view text) const {
    return source_.substr(position, text.size()) == text;
  }
  absl::Status Error(std::string_view what) const { return ErrorAtLine(line_, what); }

  const std::string_view source_;
  size_t position_ = 0;
  int line_ = 1;
  // Whether only white space can precede the next data on its line.
  bool line_starts_ = true;
  std::string closers_;  // of the brackets that are open
  std::vector<Token> tokens_;
};

void Lexer::Emit(TokenKind kind, std::string text) {
  Token token;
  token.kind = kind;
  token.line = line_;
  token.text = std::move(text);
  tokens_.push_back(std::move(token));
}

void Lexer::MoveTo(size_t position) {
  const std::string_view passed = source_.substr(position_, position - position_);
  line_ += static_cast<int>(std::count(passed.begin(), passed.end(), '\n'));
  position_ = position;
}

size_t Lexer::SkipSpace(size_t position) const {
  return source_.size() - StripLeft(source_.substr(position)).size();
}

size_t Lexer::FindTag(size_t from) const {
  size_t brace = source_.find('{', from);
  while (brace != std::string_view::npos) {
    const char next = brace + 1 < source_.size() ? source_[brace + 1] : '\0';
    if (next == '{' || next == '%' || next == '#') {
      return brace;
    }
    brace = source_.find('{', brace + 1);
  }
  return source_.size();
}

Lexer::Mark Lexer::ReadMark() {
  const char byte = position_ < source_.size() ? source_[position_] : '\0';
  if (byte != '-' && byte != '+') {
    return Mark::kNone;
  }
  MoveTo(position_ + 1);
  return byte == '-' ? Mark::kStrip : Mark::kKeep;
}

void Lexer::EmitData(std::string_view data, Mark mark, bool strips_line_start) {
  if (mark == Mark::kStrip) {
    data = StripRight(data);
  } else if (mark == Mark::kNone && strips_line_start) {
    const size_t line_start = data.rfind('\n') + 1;  // npos + 1 is 0
    const bool at_line_start = line_start > 0 || line_starts_;
    if (at_line_start && StripLeft(data.substr(line_start)).empty()) {
      data = data.substr(0, line_start);
    }
  }
  if (!data.empty()) {
    Emit(TokenKind::kData, std::string(data));
  }
}

bool Lexer::SkipCloser(std::string_view closer, bool trims_line_end) {
  const char mark = source_[position_];
  const bool marked = mark == '-' || (mark == '+' && trims_line_end);
  const size_t start = position_ + (marked ? 1 : 0);
  if (!StartsWith(start, closer)) {
    return false;
  }
  size_t end = start + closer.size();
  if (mark == '-') {
    end = SkipSpace(end);
  } else if (!marked && trims_line_end && StartsWith(end, "\n")) {
    ++end;
  }
  MoveTo(end);
  line_starts_ = source_[end - 1] == '\n';
  return true;
}

size_t Lexer::RawBodyStart(size_t tag) const {
  size_t position = tag + kDelimiterBytes;
  if (StartsWith(position, "-") || StartsWith(position, "+")) {
    ++position;
  }
  position = SkipSpace(position);
  if (!StartsWith(position, "raw")) {
    return std::string_view::npos;
  }
  position = SkipSpace(position + 3);
  if (StartsWith(position, "-%}")) {
    return SkipSpace(position + 3);
  }
  return StartsWith(position, "%}") ? position + kDelimiterBytes : std::string_view::npos;
}

absl::Status Lexer::Comment() {
  const size_t end = source_.find("#}", position_);
  if (end == std::string_view::npos) {
    return Error("Missing end of comment tag");
  }
  const bool marked = end > position_ && (source_[end - 1] == '-' || source_[end - 1] == '+');
  MoveTo(marked ? end - 1 : end);
  SkipCloser("#}", true);
  return absl::OkStatus();
}

absl::Status Lexer::Raw(size_t body_start) {
  MoveTo(body_start);
  line_starts_ = source_[body_start - 1] == '\n';
  for (size_t tag = source_.find("{%", body_start); tag != std::string_view::npos;
       tag = source_.find("{%", tag + kDelimiterBytes)) {
    const std::string_view body = source_.substr(body_start, tag - body_start);
    size_t name = tag + kDelimiterBytes;
    const char byte = name < source_.size() ? source_[name] : '\0';
    const Mark mark = byte == '-' ? Mark::kStrip : byte == '+' ? Mark::kKeep : Mark::kNone;
    name = SkipSpace(name + (mark == Mark::kNone ? 0 : 1));
    if (!StartsWith(name, "endraw")) {
      continue;
    }
    const size_t closer = SkipSpace(name + std::string_view("endraw").size());
    if (closer == source_.size()) {
      break;
    }
    EmitData(body, mark, true);
    MoveTo(closer);
    if (!SkipCloser("%}", true)) {
      return Error("Missing end of raw directive");
    }
    return absl::OkStatus();
  }
  return Error("Missing end of raw directive");
}

absl::Status Lexer::Balance(const Operator& op) {
  switch (op.kind) {
    case TokenKind::kLeftParenthesis:
      closers_.push_back(')');
      return absl::OkStatus();
    case TokenKind::kLeftBracket:
      closers_.push_back(']');
      return absl::OkStatus();
    case TokenKind::kLeftBrace:
      closers_.push_back('}');
      return absl::OkStatus();
    case TokenKind::kRightParenthesis:
    case TokenKind::kRightBracket:
    case TokenKind::kRightBrace:
      if (closers_.empty()) {
        return Error(absl::StrCat("unexpected '", ToAbsl(op.sign), "'"));
      }
      if (closers_.back() != op.sign[0]) {
        return Error(absl::StrCat("unexpected '", ToAbsl(op.sign), "', expected '",
                                  closers_.substr(closers_.size() - 1), "'"));
      }
      closers_.pop_back();
      return absl::OkStatus();
    default:
      return absl::OkStatus();
  }
}

absl::Status Lexer::OperatorToken() {
  for (const Operator& op : kOperators) {
    if (StartsWith(position_, op.sign)) {
      ORIEL_RETURN_IF_ERROR(Balance(op));
      Emit(op.kind, std::string(op.sign));
      MoveTo(position_ + op.sign.size());
      return absl::OkStatus();
    }
  }
  return Error(absl::StrCat("unexpected char ", QuotedText(source_.substr(position_, 1))));
}

absl::Status Lexer::TextToken() {
  const char quote = source_[position_];
  size_t end = position_ + 1;
  while (end < source_.size() && source_[end] != quote) {
    end += source_[end] == '\\' ? 2 : 1;
  }
  if (end >= source_.size()) {
    return Error("a text literal is not closed");
  }
  const absl::StatusOr<std::string> text =
      DecodeTextLiteral(source_.substr(position_ + 1, end - position_ - 1));
  if (!text.ok()) {
    return Error(ToStd(text.status().message()));
  }
  Emit(TokenKind::kText, *text);
  MoveTo(end + 1);
  return absl::OkStatus();
}

absl::Status Lexer::NumberToken() {
  const auto digits_end = [&](size_t from) {
    while (from < source_.size() && (IsDigit(source_[from]) || source_[from] == '_')) {
      ++from;
    }
    return from;
  };
  const auto digit_at = [&](size_t at) { return at < source_.size() && IsDigit(source_[at]); };
  size_t end = digits_end(position_);
  bool floating = false;
  // After a dot, as in items.0.name, the digits are an index and not the start of a float.
  if (position_ == 0 || source_[position_ - 1] != '.') {
    if (StartsWith(end, ".") && digit_at(end + 1)) {
      end = digits_end(end + 1);
      floating = true;
    }
    if (StartsWith(end, "e") || StartsWith(end, "E")) {
      const size_t sign = StartsWith(end + 1, "+") || StartsWith(end + 1, "-") ? 1 : 0;
      if (digit_at(end + 1 + sign)) {
        end = digits_end(end + 1 + sign);
        floating = true;
      }
    }
  }
  std::string text(source_.substr(position_, end - position_));
  text.erase(std::remove(text.begin(), text.end(), '_'), text.end());
  Emit(floating ? TokenKind::kFloat : TokenKind::kInteger, text);
  Token& token = tokens_.back();
  if (floating ? !absl::SimpleAtod(text, &token.number) : !absl::SimpleAtoi(text, &token.integer)) {
    return Error("a number needs more than 64 bits");
  }
  MoveTo(end);
  return absl::OkStatus();
}

absl::Status Lexer::CodeToken() {
  const char byte = source_[position_];
  if (IsDigit(byte)) {
    return NumberToken();
  }
  if (byte == '\'' || byte == '"') {
    return TextToken();
  }
  if (IsNameByte(byte)) {
    size_t end = position_;
    while (end < source_.size() && IsNameByte(source_[end])) {
      ++end;
    }
    Emit(TokenKind::kName, std::string(source_.substr(position_, end - position_)));
    MoveTo(end);
    return absl::OkStatus();
  }
  return OperatorToken();
}

absl::Status Lexer::Code(TokenKind begin, TokenKind end, std::string_view closer) {
  Emit(begin);
  while (true) {
    MoveTo(SkipSpace(position_));
    if (position_ == source_.size()) {
      return absl::OkStatus();  // the parser misses the end and says what it waited for
    }
    // Inside brackets }} closes two dicts.
    const int line = line_;
    if (closers_.empty() && SkipCloser(closer, end == TokenKind::kBlockEnd)) {
      Emit(end);
      tokens_.back().line = line;
      return absl::OkStatus();
    }
    ORIEL_RETURN_IF_ERROR(CodeToken());
  }
}

absl::Status Lexer::Tag(std::string_view data, Mark mark) {
  const char kind = source_[position_ - (mark == Mark::kNone ? 1 : 2)];
  EmitData(data, mark, kind != '{');
  if (kind == '#') {
    return Comment();
  }
  return kind == '{' ? Code(TokenKind::kVariableBegin, TokenKind::kVariableEnd, "}}")
                     : Code(TokenKind::kBlockBegin, TokenKind::kBlockEnd, "%}");
}

absl::StatusOr<std::vector<Token>> Lexer::Run() {
  while (position_ < source_.size()) {
    const size_t tag = FindTag(position_);
    const std::string_view data = source_.substr(position_, tag - position_);
    if (tag == source_.size()) {
      EmitData(data, Mark::kKeep, false);
      MoveTo(tag);
      break;
    }
    const size_t raw_body = source_[tag + 1] == '%' ? RawBodyStart(tag) : std::string_view::npos;
    MoveTo(tag + kDelimiterBytes);
    const Mark mark = ReadMark();
    if (raw_body != std::string_view::npos) {
      EmitData(data, mark, true);
      ORIEL_RETURN_IF_ERROR(Raw(raw_body));
    } else {
      ORIEL_RETURN_IF_ERROR(Tag(data, mark));
    }
  }
  Emit(TokenKind::kEnd);
  return std::move(tokens_);
}

}  // namespace

absl::Status ErrorAtLine(int line, std::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("line ", line, ": ", ToAbsl(what)));
}

absl::StatusOr<std::vector<Token>> Tokenize(std::string_view source) { return Lexer(source).Run(); }

}  // namespace oriel::jinja
