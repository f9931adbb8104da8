// How the commands on hashes find them: fields whose time has passed are never seen.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "config/settings.h"
#include "engine/command_context.h"
#include "types/hash_value.h"

namespace kvick {

inline HashLimits HashLimitsOf(const Settings& settings) {
  return {.listpack_entries_max = settings.hash_listpack_entries_max,
          .listpack_value_max_bytes = settings.hash_listpack_value_max_bytes,
          .template_entries_min = settings.hash_template_entries_min,
          .template_entries_max = settings.hash_template_entries_max};
}

// The hash of key 0 to be read, or null. What it holds may be due: FieldView::IsAlive.
Result<const HashValue*> FindHash(CommandContext& context);

// The hash of key 0 for commands on single fields, or null: some of the fields that are due are erased first, and the
// hash with its last. The first for commands that change nothing else.
Result<const HashValue*> FindHashToRead(CommandContext& context);
Result<HashValue*> FindHashErasingDue(CommandContext& context);

// A field that is alive. `hash` may be null.
std::optional<FieldView> FindAlive(const CommandContext& context, const HashValue* hash, std::string_view name,
                                   FieldTexts& texts);

// To be called when fields of the hash were given expiries, so that they are removed in time. `was_due_ms`:
// HashValue::next_due_ms() before.
void IndexFieldExpiries(CommandContext& context, const HashValue& hash, int64_t was_due_ms);

// Tells of the key and of its fields that an event is about: every `step`-th of `words`.
void NotifyFields(CommandContext& context, std::string_view event, std::span<const std::string_view> words,
                  size_t step = 1);

// An emptied hash is no key: erases it and announces that.
void EraseIfEmpty(CommandContext& context, const HashValue& hash);

}  // namespace kvick
