// HIMPORT: hashes of fields that were declared once for all of them. It is here because what the log records of it is
// a payload: whoever repeats the log knows nothing of this client's fieldsets.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/command_context.h"
#include "engine/fieldsets.h"
#include "persistence/dump_payload.h"
#include "persistence/features.h"
#include "persistence/value_limits.h"
#include "types/hash_value.h"

namespace kvick {
namespace {

// SET key fieldset value ...
constexpr size_t kSetValuesIndex = 4;

Status Prepare(CommandContext& context) {
  std::shared_ptr<Fieldsets>& fieldsets = context.session().fieldsets;
  if (fieldsets == nullptr) fieldsets = std::make_shared<Fieldsets>();
  switch (fieldsets->Prepare(context.Arg(2), context.arguments().subspan(3))) {
    case Fieldsets::Outcome::kDone: break;
    case Fieldsets::Outcome::kDuplicateName: return errors::Generic("duplicate field name in fieldset");
    case Fieldsets::Outcome::kTooManyTemplates: return errors::Generic("too many hash templates");
  }
  context.Reply().Ok();
  return Status::Ok();
}

Status Set(CommandContext& context) {
  const Fieldsets* fieldsets = context.session().fieldsets.get();
  const Fieldset* fieldset = fieldsets != nullptr ? fieldsets->Find(context.Arg(3)) : nullptr;
  if (fieldset == nullptr) return errors::Generic("no such fieldset");
  const std::span<const std::string_view> values = context.arguments().subspan(kSetValuesIndex);
  if (values.size() != fieldset->places.size()) {
    return errors::Generic("value count does not match the number of fields in fieldset");
  }
  const KeyTable::Slot before = context.Peek(0);
  if (before.entry != nullptr && before.entry->type() != ValueType::kHash) return errors::WrongType();
  HashTemplateRef names = HashTemplateRef::Another(*fieldset->names, TemplateHolder::kHash);
  context.PutValue(0, std::make_unique<HashValue>(std::move(names), fieldset->Arrange(values),
                                                  ValueLimits::Of(context.settings()).hash));
  context.Changed(values.size());
  context.Notify(KeyEventClass::kHash, "hset", 0);
  if (ChangeSink* sink = context.executor().change_sink()) {
    sink->OnPartsEvent(context.key(0).database->index(), KeyEventClass::kHash, "hset", context.KeyName(0),
                       fieldset->names->names());
  }
  if (context.engine().log().is_active()) {
    const std::string payload = MakeDumpPayload(*context.Peek(0).entry, context.settings());
    context.Effect({"RESTORE", context.KeyName(0), "0", payload, "REPLACE"});
  }
  context.Reply().Ok();
  return Status::Ok();
}

Status Discard(CommandContext& context) {
  Fieldsets* fieldsets = context.session().fieldsets.get();
  context.Reply().Integer(fieldsets != nullptr && fieldsets->Discard(context.Arg(2)) ? 1 : 0);
  return Status::Ok();
}

Status DiscardAll(CommandContext& context) {
  Fieldsets* fieldsets = context.session().fieldsets.get();
  context.Reply().Integer(fieldsets != nullptr ? static_cast<int64_t>(fieldsets->DiscardAll()) : 0);
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "HIMPORT",
        .summary = "A container for commands that write hashes of fields declared before.",
        .since = "8.10.0",
        .group = "hash",
        .complexity = "Depends on subcommand.",
        .categories = kAclHash,
        .arity = -2,
    },
    {
        .name = "HIMPORT DISCARD",
        .syntax = "fieldset-name",
        .summary = "Forgets a fieldset of this connection.",
        .since = "8.10.0",
        .group = "hash",
        .complexity = "O(N) where N is the number of session-local fieldsets.",
        .categories = kAclHash,
        .tips = {"request_policy:all_shards"},
        .handler = Discard,
    },
    {
        .name = "HIMPORT DISCARDALL",
        .summary = "Forgets all fieldsets of this connection.",
        .since = "8.10.0",
        .group = "hash",
        .complexity = "O(N) where N is the number of session-local fieldsets.",
        .categories = kAclHash,
        .tips = {"request_policy:all_shards"},
        .handler = DiscardAll,
    },
    {
        .name = "HIMPORT PREPARE",
        .syntax = "fieldset-name field [field ...]",
        .summary = "Declares the fields of hashes that this connection is about to write.",
        .since = "8.10.0",
        .group = "hash",
        .complexity = "O(N*log(N)) where N is the number of fields.",
        .flags = kDenyOom,
        .categories = kAclHash,
        .tips = {"request_policy:all_shards"},
        .handler = Prepare,
    },
    {
        .name = "HIMPORT SET",
        .syntax = "key fieldset-name value [value ...]",
        .summary = "Creates or replaces a hash of the fields of a fieldset.",
        .since = "8.10.0",
        .group = "hash",
        .complexity = "O(N) where N is the number of fields in the fieldset.",
        .flags = kWrite | kDenyOom,
        .categories = kAclHash,
        .keys = {OneKey(2, kKeyOverwrite | kKeyUpdate)},
        .handler = Set,
    },
};

}  // namespace

std::span<const CommandSpec> HashImportCommands() { return kCommands; }

}  // namespace kvick
