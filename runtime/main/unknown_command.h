// UnknownCommand: what a mistyped subcommand was meant to be.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <span>
#include <string>

namespace hearth::main {

// Follows the arguments (without the program's name) through the subcommands of `app`. Where one of
// them is none of those that may stand there: a sentence that says so, names the nearest one, and
// lists all. Empty where the arguments are wrong in another way.
std::optional<std::string> UnknownCommand(const CLI::App& app, std::span<char* const> arguments);

}  // namespace hearth::main
