#include "engine/key_extraction.h"

#include <optional>

#include "base/bytes.h"
#include "base/numbers.h"
#include "engine/engine.h"
#include "engine/executor.h"

namespace kvick {
namespace {

// The index at which a spec begins; nothing when its keyword is absent.
std::optional<int64_t> FindBegin(const KeySpec& spec, std::span<const std::string_view> arguments) {
  const auto count = static_cast<int64_t>(arguments.size());
  if (spec.begin == KeySpec::Begin::kIndex) return spec.begin_index;
  if (spec.begin != KeySpec::Begin::kKeyword) return std::nullopt;
  const bool backwards = spec.begin_index < 0;
  const int64_t start = backwards ? count + spec.begin_index : spec.begin_index;
  // The keyword is never the last word: keys follow it.
  for (int64_t i = start; backwards ? i > 0 : i < count; backwards ? --i : ++i) {
    if (i >= 1 && i < count && EqualsIgnoreCase(arguments[static_cast<size_t>(i)], spec.begin_keyword)) return i + 1;
  }
  return std::nullopt;
}

}  // namespace

bool ExtractKeys(const Command& command, std::span<const std::string_view> arguments, std::vector<KeyPosition>* out) {
  const auto count = static_cast<int64_t>(arguments.size());
  const size_t size_before = out->size();
  for (size_t s = 0; s < command.key_spec_count; ++s) {
    const KeySpec& spec = command.spec->keys[s];
    const std::optional<int64_t> begin = FindBegin(spec, arguments);
    if (!begin) continue;
    int64_t first = *begin;
    int64_t last = 0;
    if (spec.find == KeySpec::Find::kRange) {
      if (first >= count) continue;
      if (spec.last_key >= 0) {
        last = first + spec.last_key;
      } else if (spec.limit <= 1) {
        last = count + spec.last_key;
      } else {
        last = first + (count - first) / spec.limit + spec.last_key;
      }
    } else if (spec.find == KeySpec::Find::kCount) {
      const int64_t count_index = first + spec.count_index;
      if (count_index >= count) {
        out->resize(size_before);
        return false;
      }
      const auto key_count = ParseInt64(arguments[static_cast<size_t>(count_index)]);
      first += spec.first_key_index;
      if (!key_count || *key_count < 0 || *key_count > (count - first + spec.key_step - 1) / spec.key_step) {
        out->resize(size_before);
        return false;
      }
      last = first + (*key_count - 1) * spec.key_step;
    } else {
      continue;
    }
    if (last >= count) {
      out->resize(size_before);
      return false;
    }
    const bool varies = (spec.flags & kKeyVariableFlags) != 0 && command.spec->refine_key_flags != nullptr;
    const uint16_t flags = varies ? command.spec->refine_key_flags(arguments) : spec.flags;
    for (int64_t i = first; i <= last; i += spec.key_step) {
      out->push_back({static_cast<uint32_t>(i), flags});
    }
  }
  if (command.spec->find_other_keys != nullptr) command.spec->find_other_keys(arguments, out);
  return true;
}

std::vector<DeclaredKey> DeclareKeys(Engine& engine, int database_index, const Command& command,
                                     std::span<const std::string_view> arguments) {
  std::vector<KeyPosition> positions;
  ExtractKeys(command, arguments, &positions);
  std::vector<DeclaredKey> keys;
  for (const KeyPosition& position : positions) {
    if ((position.flags & kKeyNotKey) != 0) continue;
    keys.push_back(
        {KeyRef::Make(arguments[position.argument_index]), &engine.database(database_index), position.flags});
  }
  if (command.spec->place_keys != nullptr) {
    KeyPlacement placement{engine, database_index, arguments, keys};
    command.spec->place_keys(placement);
  }
  return keys;
}

}  // namespace kvick
