#include "commands/value_condition.h"

#include "base/bytes.h"
#include "base/numbers.h"
#include "commands/value_digest.h"

namespace kvick {

ValueCondition::Kind ValueCondition::KindOf(std::string_view word) {
  if (EqualsIgnoreCase(word, "IFEQ")) return Kind::kEqual;
  if (EqualsIgnoreCase(word, "IFNE")) return Kind::kNotEqual;
  if (EqualsIgnoreCase(word, "IFDEQ")) return Kind::kDigestEqual;
  if (EqualsIgnoreCase(word, "IFDNE")) return Kind::kDigestNotEqual;
  return Kind::kNone;
}

Result<bool> ValueCondition::IsMetBy(const StringRef& value) const {
  char buffer[kInt64TextMax];
  const std::string_view text = value.Text(buffer);
  if (kind == Kind::kEqual) return text == operand;
  if (kind == Kind::kNotEqual) return text != operand;
  const std::optional<uint64_t> digest = ParseDigest(operand);
  if (!digest) {
    const std::string_view word = kind == Kind::kDigestEqual ? "IFDEQ" : "IFDNE";
    return Status::Error("ERR " + std::string(word) + " digest must be exactly 16 hexadecimal characters");
  }
  return (DigestOf(text) == *digest) == (kind == Kind::kDigestEqual);
}

}  // namespace kvick
