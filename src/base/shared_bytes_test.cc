#include "base/shared_bytes.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <utility>
#include <vector>

#include "support/threads.h"

namespace kvick {
namespace {

TEST(SharedBytesTest, HoldsTheBytesAndTheRoomItWasMadeWith) {
  SharedBytes* bytes = SharedBytes::Make("hello");
  EXPECT_EQ(bytes->view(), "hello");
  EXPECT_FALSE(bytes->IsShared());
  bytes->Drop();
  bytes = SharedBytes::Make(2, 10);
  EXPECT_EQ(bytes->size(), 2u);
  EXPECT_EQ(bytes->capacity(), 10u);
  std::memcpy(bytes->data(), "0123456789", 10);
  bytes->set_size(10);
  EXPECT_EQ(bytes->view(), "0123456789");
  bytes->Drop();
}

TEST(SharedBytesTest, IsSharedWhileAReferenceLives) {
  SharedBytes* bytes = SharedBytes::Make("hello");
  {
    SharedBytesRef first(bytes);
    EXPECT_TRUE(bytes->IsShared());
    SharedBytesRef second(std::move(first));
    EXPECT_FALSE(static_cast<bool>(first));  // NOLINT: that it is empty is the point
    EXPECT_TRUE(bytes->IsShared());
    SharedBytesRef third;
    third = std::move(second);
    EXPECT_EQ(third.view(), "hello");
  }
  EXPECT_FALSE(bytes->IsShared());
  bytes->Drop();
}

TEST(SharedBytesTest, LivesAsLongAsItsLastReference) {
  SharedBytes* bytes = SharedBytes::Make("hello");
  SharedBytesRef reference(bytes);
  bytes->Drop();
  EXPECT_EQ(reference.view(), "hello");
}

// As the keyspace and the replies do: the owner hands references to senders, drops its own, and writes in place only
// when nobody else reads. ThreadSanitizer sees a write that a late reader could meet.
TEST(SharedBytesConcurrencyTest, TheOwnerWritesInPlaceOnlyWhenAlone) {
  SharedBytes* bytes = SharedBytes::Make("aaaaaaaa");
  std::atomic<SharedBytesRef*> handed{nullptr};
  std::atomic<bool> ended{false};
  int written_in_place = 0;
  test::RunThreads(2, [&](int thread) {
    if (thread == 1) {
      while (!ended.load()) {
        SharedBytesRef* reference = handed.exchange(nullptr);
        if (reference == nullptr) continue;
        const std::string_view view = reference->view();
        EXPECT_EQ(view, std::string(view.size(), view[0]));
        delete reference;
      }
      return;
    }
    for (const test::Deadline deadline; !deadline.HasPassed();) {
      for (char c = 'a'; c <= 'z'; ++c) {
        if (bytes->IsShared()) {
          bytes->Drop();
          bytes = SharedBytes::Make(std::string(8, c));
        } else {
          std::memset(bytes->data(), c, bytes->size());
          ++written_in_place;
        }
        delete handed.exchange(new SharedBytesRef(bytes));
      }
    }
    ended = true;
  });
  delete handed.load();
  EXPECT_FALSE(bytes->IsShared());
  bytes->Drop();
  EXPECT_GT(written_in_place, 0);
}

}  // namespace
}  // namespace kvick
