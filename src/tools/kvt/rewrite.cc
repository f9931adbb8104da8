#include "tools/kvt/rewrite.h"

namespace kvick::kvt {

std::string Rewrite(const Conversation& conversation, const Outcome& outcome) {
  std::string text;
  size_t next = 0;  // index of the first line not yet written
  const auto copy_until = [&](size_t end) {
    for (; next < end; ++next) text.append(conversation.lines[next]).append("\n");
  };
  for (const auto& [step_index, lines] : outcome.observed) {
    const Step& step = conversation.steps[step_index];
    copy_until(step.expected_line - 1);
    for (const std::string& line : lines) text.append(EscapeExpectedLine(line)).append("\n");
    next += step.expected.size();
  }
  copy_until(conversation.lines.size());
  return text;
}

}  // namespace kvick::kvt
