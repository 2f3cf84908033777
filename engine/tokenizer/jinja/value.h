#ifndef ORIEL_ENGINE_TOKENIZER_JINJA_VALUE_H_
#define ORIEL_ENGINE_TOKENIZER_JINJA_VALUE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"

namespace oriel::jinja {

class Dict;
class Loop;
struct Function;
struct Macro;
struct Namespace;
struct Sequence;

// A Python value as a template sees it.
//
// Lifecycle  copies share their contents. All contents are immutable but for Namespace and Loop;
//            namespaces and macros belong to the rendering, the rest to its values. So values never
//            own each other in a circle.
// Threads    the values of one rendering stay on its thread.
// Limits     depth() never passes Limits::value_depth_max: values are built by builder.h, which
//            refuses more. Recursion over a value, its destruction included, is therefore bounded.
class Value {
 public:
  // In the order of the variant's alternatives.
  enum class Kind {
    kNone,
    kUndefined,
    kBool,
    kInt,
    kFloat,
    kText,
    kSequence,
    kDict,
    kNamespace,
    kFunction,
    kMacro,
    kLoop,
  };

  Value() = default;  // None
  explicit Value(bool value) : data_(value) {}
  explicit Value(int64_t value) : data_(value) {}
  explicit Value(double value) : data_(value) {}
  explicit Value(std::shared_ptr<const Sequence> value) : data_(std::move(value)) {}
  explicit Value(std::shared_ptr<const Dict> value) : data_(std::move(value)) {}
  explicit Value(std::shared_ptr<const Function> value) : data_(std::move(value)) {}
  explicit Value(std::shared_ptr<Loop> value) : data_(std::move(value)) {}
  explicit Value(Namespace* value) : data_(value) {}
  explicit Value(const Macro* value) : data_(value) {}

  static Value Text(std::string text);
  // What a missing name or attribute gives; `complaint` is the error of whoever needs the value.
  static Value Undefined(std::string complaint);

  Kind kind() const { return static_cast<Kind>(data_.index()); }
  bool is_none() const { return kind() == Kind::kNone; }
  bool is_undefined() const { return kind() == Kind::kUndefined; }
  bool is_text() const { return kind() == Kind::kText; }
  bool is_bool() const { return kind() == Kind::kBool; }
  bool is_dict() const { return kind() == Kind::kDict; }
  bool is_sequence() const { return kind() == Kind::kSequence; }
  // True and False are integers in Python too.
  bool is_integral() const { return is_bool() || kind() == Kind::kInt; }
  bool is_number() const { return is_integral() || kind() == Kind::kFloat; }

  // Each needs the kind of its name.
  bool boolean() const { return std::get<bool>(data_); }
  const std::string& text() const { return *std::get<std::shared_ptr<const std::string>>(data_); }
  const std::string& complaint() const { return *std::get<Missing>(data_).complaint; }
  const Sequence& sequence() const { return *std::get<std::shared_ptr<const Sequence>>(data_); }
  const Dict& dict() const { return *std::get<std::shared_ptr<const Dict>>(data_); }
  const Function& function() const { return *std::get<std::shared_ptr<const Function>>(data_); }
  Loop& loop() const { return *std::get<std::shared_ptr<Loop>>(data_); }
  Namespace& name_space() const { return *std::get<Namespace*>(data_); }
  const Macro& macro() const { return *std::get<const Macro*>(data_); }
  // is_integral() and is_number().
  int64_t integer() const;
  double number() const;

  // Levels of values inside this one: 0 for a scalar, 1 for a list of scalars.
  int depth() const;

  // The name of its type in Python, for messages.
  std::string_view type_name() const;

 private:
  struct Missing {
    std::shared_ptr<const std::string> complaint;
  };

  std::variant<std::monostate, Missing, bool, int64_t, double, std::shared_ptr<const std::string>,
               std::shared_ptr<const Sequence>, std::shared_ptr<const Dict>, Namespace*,
               std::shared_ptr<const Function>, const Macro*, std::shared_ptr<Loop>>
      data_;
};

// The sequences of Python that templates meet. They differ in how they print and in what they
// allow; a generator can be read once only.
enum class SequenceKind { kList, kTuple, kRange, kKeys, kValues, kItems, kGenerator };

struct Sequence {
  SequenceKind kind = SequenceKind::kList;
  std::vector<Value> items;
  int depth = 1;
  // A generator that has been read, and so is empty now.
  mutable bool drained = false;
};

// A dict in insertion order.
class Dict {
 public:
  struct Entry {
    Value key;
    Value value;
  };

  // The name under which a key is found; equal keys (1, 1.0, True) have one name. False for a
  // value that this interpreter does not take as a key.
  static bool NameKey(const Value& key, std::string& name);

  const std::vector<Entry>& entries() const { return entries_; }
  size_t size() const { return entries_.size(); }
  int depth() const { return depth_; }

  // Null where there is none.
  const Value* Find(const Value& key) const;
  const Value* FindText(std::string_view key) const;

  // The later of two equal keys gives the value, the earlier one the place. Needs NameKey(key).
  void Set(Value key, Value value);

 private:
  std::vector<Entry> entries_;
  absl::flat_hash_map<std::string, size_t> places_;
  int depth_ = 1;
};

// The one value that a template can change: {% set ns.name = … %}.
struct Namespace {
  Dict attributes;
};

}  // namespace oriel::jinja

#endif  // ORIEL_ENGINE_TOKENIZER_JINJA_VALUE_H_
