// Points on Earth as numbers: a grid of cells over longitude and latitude, halved 26 times each way, whose numbers are
// scores of a sorted set.
//
//   const double score = static_cast<double>(GeoCell::Of({13.36, 38.11}).bits);
//   const GeoPoint point = PointOfScore(score);
//   const double meters = GeoDistance(point, {15.08, 37.50});
//
// The bits of a cell are those of its column and row in turns, the longitude first, so that the cells of a larger cell
// are one range of scores. The grid ends at 85.05112878 degrees of latitude, where the world is a square on the map
// (EPSG:900913). Earth is a sphere; on it GeoDistance is exact.
#pragma once

#include <cstdint>
#include <string>

namespace kvick {

inline constexpr double kLongitudeMax = 180;
inline constexpr double kLatitudeMax = 85.05112878;
inline constexpr double kEarthRadiusM = 6372797.560856;

struct GeoPoint {
  double longitude = 0;  // degrees, east positive
  double latitude = 0;   // degrees, north positive

  // Whether it lies in the grid.
  bool IsValid() const {
    return longitude >= -kLongitudeMax && longitude <= kLongitudeMax && latitude >= -kLatitudeMax &&
           latitude <= kLatitudeMax;
  }
};

// Degrees, both ends included.
struct GeoBox {
  double longitude_min = 0;
  double longitude_max = 0;
  double latitude_min = 0;
  double latitude_max = 0;
};

// A cell of the grid that was halved `step` times each way.
struct GeoCell {
  static constexpr unsigned kStepMax = 26;

  uint64_t bits = 0;
  unsigned step = kStepMax;

  // The cell whose bits are a point's score. The eastern and northern edge of the grid are a column and a row of their
  // own, behind the last ones.
  static GeoCell Of(GeoPoint point);
  // The cell in which a point lies; here the edges belong to the last column and row.
  static GeoCell Holding(GeoPoint point, unsigned step);
  // Columns to the east and rows to the north of this one; the grid goes on at its other side.
  GeoCell Neighbour(int columns, int rows) const;
  // The part of the eastern or northern edge beside this cell, if it is in the last column or row.
  bool IsInLastColumn() const;
  bool IsInLastRow() const;
  GeoCell EdgeBeside(bool eastern, bool northern) const;
  GeoBox Box() const;
  // The scores of its points are first_score <= score < end_score.
  double first_score() const { return static_cast<double>(bits << ShiftToScore()); }
  double end_score() const { return static_cast<double>((bits + 1) << ShiftToScore()); }

  bool operator==(const GeoCell& other) const = default;

 private:
  unsigned ShiftToScore() const { return 2 * (kStepMax - step); }
};

// The number of the cell that a score means; scores that are none have a meaning too, which clients see in other
// commands' sorted sets.
uint64_t CellBitsOfScore(double score);
// The middle of the cell.
GeoPoint PointOfScore(double score);

// Meters.
double GeoDistance(GeoPoint a, GeoPoint b);
double LatitudeDistance(double a, double b);

// The standard geohash text of a point, eleven characters.
std::string GeohashText(GeoPoint point);

}  // namespace kvick
