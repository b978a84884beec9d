#include "runtime/main/unknown_command.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "runtime/base/core/result.h"
#include "runtime/base/text.h"

namespace hearth::main {
namespace {

// Letters to add, leave out, replace or swap with the next: Damerau's distance, without edits
// inside a swapped pair.
size_t Distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> cost(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) {
    for (size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        cost[i][j] = i + j;
        continue;
      }
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1,
                             cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
      }
    }
  }
  return cost[a.size()][b.size()];
}

// Empty where none is near.
std::string Nearest(const std::vector<std::string>& known, const std::string& word) {
  const auto distance = [&](const std::string& name) { return Distance(word, name); };
  const auto nearest = std::ranges::min_element(known, {}, distance);
  const size_t near = word.size() < 4 ? 1 : 2;
  return nearest != known.end() && distance(*nearest) <= near ? *nearest : "";
}

// Whether the argument is an option with a value in the next one.
bool TakesNext(const CLI::App& app, const std::string& argument) {
  if (argument.find('=') != std::string::npos) return false;
  for (const CLI::App* at = &app; at != nullptr; at = at->get_parent()) {
    const CLI::Option* option = at->get_option_no_throw(argument);
    if (option != nullptr) return option->get_items_expected_min() > 0;
  }
  return false;
}

std::string Describe(const CLI::App& app, const std::string& word) {
  std::vector<std::string> known;
  for (const CLI::App* command : app.get_subcommands({})) known.push_back(command->get_name());
  std::string list;
  for (const std::string& name : known) list += (list.empty() ? "" : ", ") + name;
  const std::string nearest = Nearest(known, word);
  const std::string path = app.get_parent() == nullptr ? "hearth" : "hearth " + app.get_name();
  return Concat("there is no command '", path, " ", word, "'",
                nearest.empty() ? "" : "; did you mean '" + nearest + "'?",
                nearest.empty() ? "; the commands are " : " The commands are ", list, " (see ",
                path, " --help)");
}

}  // namespace

std::optional<std::string> UnknownCommand(const CLI::App& app, std::span<char* const> arguments) {
  const CLI::App* at = &app;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string word = arguments[i];
    if (at->get_subcommands({}).empty()) return std::nullopt;
    if (word.starts_with('-')) {
      if (TakesNext(*at, word)) ++i;
      continue;
    }
    const auto commands = at->get_subcommands({});
    const auto next = std::ranges::find(commands, word, &CLI::App::get_name);
    if (next == commands.end()) return Describe(*at, Clip(OneLine(word), 40));
    at = *next;
  }
  return std::nullopt;
}

}  // namespace hearth::main
