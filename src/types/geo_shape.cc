#include "types/geo_shape.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

namespace kvick {
namespace {

double Radians(double degrees) { return degrees * (std::numbers::pi / 180.0); }
double Degrees(double radians) { return radians / (std::numbers::pi / 180.0); }

// Up to which step the cells around a point hold a circle.
unsigned EstimateStep(double radius_m, double latitude) {
  constexpr double kMercatorSideM = 20037726.37;  // half the side of the map
  if (radius_m == 0) return GeoCell::kStepMax;
  int step = 1;
  for (; radius_m < kMercatorSideM; radius_m *= 2) ++step;
  step -= 2;
  // Cells are narrow near the poles.
  if (std::fabs(latitude) > 66) --step;
  if (std::fabs(latitude) > 80) --step;
  return static_cast<unsigned>(std::clamp<int>(step, 1, GeoCell::kStepMax));
}

// Whether a cell with those around it covers the box, as far as the grid goes.
bool Covers(const GeoCell& middle, const GeoBox& bounds) {
  const GeoBox box = middle.Box();
  const double width = box.longitude_max - box.longitude_min;
  const double height = box.latitude_max - box.latitude_min;
  const bool covers_latitudes = box.latitude_min - height <= std::max(bounds.latitude_min, -kLatitudeMax) &&
                                box.latitude_max + height >= std::min(bounds.latitude_max, kLatitudeMax);
  const bool covers_longitudes = 3 * width >= 2 * kLongitudeMax || (box.longitude_min - width <= bounds.longitude_min &&
                                                                    box.longitude_max + width >= bounds.longitude_max);
  return covers_latitudes && covers_longitudes;
}

// Whether a neighbour does not reach to the edge of the box. One on the other side of the grid counts as it lies.
bool AreNeighboursTooNear(const GeoCell& middle, const GeoBox& bounds) {
  return middle.Neighbour(0, 1).Box().latitude_max < bounds.latitude_max ||
         middle.Neighbour(0, -1).Box().latitude_min > bounds.latitude_min ||
         middle.Neighbour(1, 0).Box().longitude_max < bounds.longitude_max ||
         middle.Neighbour(-1, 0).Box().longitude_min > bounds.longitude_min;
}

}  // namespace

void GeoCover::Add(const GeoCell& cell) {
  if (std::find(begin(), end(), cell) == end()) cells_[count_++] = cell;
}

GeoShape GeoShape::Circle(GeoPoint center, double radius_m) {
  GeoShape shape(Kind::kCircle);
  shape.center_ = center;
  shape.radius_m_ = radius_m;
  shape.width_m_ = 2 * radius_m;
  shape.height_m_ = 2 * radius_m;
  return shape;
}

GeoShape GeoShape::Rectangle(GeoPoint center, double width_m, double height_m) {
  GeoShape shape(Kind::kRectangle);
  shape.center_ = center;
  shape.radius_m_ = std::sqrt((width_m / 2) * (width_m / 2) + (height_m / 2) * (height_m / 2));
  shape.width_m_ = width_m;
  shape.height_m_ = height_m;
  return shape;
}

GeoShape GeoShape::Polygon(std::vector<GeoPoint> vertices) {
  GeoShape shape(Kind::kPolygon);
  shape.vertices_ = std::move(vertices);
  GeoPoint sum;
  for (const GeoPoint& vertex : shape.vertices_) {
    sum.longitude += vertex.longitude;
    sum.latitude += vertex.latitude;
  }
  const auto count = static_cast<double>(shape.vertices_.size());
  shape.center_ = {sum.longitude / count, sum.latitude / count};
  for (const GeoPoint& vertex : shape.vertices_) {
    shape.radius_m_ = std::max(shape.radius_m_, GeoDistance(shape.center_, vertex));
  }
  return shape;
}

std::optional<double> GeoShape::DistanceInside(GeoPoint point) const {
  switch (kind_) {
    case Kind::kCircle: {
      // Most points of the cells around are farther north or south already.
      constexpr double kRounding = 1 + 1e-9;
      if (LatitudeDistance(center_.latitude, point.latitude) > radius_m_ * kRounding) return std::nullopt;
      const double distance_m = GeoDistance(center_, point);
      if (distance_m > radius_m_) return std::nullopt;
      return distance_m;
    }
    case Kind::kRectangle:
      if (LatitudeDistance(point.latitude, center_.latitude) > height_m_ / 2) return std::nullopt;
      if (GeoDistance(point, {center_.longitude, point.latitude}) > width_m_ / 2) return std::nullopt;
      break;
    case Kind::kPolygon:
      if (!ContainsInPolygon(point)) return std::nullopt;
      break;
  }
  return GeoDistance(center_, point);
}

// Counts how often a line to the east crosses an edge.
bool GeoShape::ContainsInPolygon(GeoPoint point) const {
  bool is_inside = false;
  GeoPoint from = vertices_.back();
  for (const GeoPoint& to : vertices_) {
    if ((to.latitude > point.latitude) != (from.latitude > point.latitude)) {
      const double share = (point.latitude - to.latitude) / (from.latitude - to.latitude);
      if (point.longitude < to.longitude + share * (from.longitude - to.longitude)) is_inside = !is_inside;
    }
    from = to;
  }
  return is_inside;
}

GeoBox GeoShape::EstimatedBounds() const {
  if (kind_ == Kind::kPolygon) return Bounds();
  const double latitude_reach = Degrees(height_m_ / 2 / kEarthRadiusM);
  // A degree of longitude is shortest at the edge that is nearer to a pole.
  const double edge = center_.latitude < 0 ? center_.latitude - latitude_reach : center_.latitude + latitude_reach;
  const double longitude_reach = Degrees(width_m_ / 2 / kEarthRadiusM / std::cos(Radians(edge)));
  return {center_.longitude - longitude_reach, center_.longitude + longitude_reach, center_.latitude - latitude_reach,
          center_.latitude + latitude_reach};
}

// How many degrees of longitude the shape extends to either side; a half turn when a pole lies in it.
double GeoShape::LongitudeReach() const {
  const double latitude_reach = height_m_ / 2 / kEarthRadiusM;
  const double edge = std::fabs(Radians(center_.latitude)) + latitude_reach;
  if (edge >= std::numbers::pi / 2) return kLongitudeMax;
  // A circle is widest where a meridian touches it. A rectangle is at the edge nearer to a pole, and its width there is
  // a distance, the chord of the way along the edge.
  const double reach =
      kind_ == Kind::kCircle
          ? std::asin(std::sin(latitude_reach) / std::cos(Radians(center_.latitude)))
          : 2 * std::asin(std::min(
                    1.0, std::sin(std::min(width_m_ / 4 / kEarthRadiusM, std::numbers::pi / 2)) / std::cos(edge)));
  constexpr double kRounding = 1 + 1e-9;
  return std::min(Degrees(reach) * kRounding, kLongitudeMax);
}

GeoBox GeoShape::Bounds() const {
  if (kind_ == Kind::kPolygon) {
    GeoBox box{vertices_[0].longitude, vertices_[0].longitude, vertices_[0].latitude, vertices_[0].latitude};
    for (const GeoPoint& vertex : vertices_) {
      box.longitude_min = std::min(box.longitude_min, vertex.longitude);
      box.longitude_max = std::max(box.longitude_max, vertex.longitude);
      box.latitude_min = std::min(box.latitude_min, vertex.latitude);
      box.latitude_max = std::max(box.latitude_max, vertex.latitude);
    }
    return box;
  }
  const double latitude_reach = Degrees(height_m_ / 2 / kEarthRadiusM);
  const double longitude_reach = LongitudeReach();
  return {center_.longitude - longitude_reach, center_.longitude + longitude_reach, center_.latitude - latitude_reach,
          center_.latitude + latitude_reach};
}

GeoCover GeoShape::CoveringCells() const {
  unsigned step = EstimateStep(radius_m_, center_.latitude);
  GeoCell middle = GeoCell::Holding(center_, step);
  if (step > 1 && AreNeighboursTooNear(middle, EstimatedBounds())) middle = GeoCell::Holding(center_, --step);
  const GeoBox bounds = Bounds();
  while (step > 1 && !Covers(middle, bounds)) middle = GeoCell::Holding(center_, --step);

  // A neighbour behind a side of the middle cell that the shape does not reach holds nothing. At the first step there
  // are too few cells for that: the eastern one is the western one.
  const GeoBox box = middle.Box();
  const bool is_coarse = step < 2;
  const bool goes_north = is_coarse || box.latitude_max <= bounds.latitude_max;
  const bool goes_south = is_coarse || box.latitude_min >= bounds.latitude_min;
  const bool goes_east = is_coarse || box.longitude_max <= bounds.longitude_max;
  const bool goes_west = is_coarse || box.longitude_min >= bounds.longitude_min;
  GeoCover cells;
  cells.Add(middle);
  if (goes_north) cells.Add(middle.Neighbour(0, 1));
  if (goes_south) cells.Add(middle.Neighbour(0, -1));
  if (goes_east) cells.Add(middle.Neighbour(1, 0));
  if (goes_west) cells.Add(middle.Neighbour(-1, 0));
  if (goes_north && goes_east) cells.Add(middle.Neighbour(1, 1));
  if (goes_north && goes_west) cells.Add(middle.Neighbour(-1, 1));
  if (goes_south && goes_east) cells.Add(middle.Neighbour(1, -1));
  if (goes_south && goes_west) cells.Add(middle.Neighbour(-1, -1));
  // From a point on an edge, what lies on it comes first.
  const bool is_on_edge = center_.latitude >= kLatitudeMax || center_.longitude >= kLongitudeMax;
  GeoCover cover;
  if (is_on_edge) AddEdges(cells, bounds, &cover);
  for (const GeoCell& cell : cells) cover.Add(cell);
  if (!is_on_edge) AddEdges(cells, bounds, &cover);
  return cover;
}

void GeoShape::AddEdges(const GeoCover& cells, const GeoBox& bounds, GeoCover* cover) {
  const bool reaches_north = bounds.latitude_max >= kLatitudeMax;
  const bool reaches_east = bounds.longitude_max >= kLongitudeMax || bounds.longitude_min <= -kLongitudeMax;
  for (const GeoCell& cell : cells) {
    const bool northern = reaches_north && cell.IsInLastRow();
    const bool eastern = reaches_east && cell.IsInLastColumn();
    if (northern) cover->Add(cell.EdgeBeside(false, true));
    if (eastern) cover->Add(cell.EdgeBeside(true, false));
    if (northern && eastern) cover->Add(cell.EdgeBeside(true, true));
  }
}

}  // namespace kvick
