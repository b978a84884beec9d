#!/usr/bin/env bash
# A short day with the task assistant: what a person says goes to the model, what a script must be sure
# of goes to `hearth tasks`.
#   day.sh [DATABASE]     $HEARTH names the program (default: build/hearth of this checkout)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
hearth=${HEARTH:-$here/../../build/hearth}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
db=${1:-$scratch/day.db}

# say WORDS...: one turn. Status 5 (the assistant stopped before it was done) is no reason to end the day.
say() {
  printf '\n$ hearth run "%s"\n' "$*"
  "$hearth" run --db "$db" "$@" 2>/dev/null || [ $? = 5 ]
}
# tasks ARGS...: the same list without a model.
tasks() {
  printf '\n$ hearth tasks %s\n' "$*"
  "$hearth" tasks "$@" --db "$db"
}

say "Create a task: review the quarterly report"
say "Add an urgent task to pay the rent"
tasks add "Water the plants" --priority low
tasks list
tasks start 1
tasks search report
tasks done 1
tasks report

# Programs read JSON: here, the titles that are still open.
printf '\n$ hearth tasks list --json | python3 …\n'
"$hearth" tasks list --json --db "$db" |
  python3 -c 'import json, sys; print(*(t["title"] for t in json.load(sys.stdin)["tasks"]), sep="\n")'
