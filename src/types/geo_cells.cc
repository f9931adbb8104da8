#include "types/geo_cells.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace kvick {
namespace {

// Every other bit, the lowest first: those of the latitude. The longitude's are beside them.
constexpr uint64_t kLatitudeBits = 0x5555555555555555;

double Radians(double degrees) { return degrees * (std::numbers::pi / 180.0); }

// The bits of `value` with a zero between each two.
uint64_t Spread(uint32_t value) {
  uint64_t bits = value;
  bits = (bits | bits << 16) & 0x0000ffff0000ffff;
  bits = (bits | bits << 8) & 0x00ff00ff00ff00ff;
  bits = (bits | bits << 4) & 0x0f0f0f0f0f0f0f0f;
  bits = (bits | bits << 2) & 0x3333333333333333;
  return (bits | bits << 1) & kLatitudeBits;
}

// Every other bit of `bits`, from the lowest on.
uint32_t Gather(uint64_t bits) {
  bits &= kLatitudeBits;
  bits = (bits | bits >> 1) & 0x3333333333333333;
  bits = (bits | bits >> 2) & 0x0f0f0f0f0f0f0f0f;
  bits = (bits | bits >> 4) & 0x00ff00ff00ff00ff;
  bits = (bits | bits >> 8) & 0x0000ffff0000ffff;
  return static_cast<uint32_t>(bits | bits >> 16);
}

// The column or row of a number, on a side from -maximum to maximum.
uint32_t IndexOf(double number, double maximum, unsigned step) {
  return static_cast<uint32_t>((number + maximum) / (2 * maximum) * static_cast<double>(uint64_t{1} << step));
}

uint64_t BitsOf(uint32_t column, uint32_t row) { return Spread(row) | Spread(column) << 1; }

// Where a column or row begins, on a side from -maximum to maximum.
double EdgeOf(uint64_t index, unsigned step, double maximum) {
  return -maximum + static_cast<double>(index) / static_cast<double>(uint64_t{1} << step) * (2 * maximum);
}

}  // namespace

GeoCell GeoCell::Of(GeoPoint point) {
  return {BitsOf(IndexOf(point.longitude, kLongitudeMax, kStepMax), IndexOf(point.latitude, kLatitudeMax, kStepMax))};
}

GeoCell GeoCell::Holding(GeoPoint point, unsigned step) {
  const uint32_t last = (1U << step) - 1;
  return {BitsOf(std::min(IndexOf(point.longitude, kLongitudeMax, step), last),
                 std::min(IndexOf(point.latitude, kLatitudeMax, step), last)),
          step};
}

GeoCell GeoCell::Neighbour(int columns, int rows) const {
  const uint32_t mask = (1U << step) - 1;
  const uint32_t row = (Gather(bits) + static_cast<uint32_t>(rows)) & mask;
  const uint32_t column = (Gather(bits >> 1) + static_cast<uint32_t>(columns)) & mask;
  return {BitsOf(column, row), step};
}

bool GeoCell::IsInLastColumn() const { return Gather(bits >> 1) + 1 == 1U << step; }
bool GeoCell::IsInLastRow() const { return Gather(bits) + 1 == 1U << step; }

GeoCell GeoCell::EdgeBeside(bool eastern, bool northern) const {
  return {BitsOf(Gather(bits >> 1) + (eastern ? 1 : 0), Gather(bits) + (northern ? 1 : 0)), step};
}

GeoBox GeoCell::Box() const {
  const uint64_t row = Gather(bits);
  const uint64_t column = Gather(bits >> 1);
  return {EdgeOf(column, step, kLongitudeMax), EdgeOf(column + 1, step, kLongitudeMax), EdgeOf(row, step, kLatitudeMax),
          EdgeOf(row + 1, step, kLatitudeMax)};
}

uint64_t CellBitsOfScore(double score) {
  constexpr double kTwoTo63 = 9223372036854775808.0;
  constexpr uint64_t kHighestBit = uint64_t{1} << 63;
  // What a processor makes of a number that is too large is a number like any other here.
  const auto truncated = [](double value) {
    return value >= -kTwoTo63 && value < kTwoTo63 ? static_cast<uint64_t>(static_cast<int64_t>(value)) : kHighestBit;
  };
  return score < kTwoTo63 ? truncated(score) : truncated(score - kTwoTo63) ^ kHighestBit;
}

GeoPoint PointOfScore(double score) {
  const GeoBox box = GeoCell{CellBitsOfScore(score), GeoCell::kStepMax}.Box();
  return {std::clamp((box.longitude_min + box.longitude_max) / 2, -kLongitudeMax, kLongitudeMax),
          std::clamp((box.latitude_min + box.latitude_max) / 2, -kLatitudeMax, kLatitudeMax)};
}

double LatitudeDistance(double a, double b) { return kEarthRadiusM * std::fabs(Radians(b) - Radians(a)); }

// The haversine formula.
double GeoDistance(GeoPoint a, GeoPoint b) {
  const double longitude_part = std::sin((Radians(b.longitude) - Radians(a.longitude)) / 2);
  if (longitude_part == 0.0) return LatitudeDistance(a.latitude, b.latitude);
  const double latitude_a = Radians(a.latitude);
  const double latitude_b = Radians(b.latitude);
  const double latitude_part = std::sin((latitude_b - latitude_a) / 2);
  const double sum =
      latitude_part * latitude_part + std::cos(latitude_a) * std::cos(latitude_b) * longitude_part * longitude_part;
  return 2.0 * kEarthRadiusM * std::asin(std::sqrt(sum));
}

std::string GeohashText(GeoPoint point) {
  constexpr char kAlphabet[] = "0123456789bcdefghjkmnpqrstuvwxyz";
  constexpr unsigned kBits = 2 * GeoCell::kStepMax;
  constexpr unsigned kCharacterBits = 5;
  // The standard's grid reaches to the poles.
  const uint64_t bits = BitsOf(IndexOf(point.longitude, kLongitudeMax, GeoCell::kStepMax),
                               IndexOf(point.latitude, 90, GeoCell::kStepMax));
  std::string text;
  for (unsigned end = kCharacterBits; end <= kBits; end += kCharacterBits) {
    text += kAlphabet[bits >> (kBits - end) & 31];
  }
  return text + '0';  // two bits are left, not enough for the eleventh character
}

}  // namespace kvick
