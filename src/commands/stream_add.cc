// Streams: adding entries, and what is known of those that were added (XSETID).
#include <memory>
#include <string>
#include <vector>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/bytes.h"
#include "commands/families.h"
#include "commands/stream_access.h"
#include "commands/stream_trim_arguments.h"
#include "commands/value_digest.h"

namespace kvick {
namespace {

// A node holds the fields of an entry twice at most, and some bytes beside each.
constexpr size_t kEntryBytesMax = size_t{1} << 29;

struct AddRequest {
  enum class IdForm { kAuto, kAutoSeq, kGiven };

  bool makes_stream = true;
  StreamTrimOptions trim;
  IdForm id_form = IdForm::kAuto;
  StreamId id;
  // Of an entry that is to be added once.
  bool is_idempotent = false;
  std::string_view producer;
  std::string name;
  size_t fields_begin = 0;

  std::span<const std::string_view> Fields(CommandContext& context) const {
    return context.arguments().subspan(fields_begin);
  }
};

// The same for the same fields and values, on this server and on any other.
std::string NameOfContent(std::span<const std::string_view> fields_and_values) {
  std::string content;
  for (const std::string_view text : fields_and_values) {
    content += std::to_string(text.size());
    content += ':';
    content += text;
  }
  const XXH128_hash_t hash = XXH3_128bits(content.data(), content.size());
  return FormatDigest(hash.high64) + FormatDigest(hash.low64);
}

Status ParseProducer(CommandContext& context, size_t* index, AddRequest* request) {
  if (request->is_idempotent) return errors::Generic("IDMP/IDMPAUTO specified multiple times");
  request->is_idempotent = true;
  const bool names_it = context.ArgIs(*index, "IDMP");
  const size_t word_count = names_it ? 2 : 1;
  if (*index + word_count >= context.argument_count()) return errors::Syntax();
  request->producer = context.Arg(*index + 1);
  if (request->producer.empty()) {
    return errors::Generic(names_it ? "IDMP requires a non-empty producer ID"
                                    : "IDMPAUTO requires a non-empty producer ID");
  }
  if (names_it) {
    request->name = context.Arg(*index + 2);
    if (request->name.empty()) return errors::Generic("IDMP requires a non-empty idempotent ID");
  }
  *index += word_count;
  return Status::Ok();
}

Status ParseNewId(std::string_view text, AddRequest* request) {
  const std::string_view half = UpToZeroByte(text);
  if (text.size() < 128 && half.ends_with("-*")) {
    const std::optional<uint64_t> ms = ParseStreamNumber(half.substr(0, half.size() - 2));
    if (!ms || half.find('-') != half.size() - 2) return errors::InvalidStreamId();
    request->id_form = AddRequest::IdForm::kAutoSeq;
    request->id.ms = *ms;
    return Status::Ok();
  }
  request->id_form = AddRequest::IdForm::kGiven;
  KVICK_ASSIGN_OR_RETURN(request->id, ParseExactStreamId(text));
  return Status::Ok();
}

Result<AddRequest> ParseAdd(CommandContext& context) {
  AddRequest request;
  size_t at = 2;
  for (; at < context.argument_count(); ++at) {
    if (context.Arg(at) == "*") break;
    KVICK_ASSIGN_OR_RETURN(const bool is_trim_option, ParseTrimOption(context, &at, &request.trim));
    if (is_trim_option) continue;
    if (context.ArgIs(at, "NOMKSTREAM")) {
      request.makes_stream = false;
    } else if (context.ArgIs(at, "IDMP") || context.ArgIs(at, "IDMPAUTO")) {
      KVICK_RETURN_IF_ERROR(ParseProducer(context, &at, &request));
    } else {
      KVICK_RETURN_IF_ERROR(ParseNewId(context.Arg(at), &request));
      break;
    }
  }
  KVICK_RETURN_IF_ERROR(FinishTrimOptions(context, &request.trim));
  request.fields_begin = at + 1;
  if (context.argument_count() < request.fields_begin + 2 ||
      (context.argument_count() - request.fields_begin) % 2 != 0) {
    return errors::WrongArity("xadd");
  }
  if (request.id_form == AddRequest::IdForm::kGiven && request.id.is_zero()) {
    return errors::Generic("The ID specified in XADD must be greater than 0-0");
  }
  if (request.is_idempotent) {
    if (request.id_form != AddRequest::IdForm::kAuto) {
      return errors::Generic("IDMP/IDMPAUTO can be used only with auto-generated IDs");
    }
    if (request.name.empty()) request.name = NameOfContent(request.Fields(context));
  }
  return request;
}

// The id of the new entry; `last` is that of the latest one.
Result<StreamId> ChooseId(CommandContext& context, const AddRequest& request, const StreamValue* stream) {
  const StreamId last = stream == nullptr ? StreamId::Min() : stream->last_id();
  if (last == StreamId::Max()) {
    return errors::Generic("The stream has exhausted the last possible ID, unable to add more items");
  }
  const auto too_small = [] {
    return errors::Generic("The ID specified in XADD is equal or smaller than the target stream top item");
  };
  switch (request.id_form) {
    case AddRequest::IdForm::kAuto: {
      const StreamId now{static_cast<uint64_t>(context.now_ms()), 0};
      return now > last ? now : *last.Next();
    }
    case AddRequest::IdForm::kAutoSeq: {
      if (request.id.ms < last.ms || (request.id.ms == last.ms && last.seq == UINT64_MAX)) return too_small();
      return StreamId{request.id.ms, request.id.ms == last.ms ? last.seq + 1 : 0};
    }
    case AddRequest::IdForm::kGiven: break;
  }
  if (request.id <= last) return too_small();
  return request.id;
}

void LogAdd(CommandContext& context, const AddRequest& request, const StreamId& id, const StreamTrimmed& trimmed,
            size_t count_before_trim) {
  if (!context.engine().log().is_active()) return context.NoEffect();
  const StreamIdText id_text(id);
  std::vector<std::string_view> words{"XADD", context.KeyName(0)};
  TrimWords trim_words;
  if (request.trim.trims()) {
    trim_words = ExactTrim(request.trim, trimmed, count_before_trim);
    if (request.trim.policy) words.push_back(RefPolicyName(*request.trim.policy));
    words.insert(words.end(), {trim_words.strategy, "=", trim_words.threshold});
  }
  words.push_back(id_text);
  const auto fields = request.Fields(context);
  words.insert(words.end(), fields.begin(), fields.end());
  context.EffectIn(context.session().database_index, words);
  if (request.is_idempotent) {
    context.Effect({"XIDMPRECORD", context.KeyName(0), request.producer, request.name, id_text});
  }
}

Status XAdd(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const AddRequest request, ParseAdd(context));
  KVICK_ASSIGN_OR_RETURN(auto* stream, context.FindValueForWrite<StreamValue>(0));
  if (stream == nullptr && !request.makes_stream) {
    context.Reply().Null();
    return Status::Ok();
  }
  if (stream != nullptr && request.is_idempotent) {
    StreamIdempotence& known = stream->idempotence(StreamIdempotenceLimitsOf(context.settings()));
    if (const std::optional<StreamId> id = known.Find(request.producer, request.name, context.wall_ms())) {
      known.CountDuplicate();
      context.Changed();
      context.Effect({"XIDMPRECORD", context.KeyName(0), request.producer, request.name, StreamIdText(*id)});
      ReplyStreamId(context.Reply(), *id);
      return Status::Ok();
    }
  }
  KVICK_ASSIGN_OR_RETURN(const StreamId id, ChooseId(context, request, stream));
  const auto fields = request.Fields(context);
  size_t text_bytes = 0;
  for (const std::string_view text : fields) text_bytes += text.size() + 16;
  if (text_bytes > kEntryBytesMax) return errors::Generic("Elements are too large to be stored");

  if (stream == nullptr) {
    stream = context.PutValue(0, std::make_unique<StreamValue>());
  } else {
    context.Modified(0);
  }
  stream->Append(id, fields, StreamLimitsOf(context.settings()));
  context.Notify(KeyEventClass::kStream, "xadd", 0);
  if (request.is_idempotent) {
    stream->idempotence(StreamIdempotenceLimitsOf(context.settings()))
        .Record(request.producer, request.name, id, context.wall_ms());
  }
  const size_t count_before_trim = stream->count();
  StreamTrimmed trimmed;
  if (request.trim.trims()) trimmed = TrimStream(context, *stream, request.trim);
  context.Changed(1 + trimmed.removed_count);
  LogAdd(context, request, id, trimmed, count_before_trim);
  ReplyStreamId(context.Reply(), id);
  return Status::Ok();
}

struct MetaRequest {
  StreamId last_id;
  std::optional<uint64_t> added_count;
  std::optional<StreamId> max_deleted_id;
};

Result<MetaRequest> ParseMeta(CommandContext& context) {
  MetaRequest request;
  KVICK_ASSIGN_OR_RETURN(request.last_id, ParseExactStreamId(context.Arg(2)));
  for (size_t i = 3; i < context.argument_count(); i += 2) {
    if (i + 1 == context.argument_count()) return errors::Syntax();
    if (context.ArgIs(i, "ENTRIESADDED")) {
      KVICK_ASSIGN_OR_RETURN(const int64_t added_count, context.IntegerArg(i + 1));
      if (added_count < 0) return errors::Generic("entries_added must be positive");
      request.added_count = static_cast<uint64_t>(added_count);
    } else if (context.ArgIs(i, "MAXDELETEDID")) {
      KVICK_ASSIGN_OR_RETURN(request.max_deleted_id, ParseExactStreamId(context.Arg(i + 1)));
      if (request.last_id < *request.max_deleted_id) {
        return errors::Generic("The ID specified in XSETID is smaller than the provided max_deleted_entry_id");
      }
    } else {
      return errors::Syntax();
    }
  }
  return request;
}

Status XSetId(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const MetaRequest request, ParseMeta(context));
  KVICK_ASSIGN_OR_RETURN(auto* stream, context.FindValueForWrite<StreamValue>(0));
  if (stream == nullptr) return errors::NoSuchKey();
  if (stream->count() > 0) {
    if (request.last_id < *stream->entries().LastId()) {
      return errors::Generic("The ID specified in XSETID is smaller than the target stream top item");
    }
    if (request.added_count && *request.added_count < stream->count()) {
      return errors::Generic("The entries_added specified in XSETID is smaller than the target stream length");
    }
  }
  if (request.last_id < stream->max_deleted_id()) {
    return errors::Generic("The ID specified in XSETID is smaller than current max_deleted_entry_id");
  }
  // An id of 0-0 given for the deleted ones leaves what is known.
  const bool sets_deleted = request.max_deleted_id && !request.max_deleted_id->is_zero();
  stream->SetMeta(request.last_id, request.added_count, sets_deleted ? request.max_deleted_id : std::nullopt);
  context.Changed();
  context.Notify(KeyEventClass::kStream, "xsetid", 0);
  context.Reply().Ok();
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "XADD",
        .syntax = "key [NOMKSTREAM] [KEEPREF | DELREF | ACKED] [IDMPAUTO producer-id | IDMP producer-id idempotent-id] "
                  "[<MAXLEN | MINID> [= | ~] threshold [LIMIT count]] <* | id> field value [field value ...]",
        .argument_notes =
            "nomkstream@6.2.0 keepref=condition producer-id=idmp@8.6.0 idmp.producer-id=pid idmp.idmp.producer-id=pid "
            "idmp.idmp.idempotent-id=iid maxlen=trim trim.maxlen=strategy trim.strategy.minid@6.2.0 trim.==operator "
            "trim.operator.==equal trim.operator.~=approximately trim.count@6.2.0 *=id-selector id-selector.*=auto-id",
        .summary = "Appends a new entry to a stream. Creates the key if it does not exist.",
        .since = "5.0.0",
        .group = "stream",
        .complexity = "O(1) when adding a new entry, O(N) when trimming where N being the number of entries evicted.",
        .flags = kWrite | kDenyOom | kFast,
        .categories = kAclStream,
        .keys = {OneKey(1, kKeyReadWrite | kKeyUpdate)},
        .tips = {"nondeterministic_output"},
        .handler = XAdd,
    },
    {
        .name = "XSETID",
        .syntax = "key last-id [ENTRIESADDED entries-added] [MAXDELETEDID max-deleted-id]",
        .argument_notes = "entries-added(integer)@7.0.0 max-deleted-id@7.0.0",
        .summary = "Sets the last id that a stream remembers, and what it knows of the entries it had.",
        .since = "5.0.0",
        .group = "stream",
        .complexity = "O(1)",
        .flags = kWrite | kDenyOom | kFast,
        .categories = kAclStream,
        .keys = {OneKey(1, kKeyReadWrite | kKeyUpdate)},
        .handler = XSetId,
    },
};

}  // namespace

std::span<const CommandSpec> StreamAddCommands() { return kCommands; }

}  // namespace kvick
