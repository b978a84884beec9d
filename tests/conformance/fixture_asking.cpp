// Tools that ask the client: elicitation, sampling, roots, in one round and in several.
#include "tests/conformance/fixture.h"

namespace hearth::mcp::fixture {
namespace {

using Run = ServerTool::Run;
using Handler = std::function<Result<ToolReply>(const Json&, Request&)>;

const Json kString = {{"type", "string"}};

// Asks all at once and returns `start` and what was answered.
Handler AskFor(std::vector<Question> questions, std::string start, bool sealed) {
  return [=](const Json&, Request& request) -> Result<ToolReply> {
    HEARTH_TRY(const auto answers, request.Ask(questions, sealed));
    std::string text = start;
    for (const Json& answer : answers) text += " " + DumpJson(answer);
    return Say(text);
  };
}

Question AskName() {
  return Elicit("user_name", "What is your name?", {{"name", kString}}, {"name"});
}

Question AskConfirmation() {
  return Elicit("confirm", "Please confirm", {{"ok", {{"type", "boolean"}}}}, {"ok"});
}

Result<ToolReply> SampleText(const Json& arguments, Request& request) {
  const Question question = Sample("answer", arguments.at("prompt").get<std::string>(), 100);
  HEARTH_TRY(const auto answers, request.Ask({&question, 1}));
  const Json* content = FindMember(answers[0], "content");
  const Json* text = content == nullptr ? nullptr : FindMember(*content, "text");
  return Say("LLM response: " +
             (text != nullptr && text->is_string() ? text->get<std::string>() : "none"));
}

Result<ToolReply> ElicitUser(const Json& arguments, Request& request) {
  const Question question =
      Elicit("user", arguments.at("message").get<std::string>(),
             {{"username", {{"type", "string"}, {"description", "User's response"}}},
              {"email", {{"type", "string"}, {"description", "User's email address"}}}},
             {"username", "email"});
  HEARTH_TRY(const auto answers, request.Ask({&question, 1}));
  return Say("User response: " + DumpJson(answers[0]));
}

Question Defaults() {
  return Elicit(
      "defaults", "Please review these values",
      {{"name", {{"type", "string"}, {"default", "John Doe"}}},
       {"age", {{"type", "integer"}, {"default", 30}}},
       {"score", {{"type", "number"}, {"default", 95.5}}},
       {"status",
        {{"type", "string"}, {"enum", {"active", "inactive", "pending"}}, {"default", "active"}}},
       {"verified", {{"type", "boolean"}, {"default", true}}}},
      Json::array());
}

Json Titled(const char* keyword_value, const char* title) {
  return {{"const", keyword_value}, {"title", title}};
}

Question Enums() {
  const Json options = {"option1", "option2", "option3"};
  return Elicit(
      "enums", "Please choose",
      {{"untitledSingle", {{"type", "string"}, {"enum", options}}},
       {"titledSingle",
        {{"type", "string"},
         {"oneOf",
          {Titled("value1", "First Option"), Titled("value2", "Second Option"),
           Titled("value3", "Third Option")}}}},
       {"legacyEnum",
        {{"type", "string"},
         {"enum", {"opt1", "opt2", "opt3"}},
         {"enumNames", {"Option One", "Option Two", "Option Three"}}}},
       {"untitledMulti", {{"type", "array"}, {"items", {{"type", "string"}, {"enum", options}}}}},
       {"titledMulti",
        {{"type", "array"},
         {"items",
          {{"anyOf",
            {Titled("value1", "First Choice"), Titled("value2", "Second Choice"),
             Titled("value3", "Third Choice")}}}}}}},
      Json::array());
}

Handler ElicitOnce(Question question) {
  return [question = std::move(question)](const Json&, Request& request) -> Result<ToolReply> {
    HEARTH_TRY(const auto answers, request.Ask({&question, 1}));
    const Json* content = FindMember(answers[0], "content");
    return Say("Elicitation completed: action=" + answers[0].value("action", "none") +
               ", content=" + (content == nullptr ? "{}" : DumpJson(*content)));
  };
}

// Two rounds: what is asked in the second follows from the first.
Result<ToolReply> AskTwice(const Json&, Request& request) {
  const Question first =
      Elicit("step1", "Step 1: What is your name?", {{"name", kString}}, {"name"});
  HEARTH_TRY(const auto name, request.Ask({&first, 1}));
  const Question second =
      Elicit("step2", "Step 2: What is your favorite color?", {{"color", kString}}, {"color"});
  HEARTH_TRY(const auto color, request.Ask({&second, 1}));
  return Say("name: " + DumpJson(name[0]) + ", color: " + DumpJson(color[0]));
}

// Asks what this client can answer.
Result<ToolReply> AskWhatIsPossible(const Json&, Request& request) {
  std::vector<Question> questions;
  for (const Question& question :
       {AskName(), Sample("greeting", "Generate a greeting", 50), Roots("client_roots")}) {
    if (request.CanAsk(question.method)) questions.push_back(question);
  }
  if (questions.empty()) return Say("This client answers no questions.");
  HEARTH_TRY(const auto answers, request.Ask(questions));
  return Say("answers: " + std::to_string(answers.size()));
}

Result<ToolReply> NeedSampling(const Json&, Request& request) {
  const Question question = Sample("needed", "Say something", 10);
  HEARTH_TRY(const auto answers, request.Ask({&question, 1}));
  return Say("answered: " + DumpJson(answers[0]));
}

}  // namespace

Status AddAskingTools(Server& server) {
  auto sampling = Make("test_sampling", "Asks the client's model", Run::kWorker, SampleText);
  sampling.input = Object({{"prompt", kString}}, {"prompt"});
  auto elicitation = Make("test_elicitation", "Asks the user", Run::kWorker, ElicitUser);
  elicitation.input = Object({{"message", kString}}, {"message"});
  const auto ask = [](const char* name, Handler handler) {
    return Make(name, "Asks before it answers", Run::kWorker, std::move(handler));
  };
  const Question capital = Sample("capital_question", "What is the capital of France?", 100);
  for (ServerTool& tool : std::vector<ServerTool>{
           sampling, elicitation, ask("test_elicitation_sep1034_defaults", ElicitOnce(Defaults())),
           ask("test_elicitation_sep1330_enums", ElicitOnce(Enums())),
           ask("test_missing_capability", NeedSampling),
           ask("test_streaming_elicitation", AskFor({AskName()}, "Hello,", false)),
           ask("test_input_required_result_elicitation", AskFor({AskName()}, "Hello,", false)),
           ask("test_input_required_result_sampling", AskFor({capital}, "The model says", false)),
           ask("test_input_required_result_list_roots",
               AskFor({Roots("client_roots")}, "The roots are", false)),
           ask("test_input_required_result_request_state",
               AskFor({AskConfirmation()}, "state-ok", true)),
           ask("test_input_required_result_tampered_state",
               AskFor({AskConfirmation()}, "state-ok", true)),
           ask("test_input_required_result_multiple_inputs",
               AskFor({AskName(), Sample("greeting", "Generate a greeting", 50),
                       Roots("client_roots")},
                      "All were answered:", true)),
           ask("test_input_required_result_multi_round", AskTwice),
           ask("test_input_required_result_capabilities", AskWhatIsPossible)}) {
    HEARTH_CHECK_OK(server.AddTool(std::move(tool)));
  }
  return {};
}

}  // namespace hearth::mcp::fixture
