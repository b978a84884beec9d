#!/usr/bin/env python3
"""Runs the examples as their READMEs say, and looks at what they leave behind.

  examples_test.py --build BUILD
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from mcp_process import Host  # noqa: E402
from oracle import ROOT, default_model  # noqa: E402


def ask_as_hosts_do(hearth):
    """Starts the server as the hosts' settings say, with the path of this machine."""
    for folder, name in (("claude_desktop", "claude_desktop_config.json"), ("cursor", "mcp.json")):
        with open(os.path.join(ROOT, "examples", folder, name), encoding="utf-8") as file:
            entry = json.load(file)["mcpServers"]["hearth"]
        with tempfile.TemporaryDirectory(prefix="hearth-") as home:
            host = Host([hearth, *entry["args"]], home)
            assert host.initialize()["serverInfo"]["name"] == "hearth"
            tools = host.request("tools/list")["result"]["tools"]
            assert {"create_task", "list_tasks", "run_agent"} <= {tool["name"] for tool in tools}, tools
            host.close()
        print(f"{folder}: {len(tools)} tools")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True)
    hearth = os.path.join(os.path.abspath(parser.parse_args().build), "hearth")
    ask_as_hosts_do(hearth)
    if not os.path.exists(default_model()):
        print("skipped: the default model is not installed (./run fetches it)")
        return
    with tempfile.TemporaryDirectory(prefix="hearth-") as scratch:
        db = os.path.join(scratch, "day.db")
        done = subprocess.run([os.path.join(ROOT, "examples", "task_manager", "day.sh"), db], text=True,
                              env={**os.environ, "HEARTH": hearth, "HEARTH_MODEL": default_model()},
                              capture_output=True, timeout=300, check=False)
        print(done.stdout, done.stderr)
        assert done.returncode == 0, f"day.sh ended with {done.returncode}"
        listed = subprocess.run([hearth, "tasks", "list", "--all", "--json", "--db", db], text=True,
                                capture_output=True, timeout=60, check=True)
        tasks = json.loads(listed.stdout)["tasks"]
        status = {task["id"]: task["status"] for task in tasks}
        assert status[1] == "completed", tasks
        assert any(task["title"] == "Water the plants" for task in tasks), tasks
        # What is printed last is what is still open.
        open_titles = [t["title"] for t in tasks if t["status"] in ("pending", "in_progress")]
        assert done.stdout.splitlines()[-len(open_titles):] == open_titles, open_titles
    print(f"task_manager: {len(tasks)} tasks at the end of the day")


if __name__ == "__main__":
    main()
