#include "commands/hash_access.h"

#include <vector>

namespace kvick {

Result<const HashValue*> FindHash(CommandContext& context) { return context.FindValue<HashValue>(0); }

Result<const HashValue*> FindHashToRead(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const HashValue* hash, FindHash(context));
  if (hash == nullptr || hash->next_due_ms() > context.now_ms()) return hash;
  return context.EraseDueParts(0) ? hash : nullptr;
}

Result<HashValue*> FindHashErasingDue(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(HashValue * hash, context.FindValueForWrite<HashValue>(0));
  if (hash == nullptr || hash->next_due_ms() > context.now_ms()) return hash;
  if (context.EraseDueParts(0)) return hash;
  return static_cast<HashValue*>(nullptr);
}

std::optional<FieldView> FindAlive(const CommandContext& context, const HashValue* hash, std::string_view name,
                                   FieldTexts& texts) {
  if (hash == nullptr) return std::nullopt;
  const std::optional<FieldView> field = hash->Find(name, texts);
  if (field && !field->IsAlive(context.now_ms())) return std::nullopt;
  return field;
}

void IndexFieldExpiries(CommandContext& context, const HashValue& hash, int64_t was_due_ms) {
  // What is in the index for an earlier moment will look again then.
  if (hash.next_due_ms() >= was_due_ms) return;
  context.IndexDueParts(0);
}

void NotifyFields(CommandContext& context, std::string_view event, std::span<const std::string_view> words,
                  size_t step) {
  ChangeSink* sink = context.executor().change_sink();
  if (sink == nullptr) return;
  context.Notify(KeyEventClass::kHash, event, 0);
  std::vector<std::string_view> fields;
  for (size_t i = 0; i < words.size(); i += step) fields.push_back(words[i]);
  sink->OnPartsEvent(context.key(0).database->index(), KeyEventClass::kHash, event, context.KeyName(0), fields);
}

void EraseIfEmpty(CommandContext& context, const HashValue& hash) {
  if (hash.count() > 0) return;
  context.EraseKey(0);
  context.Notify(KeyEventClass::kGeneric, "del", 0);
}

}  // namespace kvick
