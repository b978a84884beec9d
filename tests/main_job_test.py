#!/usr/bin/env python3
"""Drives `hearth run` as a script does, with the real model: events, stored tasks, exit codes.

  main_job_test.py --build BUILD

Every run has a database of its own in a scratch folder. Skipped, with a line that says so, where the
default model is not installed.
"""
import argparse
import json
import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
import time
from datetime import date

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from checks import check, finish  # noqa: E402
from oracle import default_model  # noqa: E402

PRIORITIES = {"low", "medium", "high", "urgent"}
STATUSES = {"pending", "in_progress", "completed", "cancelled"}
EVENTS = {"turn_started", "prompt_progress", "reasoning_delta", "text_delta", "tool_call_started",
          "tool_called", "tool_returned", "step_finished", "turn_finished"}


def is_day(value):
    try:
        return isinstance(value, str) and date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def is_id(value):
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def nullable(check):
    return lambda value: value is None or check(value)


def text(value):
    return isinstance(value, str) and value != ""


# What each tool takes, written down once more and apart from the C++: {argument: (required, check)}.
TOOLS = {
    "get_current_time": {"timezone": (False, lambda v: isinstance(v, str))},
    "create_task": {"title": (True, text), "priority": (False, PRIORITIES.__contains__),
                    "due_date": (False, nullable(is_day)), "notes": (False, nullable(lambda v: isinstance(v, str))),
                    "tags": (False, lambda v: isinstance(v, list) and all(isinstance(x, str) for x in v))},
    "list_tasks": {"filter_status": (False, (STATUSES | {"all"}).__contains__)},
    "update_task_status": {"task_id": (True, is_id), "new_status": (True, STATUSES.__contains__)},
    "search_tasks": {"query": (True, lambda v: isinstance(v, str))},
    "delete_task": {"task_id": (True, is_id)},
    "task_report": {},
}

class Hearth:
    def __init__(self, build, scratch):
        self.program = os.path.join(build, "hearth")
        self.scratch = scratch
        self.model = os.path.abspath(default_model())
        self.env = {**os.environ, "XDG_DATA_HOME": os.path.join(scratch, "data"),
                    "XDG_CONFIG_HOME": os.path.join(scratch, "config"),
                    "XDG_STATE_HOME": os.path.join(scratch, "state"), "HEARTH_MODEL": self.model}

    def start(self, *args):
        return subprocess.Popen([self.program, *args], env=self.env, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                encoding="utf-8")

    def __call__(self, *args):
        process = self.start(*args)
        out, err = process.communicate(timeout=300)
        return process.returncode, out, err

    def db(self, name):
        return os.path.join(self.scratch, name + ".db")

    def tasks(self, db, *args):
        status, out, err = self("tasks", "list", "--all", "--json", "--db", db, *args)
        check(status == 0, "tasks list:", err)
        return json.loads(out)["tasks"]


def parse_events(out):
    """Nothing but events, one a line, each in its place."""
    events = []
    for line in out.splitlines():
        try:
            events.append(json.loads(line))
        except ValueError:
            check(False, "not a line of JSON:", repr(line))
    check(all(isinstance(e, dict) and e.get("type") in EVENTS for e in events), "unknown events in", out)
    return events


def check_turn(events, where):
    types = [e["type"] for e in events]
    check(types[:1] == ["turn_started"], where, "begins with", types[:1])
    check(types[-1:] == ["turn_finished"], where, "ends with", types[-1:])
    check(types.count("turn_finished") == 1, where, "ends once")
    called = [e for e in events if e["type"] == "tool_called"]
    returned = [e for e in events if e["type"] == "tool_returned"]
    check([e["id"] for e in called] == [e["id"] for e in returned], where, "every call is answered")
    for event in called:
        parameters = TOOLS.get(event["name"])
        check(parameters is not None, where, "unknown tool", event["name"])
        arguments = event["arguments"]
        for name, value in arguments.items():
            check(name in (parameters or {}) and parameters[name][1](value), where, event["name"], name, repr(value))
        for name, (required, _) in (parameters or {}).items():
            check(not required or name in arguments, where, event["name"], "lacks", name)
    for event in returned:
        check(event["committed"] is True, where, "committed")
    answer = "".join(e["text"] for e in events if e["type"] == "text_delta")
    if events and types.count("step_finished") == 1:
        check(answer.strip() == events[-1]["answer"], where, "the deltas are the answer")


def test_creates_a_task(hearth):
    db = hearth.db("create")
    status, out, err = hearth("run", "--db", db, "--json", "Create a task: review the quarterly report")
    check(status == 0, "run:", status, err)
    events = parse_events(out)
    check_turn(events, "create")
    made = [e["structured"] for e in events if e["type"] == "tool_returned" and e["name"] == "create_task"]
    tasks = hearth.tasks(db)
    check(len(made) == 1 and len(tasks) == 1, "one task was made:", made, tasks)
    check("report" in json.dumps(tasks).lower(), "with the words of the request:", tasks)
    check(events[-1]["reason"] == "answered" and events[-1]["answer"], "answered", events[-1:])
    # The session goes on, in another process, without reading again what it has read.
    session = events[0]["session"]
    status, out, err = hearth("run", "--db", db, "--json", "--session", session, "Thank you!")
    check(status == 0, "second turn:", status, err)
    again = parse_events(out)
    check(again[0]["session"] == session and again[0]["turn"] == 2, "turn 2 of it", again[:1])
    check(len(hearth.tasks(db)) >= 1, "the task is still there")
    status, out, _ = hearth("run", "--db", db, "--session", "last", "--repo", "other", "Hi")
    check(status == 2 and out == "", "a session stays in its repository:", status)


def test_wild_sampling(hearth, seeds):
    for seed in range(seeds):
        db = hearth.db(f"wild{seed}")
        status, out, err = hearth("run", "--db", db, "--json", "--temperature", "1.8", "--seed",
                                  str(seed), "--max-tokens", "64", "--max-steps", "3",
                                  "Add two tasks and show me the list" if seed % 2 else
                                  "Remind me to call mum on Friday, it's urgent")
        check(status in (0, 5), "seed", seed, "ends with", status, err)
        events = parse_events(out)
        check_turn(events, f"seed {seed}")
        made = [e for e in events if e["type"] == "tool_returned" and e["name"] == "create_task"
                and not e["is_error"]]
        titles = sorted(task["title"] for task in hearth.tasks(db))
        check(titles == sorted(e["structured"]["title"] for e in made), "seed", seed, "stored", titles)


def test_schema_answer(hearth):
    path = os.path.join(hearth.scratch, "schema.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"type": "object", "required": ["city", "count"], "additionalProperties": False,
                   "properties": {"city": {"type": "string", "maxLength": 20},
                                  "count": {"type": "integer", "minimum": 1, "maximum": 9}}}, file)
    status, out, err = hearth("run", "--db", hearth.db("schema"), "--json", "--temperature", "1.8",
                              "--seed", "1", "--schema", path, "Name a city and a number")
    check(status == 0, "schema:", status, err)
    answer = json.loads(parse_events(out)[-1]["answer"])
    check(set(answer) == {"city", "count"} and 1 <= answer["count"] <= 9, "fits:", answer)


def test_no_answer(hearth):
    """A turn that the limits leave without an answer says so, and never shows the model's markers."""
    request = "Create a task: review the quarterly report"
    for limits in ["--max-steps", "1"], *(["--max-tokens", str(n)] for n in (1, 2, 5, 9, 14, 22, 34)):
        status, out, err = hearth("run", "--db", hearth.db("none" + "".join(limits)), *limits, request)
        check("<tool_call" not in out and "tool_call>" not in out, limits, "shows", repr(out))
        if status == 0:
            check(out.strip() and "(" not in out[:1], limits, "answers", repr(out))
        else:
            check(status == 5 and re.search(r"^\((limit|empty): .+\)$", out, re.MULTILINE), limits, "says why:", status, repr(out), err)
    status, out, _ = hearth("run", "--db", hearth.db("cut"), "--max-tokens", "20", request)
    check("cut by the limit of 20 tokens in the middle of a call of create_task" in out, "a cut call is told:", repr(out))


def test_exit_codes(hearth):
    db = hearth.db("codes")
    listed = hearth.db("listed")
    check(hearth("tasks", "add", "a", "--db", listed)[0] == 0, "add a task")
    bad_schema = os.path.join(hearth.scratch, "bad-schema.json")
    with open(bad_schema, "w", encoding="utf-8") as file:
        file.write('{"type": "strnig"}')
    for args, expected, word in [
            (["run", "--db", db, "--model", "no-such-model", "Hi"], 4, "no-such-model"),
            (["run", "--db", db, "--session", "0192-none", "Hi"], 4, "0192-none"),
            (["run", "--db", db, "--schema", "no-such-file.json", "Hi"], 4, "no-such-file.json"),
            (["run", "--db", db, "--temperature", "hot", "Hi"], 2, "temperature"),
            (["run", "--no-such-flag", "Hi"], 2, "no-such-flag"),
            (["run", "--db", db, "  "], 2, "nothing to do"),
            (["run", "--db", os.path.join(hearth.model, "x.db"), "Hi"], 4, "x.db"),
            (["tasks", "done", "7", "--db", db], 4, "7"),
            (["tasks", "done", "abc", "--db", db], 2, "'abc' is no task id"),
            (["tasks", "edit", "1", "--title", "", "--db", listed], 2, "title is empty"),
            # Before the model is looked for.
            (["run", "--db", db, "--model", "no-such-model", "--schema", bad_schema, "Hi"], 2, bad_schema),
            (["run", "--db", db, "--model", "no-such-model", "caf\udce9"], 2, "not valid UTF-8"),
            (["tasks", "lsit"], 2, "did you mean 'list'"), (["mcp", "isntall"], 2, "did you mean 'install'"),
            (["config", "chekc"], 2, "did you mean 'check'"),
            ([], 2, ""), (["frobnicate"], 2, "no command 'hearth frobnicate'")]:
        status, out, err = hearth(*args)
        check(status == expected, args, "ends with", status, "not", expected)
        check(word in err, args, "says", repr(err))
        check(out == "", args, "writes to stdout:", repr(out[:200]))


def test_help(hearth):
    for args in [], ["run"], ["tasks"], ["tasks", "add"], ["tasks", "list"], ["bench"], ["inspect"]:
        status, out, err = hearth(*args, "--help")
        check(status == 0 and err == "", args, "--help ends with", status, err)
        check("Usage" in out or "hearth" in out, args, "--help says", out[:80])
        check(all(len(line) < 200 for line in out.splitlines()), args, "--help fits a screen")
    status, out, _ = hearth("--version")
    check(status == 0 and re.fullmatch(r"hearth \d+\.\d+\.\d+\n", out), "version:", out)


def test_interrupt(hearth, patience):
    # Once while the model is being loaded or the prompt read, once while it writes.
    for writing in False, True:
        process = hearth.start("run", "--db", hearth.db("interrupt"), "--json", "--temperature", "1.5",
                               "--seed", "4", "Tell me a very long story about everything")
        if writing:
            types = (json.loads(line)["type"] for line in process.stdout)
            check(any(t in ("text_delta", "tool_call_started") for t in types), "it wrote something")
        else:
            time.sleep(0.3)
        sent = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        took = time.monotonic() - sent
        check(process.returncode == 130, "interrupted:", process.returncode, err)
        check(took < patience, "ended", round(took, 1), "s after the signal")
        for line in out.splitlines():
            json.loads(line)


def test_interrupt_at_the_prompt(hearth, patience):
    terminal, side = pty.openpty()
    process = subprocess.Popen([hearth.program, "run", "--db", hearth.db("prompt")], env=hearth.env,
                               stdin=side, stdout=subprocess.PIPE, stderr=side, start_new_session=True)
    os.close(side)
    shown = b""
    while b"> " not in shown:
        shown += os.read(terminal, 4096)
    sent = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    took = time.monotonic() - sent
    check(process.returncode == 130 and out == b"", "at the prompt:", process.returncode, out)
    check(took < patience, "ended", round(took, 1), "s after the signal at the prompt")
    os.close(terminal)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True)
    build = os.path.abspath(parser.parse_args().build)
    if not os.path.exists(default_model()):
        print("skipped: the default model is not installed (./run fetches it)")
        return
    with open(os.path.join(build, "CMakeCache.txt"), encoding="utf-8") as cache:
        sanitized = re.search(r"^HEARTH_SANITIZE:\w+=.", cache.read(), re.MULTILINE) is not None
    with tempfile.TemporaryDirectory(prefix="hearth-") as scratch:
        hearth = Hearth(build, scratch)
        test_help(hearth)
        test_exit_codes(hearth)
        test_no_answer(hearth)
        test_creates_a_task(hearth)
        test_schema_answer(hearth)
        # Sanitizers make everything several times slower.
        test_wild_sampling(hearth, 2 if sanitized else 10)
        test_interrupt(hearth, 20 if sanitized else 2)
        test_interrupt_at_the_prompt(hearth, 20 if sanitized else 2)
    finish()


if __name__ == "__main__":
    main()
