// What the command files of geo share: coordinates and units in arguments, positions of members, and their replies.
#pragma once

#include <optional>
#include <string_view>

#include "base/status.h"
#include "engine/command_context.h"
#include "types/geo_cells.h"
#include "types/sorted_set_value.h"

namespace kvick {

// Two arguments: longitude and latitude.
Result<GeoPoint> GeoPointArg(const CommandContext& context, size_t index);
// How many meters the unit has: M, KM, FT, MI.
Result<double> GeoUnitArg(const CommandContext& context, size_t index);

// Four decimals, a string in both protocols.
void ReplyDistance(ReplyWriter& reply, double distance);
void ReplyPoint(ReplyWriter& reply, GeoPoint point);

// `set` may be null.
std::optional<GeoPoint> FindPoint(const SortedSetValue* set, std::string_view member);

}  // namespace kvick
