#include "base/secret_hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/random.h"

namespace kvick {
namespace {

struct Secret {
  Secret() { FillWithSecretBytes(bytes, sizeof(bytes)); }
  unsigned char bytes[XXH3_SECRET_SIZE_MIN + 64];
};

const Secret secret;

}  // namespace

uint64_t SecretHash(std::string_view bytes) {
  return XXH3_64bits_withSecret(bytes.data(), bytes.size(), secret.bytes, sizeof(secret.bytes));
}

}  // namespace kvick
