// The picture that LOLWUT shows.
#pragma once

#include <string>

#include "base/random.h"

namespace kvick {

// Rings on water after a few stones, where they meet: each time others. Lines of braille dots in UTF-8.
std::string DrawRipples(Random& random);

}  // namespace kvick
