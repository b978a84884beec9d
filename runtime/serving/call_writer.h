// Calls as a model of a family writes them.
#pragma once

#include <string>
#include <vector>

#include "runtime/serving/chat.h"
#include "runtime/serving/chat_format.h"

namespace hearth::serving {

// All calls of one reply, in one of the format's regions (WriteCalls: the first); an empty list
// where the format decides first and there are none. Control tokens are named, without marks.
std::string WriteRegion(const ChatFormat& format, const ChatFormat::Region& region,
                        const std::vector<ToolCall>& calls);
std::string WriteCalls(const ChatFormat& format, const std::vector<ToolCall>& calls);

// One JSON document with a blank after each comma and colon, as chat templates write it.
std::string DumpSpaced(const Json& value);

// The tools in a few words, for the system message of a model whose template knows no tools. (Their
// schemas would be long, and such a model learns more from examples.)
std::string DescribeTools(const ToolSchemas& tools);

}  // namespace hearth::serving
