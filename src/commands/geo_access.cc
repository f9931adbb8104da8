#include "commands/geo_access.h"

#include <cstdio>
#include <string>

#include "base/numbers.h"

namespace kvick {

Result<GeoPoint> GeoPointArg(const CommandContext& context, size_t index) {
  const std::optional<double> longitude = ParseDouble(context.Arg(index));
  const std::optional<double> latitude = longitude ? ParseDouble(context.Arg(index + 1)) : std::nullopt;
  if (!latitude) return errors::NotFloat();
  const GeoPoint point{*longitude, *latitude};
  if (!point.IsValid()) {
    return errors::Generic("invalid longitude,latitude pair " + std::to_string(point.longitude) + ',' +
                           std::to_string(point.latitude));
  }
  return point;
}

Result<double> GeoUnitArg(const CommandContext& context, size_t index) {
  if (context.ArgIs(index, "M")) return 1.0;
  if (context.ArgIs(index, "KM")) return 1000.0;
  if (context.ArgIs(index, "FT")) return 0.3048;
  if (context.ArgIs(index, "MI")) return 1609.34;
  return errors::Generic("unsupported unit provided. please use M, KM, FT, MI");
}

void ReplyDistance(ReplyWriter& reply, double distance) {
  char text[64];
  const int size = std::snprintf(text, sizeof(text), "%.4f", distance);
  reply.Bulk({text, static_cast<size_t>(size)});
}

void ReplyPoint(ReplyWriter& reply, GeoPoint point) {
  reply.Array(2);
  reply.DoubleText(FormatHumanLongDouble(static_cast<long double>(point.longitude)));
  reply.DoubleText(FormatHumanLongDouble(static_cast<long double>(point.latitude)));
}

std::optional<GeoPoint> FindPoint(const SortedSetValue* set, std::string_view member) {
  const std::optional<double> score = set == nullptr ? std::nullopt : set->ScoreOf(member);
  if (!score) return std::nullopt;
  return PointOfScore(*score);
}

}  // namespace kvick
