#include "runtime/base/progress.h"

#include <unistd.h>

#include <algorithm>
#include <iomanip>
#include <sstream>
#include <utility>

namespace hearth {
namespace {

constexpr auto kSilent = std::chrono::seconds(1);
constexpr auto kRedraw = std::chrono::milliseconds(100);
constexpr auto kPlainLine = std::chrono::seconds(10);
constexpr int kBarWidth = 24;

}  // namespace

Progress::Options Progress::ForStderr(bool bytes) {
  return {stderr, ::isatty(STDERR_FILENO) == 1, bytes};
}

Progress::Progress(std::string label, uint64_t total, const Clock& clock, Options options)
    : label_(std::move(label)),
      total_(total),
      clock_(clock),
      options_(options),
      start_(clock.Monotonic()),
      next_(start_ + kSilent) {}

Progress::~Progress() {
  if (!drawn_) return;
  const double seconds = std::chrono::duration<double>(clock_.Monotonic() - start_).count();
  std::fprintf(options_.out, "%s%s\n", options_.terminal ? "\r\x1b[K" : "",
               Line(done_, seconds).c_str());
  std::fflush(options_.out);
}

void Progress::Update(uint64_t done) {
  done_ = done;
  const MonotonicPoint now = clock_.Monotonic();
  if (now < next_) return;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const std::string line = Line(done, seconds);
  if (options_.terminal) {
    std::fprintf(options_.out, "\r\x1b[K%s", line.c_str());
  } else {
    std::fprintf(options_.out, "%s\n", line.c_str());
  }
  std::fflush(options_.out);
  drawn_ = true;
  next_ = now + (options_.terminal ? std::chrono::nanoseconds(kRedraw)
                                   : std::chrono::nanoseconds(kPlainLine));
}

std::string Progress::Line(uint64_t done, double seconds) const {
  const auto amount = [this](uint64_t count) {
    std::ostringstream text;
    if (options_.bytes) {
      text << std::fixed << std::setprecision(1) << static_cast<double>(count) / (1 << 20);
    } else {
      text << count;
    }
    return text.str();
  };
  std::ostringstream line;
  line << label_ << ' ';
  if (total_ != 0) {
    const double part = std::min(1.0, static_cast<double>(done) / static_cast<double>(total_));
    const int filled = static_cast<int>(part * kBarWidth);
    if (options_.terminal) {
      line << '[' << std::string(static_cast<size_t>(filled), '#')
           << std::string(static_cast<size_t>(kBarWidth - filled), '.') << "] ";
    }
    line << static_cast<int>(part * 100) << "% (" << amount(done) << '/' << amount(total_);
  } else {
    line << '(' << amount(done);
  }
  line << (options_.bytes ? " MiB, " : ", ") << std::fixed << std::setprecision(1) << seconds
       << " s)";
  return line.str();
}

}  // namespace hearth
