#include "mcp/client/private_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace hearth::mcp {
namespace {

constexpr size_t kMostBytes = size_t{16} << 20;

// Closed at the end of its scope.
struct File {
  int fd;
  ~File() {
    if (fd >= 0) ::close(fd);
  }
};

Error Refuse(const std::filesystem::path& path, const char* what) {
  return MakeError(ErrorCode::kIo, path.string(), ": ", what, ": ", std::strerror(errno));
}

void MakeFolder(const std::filesystem::path& path) {
  std::error_code error;  // what it prevents is reported when the file is opened
  std::filesystem::create_directories(path.parent_path(), error);
}

}  // namespace

Status WritePrivateFile(const std::filesystem::path& path, std::string_view text) {
  MakeFolder(path);
  const std::string fresh = path.string() + ".new";
  const File file{::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
  if (file.fd < 0) return Refuse(path, "cannot be written");
  ::fchmod(file.fd, 0600);
  while (!text.empty()) {
    const ssize_t count = ::write(file.fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Refuse(path, "cannot be written");
    text.remove_prefix(static_cast<size_t>(count));
  }
  if (::fsync(file.fd) != 0 || ::rename(fresh.c_str(), path.c_str()) != 0) {
    return Refuse(path, "cannot be written");
  }
  return {};
}

Result<std::string> ReadPrivateFile(const std::filesystem::path& path) {
  const File file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd < 0 && errno == ENOENT) return std::string();
  if (file.fd < 0) return Refuse(path, "cannot be read");
  struct stat info = {};
  if (::fstat(file.fd, &info) == 0 && (info.st_mode & 077) != 0) {
    return MakeError(ErrorCode::kIo, path.string(),
                     " may be read by others; make it yours: chmod 600 ", path.string());
  }
  std::string text;
  std::array<char, 4096> buffer;
  for (;;) {
    const ssize_t count = ::read(file.fd, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Refuse(path, "cannot be read");
    if (count == 0) return text;
    text.append(buffer.data(), static_cast<size_t>(count));
    if (text.size() > kMostBytes) {
      return MakeError(ErrorCode::kResourceExhausted, path.string(), " is too large");
    }
  }
}

Status WithFileLocked(const std::filesystem::path& path, const std::function<Status()>& change) {
  MakeFolder(path);
  const std::string lock = path.string() + ".lock";
  const File file{::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  if (file.fd < 0) return Refuse(path, "cannot be locked");
  while (::flock(file.fd, LOCK_EX) != 0) {
    if (errno != EINTR) return Refuse(path, "cannot be locked");
  }
  return change();
}

}  // namespace hearth::mcp
