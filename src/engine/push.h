// Pushes: messages that a client gets without having asked just now: what was published, invalidations of keys that it
// caches, the lines of MONITOR.
//
// A message is encoded once for each protocol, and its bytes are shared by all who get it. It goes to the threads whose
// sessions get it, once to each thread (PushPort), and the session's own thread decides when it arrives whether the
// session still wants it: nothing comes after an unsubscription was confirmed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/shared_bytes.h"

namespace kvick {

class Session;

struct PushMessage {
  enum class Kind : uint8_t {
    kChannel,
    kShardChannel,
    kPattern,
    kInvalidation,            // of keys that the session itself has read
    kRedirectedInvalidation,  // of keys that another session has read
    kNotice,                  // for whoever has a protocol that knows pushes
    kMonitorLine,
  };

  PushMessage(Kind message_kind, std::string_view source, std::string_view in_resp2, std::string_view in_resp3);
  // One that is an array in RESP2 and a push in RESP3, and else the same. `text` is the former.
  PushMessage(Kind message_kind, std::string_view source, std::string text);

  Kind kind;
  std::string name;      // of the channel or the pattern
  SharedBytesRef resp2;  // may be the same bytes
  SharedBytesRef resp3;
};

// A session as its thread finds it again. `epoch`: see Subscriptions.
struct PushTarget {
  uint64_t session_id = 0;
  int fd = -1;
  uint32_t epoch = 0;
};

// Takes pushes to the sessions of one thread, in the order in which they were delivered.
class PushPort {
 public:
  virtual ~PushPort() = default;
  // Any thread, under any lock; waits for nothing.
  virtual void Deliver(std::shared_ptr<const PushMessage> message, std::vector<PushTarget> targets) = 0;
};

// In the session's thread: what it is sent, or null when it does not want the message.
SharedBytes* BytesToPush(const Session& session, const PushMessage& message, const PushTarget& target);

PushTarget TargetOf(const Session& session);

// Receivers of the same messages, by their threads. Whoever has one protects it by a lock, under which sessions that
// end are removed: so the ports are there while it is held. Remove is linear in the number of receivers.
class Receivers {
 public:
  void Add(PushPort& port, const PushTarget& target);
  void Remove(const PushPort& port, uint64_t session_id);
  void Deliver(const std::shared_ptr<const PushMessage>& message) const;
  [[nodiscard]] size_t count() const { return count_; }

 private:
  struct Group {
    PushPort* port;
    std::vector<PushTarget> targets;
  };
  std::vector<Group> groups_;
  size_t count_ = 0;
};

// Protocol text.
void AppendBulk(std::string* text, std::string_view bytes);

}  // namespace kvick
