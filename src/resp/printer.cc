#include "resp/printer.h"

#include <cstdio>

#include "base/bytes.h"

namespace kvick {
namespace {

using Type = Value::Type;

// Text of a value without elements, where all modes but JSON agree on numbers.
std::string NumberText(const Value& value) {
  return value.type == Type::kInteger ? std::to_string(value.integer) : value.text;
}

// --- formatted -------------------------------------------------------------------------------------------------

std::string_view EmptyText(Type type) {
  switch (type) {
    case Type::kMap: return "(empty hash)";
    case Type::kSet: return "(empty set)";
    case Type::kPush: return "(empty push)";
    default: return "(empty array)";
  }
}

char IndexMark(Type type) {
  switch (type) {
    case Type::kMap: return '#';
    case Type::kSet: return '~';
    default: return ')';
  }
}

// One scalar, without a line feed.
std::string FormattedScalar(const Value& value) {
  switch (value.type) {
    case Type::kError:
    case Type::kBlobError: return "(error) " + value.text;
    case Type::kInteger: return "(integer) " + NumberText(value);
    case Type::kBulkString: return QuoteArgument(value.text);
    case Type::kDouble: return "(double) " + value.text;
    case Type::kBigNumber: return "(bignum) " + value.text;
    case Type::kBoolean: return value.boolean ? "(true)" : "(false)";
    case Type::kNull:
    case Type::kNullArray: return "(nil)";
    default: return value.text;  // simple and verbatim strings appear as they are
  }
}

class FormattedPrinter {
 public:
  explicit FormattedPrinter(std::string* out) : out_(out) {}

  // Appends the value; it starts in the current line, and `indent` begins each further line of it. No line feed
  // at the end.
  void Append(const Value& value, const std::string& indent) {
    if (!value.attributes.empty()) AppendAttributes(value, indent);
    if (!value.IsAggregate()) {
      out_->append(FormattedScalar(value));
    } else if (value.elements.empty()) {
      out_->append(EmptyText(value.type));
    } else {
      AppendElements(value.elements, value.type == Type::kMap, IndexMark(value.type), indent);
    }
  }

 private:
  void AppendElements(const std::vector<Value>& elements, bool in_pairs, char mark, const std::string& indent) {
    const size_t count = in_pairs ? elements.size() / 2 : elements.size();
    const size_t index_width = std::to_string(count).size();
    const std::string inner_indent = indent + std::string(index_width + 2, ' ');
    for (size_t i = 0; i < count; ++i) {
      if (i > 0) out_->append("\n").append(indent);
      const std::string index = std::to_string(i + 1);
      out_->append(index_width - index.size(), ' ').append(index).append(1, mark).append(1, ' ');
      if (!in_pairs) {
        Append(elements[i], inner_indent);
        continue;
      }
      Append(elements[2 * i], inner_indent);
      out_->append(" => ");
      const Value& value = elements[2 * i + 1];
      // A value of several lines starts below its key, so that its indexes stand in one column.
      if (value.IsAggregate() && value.Count() > 1) out_->append("\n").append(inner_indent);
      Append(value, inner_indent);
    }
  }

  // Attributes stand on lines of their own, before the value: 1| "ttl" => (integer) 3600
  void AppendAttributes(const Value& value, const std::string& indent) {
    AppendElements(value.attributes, true, '|', indent);
    out_->append("\n").append(indent);
  }

  std::string* out_;
};

// --- raw -------------------------------------------------------------------------------------------------------

void AppendRaw(const Value& value, std::string_view delimiter, std::string* out) {
  switch (value.type) {
    case Type::kError:
    case Type::kBlobError: out->append(value.text).append("\n"); return;
    case Type::kNull:
    case Type::kNullArray: return;
    case Type::kBoolean: out->append(value.boolean ? "(true)" : "(false)"); return;
    case Type::kArray:
    case Type::kMap:
    case Type::kSet:
    case Type::kPush: break;
    default: out->append(NumberText(value)); return;
  }
  for (size_t i = 0; i < value.elements.size(); ++i) {
    const bool is_value_of_key = value.type == Type::kMap && i % 2 == 1;
    if (i > 0) out->append(is_value_of_key ? std::string_view(" ") : delimiter);
    AppendRaw(value.elements[i], delimiter, out);
  }
}

// --- CSV -------------------------------------------------------------------------------------------------------

void AppendCsv(const Value& value, std::string* out) {
  switch (value.type) {
    case Type::kError:
    case Type::kBlobError: out->append("ERROR,").append(QuoteArgument(value.text)); return;
    case Type::kNull:
    case Type::kNullArray: out->append("NULL"); return;
    case Type::kBoolean: out->append(value.boolean ? "true" : "false"); return;
    case Type::kInteger:
    case Type::kDouble:
    case Type::kBigNumber: out->append(NumberText(value)); return;
    case Type::kSimpleString:
    case Type::kBulkString:
    case Type::kVerbatim: out->append(QuoteArgument(value.text)); return;
    default: break;
  }
  for (size_t i = 0; i < value.elements.size(); ++i) {
    if (i > 0) out->append(",");
    AppendCsv(value.elements[i], out);
  }
}

// --- JSON ------------------------------------------------------------------------------------------------------

std::string JsonString(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      case '\b': out += "\\b"; break;
      case '\f': out += "\\f"; break;
      default:
        if (static_cast<unsigned char>(c) < ' ') {
          char escape[7];
          std::snprintf(escape, sizeof(escape), "\\u%04x", static_cast<unsigned>(c));
          out += escape;
        } else {
          out.push_back(c);
        }
    }
  }
  out.push_back('"');
  return out;
}

// The quoted form has its backslashes doubled and its inner quotes left alone. That is not JSON for texts with a
// quote, but it is what the flag has always printed, and its readers undo exactly this.
std::string QuotedJsonString(std::string_view text) {
  std::string out;
  for (const char c : QuoteArgument(text)) {
    if (c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

void AppendJson(const Value& value, bool quoted, std::string* out) {
  const auto string = [quoted](std::string_view text) { return quoted ? QuotedJsonString(text) : JsonString(text); };
  switch (value.type) {
    case Type::kError:
    case Type::kBlobError: out->append("error:").append(string(value.text)); return;
    case Type::kNull:
    case Type::kNullArray: out->append("null"); return;
    case Type::kBoolean: out->append(value.boolean ? "true" : "false"); return;
    case Type::kInteger:
    case Type::kDouble:
    case Type::kBigNumber: out->append(NumberText(value)); return;
    case Type::kSimpleString:
    case Type::kBulkString:
    case Type::kVerbatim: out->append(string(value.text)); return;
    default: break;
  }
  const bool is_map = value.type == Type::kMap;
  out->append(is_map ? "{" : "[");
  for (size_t i = 0; i < value.elements.size(); ++i) {
    const Value& element = value.elements[i];
    const bool is_key = is_map && i % 2 == 0;
    if (i > 0) out->append(is_map && !is_key ? ":" : ",");
    // JSON knows only strings as keys: other types are put in quotes.
    const bool add_quotes = is_key && !element.IsString() && !element.IsError();
    if (add_quotes) out->append("\"");
    AppendJson(element, quoted, out);
    if (add_quotes) out->append("\"");
  }
  out->append(is_map ? "}" : "]");
}

}  // namespace

std::string PrintFormatted(const Value& value) {
  std::string out;
  FormattedPrinter(&out).Append(value, "");
  out.push_back('\n');
  return out;
}

std::string PrintRaw(const Value& value, std::string_view element_delimiter) {
  std::string out;
  AppendRaw(value, element_delimiter, &out);
  return out;
}

std::string PrintCsv(const Value& value) {
  std::string out;
  AppendCsv(value, &out);
  return out;
}

std::string PrintJson(const Value& value) {
  std::string out;
  AppendJson(value, /*quoted=*/false, &out);
  return out;
}

std::string PrintQuotedJson(const Value& value) {
  std::string out;
  AppendJson(value, /*quoted=*/true, &out);
  return out;
}

std::string Print(const Value& value, PrintMode mode, std::string_view element_delimiter) {
  switch (mode) {
    case PrintMode::kFormatted: return PrintFormatted(value);
    case PrintMode::kRaw: return PrintRaw(value, element_delimiter);
    case PrintMode::kCsv: return PrintCsv(value);
    case PrintMode::kJson: return PrintJson(value);
    case PrintMode::kQuotedJson: return PrintQuotedJson(value);
  }
  return {};
}

}  // namespace kvick
