#include "support/concurrency_commands.h"

#include <optional>
#include <thread>

#include "base/numbers.h"
#include "engine/command_context.h"
#include "resp/reply_decoder.h"

namespace kvick::test {
namespace {

std::optional<std::string> TextAt(CommandContext& context, size_t ordinal) {
  const KeyTable::Slot slot = context.Find(ordinal);
  if (slot.entry == nullptr) return std::nullopt;
  char buffer[kInt64TextMax];
  return std::string(slot.entry->string().Text(buffer));
}

int64_t NumberAt(CommandContext& context, size_t ordinal) {
  const std::optional<std::string> text = TextAt(context, ordinal);
  return text ? ParseInt64(*text).value_or(0) : 0;
}

void PutAt(CommandContext& context, size_t ordinal, std::string_view value) {
  context.PutString(ordinal, context.Find(ordinal), {value});
}

Status Put(CommandContext& context) {
  PutAt(context, 0, context.Arg(2));
  context.Changed();
  context.Reply().Ok();
  return Status::Ok();
}

Status PutEx(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const int64_t lifetime_ms, context.IntegerArg(2));
  const int64_t expiry_ms = context.now_ms() + lifetime_ms;
  context.PutString(0, context.Find(0), {context.Arg(3)}, {.expiry_ms = expiry_ms});
  context.Changed();
  context.Effect({"PUTAT", context.Arg(1), std::to_string(expiry_ms), context.Arg(3)});
  context.Reply().Ok();
  return Status::Ok();
}

// What PUTEX leaves in the log.
Status PutAtTime(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const int64_t expiry_ms, context.IntegerArg(2));
  context.PutString(0, context.Find(0), {context.Arg(3)}, {.expiry_ms = expiry_ms});
  context.Changed();
  context.Reply().Ok();
  return Status::Ok();
}

Status Read(CommandContext& context) {
  context.Reply().Array(context.key_count());
  for (size_t i = 0; i < context.key_count(); ++i) context.Reply().BulkOrNull(TextAt(context, i));
  return Status::Ok();
}

Status PutAll(CommandContext& context) {
  for (size_t i = 0; i < context.key_count(); ++i) PutAt(context, i, context.Arg(1));
  context.Changed(context.key_count());
  context.Reply().Ok();
  return Status::Ok();
}

Status Add(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const int64_t amount, context.IntegerArg(2));
  const int64_t sum = NumberAt(context, 0) + amount;
  PutAt(context, 0, std::to_string(sum));
  context.Changed();
  context.Reply().Integer(sum);
  return Status::Ok();
}

Status Grind(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const int64_t amount, context.IntegerArg(2));
  const int64_t sum = NumberAt(context, 0) + amount;
  std::this_thread::yield();
  PutAt(context, 0, std::to_string(sum));
  context.Changed();
  context.Reply().Integer(sum);
  return Status::Ok();
}

Status Transfer(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const int64_t amount, context.IntegerArg(3));
  PutAt(context, 0, std::to_string(NumberAt(context, 0) - amount));
  PutAt(context, 1, std::to_string(NumberAt(context, 1) + amount));
  context.Changed(2);
  context.Reply().Ok();
  return Status::Ok();
}

Status Copy(CommandContext& context) {
  const std::optional<std::string> value = TextAt(context, 0);
  const KeyTable::Slot target = context.Find(1);
  if (value) {
    context.PutString(1, target, {*value});
  } else if (target.entry != nullptr) {
    context.Erase(1, target);
  }
  context.Changed();
  context.Reply().Ok();
  return Status::Ok();
}

Status Remove(CommandContext& context) {
  const KeyTable::Slot slot = context.Find(0);
  if (slot.entry != nullptr) {
    context.Erase(0, slot);
    context.Changed();
  }
  context.Reply().Integer(slot.entry != nullptr ? 1 : 0);
  return Status::Ok();
}

Status Total(CommandContext& context) {
  int64_t total = 0;
  for (const auto& [place, held] : ContentsOf(context.engine())) total += ParseInt64(held.first).value_or(0);
  context.Reply().Integer(total);
  return Status::Ok();
}

Status Empty(CommandContext& context) {
  for (int i = 0; i < context.engine().database_count(); ++i) context.engine().database(i).TakeContents();
  context.Changed();
  context.Reply().Ok();
  return Status::Ok();
}

Status Exchange(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const int64_t a, context.IntegerArg(1));
  KVICK_ASSIGN_OR_RETURN(const int64_t b, context.IntegerArg(2));
  if (a != b) {
    context.engine().database(static_cast<int>(a)).SwapContents(context.engine().database(static_cast<int>(b)));
  }
  context.Changed();
  context.Reply().Ok();
  return Status::Ok();
}

Status Choose(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const int64_t index, context.IntegerArg(1));
  context.session().database_index = static_cast<int>(index);
  context.Reply().Ok();
  return Status::Ok();
}

constexpr unsigned kReads = kKeyReadOnly | kKeyAccess;
constexpr unsigned kChanges = kKeyReadWrite | kKeyAccess | kKeyUpdate;

constexpr CommandSpec kCommands[] = {
    {.name = "PUT", .syntax = "key value", .flags = kWrite, .keys = {OneKey(1, kChanges)}, .handler = Put},
    {.name = "PUTEX", .syntax = "key ms value", .flags = kWrite, .keys = {OneKey(1, kChanges)}, .handler = PutEx},
    {.name = "PUTAT", .syntax = "key ms value", .flags = kWrite, .keys = {OneKey(1, kChanges)}, .handler = PutAtTime},
    {.name = "READ",
     .syntax = "key [key ...]",
     .flags = kReadonly,
     .keys = {KeyRange(1, -1, 1, kReads)},
     .handler = Read},
    {.name = "PUTALL",
     .syntax = "value key [key ...]",
     .flags = kWrite,
     .keys = {KeyRange(2, -1, 1, kChanges)},
     .handler = PutAll},
    {.name = "ADD", .syntax = "key amount", .flags = kWrite, .keys = {OneKey(1, kChanges)}, .handler = Add},
    {.name = "GRIND", .syntax = "key amount", .flags = kWrite, .keys = {OneKey(1, kChanges)}, .handler = Grind},
    {.name = "TRANSFER",
     .syntax = "from to amount",
     .flags = kWrite,
     .keys = {KeyRange(1, 1, 1, kChanges)},
     .handler = Transfer},
    {.name = "COPY",
     .syntax = "from to",
     .flags = kWrite,
     .keys = {OneKey(1, kReads), OneKey(2, kChanges)},
     .handler = Copy},
    // What the log records of a key that expired.
    {.name = "DEL", .syntax = "key", .flags = kWrite, .keys = {OneKey(1, kChanges)}, .handler = Remove},
    {.name = "TOTAL", .flags = kExclusive, .handler = Total},
    {.name = "EMPTY", .flags = kExclusive | kWrite, .handler = Empty},
    {.name = "EXCHANGE", .syntax = "a b", .flags = kExclusive | kWrite, .handler = Exchange},
    {.name = "CHOOSE", .syntax = "index", .flags = kSelectsDatabase, .handler = Choose},
};

}  // namespace

void AddConcurrencyCommands(Engine& engine) { engine.commands().Add(kCommands); }

Value Call(LocalClient& client, const std::vector<std::string>& arguments) {
  const std::vector<std::string_view> views(arguments.begin(), arguments.end());
  ReplyDecoder decoder;
  decoder.Feed(client.Execute(views));
  Result<std::optional<Value>> reply = decoder.Next();
  KVICK_ASSERT(reply.ok() && decoder.pending_size_bytes() == 0);
  return reply->value_or(Value::Null());
}

KVICK_NO_THREAD_SAFETY_ANALYSIS Contents ContentsOf(Engine& engine) {
  struct Context {
    Contents contents;
    int database_index = 0;
  } context;
  for (; context.database_index < engine.database_count(); ++context.database_index) {
    Database& database = engine.database(context.database_index);
    for (size_t i = 0; i < Stripe::kCount; ++i) {
      database.StripeAt(i).table.ForEach(&context, [](void* raw, Entry* entry) {
        auto* to = static_cast<Context*>(raw);
        char buffer[kInt64TextMax];
        to->contents[{to->database_index, std::string(entry->key())}] = {std::string(entry->string().Text(buffer)),
                                                                         entry->expiry_ms()};
      });
    }
  }
  return std::move(context.contents);
}

std::vector<std::string> KeysAnywhere(const std::string& prefix, size_t count) {
  std::vector<std::string> keys;
  for (size_t i = 0; i < count; ++i) keys.push_back(prefix + std::to_string(i));
  return keys;
}

std::vector<std::string> KeysOnOneStripe(const std::string& prefix, size_t count) {
  std::vector<std::string> keys;
  const size_t stripe_index = KeyRef::Make(prefix).stripe_index();
  for (size_t i = 0; keys.size() < count; ++i) {
    std::string key = prefix + std::to_string(i);
    if (KeyRef::Make(key).stripe_index() == stripe_index) keys.push_back(std::move(key));
  }
  return keys;
}

}  // namespace kvick::test
