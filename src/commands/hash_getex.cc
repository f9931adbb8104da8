// Reading, setting and deleting fields together with their times to live: HGETEX, HSETEX, HGETDEL.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "commands/families.h"
#include "commands/field_arguments.h"
#include "commands/hash_access.h"
#include "commands/key_expiry.h"
#include "engine/command_context.h"

namespace kvick {
namespace {

// What HGETEX and HSETEX do to the expiry of the fields they name.
struct ExpiryChange {
  enum class Kind { kNone, kMoment, kPersist, kKeepTtl };
  Kind kind = Kind::kNone;
  int64_t moment_ms = 0;
};

// Takes EX, PX, EXAT or PXAT with its time at `*index`; false when another word is there.
Result<bool> TakeMoment(CommandContext& context, size_t* index, ExpiryChange* change) {
  struct Word {
    std::string_view text;
    TimeUnit unit;
    TimeBase base;
  };
  constexpr Word kWords[] = {{"EX", TimeUnit::kSeconds, TimeBase::kNow},
                             {"PX", TimeUnit::kMilliseconds, TimeBase::kNow},
                             {"EXAT", TimeUnit::kSeconds, TimeBase::kEpoch},
                             {"PXAT", TimeUnit::kMilliseconds, TimeBase::kEpoch}};
  for (const Word& word : kWords) {
    if (!context.ArgIs(*index, word.text)) continue;
    if (*index + 1 >= context.argument_count()) return errors::Generic("missing expire time");
    KVICK_ASSIGN_OR_RETURN(change->moment_ms, ParseFieldMoment(context, *index + 1, word.unit, word.base));
    change->kind = ExpiryChange::Kind::kMoment;
    *index += 2;
    return true;
  }
  return false;
}

bool IsMomentWord(const CommandContext& context, size_t index) {
  return context.ArgIs(index, "EX") || context.ArgIs(index, "PX") || context.ArgIs(index, "EXAT") ||
         context.ArgIs(index, "PXAT");
}

void ReplyValue(CommandContext& context, const std::optional<FieldView>& field) {
  if (field) {
    context.Reply().Bulk(field->value);
  } else {
    context.Reply().Null();
  }
}

// The log names the fields that a command changed, not those that it was asked to.
void LogFields(CommandContext& context, std::vector<std::string_view> words,
               const std::vector<std::string_view>& names) {
  words.insert(words.end(), names.begin(), names.end());
  context.EffectIn(context.key(0).database->index(), words);
}

struct GetExRequest {
  ExpiryChange change;
  FieldNames names;
};

Result<GetExRequest> ParseGetEx(CommandContext& context) {
  GetExRequest request;
  for (size_t i = 2; i < context.argument_count();) {
    if (context.ArgIs(i, "FIELDS")) {
      if (!request.names.empty()) return errors::FieldsTwice();
      if (i + 2 >= context.argument_count()) return errors::FieldsMismatch();
      const Result<int64_t> count = context.IntegerArg(i + 1);
      if (!count.ok() || *count < 1) return errors::FieldsNotPositive();
      const FieldNames behind = context.arguments().subspan(i + 2);
      if (static_cast<uint64_t>(*count) > behind.size()) return errors::FieldsMismatch();
      request.names = behind.first(static_cast<size_t>(*count));
      i += 2 + request.names.size();
      continue;
    }
    const bool is_persist = context.ArgIs(i, "PERSIST");
    if (!is_persist && !IsMomentWord(context, i)) {
      return request.names.empty() ? errors::FieldsMissing() : errors::FieldsMismatch();
    }
    if (request.change.kind != ExpiryChange::Kind::kNone) {
      return errors::Generic("Only one of EX, PX, EXAT, PXAT or PERSIST arguments can be specified");
    }
    if (is_persist) {
      request.change.kind = ExpiryChange::Kind::kPersist;
      ++i;
    } else {
      KVICK_RETURN_IF_ERROR(TakeMoment(context, &i, &request.change).status());
    }
  }
  if (request.names.empty()) return errors::FieldsMissing();
  return request;
}

// Does to a field that was read what HGETEX was asked to; false when that changes nothing.
bool ChangeExpiry(CommandContext& context, HashValue& hash, std::string_view name, const FieldView& field,
                  const ExpiryChange& change) {
  switch (change.kind) {
    case ExpiryChange::Kind::kMoment:
      if (IsDue(context, change.moment_ms)) {
        hash.Erase(name);
      } else {
        hash.SetExpiry(name, {change.moment_ms, context.now_ms()});
      }
      return true;
    case ExpiryChange::Kind::kPersist:
      if (field.expiry_ms == Field::kNoExpiry) return false;
      hash.SetExpiry(name, {});
      return true;
    case ExpiryChange::Kind::kNone:
    case ExpiryChange::Kind::kKeepTtl: break;
  }
  return false;
}

void AnnounceGetEx(CommandContext& context, const ExpiryChange& change, const std::vector<std::string_view>& names) {
  context.Modified(0);
  context.Changed(names.size());
  const std::string count = std::to_string(names.size());
  const std::string_view key = context.KeyName(0);
  if (change.kind == ExpiryChange::Kind::kPersist) {
    LogFields(context, {"HPERSIST", key, "FIELDS", count}, names);
    NotifyFields(context, "hpersist", names);
  } else if (IsDue(context, change.moment_ms)) {
    LogFields(context, {"HDEL", key}, names);
    NotifyFields(context, "hdel", names);
  } else {
    const std::string moment = std::to_string(change.moment_ms);
    LogFields(context, {"HPEXPIREAT", key, moment, "FIELDS", count}, names);
    NotifyFields(context, "hexpire", names);
  }
}

Status HGetEx(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(HashValue * hash, FindHashErasingDue(context));
  KVICK_ASSIGN_OR_RETURN(const GetExRequest request, ParseGetEx(context));
  const int64_t was_due_ms = hash == nullptr ? 0 : hash->next_due_ms();
  std::vector<std::string_view> changed;
  context.Reply().Array(request.names.size());
  for (const std::string_view name : request.names) {
    FieldTexts texts;
    const std::optional<FieldView> field = FindAlive(context, hash, name, texts);
    ReplyValue(context, field);
    if (field && ChangeExpiry(context, *hash, name, *field, request.change)) changed.push_back(name);
  }
  if (!changed.empty()) {
    IndexFieldExpiries(context, *hash, was_due_ms);
    AnnounceGetEx(context, request.change, changed);
    EraseIfEmpty(context, *hash);
  }
  return Status::Ok();
}

Status HGetDel(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(HashValue * hash, FindHashErasingDue(context));
  KVICK_ASSIGN_OR_RETURN(const FieldNames names, ParseFieldsOnly(context));
  std::vector<std::string_view> erased;
  context.Reply().Array(names.size());
  for (const std::string_view name : names) {
    FieldTexts texts;
    const std::optional<FieldView> field = FindAlive(context, hash, name, texts);
    ReplyValue(context, field);
    if (!field) continue;
    hash->Erase(name);
    erased.push_back(name);
  }
  if (!erased.empty()) {
    context.Modified(0);
    context.Changed(erased.size());
    hash->Settle(HashLimitsOf(context.settings()));
    LogFields(context, {"HDEL", context.KeyName(0)}, erased);
    NotifyFields(context, "hdel", erased);
    EraseIfEmpty(context, *hash);
  }
  return Status::Ok();
}

struct SetExRequest {
  enum class Condition { kNone, kAllAreNew, kAllExist };
  Condition condition = Condition::kNone;
  ExpiryChange change;
  std::span<const std::string_view> pairs;
};

// A condition: true; another word: false.
Result<bool> TakeCondition(CommandContext& context, size_t index, SetExRequest* request) {
  const bool is_fnx = context.ArgIs(index, "FNX");
  if (!is_fnx && !context.ArgIs(index, "FXX")) return false;
  if (request->condition != SetExRequest::Condition::kNone) {
    return errors::Generic("Only one of FXX or FNX arguments can be specified");
  }
  request->condition = is_fnx ? SetExRequest::Condition::kAllAreNew : SetExRequest::Condition::kAllExist;
  return true;
}

Result<SetExRequest> ParseSetEx(CommandContext& context) {
  SetExRequest request;
  for (size_t i = 2; i < context.argument_count();) {
    if (context.ArgIs(i, "FIELDS")) {
      if (!request.pairs.empty()) return errors::FieldsTwice();
      if (i + 1 >= context.argument_count()) return errors::WrongArity(context.command().name);
      const Result<int64_t> count = context.IntegerArg(i + 1);
      if (!count.ok() || *count < 1) return errors::Generic("invalid number of fields");
      const std::span<const std::string_view> behind = context.arguments().subspan(i + 2);
      if (static_cast<uint64_t>(*count) > behind.size() / 2) return errors::WrongArity(context.command().name);
      request.pairs = behind.first(2 * static_cast<size_t>(*count));
      i += 2 + request.pairs.size();
      continue;
    }
    KVICK_ASSIGN_OR_RETURN(const bool is_condition, TakeCondition(context, i, &request));
    if (is_condition) {
      ++i;
      continue;
    }
    const bool is_keep = context.ArgIs(i, "KEEPTTL");
    if (!is_keep && !IsMomentWord(context, i)) {
      return request.pairs.empty() ? errors::UnknownArgument(context.Arg(i))
                                   : errors::WrongArity(context.command().name);
    }
    if (request.change.kind != ExpiryChange::Kind::kNone) {
      return errors::Generic("Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified");
    }
    if (is_keep) {
      request.change.kind = ExpiryChange::Kind::kKeepTtl;
      ++i;
    } else {
      KVICK_RETURN_IF_ERROR(TakeMoment(context, &i, &request.change).status());
    }
  }
  if (request.pairs.empty()) return errors::Generic("missing FIELDS argument");
  return request;
}

bool IsMet(const CommandContext& context, const SetExRequest& request, const HashValue* hash) {
  if (request.condition == SetExRequest::Condition::kNone) return true;
  const bool must_exist = request.condition == SetExRequest::Condition::kAllExist;
  for (size_t i = 0; i < request.pairs.size(); i += 2) {
    FieldTexts texts;
    if (FindAlive(context, hash, request.pairs[i], texts).has_value() != must_exist) return false;
  }
  return true;
}

void SetPairs(CommandContext& context, const SetExRequest& request, HashValue& hash) {
  const HashLimits limits = HashLimitsOf(context.settings());
  size_t size_max = 0;
  for (const std::string_view word : request.pairs) size_max = std::max(size_max, word.size());
  hash.ExpectMore(request.pairs.size() / 2, size_max, limits);
  for (size_t i = 0; i < request.pairs.size(); i += 2) {
    FieldExpiry expiry{Field::kNoExpiry, context.now_ms()};
    if (request.change.kind == ExpiryChange::Kind::kMoment) {
      expiry.expiry_ms = request.change.moment_ms;
    } else if (request.change.kind == ExpiryChange::Kind::kKeepTtl) {
      FieldTexts texts;
      const std::optional<FieldView> field = FindAlive(context, &hash, request.pairs[i], texts);
      if (field) expiry.expiry_ms = field->expiry_ms;
    }
    hash.Set(request.pairs[i], request.pairs[i + 1], limits, expiry);
  }
  hash.Settle(limits);
}

// As it came, but with a moment instead of a time from now.
void LogSetEx(CommandContext& context, const SetExRequest& request) {
  std::vector<std::string_view> words = {"HSETEX", context.KeyName(0)};
  if (request.condition == SetExRequest::Condition::kAllAreNew) words.push_back("FNX");
  if (request.condition == SetExRequest::Condition::kAllExist) words.push_back("FXX");
  const std::string moment = std::to_string(request.change.moment_ms);
  if (request.change.kind == ExpiryChange::Kind::kMoment) words.insert(words.end(), {"PXAT", moment});
  if (request.change.kind == ExpiryChange::Kind::kKeepTtl) words.push_back("KEEPTTL");
  const std::string count = std::to_string(request.pairs.size() / 2);
  words.insert(words.end(), {"FIELDS", count});
  words.insert(words.end(), request.pairs.begin(), request.pairs.end());
  context.EffectIn(context.key(0).database->index(), words);
}

// Fields set for a moment that has passed go at once.
void ErasePairs(CommandContext& context, const SetExRequest& request, HashValue& hash) {
  std::vector<std::string_view> erased;
  for (size_t i = 0; i < request.pairs.size(); i += 2) {
    if (hash.Erase(request.pairs[i])) erased.push_back(request.pairs[i]);
  }
  LogFields(context, {"HDEL", context.KeyName(0)}, erased);
  NotifyFields(context, "hdel", erased);
  EraseIfEmpty(context, hash);
}

Status HSetEx(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(HashValue * hash, FindHashErasingDue(context));
  KVICK_ASSIGN_OR_RETURN(const SetExRequest request, ParseSetEx(context));
  if (!IsMet(context, request, hash)) {
    context.Reply().Integer(0);
    return Status::Ok();
  }
  if (hash == nullptr) hash = context.PutValue(0, std::make_unique<HashValue>());
  const int64_t was_due_ms = hash->next_due_ms();
  SetPairs(context, request, *hash);
  context.Modified(0);
  context.Changed(request.pairs.size() / 2);
  NotifyFields(context, "hset", request.pairs, 2);
  context.Reply().Integer(1);
  const bool has_moment = request.change.kind == ExpiryChange::Kind::kMoment;
  if (has_moment && IsDue(context, request.change.moment_ms)) {
    ErasePairs(context, request, *hash);
    return Status::Ok();
  }
  LogSetEx(context, request);
  if (has_moment) {
    IndexFieldExpiries(context, *hash, was_due_ms);
    NotifyFields(context, "hexpire", request.pairs, 2);
  }
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "HGETDEL",
        .syntax = "key <FIELDS numfields field [field ...]>",
        .argument_notes = "fields.numfields(integer)",
        .summary = "Returns the values of fields of a hash and deletes the fields.",
        .since = "8.0.0",
        .group = "hash",
        .complexity = "O(N) where N is the number of specified fields",
        .flags = kWrite | kFast,
        .categories = kAclHash,
        .keys = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyDelete)},
        .handler = HGetDel,
    },
    {
        .name = "HGETEX",
        .syntax = "key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST] "
                  "<FIELDS numfields field [field ...]>",
        .argument_notes = "seconds=expiration fields.numfields(integer)",
        .summary = "Returns the values of fields of a hash and sets or removes their time to live.",
        .since = "8.0.0",
        .group = "hash",
        .complexity = "O(N) where N is the number of specified fields",
        .flags = kWrite | kFast,
        .categories = kAclHash,
        .keys = {OneKey(1, kKeyReadWrite | kKeyAccess | kKeyUpdate)},
        .handler = HGetEx,
    },
    {
        .name = "HSETEX",
        .syntax = "key [FNX | FXX] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT "
                  "unix-time-milliseconds | KEEPTTL] <FIELDS numfields field value [field value ...]>",
        .argument_notes = "fnx=condition seconds=expiration fields.numfields(integer)",
        .summary = "Sets the values of fields of a hash and their time to live.",
        .since = "8.0.0",
        .group = "hash",
        .complexity = "O(N) where N is the number of fields being set.",
        .flags = kWrite | kDenyOom | kFast,
        .categories = kAclHash,
        .keys = {OneKey(1, kKeyReadWrite | kKeyUpdate)},
        .handler = HSetEx,
    },
};

}  // namespace

std::span<const CommandSpec> HashGetExCommands() { return kCommands; }

}  // namespace kvick
