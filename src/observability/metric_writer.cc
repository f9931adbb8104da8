#include "observability/metric_writer.h"

#include <cmath>
#include <cstdio>

namespace kvick {
namespace {

constexpr std::string_view kTypeNames[] = {"gauge", "counter", "summary", "histogram"};  // by MetricType

std::string Escape(std::string_view text, bool is_label) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\\') {
      escaped += "\\\\";
    } else if (c == '\n') {
      escaped += "\\n";
    } else if (c == '"' && is_label) {
      escaped += "\\\"";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

}  // namespace

std::string FormatMetricNumber(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  char buffer[64];
  const int length = std::snprintf(buffer, sizeof(buffer), "%.15g", value);
  return std::string(buffer, static_cast<size_t>(length));
}

void MetricWriter::Family(std::string_view name, MetricType type, std::string_view help) {
  family_ = name;
  text_ += "# HELP " + family_ + " " + Escape(help, false) + "\n# TYPE " + family_ + " ";
  text_ += kTypeNames[static_cast<size_t>(type)];
  text_ += '\n';
}

void MetricWriter::Sample(const Labels& labels, uint64_t value, std::string_view suffix) {
  SampleText(labels, std::to_string(value), suffix);
}

void MetricWriter::Sample(const Labels& labels, double value, std::string_view suffix) {
  SampleText(labels, FormatMetricNumber(value), suffix);
}

void MetricWriter::SampleText(const Labels& labels, std::string_view number, std::string_view suffix) {
  text_ += family_;
  text_ += suffix;
  char separator = '{';
  for (const auto& [name, value] : labels) {
    text_ += separator;
    text_ += name;
    text_ += "=\"" + Escape(value, true) + '"';
    separator = ',';
  }
  if (!labels.empty()) text_ += '}';
  text_ += ' ';
  text_ += number;
  text_ += '\n';
}

}  // namespace kvick
