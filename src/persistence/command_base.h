// CommandBase: the base of an append-only file as commands.
#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include "persistence/aof_base.h"

namespace kvick {

class CommandBase final : public AofBase {
 public:
  CommandBase(Engine& engine, std::shared_ptr<ByteSink> file) : engine_(engine), file_(std::move(file)) {}

  [[nodiscard]] std::string_view extension() const override { return "aof"; }
  [[nodiscard]] std::shared_ptr<const EntryEncoder> encoder() const override;
  // With aof-timestamp-enabled it begins with the time.
  Status Begin() override;
  Status Write(std::string_view bytes) override { return file_->Write(bytes); }
  Status End() override { return Status::Ok(); }

 private:
  Engine& engine_;
  const std::shared_ptr<ByteSink> file_;
};

}  // namespace kvick
