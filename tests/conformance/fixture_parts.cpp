#include "tests/conformance/fixture.h"

namespace hearth::mcp::fixture {

const char* const kImage =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg"
    "==";
const char* const kAudio = "UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA=";

Json Text(const std::string& text) { return {{"type", "text"}, {"text", text}}; }

Json Object(Json properties, Json required) {
  Json schema = {{"type", "object"}, {"properties", std::move(properties)}};
  if (!required.empty()) schema["required"] = std::move(required);
  return schema;
}

Json Form(const std::string& message, Json properties, Json required) {
  return {{"message", message},
          {"requestedSchema", Object(std::move(properties), std::move(required))}};
}

Question Elicit(const std::string& key, const std::string& message, Json properties,
                Json required) {
  return {key, "elicitation/create", Form(message, std::move(properties), std::move(required))};
}

Question Sample(const std::string& key, const std::string& prompt, int max_tokens) {
  return {key,
          "sampling/createMessage",
          {{"messages", Json::array({{{"role", "user"}, {"content", Text(prompt)}}})},
           {"maxTokens", max_tokens}}};
}

Question Roots(const std::string& key) { return {key, "roots/list", Json::object()}; }

ServerTool Make(const std::string& name, const std::string& description, ServerTool::Run run,
                std::function<Result<ToolReply>(const Json&, Request&)> handler) {
  ServerTool tool;
  tool.name = name;
  tool.description = description;
  tool.input = Object(Json::object());
  tool.run = run;
  tool.handler = std::move(handler);
  return tool;
}

ToolReply Say(std::string text) {
  ToolReply reply;
  reply.text = std::move(text);
  return reply;
}

ServerInfo Info() {
  ServerInfo info;
  info.name = "hearth-fixture";
  info.title = "Fixture";
  info.version = "1.0.0";
  info.instructions = "Tools, resources and prompts for conformance tests.";
  return info;
}

Status AddTools(Server& server) {
  HEARTH_CHECK_OK(AddContentTools(server));
  HEARTH_CHECK_OK(AddAskingTools(server));
  return AddTaskTools(server);
}

// ---- Resources ----

namespace {

Json Resource(const std::string& name, const std::string& uri, const std::string& type) {
  return {{"name", name}, {"uri", uri}, {"description", "A fixture: " + name}, {"mimeType", type}};
}

constexpr std::string_view kTemplateStart = "test://template/";
constexpr std::string_view kTemplateEnd = "/data";

}  // namespace

std::vector<Json> FixtureResources::List() {
  return {Resource("static-text", "test://static-text", "text/plain"),
          Resource("static-binary", "test://static-binary", "image/png"),
          Resource("watched-resource", "test://watched-resource", "text/plain")};
}

std::vector<Json> FixtureResources::Templates() {
  return {{{"name", "template"},
           {"uriTemplate", "test://template/{id}/data"},
           {"description", "A resource for each id"},
           {"mimeType", "application/json"}}};
}

Result<Json> FixtureResources::Read(std::string_view uri, Request&) {
  Json contents = {{"uri", uri}};
  if (uri == "test://static-text") {
    contents["mimeType"] = "text/plain";
    contents["text"] = "This is the content of the static text resource.";
  } else if (uri == "test://static-binary") {
    contents["mimeType"] = "image/png";
    contents["blob"] = kImage;
  } else if (uri == "test://watched-resource") {
    contents["mimeType"] = "text/plain";
    contents["text"] = "A resource that may be watched.";
  } else if (uri.starts_with(kTemplateStart) && uri.ends_with(kTemplateEnd) &&
             uri.size() > kTemplateStart.size() + kTemplateEnd.size()) {
    const std::string id(uri.substr(kTemplateStart.size(),
                                    uri.size() - kTemplateStart.size() - kTemplateEnd.size()));
    contents["mimeType"] = "application/json";
    contents["text"] =
        DumpJson({{"id", id}, {"templateTest", true}, {"data", "Data for ID: " + id}});
  } else {
    return MakeError(ErrorCode::kNotFound, "Resource not found: ", uri);
  }
  return Json::array({contents});
}

std::vector<std::string> FixtureResources::Complete(std::string_view, std::string_view,
                                                    std::string_view value) {
  return {std::string(value) + "1", std::string(value) + "2"};
}

// ---- Prompts ----

namespace {

Json UserSays(Json content) { return {{"role", "user"}, {"content", std::move(content)}}; }

Json Argument(const char* name) {
  return {{"name", name}, {"description", "An argument"}, {"required", true}};
}

Result<std::string> Need(const Json& arguments, const char* name) {
  const Json* value = FindMember(arguments, name);
  if (value == nullptr || !value->is_string()) {
    return MakeError(ErrorCode::kInvalidArgument, "the argument '", name, "' is missing");
  }
  return value->get<std::string>();
}

}  // namespace

std::vector<Json> FixturePrompts::List() {
  return {{{"name", "test_simple_prompt"}, {"description", "A prompt without arguments"}},
          {{"name", "test_prompt_with_arguments"},
           {"description", "A prompt with two arguments"},
           {"arguments", {Argument("arg1"), Argument("arg2")}}},
          {{"name", "test_prompt_with_embedded_resource"},
           {"description", "A prompt with a resource in it"},
           {"arguments", Json::array({Argument("resourceUri")})}},
          {{"name", "test_prompt_with_image"}, {"description", "A prompt with an image in it"}},
          {{"name", "test_input_required_result_prompt"},
           {"description", "A prompt that asks for its context"}}};
}

Result<Json> FixturePrompts::Get(std::string_view name, const Json& arguments, Request& request) {
  if (name == "test_simple_prompt") {
    return Json{{"messages", {UserSays(Text("This is a simple prompt for testing."))}}};
  }
  if (name == "test_prompt_with_arguments") {
    HEARTH_TRY(const std::string first, Need(arguments, "arg1"));
    HEARTH_TRY(const std::string second, Need(arguments, "arg2"));
    return Json{
        {"messages",
         {UserSays(Text("Prompt with arguments: arg1='" + first + "', arg2='" + second + "'"))}}};
  }
  if (name == "test_prompt_with_embedded_resource") {
    HEARTH_TRY(const std::string uri, Need(arguments, "resourceUri"));
    const Json resource = {{"uri", uri},
                           {"mimeType", "text/plain"},
                           {"text", "Embedded resource content for testing."}};
    return Json{{"messages",
                 {UserSays({{"type", "resource"}, {"resource", resource}}),
                  UserSays(Text("Please process the embedded resource above."))}}};
  }
  if (name == "test_prompt_with_image") {
    return Json{{"messages",
                 {UserSays({{"type", "image"}, {"data", kImage}, {"mimeType", "image/png"}}),
                  UserSays(Text("Please analyze the image above."))}}};
  }
  if (name == "test_input_required_result_prompt") {
    const Question question = Elicit("user_context", "What context should the prompt use?",
                                     {{"context", {{"type", "string"}}}}, {"context"});
    HEARTH_TRY(const auto answers, request.Ask({&question, 1}, false));
    return Json{{"messages", {UserSays(Text("Context: " + DumpJson(answers[0])))}}};
  }
  return MakeError(ErrorCode::kNotFound, "unknown prompt: ", name.substr(0, 100));
}

std::vector<std::string> FixturePrompts::Complete(std::string_view, std::string_view,
                                                  std::string_view value, const Json&) {
  std::vector<std::string> values;
  for (const char* word : {"paris", "park", "party"}) {
    if (std::string_view(word).starts_with(value)) values.emplace_back(word);
  }
  return values;
}

}  // namespace hearth::mcp::fixture
