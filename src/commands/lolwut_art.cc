#include "commands/lolwut_art.h"

#include <array>
#include <cmath>

namespace kvick {
namespace {

// In dots; a character shows two by four of them.
constexpr int kWidth = 120;
constexpr int kHeight = 80;
constexpr int kStoneCount = 3;
// Beyond this height a wave is drawn.
constexpr double kWaterline = 0.3;

struct Stone {
  double x;
  double y;
  double wave_length;
  double phase;
};

// The bit of a dot in the braille block of Unicode, by row and column.
constexpr std::array<std::array<int, 2>, 4> kBraille = {{{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}}};

double HeightAt(const std::array<Stone, kStoneCount>& stones, int x, int y) {
  double height = 0;
  for (const Stone& stone : stones) {
    const double distance = std::hypot(x - stone.x, y - stone.y);
    height += std::sin(distance * 6.2832 / stone.wave_length + stone.phase) * std::exp(-distance / 70);
  }
  return height;
}

void AppendBraille(int dots, std::string* out) {
  const int code = 0x2800 + dots;
  *out += static_cast<char>(0xe0 | code >> 12);
  *out += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
  *out += static_cast<char>(0x80 | (code & 0x3f));
}

}  // namespace

std::string DrawRipples(Random& random) {
  std::array<Stone, kStoneCount> stones{};
  for (Stone& stone : stones) {
    stone = {random.Unit() * kWidth, random.Unit() * kHeight, 9 + random.Unit() * 8, random.Unit() * 6.2832};
  }
  std::string picture;
  for (int row = 0; row < kHeight; row += 4) {
    for (int column = 0; column < kWidth; column += 2) {
      int dots = 0;
      for (int y = 0; y < 4; ++y) {
        for (int x = 0; x < 2; ++x) {
          if (HeightAt(stones, column + x, row + y) > kWaterline)
            dots |= kBraille[static_cast<size_t>(y)][static_cast<size_t>(x)];
        }
      }
      AppendBraille(dots, &picture);
    }
    picture += '\n';
  }
  return picture;
}

}  // namespace kvick
