#include "base/compressed_bytes.h"

#include <lz4.h>
#include <zstd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>

#include "base/assert.h"

namespace kvick {
namespace {

// A text that is shorter has nothing to save beside the header.
constexpr size_t kTextBytesMin = 64;
// What is saved at least: an eighth. Below that, reading costs more than the memory is worth.
constexpr size_t kSavedShare = 8;
// zstd's fastest ordinary level: the next ones save a percent or two of such texts, and take half as long again.
constexpr int kZstdLevel = 1;

// Threads count apart, so that they do not wait for one cache line.
struct alignas(64) Counters {
  std::atomic<int64_t> count{0};
  std::atomic<int64_t> bytes{0};
  std::atomic<int64_t> plain_bytes{0};
};
constexpr size_t kCounterCount = 16;
Counters all_counters[kCounterCount];

Counters& CountersOfThread() {
  static std::atomic<size_t> next{0};
  thread_local const size_t index = next.fetch_add(1, std::memory_order_relaxed) % kCounterCount;
  return all_counters[index];
}

// Made when a thread first needs one, as it takes some hundred kilobytes. Null when there is no memory.
ZSTD_CCtx* ZstdCompressor() {
  struct Free {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  };
  thread_local const std::unique_ptr<ZSTD_CCtx, Free> context(ZSTD_createCCtx());
  return context.get();
}

ZSTD_DCtx* ZstdDecompressor() {
  struct Free {
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
  };
  thread_local const std::unique_ptr<ZSTD_DCtx, Free> context(ZSTD_createDCtx());
  KVICK_ASSERT(context != nullptr);
  return context.get();
}

// The size of what was written, 0 when there was not enough room.
size_t Compress(CompressionMethod method, std::string_view text, char* out, size_t room) {
  if (method == CompressionMethod::kLz4) {
    return static_cast<size_t>(
        LZ4_compress_default(text.data(), out, static_cast<int>(text.size()), static_cast<int>(room)));
  }
  ZSTD_CCtx* const context = ZstdCompressor();
  if (context == nullptr) return 0;
  const size_t size = ZSTD_compressCCtx(context, out, room, text.data(), text.size(), kZstdLevel);
  return ZSTD_isError(size) != 0 ? 0 : size;
}

}  // namespace

CompressedBytesRef CompressedBytes::TryMake(std::string_view text, const ValueCompression& compression) {
  if (compression.method == CompressionMethod::kNone) return {};
  if (text.size() < std::max<uint64_t>(compression.bytes_min, kTextBytesMin) || text.size() > kSizeMax) return {};
  const size_t room = text.size() - text.size() / kSavedShare - sizeof(CompressedBytes);
  void* const memory = std::malloc(sizeof(CompressedBytes) + room);
  if (memory == nullptr) return {};
  auto* made = new (memory) CompressedBytes(compression.method);
  const size_t size = Compress(compression.method, text, made->data(), room);
  if (size == 0) {
    std::free(memory);
    return {};
  }
  made->plain_size_ = static_cast<uint32_t>(text.size());
  made->packed_size_ = static_cast<uint32_t>(size);
  // Nobody else knows it yet, so it may move; if there is no memory for that it stays as long as it is.
  if (void* const fitting = std::realloc(memory, sizeof(CompressedBytes) + size); fitting != nullptr) {
    made = static_cast<CompressedBytes*>(fitting);
  }
  made->Count(1);
  return CompressedBytesRef(made);
}

SharedBytes* CompressedBytes::Unpack() const {
  SharedBytes* const text = SharedBytes::Make(plain_size_, plain_size_);
  size_t size = 0;
  if (method_ == CompressionMethod::kLz4) {
    const int read =
        LZ4_decompress_safe(data(), text->data(), static_cast<int>(packed_size_), static_cast<int>(plain_size_));
    size = read < 0 ? 0 : static_cast<size_t>(read);
  } else {
    size = ZSTD_decompressDCtx(ZstdDecompressor(), text->data(), plain_size_, data(), packed_size_);
  }
  KVICK_ASSERT(size == plain_size_);
  return text;
}

void CompressedBytes::Count(int64_t sign) const {
  Counters& counters = CountersOfThread();
  counters.count.fetch_add(sign, std::memory_order_relaxed);
  counters.bytes.fetch_add(sign * static_cast<int64_t>(allocated_bytes()), std::memory_order_relaxed);
  counters.plain_bytes.fetch_add(sign * static_cast<int64_t>(plain_size_), std::memory_order_relaxed);
}

void CompressedBytes::Free() {
  Count(-1);
  this->~CompressedBytes();
  std::free(this);
}

CompressedBytes::Usage CompressedBytes::MeasureUsage() {
  Usage usage;
  for (const Counters& counters : all_counters) {
    usage.count += counters.count.load(std::memory_order_relaxed);
    usage.bytes += counters.bytes.load(std::memory_order_relaxed);
    usage.plain_bytes += counters.plain_bytes.load(std::memory_order_relaxed);
  }
  return usage;
}

constinit thread_local UnpackScope* UnpackScope::innermost_ = nullptr;

struct UnpackScope::Unpacked {
  Unpacked* before;
  // Held as well: while it is, nothing else has its address.
  CompressedBytes* packed;
  SharedBytes* text;
};

SharedBytes* UnpackScope::Unpack(CompressedBytes* packed) {
  // A command that looks at a value twice does so at once; one that reads many must not search among all of them.
  constexpr int kLookBackMax = 4;
  UnpackScope* const scope = innermost_;
  KVICK_ASSERT(scope != nullptr);
  int looked = 0;
  for (Unpacked* one = scope->latest_; one != nullptr && looked < kLookBackMax; one = one->before, ++looked) {
    if (one->packed == packed) return one->text;
  }
  packed->Hold();
  scope->latest_ = new Unpacked{scope->latest_, packed, packed->Unpack()};
  return scope->latest_->text;
}

void UnpackScope::DropAll() {
  while (latest_ != nullptr) {
    Unpacked* const one = std::exchange(latest_, latest_->before);
    one->packed->Drop();
    one->text->Drop();
    delete one;
  }
}

}  // namespace kvick
