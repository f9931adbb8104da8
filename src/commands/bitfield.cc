// BITFIELD and BITFIELD_RO: integers of any width inside a string.
#include <algorithm>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/numbers.h"
#include "commands/bitmap_access.h"
#include "commands/families.h"
#include "containers/bit_field.h"

namespace kvick {
namespace {

struct Operation {
  enum class Kind : uint8_t { kGet, kSet, kIncrement };

  Kind kind = Kind::kGet;
  BitFieldType type;
  uint64_t offset = 0;
  int64_t operand = 0;
  Overflow overflow = Overflow::kWrap;

  bool is_read() const { return kind == Kind::kGet; }
  size_t end_byte() const { return (offset + type.bit_count - 1) / 8 + 1; }
};

Result<Overflow> ParseOverflow(const CommandContext& context, size_t index) {
  if (context.ArgIs(index, "WRAP")) return Overflow::kWrap;
  if (context.ArgIs(index, "SAT")) return Overflow::kSaturate;
  if (context.ArgIs(index, "FAIL")) return Overflow::kFail;
  return errors::Generic("Invalid OVERFLOW type specified");
}

Result<std::vector<Operation>> ParseOperations(CommandContext& context) {
  using Kind = Operation::Kind;
  std::vector<Operation> operations;
  Overflow overflow = Overflow::kWrap;
  const size_t count = context.argument_count();
  for (size_t i = 2; i < count;) {
    const size_t left = count - i - 1;
    Operation operation;
    if (context.ArgIs(i, "GET") && left >= 2) {
      operation.kind = Kind::kGet;
    } else if (context.ArgIs(i, "SET") && left >= 3) {
      operation.kind = Kind::kSet;
    } else if (context.ArgIs(i, "INCRBY") && left >= 3) {
      operation.kind = Kind::kIncrement;
    } else if (context.ArgIs(i, "OVERFLOW") && left >= 1) {
      KVICK_ASSIGN_OR_RETURN(overflow, ParseOverflow(context, i + 1));
      i += 2;
      continue;
    } else {
      return errors::Syntax();
    }
    const std::optional<BitFieldType> type = BitFieldType::Parse(context.Arg(i + 1));
    if (!type) {
      return errors::Generic(
          "Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.");
    }
    operation.type = *type;
    operation.overflow = overflow;
    KVICK_ASSIGN_OR_RETURN(operation.offset, BitOffsetArg(context, i + 2, type->bit_count));
    if (!operation.is_read()) {
      KVICK_ASSIGN_OR_RETURN(operation.operand, context.IntegerArg(i + 3));
    }
    operations.push_back(operation);
    i += operation.is_read() ? 3 : 4;
  }
  return operations;
}

Status ReadFields(CommandContext& context, const std::vector<Operation>& operations) {
  const KeyTable::Slot slot = context.Find(0);
  if (!context.command().has(kReadonly)) context.CountRead(0, slot);
  char text[kInt64TextMax];
  KVICK_ASSIGN_OR_RETURN(const std::string_view bytes, BitmapBytes(slot.entry, text));
  context.Reply().Array(operations.size());
  for (const Operation& operation : operations) {
    context.Reply().Integer(ReadBitField(bytes, operation.offset, operation.type));
  }
  return Status::Ok();
}

// Carries out all operations on bytes that reach to the end of every written field. Returns how many wrote something
// new; where the bytes have grown, all that wrote count.
uint64_t ChangeFields(ReplyWriter& reply, const std::vector<Operation>& operations, char* data, size_t size,
                      bool has_grown) {
  uint64_t change_count = 0;
  for (const Operation& operation : operations) {
    const int64_t old = ReadBitField({data, size}, operation.offset, operation.type);
    if (operation.is_read()) {
      reply.Integer(old);
      continue;
    }
    const bool adds = operation.kind == Operation::Kind::kIncrement;
    const std::optional<int64_t> value = adds ? AddWithin(operation.type, old, operation.operand, operation.overflow)
                                              : FitWithin(operation.type, operation.operand, operation.overflow);
    if (!value) {
      reply.Null();
      continue;
    }
    WriteBitField(data, operation.offset, operation.type, *value);
    if (has_grown || *value != old) ++change_count;
    reply.Integer(adds ? *value : old);
  }
  return change_count;
}

Status BitField(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const std::vector<Operation> operations, ParseOperations(context));
  size_t size = 0;
  for (const Operation& operation : operations) {
    if (!operation.is_read()) size = std::max(size, operation.end_byte());
  }
  if (size == 0) return ReadFields(context, operations);
  KeyTable::Slot slot = context.Find(0);
  char text[kInt64TextMax];
  KVICK_ASSIGN_OR_RETURN(const std::string_view bytes, BitmapBytes(slot.entry, text));
  const bool grows = size > bytes.size();
  size = std::max(size, bytes.size());
  char* data = context.ResizeString(0, &slot, size);
  context.Reply().Array(operations.size());
  const uint64_t change_count = ChangeFields(context.Reply(), operations, data, size, grows);
  if (change_count > 0) {
    context.Changed(change_count);
    context.Notify(KeyEventClass::kString, "setbit", 0);
  } else if (grows) {
    // All failed, but the string was made longer for them.
    context.Changed();
  }
  return Status::Ok();
}

Status BitFieldReadOnly(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const std::vector<Operation> operations, ParseOperations(context));
  if (!std::all_of(operations.begin(), operations.end(), [](const Operation& one) { return one.is_read(); })) {
    return errors::Generic("BITFIELD_RO only supports the GET subcommand");
  }
  return ReadFields(context, operations);
}

// With nothing but GET, BITFIELD is a reading command.
uint16_t BitFieldKeyFlags(std::span<const std::string_view> arguments) {
  for (size_t i = 2; i < arguments.size(); i += 3) {
    const bool is_whole = i + 2 < arguments.size();
    if (!is_whole || !EqualsIgnoreCase(arguments[i], "GET")) return kKeyReadWrite | kKeyAccess | kKeyUpdate;
  }
  return kKeyReadOnly | kKeyAccess;
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "BITFIELD",
        .syntax = "key [GET encoding offset | [OVERFLOW <WRAP | SAT | FAIL>] <SET encoding offset value | INCRBY "
                  "encoding offset increment> [GET encoding offset | [OVERFLOW <WRAP | SAT | FAIL>] <SET encoding "
                  "offset value | INCRBY encoding offset increment> ...]]",
        .argument_notes = "get=operation operation.get=get-block operation.wrap=write "
                          "operation.write.wrap=overflow-block operation.write.set=write-operation "
                          "operation.write.write-operation.set=set-block "
                          "operation.write.write-operation.SET.value(integer) "
                          "operation.write.write-operation.incrby=incrby-block",
        .summary = "Reads, writes and increments integers of any width inside a string.",
        .since = "3.2.0",
        .group = "bitmap",
        .complexity = "O(1) for each subcommand specified",
        .flags = kWrite | kDenyOom,
        .categories = kAclBitmap,
        .keys = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyUpdate | kKeyVariableFlags)},
        .refine_key_flags = BitFieldKeyFlags,
        .handler = BitField,
    },
    {
        .name = "BITFIELD_RO",
        .syntax = "key [GET encoding offset [GET encoding offset ...]]",
        .argument_notes = "data!=get-block",
        .summary = "Reads integers of any width inside a string.",
        .since = "6.0.0",
        .group = "bitmap",
        .complexity = "O(1) for each subcommand specified",
        .flags = kReadonly | kFast,
        .categories = kAclBitmap,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .handler = BitFieldReadOnly,
    },
};

}  // namespace

std::span<const CommandSpec> BitFieldCommands() { return kCommands; }

}  // namespace kvick
