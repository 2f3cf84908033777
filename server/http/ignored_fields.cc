#include "server/http/ignored_fields.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace oriel {
namespace {

constexpr char kHeaderName[] = "x-oriel-ignored-fields";
constexpr size_t kNamesMax = 16, kNameBytesMax = 64;

bool IsPlain(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.';
}

std::string PlainName(const std::string& field) {
  const bool plain = !field.empty() && std::all_of(field.begin(), field.end(), IsPlain);
  return plain ? field.substr(0, kNameBytesMax) : "?";
}

}  // namespace

void AddIgnoredFieldsHeader(const std::vector<std::string>& fields, HttpResponse& response) {
  if (fields.empty()) return;
  std::vector<std::string> names;
  for (size_t i = 0; i < std::min(fields.size(), kNamesMax); ++i) {
    names.push_back(PlainName(fields[i]));
  }
  response.headers.emplace_back(kHeaderName,
                                absl::StrCat(fields.size(), ": ", absl::StrJoin(names, ",")));
}

}  // namespace oriel
