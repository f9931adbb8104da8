#include "keyspace/key_hash.h"

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

uint64_t HashKey(std::string_view key) {
  return XXH3_64bits_withSecret(key.data(), key.size(), secret.bytes, sizeof(secret.bytes));
}

}  // namespace kvick
