#!/usr/bin/env python3
"""`hearth mcp` as hosts use it: the task tools over stdio in both eras, and how the process ends.

  mcp_stdio_test.py --build BUILD
"""
import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from mcp_process import Host  # noqa: E402

FORM = {"elicitation": {"form": {}}}


def task_tools(command, home):
    host = Host(command, home)
    for revision in ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"):
        assert host.initialize(revision=revision)["protocolVersion"] == revision
    listed = host.request("tools/list")["result"]["tools"]
    names = [tool["name"] for tool in listed]
    assert names[:7] == ["get_current_time", "create_task", "list_tasks", "update_task_status", "search_tasks",
                         "delete_task", "task_report"], names
    assert len(json.dumps(listed)) < 16_000, len(json.dumps(listed))
    for tool in listed:
        assert tool["outputSchema"]["type"] == "object" and tool["title"] and tool["icons"], tool
        for name, argument in tool["inputSchema"]["properties"].items():
            assert argument.get("description"), (tool["name"], name)
    made = host.call("create_task", {"title": "Pay the rent", "priority": "urgent", "due_date": "2026-12-01"})
    assert made["structuredContent"]["id"] == 1 and json.loads(made["content"][0]["text"]) == made["structuredContent"]
    wrong = host.call("create_task", {"title": "x", "priority": "huge"})
    assert wrong["isError"] and "priority" in wrong["content"][0]["text"] and "for example" in wrong["content"][0]["text"]
    assert host.call("list_tasks")["structuredContent"]["total"] == 1
    read = host.request("resources/read", {"uri": "task://1"})["result"]["contents"][0]
    assert json.loads(read["text"])["title"] == "Pay the rent"
    assert host.request("resources/read", {"uri": "task://../../etc/passwd"})["error"]["code"] == -32002
    board = host.request("resources/read", {"uri": "ui://hearth/task-board"})["result"]["contents"][0]
    assert board["mimeType"] == "text/html;profile=mcp-app" and "ui/initialize" in board["text"]
    prompt = host.request("prompts/get", {"name": "plan_my_day", "arguments": {"date": "2026-11-21"}})["result"]
    assert "Pay the rent" in prompt["messages"][0]["content"]["text"]
    done = host.request("completion/complete", {"ref": {"type": "ref/resource", "uri": "task://{id}"},
                                                "argument": {"name": "id", "value": ""}})
    assert done["result"]["completion"]["values"] == ["1"]
    host.close()


def confirmation(command, home):
    """A destructive call asks first, in the way of the era, where the host can."""
    host = Host(command, home)
    host.initialize(FORM)
    asked = []

    def decline(message):
        asked.append(message["params"]["message"])
        return {"action": "decline"}
    assert host.call("delete_task", {"task_id": 1}, decline)["isError"]
    assert asked == ["Delete task #1 'Pay the rent' for good?"], asked
    agreed = host.call("delete_task", {"task_id": 1}, lambda _: {"action": "accept", "content": {"confirm": True}})
    assert agreed["structuredContent"] == {"deleted": 1}
    host.call("create_task", {"title": "Again"})
    host.close()

    host = Host(command, home)
    first = host.modern("tools/call", FORM, name="delete_task", arguments={"task_id": 2})["result"]
    assert first["resultType"] == "input_required", first
    answers = {"confirm": {"action": "accept", "content": {"confirm": True}}}
    unsigned = host.modern("tools/call", FORM, name="delete_task", arguments={"task_id": 2}, inputResponses=answers)
    assert unsigned["result"]["resultType"] == "input_required"
    other = host.modern("tools/call", FORM, name="delete_task", arguments={"task_id": 3}, inputResponses=answers,
                        requestState=first["requestState"])
    assert other["error"]["code"] == -32602
    done = host.modern("tools/call", FORM, name="delete_task", arguments={"task_id": 2}, inputResponses=answers,
                       requestState=first["requestState"])["result"]
    assert done["resultType"] == "complete" and done["structuredContent"] == {"deleted": 2}, done
    host.close()


def changes(command, home):
    """Who watches a resource hears what another process did to it."""
    watcher, writer = Host(command, home), Host(command, home)
    watcher.initialize()
    writer.initialize()
    task = writer.call("create_task", {"title": "Watched"})["structuredContent"]["id"]
    watcher.request("resources/subscribe", {"uri": f"task://{task}"})
    writer.call("update_task_status", {"task_id": task, "new_status": "completed"})
    while True:
        message = watcher.receive(10)
        if message.get("method") == "notifications/resources/updated":
            assert message["params"]["uri"] == f"task://{task}"
            break
    watcher.close()
    writer.close()


def two_hosts(command, home):
    """Two hosts write one database at once, one of them is killed: nothing acknowledged is lost."""
    acknowledged, lock = set(), threading.Lock()

    def write(name, count, host):
        for i in range(count):
            try:
                made = host.call("create_task", {"title": f"{name} {i}"})
            except (AssertionError, BrokenPipeError, json.JSONDecodeError):
                return  # killed
            assert not made["isError"], made
            with lock:
                acknowledged.add(made["structuredContent"]["title"])

    hosts = [Host(command, home) for _ in range(2)]
    for host in hosts:
        host.initialize()
    threads = [threading.Thread(target=write, args=(f"host {n}", 60, host)) for n, host in enumerate(hosts)]
    for thread in threads:
        thread.start()
    while len(acknowledged) < 20 and any(thread.is_alive() for thread in threads):
        time.sleep(0.01)
    hosts[1].process.kill()
    for thread in threads:
        thread.join()
    hosts[1].process.wait()
    hosts[0].close()
    reader = Host(command, home)
    reader.initialize()
    read = reader.request("resources/read", {"uri": "tasks://all"})["result"]["contents"][0]["text"]
    titles = {task["title"] for task in json.loads(read)["tasks"]}
    assert acknowledged <= titles, acknowledged - titles
    reader.close()


def endings(command, home):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        host = Host(command, home)
        host.initialize()
        start = time.monotonic()
        host.process.send_signal(number)
        assert host.process.wait(5) == 0 and time.monotonic() - start < 2
    # The host dies without a word, and somebody else holds the pipes open.
    script = ("import subprocess, sys, time, os\n"
              "p = subprocess.Popen(sys.argv[1:], stdin=int(os.environ['IN']), stdout=int(os.environ['OUT']))\n"
              "print(p.pid, flush=True)\ntime.sleep(60)\n")
    stdin, keep_in = os.pipe()
    keep_out, stdout = os.pipe()
    for descriptor in (stdin, stdout):
        os.set_inheritable(descriptor, True)
    parent = subprocess.Popen([sys.executable, "-c", script, *command], stdout=subprocess.PIPE, close_fds=False,
                              env={"HOME": home, "PATH": "/usr/bin:/bin", "IN": str(stdin), "OUT": str(stdout)})
    pid = int(parent.stdout.readline())
    os.write(keep_in, b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
    assert os.read(keep_out, 1000)
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 2
    while os.path.exists(f"/proc/{pid}") and open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0] != "Z":
        assert time.monotonic() < deadline, "an orphan"
        time.sleep(0.02)


def mistakes(command, home):
    for arguments, text in ([["--repo", "../x"], "repositor"], [["--db", "/proc/nope/x.db"], "/proc"]):
        done = subprocess.run([*command, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                              env={"HOME": home, "PATH": "/usr/bin:/bin"}, timeout=30)
        assert done.returncode != 0 and not done.stdout and text in done.stderr, (done.returncode, done.stderr)


def install(command, home):
    path = os.path.join(home, ".config", "Claude", "claude_desktop_config.json")
    run = lambda *args, **variables: subprocess.run([*command, "install", *args], capture_output=True, text=True,  # noqa: E731
                                                    check=False, timeout=30,
                                                    env={"HOME": home, "PATH": "/usr/bin:/bin", **variables})
    shown = run("claude", "--dry-run")
    assert shown.returncode == 0 and json.loads(shown.stdout)["mcpServers"]["hearth"]["args"] == ["mcp"]
    elsewhere = os.path.join(home, "other.db")
    for shown in run("claude", "--dry-run", HEARTH_DB=elsewhere), run("claude", "--dry-run", "--db", elsewhere, HEARTH_DB="/x.db"):
        assert json.loads(shown.stdout)["mcpServers"]["hearth"]["args"] == ["mcp", "--db", elsewhere], shown.stdout
    assert not os.path.exists(path)
    os.makedirs(os.path.dirname(path))
    before = {"theme": "dark", "mcpServers": {"other": {"command": "x"}, "hearth": {"command": "old", "env": {"A": "b"}}}}
    with open(path, "w", encoding="utf-8") as file:
        json.dump(before, file)
    assert run("claude", "--repo", "work").returncode == 0
    with open(path, encoding="utf-8") as file:
        after = json.load(file)
    assert after["theme"] == "dark" and after["mcpServers"]["other"] == {"command": "x"}
    ours = after["mcpServers"]["hearth"]
    assert ours["args"] == ["mcp", "--repo", "work"] and os.path.isabs(ours["command"]) and ours["env"] == {"A": "b"}
    with open(path + ".hearth-backup", encoding="utf-8") as file:
        assert json.load(file) == before
    assert run("cursor").returncode == 0 and run("vscode").returncode == 0
    with open(os.path.join(home, ".config", "Code", "User", "mcp.json"), encoding="utf-8") as file:
        assert json.load(file)["servers"]["hearth"]["type"] == "stdio"
    with open(path, "w", encoding="utf-8") as file:
        file.write('{ // a comment\n "mcpServers": {} }')
    refused = run("claude")
    assert refused.returncode == 2 and "mcpServers" in refused.stderr
    with open(path, encoding="utf-8") as file:
        assert "a comment" in file.read()
    assert run("emacs").returncode == 2


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True)
    command = [os.path.join(os.path.abspath(parser.parse_args().build), "hearth"), "mcp"]
    for test in (task_tools, confirmation, changes, two_hosts, endings, mistakes, install):
        with tempfile.TemporaryDirectory(prefix="hearth-") as home:
            if test is confirmation:
                task_tools(command, home)
            test(command, home)
        print(f"{test.__name__}: passed", flush=True)


if __name__ == "__main__":
    main()
