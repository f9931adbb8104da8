// Points in sorted sets: adding and reading them. Searches have a file of their own.
#include <memory>
#include <string>
#include <vector>

#include "base/numbers.h"
#include "commands/families.h"
#include "commands/geo_access.h"
#include "commands/sorted_set_access.h"

namespace kvick {
namespace {

struct AddOptions {
  bool only_new = false;        // NX
  bool only_existing = false;   // XX
  bool counts_changed = false;  // CH
};

struct NewPoint {
  std::string_view member;
  double score;
};

// Those who read the log need not know of cells.
void LogAsZAdd(CommandContext& context, const AddOptions& options, const std::vector<NewPoint>& points) {
  context.NoEffect();
  if (!context.engine().log().is_active()) return;
  std::vector<std::string> scores;
  scores.reserve(points.size());
  std::vector<std::string_view> words = {"ZADD", context.KeyName(0)};
  if (options.only_new) words.emplace_back("NX");
  if (options.only_existing) words.emplace_back("XX");
  if (options.counts_changed) words.emplace_back("CH");
  for (const NewPoint& point : points) {
    scores.push_back(FormatDouble(point.score));
    words.push_back(scores.back());
    words.push_back(point.member);
  }
  context.EffectIn(context.session().database_index, words);
}

Status GeoAdd(CommandContext& context) {
  AddOptions options;
  size_t first = 2;
  for (; first < context.argument_count(); ++first) {
    if (context.ArgIs(first, "NX")) {
      options.only_new = true;
    } else if (context.ArgIs(first, "XX")) {
      options.only_existing = true;
    } else if (context.ArgIs(first, "CH")) {
      options.counts_changed = true;
    } else {
      break;
    }
  }
  constexpr size_t kWordsOfPoint = 3;
  const size_t word_count = context.argument_count() - first;
  if (word_count % kWordsOfPoint != 0 || (options.only_new && options.only_existing)) return errors::Syntax();
  if (word_count == 0) return errors::Syntax();
  std::vector<NewPoint> points;
  points.reserve(word_count / kWordsOfPoint);
  for (size_t i = first; i < context.argument_count(); i += kWordsOfPoint) {
    KVICK_ASSIGN_OR_RETURN(const GeoPoint point, GeoPointArg(context, i));
    points.push_back({context.Arg(i + 2), static_cast<double>(GeoCell::Of(point).bits)});
  }

  KVICK_ASSIGN_OR_RETURN(SortedSetValue * set, context.FindValueForWrite<SortedSetValue>(0));
  const SortedSetLimits limits = SortedSetLimitsOf(context.settings());
  if (set == nullptr && !options.only_existing) {
    set = context.PutValue(0, std::make_unique<SortedSetValue>(limits, points[0].member.size()));
  }
  uint64_t added_count = 0;
  uint64_t updated_count = 0;
  for (const NewPoint& point : points) {
    if (set == nullptr) break;
    const SortedSetValue::Place place = set->Locate(point.member);
    if (!place.found && !options.only_existing) {
      set->Add(place, point.member, point.score, limits);
      ++added_count;
    } else if (place.found && !options.only_new && place.score != point.score) {
      set->SetScore(place, point.member, point.score);
      ++updated_count;
    }
  }
  if (added_count + updated_count > 0) {
    context.Modified(0);
    context.Changed(added_count + updated_count);
    context.Notify(KeyEventClass::kSortedSet, "zadd", 0);
    LogAsZAdd(context, options, points);
  }
  context.Reply().Integer(static_cast<int64_t>(options.counts_changed ? added_count + updated_count : added_count));
  return Status::Ok();
}

Status GeoDist(CommandContext& context) {
  if (context.argument_count() > 5) return errors::Syntax();
  double unit_m = 1;
  if (context.argument_count() == 5) {
    KVICK_ASSIGN_OR_RETURN(unit_m, GeoUnitArg(context, 4));
  }
  KVICK_ASSIGN_OR_RETURN(const SortedSetValue* set, context.FindValue<SortedSetValue>(0));
  const std::optional<GeoPoint> from = FindPoint(set, context.Arg(2));
  const std::optional<GeoPoint> to = FindPoint(set, context.Arg(3));
  if (from && to) {
    ReplyDistance(context.Reply(), GeoDistance(*from, *to) / unit_m);
  } else {
    context.Reply().Null();
  }
  return Status::Ok();
}

Status GeoHash(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const SortedSetValue* set, context.FindValue<SortedSetValue>(0));
  const std::span<const std::string_view> members = context.arguments().subspan(2);
  context.Reply().Array(members.size());
  for (const std::string_view member : members) {
    const std::optional<GeoPoint> point = FindPoint(set, member);
    point ? context.Reply().Bulk(GeohashText(*point)) : context.Reply().Null();
  }
  return Status::Ok();
}

Status GeoPos(CommandContext& context) {
  KVICK_ASSIGN_OR_RETURN(const SortedSetValue* set, context.FindValue<SortedSetValue>(0));
  const std::span<const std::string_view> members = context.arguments().subspan(2);
  context.Reply().Array(members.size());
  for (const std::string_view member : members) {
    const std::optional<GeoPoint> point = FindPoint(set, member);
    point ? ReplyPoint(context.Reply(), *point) : context.Reply().NullArray();
  }
  return Status::Ok();
}

constexpr CommandSpec kCommands[] = {
    {
        .name = "GEOADD",
        .syntax = "key [NX | XX] [CH] longitude latitude member [longitude latitude member ...]",
        .argument_notes = "nx=condition@6.2.0 ch=change@6.2.0 data.longitude(double) data.latitude(double)",
        .summary = "Adds points to a sorted set, or moves them. The key is created if it doesn't exist.",
        .since = "3.2.0",
        .group = "geo",
        .complexity = "O(log(N)) for each item added, where N is the number of elements in the sorted set.",
        .flags = kWrite | kDenyOom,
        .categories = kAclGeo,
        .keys = {OneKey(1, kKeyReadWrite | kKeyUpdate)},
        .handler = GeoAdd,
    },
    {
        .name = "GEODIST",
        .syntax = "key member1 member2 [M | KM | FT | MI]",
        .argument_notes = "m=unit",
        .summary = "Returns the distance between two points.",
        .since = "3.2.0",
        .group = "geo",
        .complexity = "O(1)",
        .flags = kReadonly,
        .categories = kAclGeo,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .handler = GeoDist,
    },
    {
        .name = "GEOHASH",
        .syntax = "key [member [member ...]]",
        .summary = "Returns points as geohash texts.",
        .since = "3.2.0",
        .group = "geo",
        .complexity = "O(1) for each member requested.",
        .flags = kReadonly,
        .categories = kAclGeo,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .handler = GeoHash,
    },
    {
        .name = "GEOPOS",
        .syntax = "key [member [member ...]]",
        .summary = "Returns the longitude and latitude of points.",
        .since = "3.2.0",
        .group = "geo",
        .complexity = "O(1) for each member requested.",
        .flags = kReadonly,
        .categories = kAclGeo,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .handler = GeoPos,
    },
};

}  // namespace

std::span<const CommandSpec> GeoCommands() { return kCommands; }

}  // namespace kvick
