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
from oracle import ROOT, default_model  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True)
    hearth = os.path.join(os.path.abspath(parser.parse_args().build), "hearth")
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
