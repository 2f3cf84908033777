#ifndef ORIEL_ENGINE_TOKENIZER_JINJA_EXPRESSION_DEPTH_INL_H_
#define ORIEL_ENGINE_TOKENIZER_JINJA_EXPRESSION_DEPTH_INL_H_

// What the files of ExpressionParser share: making a node, with the depth of what it holds.

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/tokenizer/jinja/budget.h"
#include "engine/tokenizer/jinja/expression_parser.h"

namespace oriel::jinja {

inline int DepthOf(const ExpressionPtr& expression) {
  return expression == nullptr ? 0 : expression->depth;
}

inline int DepthOf(const std::vector<ExpressionPtr>& expressions) {
  int depth = 0;
  for (const ExpressionPtr& expression : expressions) {
    depth = std::max(depth, DepthOf(expression));
  }
  return depth;
}

inline int DepthOf(const CallArguments& arguments) {
  int depth = std::max({DepthOf(arguments.positional), DepthOf(arguments.more_positional),
                        DepthOf(arguments.more_named)});
  for (const auto& [name, value] : arguments.named) {
    depth = std::max(depth, DepthOf(value));
  }
  return depth;
}

template <typename Node>
absl::StatusOr<ExpressionPtr> ExpressionParser::Make(int line, int children_depth, Node node) {
  if (children_depth >= limits_.parse_depth_max) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "line ", line, ": expressions nest deeper than ", limits_.parse_depth_max, " levels"));
  }
  auto expression = std::make_unique<Expression>();
  expression->line = line;
  expression->depth = children_depth + 1;
  expression->node = std::move(node);
  return expression;
}

}  // namespace oriel::jinja

#endif  // ORIEL_ENGINE_TOKENIZER_JINJA_EXPRESSION_DEPTH_INL_H_
