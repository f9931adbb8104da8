// PartListener is told of the parts of a large collection (fields, members) before they change, so that it can keep
// what they were.
//
// Tables that can be listened to call it from their own methods, in the thread that changes them; there is one listener
// at a time. A table that goes, because it is destroyed or rebuilt in another form, tells of all its parts first.
#pragma once

#include <cstdint>
#include <string_view>

namespace kvick {

// One part, where it lies: valid until the collection changes.
struct CollectionPart {
  std::string_view name;
  std::string_view value;  // of a field
  int64_t expiry_ms = -1;  // of a field; -1: never
  double score = 0;        // of a member of a sorted set
};

class PartListener {
 public:
  virtual ~PartListener() = default;
  // A part is about to be changed or removed.
  virtual void BeforeChange(const CollectionPart& part) = 0;
  // A part is about to be added.
  virtual void BeforeAdding(std::string_view name) = 0;
  // The collection is about to go; BeforeChange was called for all of its parts.
  virtual void OnGone() = 0;
};

// For ValueOperations::scan_parts.
class PartVisitor {
 public:
  virtual ~PartVisitor() = default;
  virtual void Visit(const CollectionPart& part) = 0;
};

}  // namespace kvick
