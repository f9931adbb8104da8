#include "types/geo_shape.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/random.h"

namespace kvick {
namespace {

TEST(GeoCellsTest, APointIsTheMiddleOfItsCell) {
  const GeoPoint palermo{13.361389, 38.115556};
  const auto score = static_cast<double>(GeoCell::Of(palermo).bits);
  EXPECT_EQ(score, 3479099956230698);
  const GeoPoint middle = PointOfScore(score);
  EXPECT_EQ(middle.longitude, 13.36138933897018433);
  EXPECT_EQ(middle.latitude, 38.11555639549629859);
  EXPECT_EQ(GeohashText(middle), "sqc8b49rny0");
  EXPECT_LT(GeoDistance(palermo, middle), 1);
}

TEST(GeoCellsTest, EveryCellHoldsWhatIsEncodedInIt) {
  const uint64_t seed = 5;
  Random random(seed);
  for (int i = 0; i < 100'000; ++i) {
    const GeoPoint point{random.Unit() * 360 - 180, random.Unit() * 170.1 - 85.05};
    const GeoBox box = GeoCell::Of(point).Box();
    ASSERT_LE(box.longitude_min, point.longitude);
    ASSERT_GE(box.longitude_max, point.longitude);
    ASSERT_LE(box.latitude_min, point.latitude);
    ASSERT_GE(box.latitude_max, point.latitude);
    const auto score = static_cast<double>(GeoCell::Of(point).bits);
    const auto step = static_cast<unsigned>(1 + random.Below(26));
    const GeoCell larger = GeoCell::Holding(point, step);
    ASSERT_LE(larger.first_score(), score);
    ASSERT_GT(larger.end_score(), score);
    ASSERT_EQ(larger.Neighbour(3, -2).Neighbour(-3, 2), larger);
  }
}

TEST(GeoCellsTest, ScoresThatAreNoCellsHaveAMeaning) {
  EXPECT_EQ(CellBitsOfScore(1.5), 1u);
  EXPECT_EQ(CellBitsOfScore(-5), ~uint64_t{4});
  EXPECT_EQ(CellBitsOfScore(1e300), 0u);
  EXPECT_EQ(CellBitsOfScore(INFINITY), 0u);
  EXPECT_EQ(CellBitsOfScore(-INFINITY), uint64_t{1} << 63);
  EXPECT_EQ(CellBitsOfScore(9223372036854775808.0), uint64_t{1} << 63);
  EXPECT_EQ(PointOfScore(-5).longitude, 180);
  EXPECT_EQ(PointOfScore(-5).latitude, kLatitudeMax);
}

TEST(GeoCellsTest, DistancesAreThoseOfASphere) {
  EXPECT_NEAR(GeoDistance({0, 0}, {180, 0}), M_PI * kEarthRadiusM, 1);
  EXPECT_NEAR(GeoDistance({179.9, 0}, {-179.9, 0}), GeoDistance({0, 0}, {0.2, 0}), 1e-3);
  EXPECT_NEAR(GeoDistance({0, 85}, {180, 85}), GeoDistance({0, 0}, {0, 10}), 1e-3);
  EXPECT_EQ(GeoDistance({10, 10}, {10, 20}), LatitudeDistance(10, 20));
}

// Where points lie that make trouble: at the antimeridian, near the poles, and anywhere.
GeoPoint PointNear(Random& random, int region) {
  const auto within = [&random](double low, double high) { return low + random.Unit() * (high - low); };
  switch (region) {
    case 0: return {within(-180, 180), within(-85, 85)};
    case 1: return {within(0, 1) < 0.5 ? within(178, 179.999) : within(-180, -178), within(-80, 80)};
    case 2: return {within(-180, 180), within(0, 1) < 0.5 ? within(80, 85.05) : within(-85.05, -80)};
    default: return {within(-5, 5), within(-5, 5)};
  }
}

// All points that a search visits, by the cells alone.
bool IsCovered(const GeoCover& cover, double score) {
  return std::any_of(cover.begin(), cover.end(),
                     [score](const GeoCell& cell) { return cell.first_score() <= score && score < cell.end_score(); });
}

TEST(GeoShapeTest, CoveringCellsMissNoPointThatIsInside) {
  const uint64_t seed = 2024;
  Random random(seed);
  int inside_count = 0;
  for (int round = 0; round < 4'000; ++round) {
    const int region = round % 4;
    const GeoPoint center = PointNear(random, region);
    const double size_m = std::pow(10, 1 + random.Unit() * 6.3);
    const bool is_circle = random.Below(2) == 0;
    const double height_m = size_m * std::pow(10, random.Unit() * 2 - 1);
    const GeoShape shape = is_circle ? GeoShape::Circle(center, size_m) : GeoShape::Rectangle(center, size_m, height_m);
    const GeoCover cover = shape.CoveringCells();
    for (int i = 0; i < 100; ++i) {
      // Half of the points near the center, so that small shapes have some, too.
      GeoPoint point = PointNear(random, region);
      if (i % 2 == 0) {
        const double reach = size_m / 111'000;
        point = {center.longitude + (random.Unit() * 2 - 1) * reach / std::cos(center.latitude * M_PI / 180),
                 center.latitude + (random.Unit() * 2 - 1) * reach};
        point.longitude = std::remainder(point.longitude, 360);
        if (!point.IsValid() || point.longitude == 180) continue;
      }
      const auto score = static_cast<double>(GeoCell::Of(point).bits);
      if (!shape.DistanceInside(PointOfScore(score))) continue;
      ++inside_count;
      ASSERT_TRUE(IsCovered(cover, score))
          << "seed " << seed << " round " << round << (is_circle ? " circle " : " rectangle ") << size_m << " x "
          << height_m << " around " << center.longitude << ' ' << center.latitude << " misses " << point.longitude
          << ' ' << point.latitude;
    }
  }
  EXPECT_GT(inside_count, 50'000);
}

TEST(GeoShapeTest, PointsOnTheEdgesOfTheGridAreFoundFromBothSides) {
  for (const GeoPoint edge : {GeoPoint{180, 10}, GeoPoint{20, kLatitudeMax}, GeoPoint{180, kLatitudeMax}}) {
    const auto score = static_cast<double>(GeoCell::Of(edge).bits);
    for (const GeoPoint center : {edge, GeoPoint{edge.longitude - 0.1, edge.latitude - 0.01},
                                  GeoPoint{edge.longitude == 180 ? -179.9 : edge.longitude, edge.latitude}}) {
      const GeoShape shape = GeoShape::Circle(center, 50'000);
      ASSERT_TRUE(shape.DistanceInside(PointOfScore(score)).has_value());
      EXPECT_TRUE(IsCovered(shape.CoveringCells(), score))
          << edge.longitude << ' ' << edge.latitude << " from " << center.longitude << ' ' << center.latitude;
    }
  }
}

TEST(GeoShapeTest, CellsAreVisitedOnce) {
  Random random(9);
  for (int round = 0; round < 1'000; ++round) {
    const GeoCover cover =
        GeoShape::Circle(PointNear(random, round % 4), std::pow(10, random.Unit() * 8)).CoveringCells();
    for (const GeoCell* a = cover.begin(); a != cover.end(); ++a) {
      for (const GeoCell* b = cover.begin(); b != a; ++b) ASSERT_FALSE(*a == *b);
      ASSERT_EQ(a->step, cover.begin()->step);
    }
  }
}

TEST(GeoShapeTest, SmallShapesVisitSmallCells) {
  const GeoShape shape = GeoShape::Circle({15, 37}, 100);
  for (const GeoCell& cell : shape.CoveringCells()) {
    const GeoBox box = cell.Box();
    EXPECT_LT(box.latitude_max - box.latitude_min, 0.01);
  }
}

TEST(GeoShapeTest, ARectangleEndsAtItsSides) {
  const GeoShape shape = GeoShape::Rectangle({0, 0}, 200'000, 100'000);
  EXPECT_TRUE(shape.DistanceInside({0.89, 0.44}).has_value());
  EXPECT_FALSE(shape.DistanceInside({0.91, 0}).has_value());
  EXPECT_FALSE(shape.DistanceInside({0, 0.46}).has_value());
}

TEST(GeoShapeTest, APolygonMayHaveNotches) {
  const GeoShape shape = GeoShape::Polygon({{0, 0}, {4, 0}, {4, 4}, {2, 1}, {0, 4}});
  EXPECT_TRUE(shape.DistanceInside({1, 1}).has_value());
  EXPECT_TRUE(shape.DistanceInside({3.5, 2}).has_value());
  EXPECT_FALSE(shape.DistanceInside({2, 2}).has_value());
  EXPECT_FALSE(shape.DistanceInside({5, 1}).has_value());
  EXPECT_EQ(shape.center().longitude, 2);
  EXPECT_EQ(shape.center().latitude, 1.8);
  const GeoCover cover = shape.CoveringCells();
  EXPECT_TRUE(IsCovered(cover, static_cast<double>(GeoCell::Of({3.9, 3.8}).bits)));
}

}  // namespace
}  // namespace kvick
