// The task board: a page that MCP hosts show beside the results of the task tools (MCP Apps,
// SEP-1865). It talks JSON-RPC with its host through postMessage and loads nothing from anywhere.
#include "runtime/main/mcp_resources.h"

namespace hearth::main {

const char* TaskBoardPage() {
  return R"html(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>Task board</title>
<style>
:root { color-scheme: light dark; font: 14px/1.4 system-ui, sans-serif; }
body { margin: 0; padding: 12px; }
#board { display: grid; grid-template-columns: repeat(auto-fit, minmax(160px, 1fr)); gap: 12px; }
section { background: color-mix(in srgb, currentColor 6%, transparent); border-radius: 8px; padding: 8px; }
h2 { font-size: 13px; margin: 0 0 8px; opacity: .7; }
article { border-left: 3px solid #888; padding: 4px 8px; margin: 0 0 8px; }
article.urgent { border-color: #d33; } article.high { border-color: #e80; } article.medium { border-color: #38c; }
small { opacity: .7; display: block; } button { font: inherit; font-size: 12px; margin: 4px 4px 0 0; }
</style>
</head>
<body>
<div id="board" role="list"></div>
<p id="note" role="status"></p>
<script>
"use strict";
const columns = [["pending", "To do"], ["in_progress", "In progress"], ["completed", "Done"], ["cancelled", "Cancelled"]];
const next = { pending: ["in_progress", "Start"], in_progress: ["completed", "Done"] };
let lastId = 0;
const waiting = new Map();
function post(message) { window.parent.postMessage({ jsonrpc: "2.0", ...message }, "*"); }
function request(method, params) {
  return new Promise((resolve, reject) => {
    const id = ++lastId;
    waiting.set(id, { resolve, reject });
    post({ id, method, params });
  });
}
function element(name, text, className) {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}
function card(task) {
  const made = element("article", task.title, task.priority);
  made.append(element("small", "#" + task.id + " · " + task.priority + (task.due_date ? " · due " + task.due_date : "")));
  const step = next[task.status];
  if (step) {
    const button = element("button", step[1]);
    button.onclick = () => change(task.id, step[0]);
    made.append(button);
  }
  return made;
}
function show(tasks) {
  const board = document.getElementById("board");
  board.replaceChildren(...columns.map(([status, title]) => {
    const mine = tasks.filter((task) => task.status === status);
    const section = element("section", "");
    section.append(element("h2", title + " (" + mine.length + ")"), ...mine.map(card));
    return section;
  }));
  post({ method: "ui/notifications/size-changed", params: { width: document.body.scrollWidth, height: document.body.scrollHeight } });
}
function say(text) { document.getElementById("note").textContent = text; }
async function refresh() {
  try {
    const result = await request("tools/call", { name: "list_tasks", arguments: {} });
    if (result.structuredContent) show(result.structuredContent.tasks);
  } catch (error) { say(error.message || "The tasks could not be read."); }
}
async function change(id, status) {
  try {
    const result = await request("tools/call", { name: "update_task_status", arguments: { task_id: id, new_status: status } });
    if (result.isError) say(result.content.map((part) => part.text).join(" "));
    await refresh();
  } catch (error) { say(error.message || "The task could not be changed."); }
}
window.addEventListener("message", (event) => {
  if (event.source !== window.parent || !event.data || event.data.jsonrpc !== "2.0") return;
  const message = event.data;
  if (message.method === "ui/notifications/tool-result") {
    const data = message.params && message.params.structuredContent;
    if (data && Array.isArray(data.tasks)) show(data.tasks); else refresh();
  } else if (message.method && message.id !== undefined) {
    post({ id: message.id, result: {} });
  } else if (waiting.has(message.id)) {
    const { resolve, reject } = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.error) reject(message.error); else resolve(message.result);
  }
});
request("ui/initialize", {
  protocolVersion: "2026-01-26",
  appInfo: { name: "hearth-task-board", version: "1.0.0" },
  appCapabilities: {}
}).then(() => { post({ method: "ui/notifications/initialized" }); refresh(); }, () => say("The host did not answer."));
</script>
</body>
</html>
)html";
}

}  // namespace hearth::main
