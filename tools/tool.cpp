#include "tools/tool.h"

namespace hearth::tools {

Json ToFunctionJson(const Tool& tool) {
  return Json{
      {"type", "function"},
      {"function",
       {{"name", tool.name}, {"description", tool.description}, {"parameters", tool.parameters}}}};
}

}  // namespace hearth::tools
