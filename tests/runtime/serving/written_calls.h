// Calls that were written down, held to the two that must agree about them: the grammar, which
// allows them, and the parser, which reads them.
#pragma once

#include <memory>
#include <string_view>

#include "grammars/matcher.h"
#include "runtime/serving/reply_grammar.h"
#include "runtime/serving/reply_parser.h"

namespace hearth::serving {

// True where the whole text is a reply of the grammar.
inline bool GrammarAllows(const std::shared_ptr<const grammar::CompiledGrammar>& grammar,
                          std::string_view text) {
  grammar::Matcher matcher(grammar, nullptr);
  return matcher.AcceptBytes(text) && matcher.CanEnd();
}

// What the parser reads in the whole text.
inline Message ReadReply(const ChatFormat& format, const ToolSchemas& tools,
                         std::string_view text) {
  ReplyParser parser(format, false, CallPlace::kAnywhere, tools, {});
  parser.Push(text);
  return parser.Finish(false);
}

}  // namespace hearth::serving
