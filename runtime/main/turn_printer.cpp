#include "runtime/main/turn_printer.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace hearth::main {
namespace {

// no-color.org: colors for terminals, unless NO_COLOR says no.
bool WantsColor() {
  const char* no_color = std::getenv("NO_COLOR");
  return isatty(STDOUT_FILENO) == 1 && (no_color == nullptr || *no_color == '\0');
}

constexpr const char* kDim = "\x1b[2m";
constexpr const char* kCyan = "\x1b[36m";
constexpr const char* kRed = "\x1b[31m";
constexpr const char* kPlain = "\x1b[0m";

// What a model or a stored task says must not steer the terminal.
std::string Printable(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f) {
      out += "\xef\xbf\xbd";
    } else {
      out += c;
    }
  }
  return out;
}

std::string Indent(const std::string& text) {
  std::string out;
  for (const char c : text) {
    out += c;
    if (c == '\n') out += "    ";
  }
  return out;
}

}  // namespace

TurnPrinter::TurnPrinter(const Clock& clock) : clock_(clock), color_(WantsColor()) {}

void TurnPrinter::EndLine() {
  if (in_reasoning_ && color_) std::fputs(kPlain, stdout);
  if (in_line_) std::fputc('\n', stdout);
  in_line_ = in_reasoning_ = false;
}

void TurnPrinter::operator()(const agent::Event& event) {
  const auto paint = [&](const char* color) { return color_ ? color : ""; };
  if (const auto* progress = std::get_if<agent::PromptProgress>(&event)) {
    if (!reading_ && progress->done < progress->total) {
      reading_ = std::make_unique<Progress>("Reading the prompt", progress->total, clock_,
                                            Progress::ForStderr());
    }
    if (reading_) reading_->Update(progress->done);
    if (progress->done >= progress->total) reading_.reset();
    return;
  }
  reading_.reset();
  if (const auto* text = std::get_if<agent::TextDelta>(&event)) {
    if (in_reasoning_) EndLine();
    // A turn often begins with blanks that mean nothing.
    const size_t begin = in_line_ ? 0 : text->text.find_first_not_of(" \n\t\r");
    if (begin != std::string::npos) {
      std::fputs(Printable(text->text.substr(begin)).c_str(), stdout);
      in_line_ = true;
    }
  } else if (const auto* reasoning = std::get_if<agent::ReasoningDelta>(&event)) {
    if (!in_reasoning_) {
      EndLine();
      std::fputs(paint(kDim), stdout);
    }
    std::fputs(Printable(reasoning->text).c_str(), stdout);
    in_line_ = in_reasoning_ = true;
  } else if (const auto* call = std::get_if<agent::ToolCalled>(&event)) {
    EndLine();
    std::printf("%s> %s%s %s\n", paint(kCyan), call->name.c_str(), paint(kPlain),
                Printable(DumpJson(call->arguments)).c_str());
  } else if (const auto* result = std::get_if<agent::ToolReturned>(&event)) {
    EndLine();
    std::printf("  %s%s%s\n", paint(result->is_error ? kRed : kDim),
                Indent(Printable(result->text)).c_str(), paint(kPlain));
  } else if (const auto* finished = std::get_if<agent::TurnFinished>(&event)) {
    EndLine();
    if (finished->reason != "answered") {
      std::printf("(%s%s%s)\n", finished->reason.c_str(), finished->detail.empty() ? "" : ": ",
                  finished->detail.c_str());
    }
  }
  std::fflush(stdout);
}

}  // namespace hearth::main
