#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <future>
#include <mutex>
#include <thread>

#include "mcp/launcher.h"
#include "mcp/server/workers.h"

extern char** environ;

namespace hearth::mcp {
namespace {

using Milliseconds = std::chrono::milliseconds;

constexpr size_t kKeptWords = 8 << 10;

class Pipe {
 public:
  static Result<Pipe> Make() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
      return MakeError(ErrorCode::kIo, "no pipe can be made: ", std::strerror(errno));
    }
    return Pipe(ends);
  }
  Pipe(Pipe&& other) noexcept : ends_(std::exchange(other.ends_, {-1, -1})) {}
  Pipe& operator=(Pipe&& other) noexcept {
    std::swap(ends_, other.ends_);
    return *this;
  }
  ~Pipe() {
    Close(0);
    Close(1);
  }
  int reader() const { return ends_[0]; }
  int writer() const { return ends_[1]; }
  int Release(size_t end) { return std::exchange(ends_[end], -1); }
  void Close(size_t end) {
    if (ends_[end] >= 0) ::close(Release(end));
  }

 private:
  explicit Pipe(std::array<int, 2> ends) : ends_(ends) {}
  std::array<int, 2> ends_;
};

// The file that a command means: itself where it has a slash, else the first of that name in PATH.
Result<std::string> FindProgram(const std::string& command, const std::string& path) {
  if (command.empty()) return MakeError(ErrorCode::kInvalidArgument, "the command is empty");
  if (command.find('/') != std::string::npos) {
    if (::access(command.c_str(), X_OK) == 0) return command;
    return MakeError(ErrorCode::kNotFound, command, ": ", std::strerror(errno));
  }
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find(':', begin), path.size());
    const std::string candidate = path.substr(begin, end - begin) + "/" + command;
    if (end != begin && ::access(candidate.c_str(), X_OK) == 0) return candidate;
    begin = end + 1;
  }
  return MakeError(ErrorCode::kNotFound, "there is no program '", command, "' in PATH (", path,
                   "); name it by its whole path");
}

// Our environment with the given variables in it.
std::vector<std::string> MergeEnvironment(const LaunchSpec& spec) {
  std::vector<std::string> merged;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    bool replaced = false;
    for (const auto& [name, value] : spec.environment) replaced |= text.starts_with(name + "=");
    if (!replaced) merged.emplace_back(text);
  }
  for (const auto& [name, value] : spec.environment) merged.push_back(name + "=" + value);
  return merged;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (auto& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

class ChildProcess : public Child {
 public:
  ChildProcess(pid_t pid, int in, int out, int err) : pid_(pid), in_(in), out_(out), err_(err) {
    reader_ = std::thread([this] { ReadWords(); });
  }
  ~ChildProcess() override {
    End(Milliseconds(0));
    ::close(out_);
  }

  int in() const override { return in_; }
  int out() const override { return out_; }
  std::string last_words() const override {
    const std::lock_guard lock(mutex_);
    return words_;
  }

  std::string End(Milliseconds patience) override {
    if (pid_ < 0) return ended_;
    if (in_ >= 0) ::close(std::exchange(in_, -1));
    constexpr Milliseconds kAfterTerm{1000};
    int status = 0;
    if (!WaitFor(patience, status)) {
      ::kill(-pid_, SIGTERM);
      if (!WaitFor(kAfterTerm, status)) {
        ::kill(-pid_, SIGKILL);
        ::waitpid(pid_, &status, 0);
      }
    }
    ::kill(-pid_, SIGKILL);  // what it has started and left behind
    pid_ = -1;
    over_ = true;
    reader_.join();
    ::close(err_);
    ended_ = WIFEXITED(status) ? Concat("it ended with status ", WEXITSTATUS(status))
                               : Concat("it was ended by signal ", WTERMSIG(status));
    return ended_;
  }

 private:
  bool WaitFor(Milliseconds time, int& status) const {
    const auto deadline = std::chrono::steady_clock::now() + time;
    for (;;) {
      if (::waitpid(pid_, &status, WNOHANG) != 0) return true;
      if (std::chrono::steady_clock::now() >= deadline) return false;
      std::this_thread::sleep_for(Milliseconds(5));
    }
  }

  // A full pipe would stop the program, so its stderr is always read.
  void ReadWords() {
    char bytes[4096];
    for (;;) {
      // A stray process may hold the pipe open after the program's end.
      pollfd poll = {.fd = err_, .events = POLLIN, .revents = 0};
      if (::poll(&poll, 1, 200) == 0) {
        if (over_) return;
        continue;
      }
      const ssize_t count = ::read(err_, bytes, sizeof(bytes));
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return;
      const std::lock_guard lock(mutex_);
      words_.append(bytes, static_cast<size_t>(count));
      if (words_.size() > kKeptWords) words_.erase(0, words_.size() - kKeptWords);
    }
  }

  pid_t pid_;
  int in_;
  const int out_;
  const int err_;
  std::atomic<bool> over_ = false;
  std::thread reader_;
  mutable std::mutex mutex_;
  std::string words_;
  std::string ended_;
};

Result<std::unique_ptr<Child>> StartHere(const LaunchSpec& spec) {
  std::vector<std::string> environment = MergeEnvironment(spec);
  std::string path = "/usr/local/bin:/usr/bin:/bin";
  for (const std::string& entry : environment) {
    if (entry.starts_with("PATH=")) path = entry.substr(5);
  }
  HEARTH_TRY(const std::string program, FindProgram(spec.command, path));
  HEARTH_TRY(Pipe in, Pipe::Make());
  HEARTH_TRY(Pipe out, Pipe::Make());
  HEARTH_TRY(Pipe err, Pipe::Make());
  HEARTH_TRY(Pipe failure, Pipe::Make());  // carries errno where the program does not start
  std::vector<std::string> arguments = {spec.command};
  arguments.insert(arguments.end(), spec.arguments.begin(), spec.arguments.end());
  const std::vector<char*> argv = Pointers(arguments);
  const std::vector<char*> envp = Pointers(environment);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) {
    return MakeError(ErrorCode::kIo, spec.command, ": cannot be started: ", std::strerror(errno));
  }
  if (pid == 0) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent) ::_exit(0);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::signal(SIGPIPE, SIG_DFL);
    const bool placed = ::dup2(in.reader(), 0) >= 0 && ::dup2(out.writer(), 1) >= 0 &&
                        ::dup2(err.writer(), 2) >= 0 &&
                        (spec.directory.empty() || ::chdir(spec.directory.c_str()) == 0);
    if (placed) ::execve(program.c_str(), argv.data(), envp.data());
    const int error = errno;
    (void)!::write(failure.writer(), &error, sizeof(error));
    ::_exit(127);
  }
  ::setpgid(pid, pid);
  failure.Close(1);
  int error = 0;
  if (::read(failure.reader(), &error, sizeof(error)) == sizeof(error)) {
    ::waitpid(pid, nullptr, 0);
    return MakeError(ErrorCode::kIo, program, ": cannot be started",
                     spec.directory.empty() ? "" : " in " + spec.directory, ": ",
                     std::strerror(error));
  }
  return std::unique_ptr<Child>(
      std::make_unique<ChildProcess>(pid, in.Release(1), out.Release(0), err.Release(0)));
}

}  // namespace

// The parent-death signal comes when the thread ends that has started the child. So one thread,
// which lives as long as the launcher, starts them all.
struct PlainLauncher::State {
  Workers starter{1, 1000};
};

PlainLauncher::PlainLauncher() : state_(std::make_unique<State>()) {}
PlainLauncher::~PlainLauncher() = default;

Result<std::unique_ptr<Child>> PlainLauncher::Start(const LaunchSpec& spec) {
  std::promise<Result<std::unique_ptr<Child>>> promise;
  auto started = promise.get_future();
  if (!state_->starter.Submit([&] { promise.set_value(StartHere(spec)); })) {
    return MakeError(ErrorCode::kResourceExhausted, "too many programs are being started");
  }
  return started.get();
}

}  // namespace hearth::mcp
