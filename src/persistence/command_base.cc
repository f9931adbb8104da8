#include "persistence/command_base.h"

#include <string>

#include "engine/engine.h"
#include "persistence/command_encoder.h"
#include "persistence/command_text.h"
#include "scripting/scripting.h"

namespace kvick {

std::shared_ptr<const EntryEncoder> CommandBase::encoder() const { return std::make_shared<CommandEncoder>(); }

Status CommandBase::Begin() {
  std::string text;
  if (engine_.settings().aof_timestamps) {
    text = "#TS:" + std::to_string(engine_.clock().NowMs() / 1000) + "\r\n";
  }
  if (engine_.hooks.script_runner != nullptr) {
    auto& scripting = static_cast<Scripting&>(*engine_.hooks.script_runner);
    for (const auto& [name, library] : scripting.functions().libraries()) {
      AppendCommand(&text, {"FUNCTION", "LOAD", library->text});
    }
  }
  return file_->Write(text);
}

}  // namespace kvick
