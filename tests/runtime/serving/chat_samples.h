// Tools and requests that the tests of this room share.
#pragma once

#include "runtime/serving/chat.h"

namespace hearth::serving {

inline ToolSchemas SampleTools() {
  return *ParseJson(R"([
    {"type": "function", "function": {"name": "create_task", "description": "Adds a task.",
      "parameters": {"type": "object", "additionalProperties": false, "required": ["title"],
        "properties": {"title": {"type": "string", "minLength": 1},
                       "priority": {"type": "string", "enum": ["low", "high"]},
                       "count": {"type": "integer", "minimum": 1}}}}},
    {"type": "function", "function": {"name": "list_tasks", "description": "Shows the tasks.",
      "parameters": {"type": "object", "additionalProperties": false, "properties": {},
        "required": []}}}])");
}

inline ChatRequest SampleRequest(ToolChoice choice = ToolChoice::kAuto) {
  ChatRequest request;
  request.tools = SampleTools();
  request.tool_choice = choice;
  return request;
}

}  // namespace hearth::serving
