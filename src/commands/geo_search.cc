// Searches for points: GEOSEARCH and GEOSEARCHSTORE, and GEORADIUS with its relatives, which are their older spelling.
#include <algorithm>
#include <deque>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/numbers.h"
#include "commands/families.h"
#include "commands/geo_access.h"
#include "commands/sorted_set_access.h"
#include "types/geo_shape.h"

namespace kvick {
namespace {

// Which grammar a command has, and where its keys are.
struct SearchStyle {
  enum class Center : uint8_t { kCoordinates, kMember, kOption };

  Center center = Center::kOption;
  size_t source = 0;           // ordinal of the key that is searched
  bool stores_always = false;  // GEOSEARCHSTORE: its first key is the destination
  bool may_store = false;      // by STORE or STOREDIST
  size_t options_index = 2;    // where the options begin
  std::string_view event;      // of the stored result

  bool is_geosearch() const { return center == Center::kOption; }
};

enum class Sorting : uint8_t { kNone, kAscending, kDescending };

struct Search {
  std::optional<GeoPoint> center;
  // A member of a key that is missing has no position, and needs none.
  bool has_center = false;
  std::optional<GeoShape> shape;
  bool has_area = false;
  bool is_polygon = false;
  double unit_m = 1;
  bool with_distance = false;
  bool with_cell = false;
  bool with_point = false;
  Sorting sorting = Sorting::kNone;
  size_t count = 0;  // 0: all
  bool any = false;
  bool stores = false;
  bool stores_distances = false;

  bool has_details() const { return with_distance || with_cell || with_point; }
};

// "200 km"; the shape is made when the center is known.
struct Area {
  double width = 0;  // or the radius
  double height = 0;
  bool is_rectangle = false;
};

Result<double> SizeArg(const CommandContext& context, size_t index, std::string_view what) {
  const std::optional<double> size = ParseDouble(context.Arg(index));
  if (!size) return errors::Generic("need numeric " + std::string(what));
  return *size;
}

// Reads the arguments of one search, from left to right: the first one that is wrong decides about the error.
class SearchParser {
 public:
  SearchParser(CommandContext& context, const SearchStyle& style, const SortedSetValue* set)
      : context_(context), style_(style), set_(set), stores_always_(style.stores_always) {}

  Result<Search> Parse() {
    KVICK_RETURN_IF_ERROR(ParseLeading());
    for (size_t i = style_.options_index; i < context_.argument_count();) {
      KVICK_ASSIGN_OR_RETURN(const size_t taken, ParseOption(i));
      i += taken;
    }
    KVICK_RETURN_IF_ERROR(CheckTogether());
    if (search_.count != 0 && search_.sorting == Sorting::kNone && !search_.any) search_.sorting = Sorting::kAscending;
    if (search_.center && !search_.is_polygon) {
      const double width_m = area_.width * search_.unit_m;
      search_.shape = area_.is_rectangle ? GeoShape::Rectangle(*search_.center, width_m, area_.height * search_.unit_m)
                                         : GeoShape::Circle(*search_.center, width_m);
    }
    return search_;
  }

 private:
  // What stands before the options in GEORADIUS and GEORADIUSBYMEMBER.
  Status ParseLeading() {
    if (style_.is_geosearch()) return Status::Ok();
    const size_t radius_index = style_.options_index - 2;
    if (style_.center == SearchStyle::Center::kCoordinates) {
      KVICK_RETURN_IF_ERROR(ParseCoordinates(2));
    } else {
      // Of a missing key nothing more is asked.
      if (set_ == nullptr) return Status::Ok();
      KVICK_RETURN_IF_ERROR(ParseMember(2));
    }
    return ParseRadius(radius_index);
  }

  Status ParseCoordinates(size_t index) {
    KVICK_ASSIGN_OR_RETURN(search_.center, GeoPointArg(context_, index));
    search_.has_center = true;
    return Status::Ok();
  }

  Status ParseMember(size_t index) {
    search_.has_center = true;
    if (set_ == nullptr) return Status::Ok();
    search_.center = FindPoint(set_, context_.Arg(index));
    if (!search_.center) return errors::Generic("could not decode requested zset member");
    return Status::Ok();
  }

  Status ParseRadius(size_t index) {
    KVICK_ASSIGN_OR_RETURN(area_.width, SizeArg(context_, index, "radius"));
    if (area_.width < 0) return errors::Generic("radius cannot be negative");
    KVICK_ASSIGN_OR_RETURN(search_.unit_m, GeoUnitArg(context_, index + 1));
    search_.has_area = true;
    return Status::Ok();
  }

  Status ParseRectangle(size_t index) {
    KVICK_ASSIGN_OR_RETURN(area_.width, SizeArg(context_, index, "width"));
    KVICK_ASSIGN_OR_RETURN(area_.height, SizeArg(context_, index + 1, "height"));
    if (area_.width < 0 || area_.height < 0) return errors::Generic("height or width cannot be negative");
    KVICK_ASSIGN_OR_RETURN(search_.unit_m, GeoUnitArg(context_, index + 2));
    area_.is_rectangle = true;
    search_.has_area = true;
    return Status::Ok();
  }

  // "num-vertices longitude latitude ..." from `index` on. Returns how many arguments it took.
  Result<size_t> ParsePolygon(size_t index) {
    constexpr int64_t kVerticesMin = 3;
    KVICK_ASSIGN_OR_RETURN(const int64_t count, context_.IntegerArg(index));
    if (count < kVerticesMin) return errors::Generic("GEOSEARCH BYPOLYGON must have at least 3 vertices");
    if (static_cast<uint64_t>(count) > (context_.argument_count() - index - 1) / 2) return errors::Syntax();
    std::vector<GeoPoint> vertices;
    vertices.reserve(static_cast<size_t>(count));
    for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
      KVICK_ASSIGN_OR_RETURN(const GeoPoint vertex, GeoPointArg(context_, index + 1 + 2 * i));
      vertices.push_back(vertex);
    }
    search_.shape = GeoShape::Polygon(std::move(vertices));
    search_.is_polygon = true;
    search_.has_center = true;
    search_.has_area = true;
    return 1 + 2 * static_cast<size_t>(count);
  }

  Status ParseCount(size_t index) {
    KVICK_ASSIGN_OR_RETURN(const int64_t count, context_.IntegerArg(index));
    if (count <= 0) return errors::Generic("COUNT must be > 0");
    search_.count = static_cast<size_t>(count);
    return Status::Ok();
  }

  // Returns how many arguments the option takes.
  Result<size_t> ParseOption(size_t i) {
    const size_t left = context_.argument_count() - i - 1;
    const auto is = [this, i](std::string_view word) { return context_.ArgIs(i, word); };
    if (is("WITHDIST")) return Switch(&search_.with_distance);
    if (is("WITHHASH")) return Switch(&search_.with_cell);
    if (is("WITHCOORD")) return Switch(&search_.with_point);
    if (is("ANY")) return Switch(&search_.any);
    if (is("ASC") || is("DESC")) {
      search_.sorting = is("ASC") ? Sorting::kAscending : Sorting::kDescending;
      return size_t{1};
    }
    if (is("COUNT") && left >= 1) return Taken(ParseCount(i + 1), 2);
    if (style_.is_geosearch()) return ParseGeoSearchOption(i, left);
    if (style_.may_store && left >= 1 && (is("STORE") || is("STOREDIST"))) {
      search_.stores = true;
      search_.stores_distances = is("STOREDIST");
      return size_t{2};
    }
    return errors::Syntax();
  }

  Result<size_t> ParseGeoSearchOption(size_t i, size_t left) {
    const auto is = [this, i](std::string_view word) { return context_.ArgIs(i, word); };
    if (is("STOREDIST") && stores_always_) return Switch(&search_.stores_distances);
    if (!search_.is_polygon) {
      if (is("FROMMEMBER") && left >= 1 && from_ != From::kCoordinates) {
        from_ = From::kMember;
        return Taken(ParseMember(i + 1), 2);
      }
      if (is("FROMLONLAT") && left >= 2 && from_ != From::kMember) {
        from_ = From::kCoordinates;
        return Taken(ParseCoordinates(i + 1), 3);
      }
      if (is("BYRADIUS") && left >= 2 && !(search_.has_area && area_.is_rectangle)) {
        return Taken(ParseRadius(i + 1), 3);
      }
      if (is("BYBOX") && left >= 3 && (!search_.has_area || area_.is_rectangle)) {
        return Taken(ParseRectangle(i + 1), 4);
      }
      if (is("BYPOLYGON") && left >= 1 && from_ == From::kNothing && !search_.has_area) {
        KVICK_ASSIGN_OR_RETURN(const size_t taken, ParsePolygon(i + 1));
        return 1 + taken;
      }
    }
    return errors::Syntax();
  }

  Status CheckTogether() {
    const bool stores = search_.stores || stores_always_;
    if (stores && search_.has_details()) {
      return errors::Generic(std::string(stores_always_ ? "GEOSEARCHSTORE" : "STORE option in GEORADIUS") +
                             " is not compatible with WITHDIST, WITHHASH and WITHCOORD options");
    }
    const std::string name(context_.Arg(0));
    if (style_.is_geosearch() && !search_.has_center) {
      return errors::Generic("exactly one of FROMMEMBER or FROMLONLAT can be specified for " + name);
    }
    if (style_.is_geosearch() && !search_.has_area) {
      return errors::Generic("exactly one of BYRADIUS and BYBOX can be specified for " + name);
    }
    if (search_.any && search_.count == 0) return errors::Generic("the ANY argument requires COUNT argument");
    search_.stores = stores;
    return Status::Ok();
  }

  static Result<size_t> Switch(bool* option) {
    *option = true;
    return size_t{1};
  }
  static Result<size_t> Taken(const Status& status, size_t count) {
    if (!status.ok()) return status;
    return count;
  }

  enum class From : uint8_t { kNothing, kMember, kCoordinates };

  CommandContext& context_;
  const SearchStyle& style_;
  const SortedSetValue* set_;
  const bool stores_always_;
  Search search_;
  Area area_;
  From from_ = From::kNothing;
};

struct Found {
  std::string_view member;
  double score;
  double distance_m;
  GeoPoint point;
};

// Finds the members of a sorted set that lie in a shape. What was found is valid as long as the finder, and until the
// set changes.
class Finder {
 public:
  Finder(const SortedSetValue& set, const GeoShape& shape, size_t count_max)
      : set_(set), shape_(shape), count_max_(count_max) {}

  std::vector<Found> Run() {
    for (const GeoCell& cell : shape_.CoveringCells()) {
      RankRange ranks = set_.RanksOf(ScoreRange{cell.first_score(), cell.end_score(), false, true});
      // Some at a time, to stop soon when they are enough.
      constexpr size_t kStride = 64;
      const size_t stride = count_max_ == kAll ? ranks.count() : kStride;
      while (!ranks.empty() && found_.size() < count_max_) {
        const RankRange some{ranks.begin, std::min(ranks.end, ranks.begin + stride)};
        set_.ForEachInRange(some, Order::kAscending,
                            [this](std::string_view member, double score) { Visit(member, score); });
        ranks.begin = some.end;
      }
    }
    return std::move(found_);
  }

  static constexpr size_t kAll = std::numeric_limits<size_t>::max();

 private:
  void Visit(std::string_view member, double score) {
    if (found_.size() == count_max_) return;
    const GeoPoint point = PointOfScore(score);
    const std::optional<double> distance_m = shape_.DistanceInside(point);
    if (!distance_m) return;
    // A member of a listpack may be the text of an integer, made for this call.
    if (set_.listpack() != nullptr) member = texts_.emplace_back(member);
    found_.push_back({member, score, *distance_m, point});
  }

  const SortedSetValue& set_;
  const GeoShape& shape_;
  const size_t count_max_;
  std::vector<Found> found_;
  std::deque<std::string> texts_;
};

void SortAndCut(const Search& search, std::vector<Found>* found) {
  if (search.sorting == Sorting::kAscending) {
    std::stable_sort(found->begin(), found->end(),
                     [](const Found& a, const Found& b) { return a.distance_m < b.distance_m; });
  } else if (search.sorting == Sorting::kDescending) {
    std::stable_sort(found->begin(), found->end(),
                     [](const Found& a, const Found& b) { return a.distance_m > b.distance_m; });
  }
  if (search.count != 0 && found->size() > search.count) found->resize(search.count);
}

void ReplyFound(ReplyWriter& reply, const Search& search, const std::vector<Found>& found) {
  const size_t detail_count = (search.with_distance ? 1 : 0) + (search.with_cell ? 1 : 0) + (search.with_point ? 1 : 0);
  reply.Array(found.size());
  for (const Found& one : found) {
    if (detail_count > 0) reply.Array(1 + detail_count);
    reply.Bulk(one.member);
    if (search.with_distance) ReplyDistance(reply, one.distance_m / search.unit_m);
    if (search.with_cell) reply.Integer(static_cast<int64_t>(one.score));
    if (search.with_point) ReplyPoint(reply, one.point);
  }
}

// Stores what was found in the place of whatever the key held; nothing found is no key.
void StoreFound(CommandContext& context, size_t destination, const SearchStyle& style, const Search& search,
                const std::vector<Found>& found) {
  if (found.empty()) {
    if (context.EraseKey(destination)) {
      context.Changed();
      context.Notify(KeyEventClass::kGeneric, "del", destination);
    }
  } else {
    std::vector<ScoredText> members;
    members.reserve(found.size());
    for (const Found& one : found) {
      const double score = search.stores_distances ? one.distance_m / search.unit_m : one.score;
      members.push_back({std::string(one.member), score});
    }
    const SortedSetLimits limits = SortedSetLimitsOf(context.settings());
    context.PutValue(destination, std::make_unique<SortedSetValue>(std::move(members), limits));
    context.Changed(found.size());
    context.Notify(KeyEventClass::kSortedSet, style.event, destination);
  }
  context.Reply().Integer(static_cast<int64_t>(found.size()));
}

Status RunSearch(CommandContext& context, const SearchStyle& style) {
  KVICK_ASSIGN_OR_RETURN(const SortedSetValue* set, context.FindValue<SortedSetValue>(style.source));
  if (!context.command().has(kReadonly)) context.CountRead(style.source, context.Peek(style.source));
  KVICK_ASSIGN_OR_RETURN(const Search search, SearchParser(context, style, set).Parse());
  std::vector<Found> found;
  std::optional<Finder> finder;
  if (set != nullptr) {
    finder.emplace(*set, *search.shape, search.any ? search.count : Finder::kAll);
    found = finder->Run();
    SortAndCut(search, &found);
  }
  if (search.stores) {
    StoreFound(context, style.stores_always ? 0 : 1, style, search, found);
  } else {
    ReplyFound(context.Reply(), search, found);
  }
  return Status::Ok();
}

constexpr SearchStyle kRadiusStyle = {
    .center = SearchStyle::Center::kCoordinates, .may_store = true, .options_index = 6, .event = "georadiusstore"};
constexpr SearchStyle kRadiusByMemberStyle = {
    .center = SearchStyle::Center::kMember, .may_store = true, .options_index = 5, .event = "georadiusstore"};
constexpr SearchStyle kRadiusReadStyle = {.center = SearchStyle::Center::kCoordinates, .options_index = 6};
constexpr SearchStyle kRadiusByMemberReadStyle = {.center = SearchStyle::Center::kMember, .options_index = 5};
constexpr SearchStyle kSearchStyle = {};
constexpr SearchStyle kSearchStoreStyle = {
    .source = 1, .stores_always = true, .options_index = 3, .event = "geosearchstore"};

Status GeoRadius(CommandContext& context) { return RunSearch(context, kRadiusStyle); }
Status GeoRadiusByMember(CommandContext& context) { return RunSearch(context, kRadiusByMemberStyle); }
Status GeoRadiusReadOnly(CommandContext& context) { return RunSearch(context, kRadiusReadStyle); }
Status GeoRadiusByMemberReadOnly(CommandContext& context) { return RunSearch(context, kRadiusByMemberReadStyle); }
Status GeoSearch(CommandContext& context) { return RunSearch(context, kSearchStyle); }
Status GeoSearchStore(CommandContext& context) { return RunSearch(context, kSearchStoreStyle); }

// The last STORE or STOREDIST counts; the key specs know the first of each.
void PlaceStoreKey(KeyPlacement& placement, size_t options_index) {
  const std::span<const std::string_view> arguments = placement.arguments;
  size_t destination_index = 0;
  for (size_t i = options_index; i + 1 < arguments.size(); ++i) {
    const bool stores = EqualsIgnoreCase(arguments[i], "STORE") || EqualsIgnoreCase(arguments[i], "STOREDIST");
    if (stores) destination_index = i + 1;
    if (stores || EqualsIgnoreCase(arguments[i], "COUNT")) ++i;
  }
  placement.keys.resize(1);
  if (destination_index == 0) return;
  DeclaredKey destination = placement.keys[0];
  destination.key = KeyRef::Make(arguments[destination_index]);
  destination.flags = kKeyOverwrite | kKeyUpdate;
  placement.keys.push_back(destination);
}
void PlaceRadiusKeys(KeyPlacement& placement) { PlaceStoreKey(placement, kRadiusStyle.options_index); }
void PlaceRadiusByMemberKeys(KeyPlacement& placement) { PlaceStoreKey(placement, kRadiusByMemberStyle.options_index); }

constexpr KeySpec KeyBehind(std::string_view keyword, int start) {
  KeySpec spec;
  spec.flags = kKeyOverwrite | kKeyUpdate;
  spec.begin = KeySpec::Begin::kKeyword;
  spec.begin_index = start;
  spec.begin_keyword = keyword;
  return spec;
}

constexpr std::string_view kAreaComplexity =
    "O(N+log(M)) where N is the number of elements inside the bounding box of the circular area delimited by center "
    "and radius and M is the number of items inside the index.";
constexpr std::string_view kSearchComplexity =
    "O(N+log(M)) where N is the number of elements in the grid-aligned bounding box area around the shape provided as "
    "the filter and M is the number of items inside the shape";

constexpr std::string_view kSearchNotes =
    "member=from from.FROMLONLAT.longitude(double) from.FROMLONLAT.latitude(double) byradius=by "
    "by.BYRADIUS.radius(double) by.BYRADIUS.m=unit by.BYRADIUS!=circle by.BYBOX.width(double) by.BYBOX.height(double) "
    "by.BYBOX.m=unit by.BYBOX!=box asc=order count=count-block";

constexpr CommandSpec kCommands[] = {
    {
        .name = "GEORADIUS",
        .syntax = "key longitude latitude radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count "
                  "[ANY]] [ASC | DESC] [STORE key | STOREDIST key]",
        .argument_notes = "longitude(double) latitude(double) radius(double) m=unit count=count-block "
                          "count-block.any@6.2.0 asc=order key=source key=store source=key store.STORE=storekey "
                          "store.key=storedistkey",
        .summary = "Finds, and may store, the points in a circle.",
        .since = "3.2.0",
        .group = "geo",
        .complexity = kAreaComplexity,
        .flags = kWrite | kDenyOom | kMovableKeys,
        .categories = kAclGeo,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess), KeyBehind("STORE", 6), KeyBehind("STOREDIST", 6)},
        .place_keys = PlaceRadiusKeys,
        .deprecated_since = "6.2.0",
        .replaced_by = "GEOSEARCH and GEOSEARCHSTORE with the BYRADIUS argument",
        .handler = GeoRadius,
    },
    {
        .name = "GEORADIUSBYMEMBER",
        .syntax = "key member radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC | "
                  "DESC] [STORE key | STOREDIST key]",
        .argument_notes = "radius(double) m=unit count=count-block asc=order key=source key=store source=key "
                          "store.STORE=storekey store.key=storedistkey",
        .summary = "Finds, and may store, the points in a circle around a member.",
        .since = "3.2.0",
        .group = "geo",
        .complexity = kAreaComplexity,
        .flags = kWrite | kDenyOom | kMovableKeys,
        .categories = kAclGeo,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess), KeyBehind("STORE", 5), KeyBehind("STOREDIST", 5)},
        .place_keys = PlaceRadiusByMemberKeys,
        .deprecated_since = "6.2.0",
        .replaced_by = "GEOSEARCH and GEOSEARCHSTORE with the BYRADIUS and FROMMEMBER arguments",
        .handler = GeoRadiusByMember,
    },
    {
        .name = "GEORADIUSBYMEMBER_RO",
        .syntax = "key member radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC | "
                  "DESC]",
        .argument_notes = "radius(double) m=unit count=count-block asc=order",
        .summary = "Finds the points in a circle around a member.",
        .since = "3.2.10",
        .group = "geo",
        .complexity = kAreaComplexity,
        .flags = kReadonly,
        .categories = kAclGeo,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .deprecated_since = "6.2.0",
        .replaced_by = "GEOSEARCH with the BYRADIUS and FROMMEMBER arguments",
        .handler = GeoRadiusByMemberReadOnly,
    },
    {
        .name = "GEORADIUS_RO",
        .syntax = "key longitude latitude radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count "
                  "[ANY]] [ASC | DESC]",
        .argument_notes = "longitude(double) latitude(double) radius(double) m=unit count=count-block "
                          "count-block.any@6.2.0 asc=order",
        .summary = "Finds the points in a circle.",
        .since = "3.2.10",
        .group = "geo",
        .complexity = kAreaComplexity,
        .flags = kReadonly,
        .categories = kAclGeo,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .deprecated_since = "6.2.0",
        .replaced_by = "GEOSEARCH with the BYRADIUS argument",
        .handler = GeoRadiusReadOnly,
    },
    {
        .name = "GEOSEARCH",
        .syntax = "key <FROMMEMBER member | FROMLONLAT longitude latitude> <BYRADIUS radius <M | KM | FT | MI> | BYBOX "
                  "width height <M | KM | FT | MI>> [ASC | DESC] [COUNT count [ANY]] [WITHCOORD] [WITHDIST] [WITHHASH]",
        .argument_notes = kSearchNotes,
        .summary = "Finds the points in a circle, a rectangle or a polygon.",
        .since = "6.2.0",
        .group = "geo",
        .complexity = kSearchComplexity,
        .flags = kReadonly,
        .categories = kAclGeo,
        .keys = {OneKey(1, kKeyReadOnly | kKeyAccess)},
        .handler = GeoSearch,
    },
    {
        .name = "GEOSEARCHSTORE",
        .syntax = "destination source <FROMMEMBER member | FROMLONLAT longitude latitude> <BYRADIUS radius <M | KM | "
                  "FT | MI> | BYBOX width height <M | KM | FT | MI>> [ASC | DESC] [COUNT count [ANY]] [STOREDIST]",
        .argument_notes = kSearchNotes,
        .summary = "Finds the points in a circle, a rectangle or a polygon, and stores them.",
        .since = "6.2.0",
        .group = "geo",
        .complexity = kSearchComplexity,
        .flags = kWrite | kDenyOom,
        .categories = kAclGeo,
        .keys = {OneKey(1, kKeyOverwrite | kKeyUpdate), OneKey(2, kKeyReadOnly | kKeyAccess)},
        .handler = GeoSearchStore,
    },
};

}  // namespace

std::span<const CommandSpec> GeoSearchCommands() { return kCommands; }

}  // namespace kvick
