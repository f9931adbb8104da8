// The text that kvick-cli prints for a reply. The conversation tests compare it word for word, so it is part of
// compatibility: what redis-cli 7.0 prints for the same bytes.
//
//   kFormatted   for people:      1) (integer) 1       "a\nb"       (nil)       1# "key" => "value"
//   kRaw         for pipelines:   the bytes of each string, elements separated by `element_delimiter`
//   kCsv, kJson                   one line a reply; kQuotedJson has only ASCII
//
// Pure functions; linear in the size of the reply.
#pragma once

#include <string>
#include <string_view>

#include "resp/value.h"

namespace kvick {

enum class PrintMode { kFormatted, kRaw, kCsv, kJson, kQuotedJson };

// Formatted replies end with a line feed, the other modes leave the end of the reply to the caller.
std::string PrintFormatted(const Value& value);
std::string PrintRaw(const Value& value, std::string_view element_delimiter = "\n");
std::string PrintCsv(const Value& value);
std::string PrintJson(const Value& value);
std::string PrintQuotedJson(const Value& value);

std::string Print(const Value& value, PrintMode mode, std::string_view element_delimiter = "\n");

}  // namespace kvick
