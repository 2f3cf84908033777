#ifndef ORIEL_SERVER_HTTP_FIELD_READER_H_
#define ORIEL_SERVER_HTTP_FIELD_READER_H_

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/json.h"

namespace oriel {

// Reads the fields of a JSON object by name and type.
//
// A field that is absent or null leaves the value as it is. The first fault is kept and the reads
// after it do nothing, so a caller reads all fields and then asks for the status once.
//
// Lifecycle   refers to the object. Threads     one.
class FieldReader {
 public:
  // `object` is a JSON object; `prefix` ("messages[3].") stands before names in messages.
  explicit FieldReader(const Json& object, std::string prefix = "");

  void Read(std::string_view name, bool& value);
  void Read(std::string_view name, std::optional<bool>& value);
  void Read(std::string_view name, int32_t& value);
  void Read(std::string_view name, float& value);
  void Read(std::string_view name, std::string& value);
  void Read(std::string_view name, std::optional<int32_t>& value);
  // Any 64-bit number, signed or not; a negative one becomes its two's complement.
  void Read(std::string_view name, std::optional<uint64_t>& value);
  // A list of whole numbers of 32 bits.
  void Read(std::string_view name, std::vector<int32_t>& value);

  // The field itself, for what has a shape of its own; null if it is absent or null.
  const Json* Take(std::string_view name);

  // Records a fault of a field, unless there is one already.
  void Fail(std::string_view name, absl::string_view message);
  void Fail(absl::Status status);

  // The first fault.
  const absl::Status& status() const { return status_; }

  // Fields that are in the object and were never asked for.
  std::vector<std::string> UnreadNames() const;

 private:
  const Json& object_;
  const std::string prefix_;
  std::set<std::string, std::less<>> asked_;
  absl::Status status_;
};

// The number of a JSON value that is whole and fits into 32 bits; 3.0 is whole.
std::optional<int32_t> WholeNumber(const Json& value);

}  // namespace oriel

#endif  // ORIEL_SERVER_HTTP_FIELD_READER_H_
