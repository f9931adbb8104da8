// Status and Result: how a function of kvick says that it could not do its work.
//
//   Result<Listener> Make(...);
//   KVICK_ASSIGN_OR_RETURN(const int64_t count, ParseInt64(text));
//   KVICK_RETURN_IF_ERROR(file.Sync());
//
// A Status carries one text. When the failure is a client's, the text is the error reply word for word,
// starting with its code ("ERR syntax error"), and the dispatcher sends it. Success is a null pointer, so
// passing an ok Status around costs a register.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/assert.h"

namespace kvick {

class [[nodiscard]] Status {
 public:
  Status() = default;
  static Status Ok() { return Status(); }
  // `text` is the whole error: for a client, the code and the message; for the world, what failed and why.
  static Status Error(std::string text) {
    Status status;
    status.text_ = std::make_unique<std::string>(std::move(text));
    return status;
  }

  Status(Status&&) noexcept = default;
  Status& operator=(Status&&) noexcept = default;
  Status(const Status& other) { *this = other; }
  Status& operator=(const Status& other) {
    if (this != &other) text_ = other.text_ ? std::make_unique<std::string>(*other.text_) : nullptr;
    return *this;
  }
  ~Status() = default;

  bool ok() const { return text_ == nullptr; }
  // Empty when ok.
  std::string_view text() const { return text_ ? std::string_view(*text_) : std::string_view(); }

 private:
  std::unique_ptr<std::string> text_;
};

// A value or the Status that says why there is none.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}                                        // NOLINT: implicit by design
  Result(Status status) : status_(std::move(status)) { KVICK_ASSERT(!status_.ok()); }  // NOLINT

  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }
  T& value() & {
    KVICK_ASSERT(ok());
    return *value_;
  }
  const T& value() const& {
    KVICK_ASSERT(ok());
    return *value_;
  }
  T&& value() && {
    KVICK_ASSERT(ok());
    return *std::move(value_);
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  Status status_;
  std::optional<T> value_;
};

}  // namespace kvick

#define KVICK_CONCAT_INNER(a, b) a##b
#define KVICK_CONCAT(a, b) KVICK_CONCAT_INNER(a, b)

#define KVICK_RETURN_IF_ERROR(expression)                                                        \
  do {                                                                                           \
    if (::kvick::Status kvick_status_ = (expression); !kvick_status_.ok()) return kvick_status_; \
  } while (false)

#define KVICK_ASSIGN_OR_RETURN(declaration, expression) \
  KVICK_ASSIGN_OR_RETURN_INNER(KVICK_CONCAT(kvick_result_, __LINE__), declaration, expression)
#define KVICK_ASSIGN_OR_RETURN_INNER(result, declaration, expression) \
  auto result = (expression);                                         \
  if (!result.ok()) return result.status();                           \
  declaration = std::move(result).value()
