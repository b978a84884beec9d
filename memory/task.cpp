#include "memory/task.h"

#include "runtime/base/time_format.h"
#include "runtime/base/unicode.h"

namespace hearth::memory {
namespace {

template <typename Enum, size_t N>
Result<Enum> ParseName(const char* what, const std::array<const char*, N>& names,
                       std::string_view text) {
  std::string known;
  for (size_t i = 0; i < N; ++i) {
    if (text == names[i]) return static_cast<Enum>(i);
    known += (i == 0 ? "" : ", ") + std::string(names[i]);
  }
  return MakeError(ErrorCode::kInvalidArgument, "unknown ", what, " '", text.substr(0, 40),
                   "'; use one of ", known);
}

Status CheckText(const char* field, std::string_view text, size_t limit) {
  if (!IsUtf8(text)) {
    return MakeError(ErrorCode::kInvalidArgument, field, " is not valid UTF-8");
  }
  if (text.find('\0') != std::string_view::npos) {
    return MakeError(ErrorCode::kInvalidArgument, field, " must not contain a NUL character");
  }
  if (const size_t length = CountCodePoints(text); length > limit) {
    return MakeError(ErrorCode::kInvalidArgument, field, " has ", length, " characters; at most ",
                     limit, " are kept");
  }
  return {};
}

}  // namespace

const char* ToString(TaskStatus status) { return kTaskStatusNames[static_cast<size_t>(status)]; }

const char* ToString(TaskPriority priority) {
  return kTaskPriorityNames[static_cast<size_t>(priority)];
}

Result<TaskStatus> ParseTaskStatus(std::string_view text) {
  return ParseName<TaskStatus>("status", kTaskStatusNames, text);
}

Result<TaskPriority> ParseTaskPriority(std::string_view text) {
  return ParseName<TaskPriority>("priority", kTaskPriorityNames, text);
}

Json ToJson(const Task& task) {
  const auto optional = [](const std::optional<std::string>& text) {
    return text ? Json(*text) : Json(nullptr);
  };
  return Json{{"id", task.id},
              {"title", task.title},
              {"status", ToString(task.status)},
              {"priority", ToString(task.priority)},
              {"due_date", optional(task.due_date)},
              {"notes", optional(task.notes)},
              {"tags", task.tags},
              {"created_at", FormatRfc3339(task.created_at)}};
}

Status CheckTitle(std::string& title) {
  HEARTH_CHECK_OK(CheckText("title", title, TaskLimits::kTitle));
  title = std::string(Strip(title));
  if (title.empty()) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "title is empty; say in a few words what has to be done");
  }
  return {};
}

Status CheckDueDate(const std::optional<std::string>& due_date) {
  if (!due_date) return {};
  const auto date = ParseDate(*due_date);
  if (!date.ok()) return MakeError(date.error().code, "due_date ", date.error().message);
  return {};
}

Status CheckNotes(const std::optional<std::string>& notes) {
  return notes ? CheckText("notes", *notes, TaskLimits::kNotes) : Status();
}

Status CheckTags(const std::vector<std::string>& tags) {
  if (tags.size() > TaskLimits::kTags) {
    return MakeError(ErrorCode::kInvalidArgument, "tags has ", tags.size(), " entries; at most ",
                     TaskLimits::kTags, " are kept");
  }
  for (const auto& tag : tags) HEARTH_CHECK_OK(CheckText("a tag", tag, TaskLimits::kTag));
  return {};
}

}  // namespace hearth::memory
