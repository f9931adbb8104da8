// ByteSink: where bytes go that are written from front to back: a file, a socket, a string.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace kvick {

class ByteSink {
 public:
  virtual ~ByteSink() = default;
  // All of it, or an error; after an error nothing more is written.
  virtual Status Write(std::string_view bytes) = 0;
};

class StringSink final : public ByteSink {
 public:
  explicit StringSink(std::string* out) : out_(out) {}
  Status Write(std::string_view bytes) override {
    out_->append(bytes);
    return Status::Ok();
  }

 private:
  std::string* out_;
};

}  // namespace kvick
