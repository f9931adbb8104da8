// Keys to other places: RENAME, RENAMENX, COPY, MOVE.
//
// COPY DB and MOVE have a key in another database. It is placed there before the command is locked (place_keys), so
// that the handlers find source and destination as declared keys 0 and 1, wherever they are.
#include <limits>
#include <optional>

#include "base/bytes.h"
#include "base/numbers.h"
#include "commands/families.h"
#include "engine/command_context.h"

namespace kvick {
namespace {

constexpr size_t kSource = 0;
constexpr size_t kDestination = 1;

// The number of a database as an argument. The error is what the client is told.
Result<int> ParseDatabaseIndex(std::string_view text, const Engine& engine) {
  const std::optional<int64_t> index = ParseInt64(text);
  if (!index) return errors::NotInteger();
  if (*index < std::numeric_limits<int>::min() || *index > std::numeric_limits<int>::max()) {
    return errors::Generic("value is out of range, value must between -2147483648 and 2147483647");
  }
  if (*index < 0 || *index >= engine.database_count()) return errors::InvalidDatabase();
  return static_cast<int>(*index);
}

struct CopyOptions {
  int database_index = 0;
  bool replaces = false;
};

Result<CopyOptions> ParseCopyOptions(std::span<const std::string_view> arguments, int selected, const Engine& engine) {
  CopyOptions options{selected, false};
  for (size_t i = 3; i < arguments.size(); ++i) {
    if (EqualsIgnoreCase(arguments[i], "REPLACE")) {
      options.replaces = true;
    } else if (EqualsIgnoreCase(arguments[i], "DB") && i + 1 < arguments.size()) {
      KVICK_ASSIGN_OR_RETURN(options.database_index, ParseDatabaseIndex(arguments[++i], engine));
    } else {
      return errors::Syntax();
    }
  }
  return options;
}

// Wrong arguments place nothing: the handler finds them again and answers the error.
void PlaceCopyDestination(KeyPlacement& placement) {
  const auto options = ParseCopyOptions(placement.arguments, placement.selected_database, placement.engine);
  if (options.ok()) placement.keys[kDestination].database = &placement.engine.database(options->database_index);
}

void PlaceMoveDestination(KeyPlacement& placement) {
  const Result<int> index = ParseDatabaseIndex(placement.arguments[2], placement.engine);
  if (!index.ok()) return;
  DeclaredKey destination = placement.keys[kSource];
  destination.database = &placement.engine.database(*index);
  placement.keys.push_back(destination);
}

bool IsSamePlace(const CommandContext& context) {
  const DeclaredKey& source = context.key(kSource);
  const DeclaredKey& destination = context.key(kDestination);
  return source.database == destination.database && source.key.name == destination.key.name;
}

Status Rename(CommandContext& context, bool replaces) {
  // The destination first: looking for a key may remove it, and that would move the source in its table.
  KeyTable::Slot destination = context.Peek(kDestination);
  KeyTable::Slot source = context.Find(kSource);
  if (source.entry == nullptr) return errors::NoSuchKey();
  if (IsSamePlace(context) || (destination.entry != nullptr && !replaces)) {
    replaces ? context.Reply().Ok() : context.Reply().Integer(0);
    return Status::Ok();
  }
  const ValueType type = source.entry->type();
  const bool overwrites = destination.entry != nullptr;
  const bool changes_type = overwrites && destination.entry->type() != type;
  if (overwrites) {
    context.Erase(kDestination, destination);
    source = context.Peek(kSource);
  }
  context.MoveEntry(kSource, source, kDestination, source.entry->expiry_ms());
  context.Changed();
  if (!overwrites) context.Notify(KeyEventClass::kNew, "new", kDestination);
  context.Notify(KeyEventClass::kGeneric, "rename_from", kSource);
  context.Notify(KeyEventClass::kGeneric, "rename_to", kDestination);
  if (overwrites) context.Notify(KeyEventClass::kOverwritten, "overwritten", kDestination);
  if (changes_type) context.Notify(KeyEventClass::kTypeChanged, "type_changed", kDestination);
  replaces ? context.Reply().Ok() : context.Reply().Integer(1);
  return Status::Ok();
}

Status Rename(CommandContext& context) { return Rename(context, true); }
Status RenameNx(CommandContext& context) { return Rename(context, false); }

// A cluster's node serves one database.
bool IsClusterNode(CommandContext& context) { return context.engine().hooks.slot_guard != nullptr; }

Status Copy(CommandContext& context) {
  const int selected = context.session().database_index;
  KVICK_ASSIGN_OR_RETURN(const CopyOptions options, ParseCopyOptions(context.arguments(), selected, context.engine()));
  if (IsClusterNode(context) && options.database_index != 0) {
    return errors::Generic("Copying to another database is not allowed in cluster mode");
  }
  if (IsSamePlace(context)) return errors::SameObject();
  const KeyTable::Slot destination = context.Peek(kDestination);
  const KeyTable::Slot source = context.Find(kSource);
  context.CountRead(kSource, source);
  if (source.entry == nullptr || (destination.entry != nullptr && !options.replaces)) {
    context.Reply().Integer(0);
    return Status::Ok();
  }
  const ValueType type = source.entry->type();
  const bool overwrites = destination.entry != nullptr;
  const bool changes_type = overwrites && destination.entry->type() != type;
  if (overwrites) context.Erase(kDestination, destination);
  context.CopyEntry(source, kDestination, source.entry->expiry_ms());
  context.Changed();
  if (!overwrites) context.Notify(KeyEventClass::kNew, "new", kDestination);
  context.Notify(KeyEventClass::kGeneric, "copy_to", kDestination);
  if (overwrites) context.Notify(KeyEventClass::kOverwritten, "overwritten", kDestination);
  if (changes_type) context.Notify(KeyEventClass::kTypeChanged, "type_changed", kDestination);
  context.Reply().Integer(1);
  return Status::Ok();
}

Status Move(CommandContext& context) {
  if (IsClusterNode(context)) return errors::Generic("MOVE is not allowed in cluster mode");
  KVICK_RETURN_IF_ERROR(ParseDatabaseIndex(context.Arg(2), context.engine()).status());
  if (IsSamePlace(context)) return errors::SameObject();
  const KeyTable::Slot destination = context.Peek(kDestination);
  const KeyTable::Slot source = context.Find(kSource);
  const bool moves = source.entry != nullptr && destination.entry == nullptr;
  if (moves) {
    context.MoveEntry(kSource, source, kDestination, source.entry->expiry_ms());
    context.Changed();
    context.Notify(KeyEventClass::kNew, "new", kDestination);
    context.Notify(KeyEventClass::kGeneric, "move_from", kSource);
    context.Notify(KeyEventClass::kGeneric, "move_to", kDestination);
  }
  context.Reply().Integer(moves ? 1 : 0);
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "COPY",
        .syntax = "source destination [DB destination-db] [REPLACE]",
        .summary = "Copies the value and the time to live of a key to another key.",
        .since = "6.2.0",
        .group = "generic",
        .complexity = "O(N) worst case for collections, where N is the number of nested items. O(1) for string values.",
        .flags = kWrite | kDenyOom,
        .categories = kAclKeyspace,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess), OneKey(2, kKeyOverwrite | kKeyUpdate)},
        .place_keys = PlaceCopyDestination,
        .handler = Copy,
    },
    {
        .name = "MOVE",
        .syntax = "key db",
        .summary = "Moves a key to another database.",
        .since = "1.0.0",
        .group = "generic",
        .complexity = "O(1)",
        .flags = kWrite | kFast,
        .categories = kAclKeyspace,
        .keys = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyUpdate)},
        .place_keys = PlaceMoveDestination,
        .handler = Move,
    },
    {
        .name = "RENAME",
        .syntax = "key newkey",
        .summary = "Renames a key, replacing whatever has the new name.",
        .since = "1.0.0",
        .group = "generic",
        .complexity = "O(1)",
        .flags = kWrite,
        .categories = kAclKeyspace,
        .keys = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyDelete), OneKey(2, kKeyOverwrite | kKeyUpdate)},
        .handler = Rename,
    },
    {
        .name = "RENAMENX",
        .syntax = "key newkey",
        .summary = "Renames a key unless the new name is taken.",
        .since = "1.0.0",
        .group = "generic",
        .complexity = "O(1)",
        .flags = kWrite | kFast,
        .categories = kAclKeyspace,
        .keys = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyDelete), OneKey(2, kKeyOverwrite | kKeyInsert)},
        .handler = RenameNx,
    },
};

}  // namespace

std::span<const CommandSpec> RelocateCommands() { return kCommands; }

}  // namespace kvick
