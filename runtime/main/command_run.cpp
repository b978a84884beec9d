#include <cstdio>
#include <memory>

#include "memory/store.h"
#include "runtime/agent/agent.h"
#include "runtime/base/progress.h"
#include "runtime/base/text.h"
#include "runtime/main/commands.h"
#include "runtime/main/message_source.h"
#include "runtime/main/model_flags.h"
#include "runtime/main/read_file.h"
#include "runtime/main/read_schema.h"
#include "runtime/main/settings.h"
#include "runtime/main/signals.h"
#include "runtime/main/turn_printer.h"
#include "runtime/main/user_servers.h"
#include "runtime/serving/local_model.h"
#include "tools/task_tools.h"

namespace hearth::main {
namespace {

struct RunFlags {
  ModelFlags model;
  std::string session;
  std::string repository;
  std::string database;
  std::string message;
  std::string schema_file;
  std::string template_file;
  bool json = false;
  agent::AgentOptions agent{.sampling = {.temperature = 0}};
};

Result<std::unique_ptr<serving::LocalModel>> LoadModel(const RunFlags& flags,
                                                       const Settings& settings,
                                                       const Clock& clock) {
  HEARTH_TRY(const auto path, settings.Model());
  HEARTH_TRY(serving::LocalModelOptions options, settings.ModelOptions());
  if (!flags.template_file.empty()) {
    HEARTH_TRY(options.chat_template, ReadFile(flags.template_file));
  }
  Progress progress("Loading the model", 1000, clock, Progress::ForStderr());
  options.model.backend = flags.model.backend;
  options.model.threads = flags.model.threads;
  options.model.progress = [&](double share) {
    progress.Update(static_cast<uint64_t>(share * 1000));
  };
  options.engine.kv_type = flags.model.kv_type;
  return serving::LocalModel::Load(path.string(), options, clock);
}

Result<memory::Session> FindSession(const RunFlags& flags, memory::Store& store,
                                    const std::string& model_name) {
  memory::SessionStore sessions(store);
  if (flags.session.empty()) {
    return sessions.Create({.repository = flags.repository.empty() ? "default" : flags.repository,
                            .title = Clip(OneLine(flags.message), 80),
                            .model = model_name,
                            .system_prompt = agent::TaskAssistantPrompt()});
  }
  std::string id = flags.session;
  if (id == "last") {
    HEARTH_TRY(const auto recent, sessions.List(1));
    if (recent.empty()) return MakeError(ErrorCode::kNotFound, "there is no session yet");
    id = recent[0].id;
  }
  HEARTH_TRY(const memory::Session session, sessions.Get(id));
  if (!flags.repository.empty() && flags.repository != session.repository) {
    return MakeError(ErrorCode::kInvalidArgument, "session ", id, " is bound to the repository '",
                     session.repository,
                     "'; leave out --repo or start a session without --session");
  }
  return session;
}

ExitCode StatusOf(const agent::TurnFinished& finished) {
  if (finished.reason == "answered") return ExitCode::kOk;
  return finished.reason == "cancelled" ? ExitCode::kInterrupted : ExitCode::kIncomplete;
}

// The assistant's tools: those of the task list and of the servers, as they are now.
Result<std::unique_ptr<tools::Toolset>> GatherTools(memory::Store& store, UserServers& servers) {
  auto tools = std::make_unique<tools::Toolset>();
  HEARTH_CHECK_OK(tools::AddTaskTools(*tools, store));
  HEARTH_CHECK_OK(servers.AddTools(*tools));
  return tools;
}

ExitCode RunAssistant(RunFlags flags) {
  StopOnSignal signals;
  const SystemClock clock;
  MessageSource messages(flags.message, signals.token());
  if (const Status given = messages.Check(); !given.ok()) return Fail(given.error());
  if (!flags.schema_file.empty()) {
    const auto schema = ReadSchema(flags.schema_file);
    if (!schema.ok()) return Fail(schema.error());
    flags.agent.answer_schema = *schema;
  }
  const auto settings = LoadSettings({.model = flags.model.model, .database = flags.database});
  if (!settings.ok()) return Fail(settings.error());
  const auto database = settings->Database();
  if (!database.ok()) return Fail(database.error());
  auto store = memory::Store::Open(*database, clock);
  if (!store.ok()) return Fail(store.error());
  UserServers servers;
  if (Status started = servers.Start(settings->paths); !started.ok()) return Fail(started.error());
  auto tools = GatherTools(**store, servers);
  if (!tools.ok()) return Fail(tools.error());
  auto model = LoadModel(flags, *settings, clock);
  if (!model.ok()) return Fail(model.error());
  servers.sampling().SetModel(model->get());
  // Before the model goes: a server may be asking it something.
  struct CloseServers {
    UserServers& servers;
    ~CloseServers() { servers.Close(); }
  } close_servers{servers};
  const auto session = FindSession(flags, **store, (*model)->name());
  if (!session.ok()) return Fail(session.error());
  auto agent = agent::Agent::Open(**model, **tools, **store, session->id, flags.agent);
  if (!agent.ok()) return Fail(agent.error());

  TurnPrinter printer(clock);
  const agent::EventSink sink = [&](const agent::Event& event) {
    if (!flags.json) {
      printer(event);
      return;
    }
    std::printf("%s\n", DumpJson(ToJson(event)).c_str());
    std::fflush(stdout);
  };
  const auto unfinished = (*agent)->Resume(sink, signals.token());
  if (!unfinished.ok()) return Fail(unfinished.error());
  ExitCode status = ExitCode::kOk;
  while (const auto message = messages.Next()) {
    if (servers.TakeToolsChanged()) {
      auto changed = GatherTools(**store, servers);
      if (!changed.ok()) return Fail(changed.error());
      agent = agent::Agent::Open(**model, **changed, **store, session->id, flags.agent);
      if (!agent.ok()) return Fail(agent.error());
      tools = std::move(changed);  // after the agent that used the old ones has gone
    }
    const auto finished = (*agent)->Run(*message, sink, signals.token());
    if (!finished.ok()) return Fail(finished.error());
    status = StatusOf(*finished);
  }
  return signals.token().stop_requested() ? ExitCode::kInterrupted : status;
}

}  // namespace

void AddRunCommand(CLI::App& app, Command& run) {
  auto* command =
      app.add_subcommand("run", "Ask the task assistant: it reads and changes your task list");
  auto flags = std::make_shared<RunFlags>();
  command->add_option("message", flags->message,
                      "What you want (default: standard input, or a conversation on a terminal)");
  AddModelFlags(*command, flags->model);
  command->add_option("--session", flags->session,
                      "Go on with this session ('last': the one used last); default: a new one");
  command->add_option("--repo", flags->repository, "The task repository (default: \"default\")");
  command->add_option(
      "--template", flags->template_file,
      "A file with the chat template to use (Jinja), for a model that has none or a "
      "bad one");
  command->add_option("--db", flags->database,
                      "The database file (default: $HEARTH_DB, else hearth.db in the data folder)");
  command->add_option(
      "--schema", flags->schema_file,
      "A JSON Schema file: the answer is a JSON document that fits it (no tools are used)");
  command->add_flag("--json", flags->json, "Print one event a line as JSON");
  command
      ->add_option("--temperature", flags->agent.sampling.temperature,
                   "0 always takes the most likely token")
      ->check(CLI::Range(0.0, 5.0))
      ->capture_default_str();
  command->add_option("--seed", flags->agent.sampling.seed, "Seed of the draw");
  command->add_option("--max-steps", flags->agent.limits.steps, "Most runs of the model in a turn")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  command
      ->add_option("--max-tokens", flags->agent.limits.completion_tokens,
                   "Most tokens that the model writes in a turn")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  command->callback([=, &run] { run = [=] { return RunAssistant(*flags); }; });
}

}  // namespace hearth::main
