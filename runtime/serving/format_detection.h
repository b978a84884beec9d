// Which family a chat template belongs to, found by rendering probes: a conversation with one tool
// call, in which the call must stand as a description writes it.
#pragma once

#include <functional>
#include <string>

#include "runtime/serving/chat_format.h"

namespace hearth::serving {

// Renders messages with tools (null: none); an Error where the template refuses them.
using RenderProbe = std::function<Result<std::string>(const Json& messages, const Json& tools)>;

struct DetectedFormat {
  // How sure it is, from best to worst.
  enum class Evidence : uint8_t {
    kExact,    // the template writes a call byte by byte as the description does
    kSpacing,  // the same but for space
    kHint,     // it writes no calls, but says in words what only this family's does
    kNone,     // none of that: the generic format
  };
  const ChatFormat* format = nullptr;
  Evidence evidence = Evidence::kNone;
  bool knows_tools = false;     // the template shows tools to the model
  bool short_ids = false;       // calls' ids must be nine letters or digits
  bool text_arguments = false;  // arguments are given as JSON text
};

// Some five renderings.
DetectedFormat DetectFormat(const RenderProbe& render);

}  // namespace hearth::serving
