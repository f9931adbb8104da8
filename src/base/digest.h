// Digest: 160 bits that are the same for equal contents, for comparing data sets (DEBUG DIGEST). Not cryptographic.
//
//   Digest list;  list.Append("a"); list.Append("b");    // order counts
//   Digest set;   set.Mix("a"); set.Mix("b");            // order does not count
//
// The empty digest prints as zeros.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace kvick {

class Digest {
 public:
  void Append(std::string_view bytes);
  void Mix(std::string_view bytes);
  void Mix(const Digest& other);

  // Forty hexadecimal digits.
  [[nodiscard]] std::string Hex() const;

 private:
  struct Words {
    uint64_t high = 0;
    uint64_t middle = 0;
    uint32_t low = 0;
  };
  static Words HashOf(std::string_view bytes, uint64_t seed);
  void Add(const Words& words);
  [[nodiscard]] std::string_view Bytes(std::array<char, 20>* buffer) const;

  Words words_;
};

}  // namespace kvick
