// GeoShape: the area of a search, and the cells in which its points are.
//
//   const GeoShape shape = GeoShape::Circle({15, 37}, 200'000);
//   for (const GeoCell& cell : shape.CoveringCells()) {
//     ... for each point whose score is in the cell's range:
//     if (const std::optional<double> meters = shape.DistanceInside(point)) ...
//   }
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <vector>

#include "types/geo_cells.h"

namespace kvick {

// Up to nine cells: one, and those around it; and the edges of the grid beside them.
class GeoCover {
 public:
  // Does nothing for a cell that is there.
  void Add(const GeoCell& cell);
  const GeoCell* begin() const { return cells_.data(); }
  const GeoCell* end() const { return cells_.data() + count_; }

 private:
  std::array<GeoCell, 16> cells_;
  size_t count_ = 0;
};

class GeoShape {
 public:
  static GeoShape Circle(GeoPoint center, double radius_m);
  // Half the width to the east and west along the latitude, half the height to the north and south.
  static GeoShape Rectangle(GeoPoint center, double width_m, double height_m);
  // Straight lines between vertices on the map; they do not cross the antimeridian. At least three. The center is the
  // mean of the vertices.
  static GeoShape Polygon(std::vector<GeoPoint> vertices);

  GeoPoint center() const { return center_; }
  // Meters from the center, for a point inside.
  std::optional<double> DistanceInside(GeoPoint point) const;
  // In the order in which results come that are not sorted.
  GeoCover CoveringCells() const;

 private:
  enum class Kind { kCircle, kRectangle, kPolygon };
  explicit GeoShape(Kind kind) : kind_(kind) {}

  // The box that decides how large the cells are: near enough, and known to clients by the order of results.
  GeoBox EstimatedBounds() const;
  // The box that holds the shape. Longitudes may lie beyond 180 degrees.
  GeoBox Bounds() const;
  double LongitudeReach() const;
  bool ContainsInPolygon(GeoPoint point) const;
  static void AddEdges(const GeoCover& cells, const GeoBox& bounds, GeoCover* cover);

  Kind kind_;
  GeoPoint center_;
  // Of the circle, or that from the center to the corners.
  double radius_m_ = 0;
  // From the center; twice the radius of a circle.
  double width_m_ = 0;
  double height_m_ = 0;
  std::vector<GeoPoint> vertices_;
};

}  // namespace kvick
