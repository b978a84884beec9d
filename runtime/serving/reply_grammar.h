// The grammar of a reply: reasoning and text are free, a call names one of the tools and has
// arguments of its schema.
//
// Reasoning is never constrained: a marker of a call in it is only a quotation. Free text ends
// where a call's trigger begins; control tokens may come nowhere but where the format has them.
#pragma once

#include <memory>

#include "grammars/compiled_grammar.h"
#include "runtime/base/core/result.h"
#include "runtime/serving/chat.h"
#include "runtime/serving/chat_format.h"

namespace hearth::serving {

// The format of replies to this request to a model of this format: where a document stands beside
// calls that have no marker, they could not be told apart.
const ChatFormat& FormatOfReply(const ChatFormat& format, const ChatRequest& request);

// `thinking` says that the prompt left a reasoning block open. Errors name the tool or the part of
// the request's schema that cannot be obeyed.
Result<std::shared_ptr<const grammar::CompiledGrammar>> CompileReply(const ChatFormat& format,
                                                                     const ChatRequest& request,
                                                                     bool thinking);

}  // namespace hearth::serving
