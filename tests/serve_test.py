#!/usr/bin/env python3
"""Drives `hearth serve` as clients do: what the API promises. What a hostile client may do is in hardening_test.py.

  serve_test.py --build BUILD [--only NAME]

The contract is tested on small models of random weights, whose every word is noise: nothing that comes
out right does so because the model knew. Standard library alone.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from checks import check, finish  # noqa: E402
from oracle import default_model  # noqa: E402
from serving_process import Server, make_models  # noqa: E402

HELLO = [{"role": "user", "content": "hello"}]

def tool(name, properties, required=None, **more):
    return {"type": "function", "function": {"name": name, "description": f"does {name}", "parameters": {
        "type": "object", "properties": properties, "required": required or [], "additionalProperties": False, **more}}}


TOOLS = [
    tool("create_task", {"title": {"type": "string", "minLength": 1, "maxLength": 40},
                         "priority": {"enum": ["low", "medium", "high", "urgent"]},
                         "due": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]}}, ["title", "priority"]),
    tool("list_tasks", {"status": {"$ref": "#/$defs/Status"}}, **{"$defs": {"Status": {"enum": ["all", "done"]}}}),
    tool("delete_task", {"id": {"type": "integer", "minimum": 1, "maximum": 999}}, ["id"]),
]
SCHEMA = {"type": "object", "additionalProperties": False, "required": ["count", "kind", "tags", "owner"],
          "properties": {"count": {"type": "integer", "minimum": 0, "maximum": 50}, "kind": {"const": "report"},
                         "tags": {"type": "array", "items": {"type": "string", "maxLength": 8}, "minItems": 1, "maxItems": 3},
                         "owner": {"anyOf": [{"$ref": "#/$defs/Person"}, {"type": "null"}]}},
          "$defs": {"Person": {"type": "object", "additionalProperties": False, "required": ["name"],
                               "properties": {"name": {"type": "string", "maxLength": 12}}}}}


def call_is_valid(call):
    """Independent of the schema: what each tool takes, written down once more."""
    name, arguments = call["function"]["name"], json.loads(call["function"]["arguments"])
    if name == "create_task":
        return (set(arguments) <= {"title", "priority", "due"} and isinstance(arguments["title"], str)
                and 1 <= len(arguments["title"]) <= 40 and arguments["priority"] in ("low", "medium", "high", "urgent")
                and (arguments.get("due") is None or re.fullmatch(r"\d{4}-\d\d-\d\d", arguments["due"])))
    if name == "list_tasks":
        return set(arguments) <= {"status"} and arguments.get("status", "all") in ("all", "done")
    return name == "delete_task" and list(arguments) == ["id"] and type(arguments["id"]) is int and 1 <= arguments["id"] <= 999


def document_is_valid(text):
    value = json.loads(text)
    return (set(value) == {"count", "kind", "tags", "owner"} and type(value["count"]) is int and 0 <= value["count"] <= 50
            and value["kind"] == "report" and 1 <= len(value["tags"]) <= 3 and all(len(t) <= 8 for t in value["tags"])
            and (value["owner"] is None or len(value["owner"]["name"]) <= 12))


def refused(server, param, status=400, **body):
    code, answer = server.post("/v1/chat/completions", {"model": server.model, "messages": HELLO, "max_tokens": 4, **body})
    error = answer.get("error", {})
    check(code == status, "status", code, "for", str(body)[:120], str(answer)[:200])
    check(error.get("param") == param, "param", error.get("param"), "is not", param, error.get("message"))
    check(bool(error.get("message")) and "type" in error and "code" in error, "the error is whole:", answer)
    return error


def test_models_and_health(server):
    status, _, body = server.request("GET", "/v1/models")
    models = json.loads(body)
    check(status == 200 and models["object"] == "list", models)
    ids = [m["id"] for m in models["data"]]
    check(server.model in ids and "qwen3-style" in ids, ids)
    check(all(i == i.lower() for i in ids) and all(m["object"] == "model" and m["created"] > 0 for m in models["data"]), models)
    check(server.request("GET", f"/v1/models/{server.model}")[0] == 200, "one model")
    status, _, body = server.request("GET", "/v1/models/no-such-model")
    check(status == 404 and json.loads(body)["error"]["code"] == "model_not_found", body)
    error = refused(server, "model", 404, model="no-such-model")
    check(error["code"] == "model_not_found", error)
    for path in ("/healthz", "/readyz", "/"):
        check(server.request("GET", path)[0] == 200, path)
    check(server.request("HEAD", "/v1/models")[2] == b"", "HEAD has no body")
    check(server.request("GET", "/nowhere")[0] == 404, "unknown path")
    status, headers, _ = server.request("DELETE", "/v1/models")
    check(status == 405 and headers["Allow"] == "GET", "wrong method", status, headers)


def test_chat(server):
    body = {"model": server.model, "messages": HELLO, "max_tokens": 12, "seed": 7, "temperature": 0.7}
    status, whole = server.chat(**body)
    check(status == 200 and whole["object"] == "chat.completion" and whole["model"] == server.model, whole)
    choice = whole["choices"][0]
    check(choice["message"]["role"] == "assistant" and choice["finish_reason"] in ("stop", "length"), choice)
    usage = whole["usage"]
    check(usage["completion_tokens"] <= 12 and usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"], usage)
    check("cached_tokens" in usage["prompt_tokens_details"] and "reasoning_tokens" in usage["completion_tokens_details"], usage)
    check(server.chat(**body)[1]["choices"][0]["message"] == choice["message"], "a seed repeats")
    check(server.chat(**body)[1]["usage"]["prompt_tokens_details"]["cached_tokens"] > 0, "the second time the prompt is cached")

    chunks = server.stream(**body, stream_options={"include_usage": True})
    check(chunks[-1] == "[DONE]", chunks[-1])
    check(chunks[-2]["choices"] == [] and chunks[-2]["usage"]["completion_tokens"] == usage["completion_tokens"], chunks[-2])
    chunks = chunks[:-2]
    check(len({c["id"] for c in chunks}) == 1 and len({c["created"] for c in chunks}) == 1, "one id")
    check(chunks[0]["choices"][0]["delta"] == {"role": "assistant"}, chunks[0])
    check(chunks[-1]["choices"][0]["delta"] == {} and chunks[-1]["choices"][0]["finish_reason"] == choice["finish_reason"], chunks[-1])
    deltas = [c["choices"][0]["delta"] for c in chunks[1:-1]]
    check(all(d.get("content") for d in deltas), "no empty delta", deltas)
    check("".join(d["content"] for d in deltas) == choice["message"]["content"], "streamed as whole")
    check(not any("usage" in c for c in server.stream(**body)[:-1]), "usage only where asked for")


def test_choices_stop_bias(server):
    body = {"model": server.model, "messages": HELLO, "max_tokens": 16, "temperature": 1}
    _, answer = server.chat(**body, n=3, seed=1)
    check([c["index"] for c in answer["choices"]] == [0, 1, 2], answer)
    check(len({c["message"]["content"] for c in answer["choices"]}) > 1, "choices differ")
    chunks = server.stream(**body, n=2)[:-1]
    ends = [c["choices"][0]["index"] for c in chunks if c["choices"][0]["finish_reason"]]
    check(sorted(ends) == [0, 1], "each choice ends once", ends)

    _, answer = server.chat(**{**body, "temperature": 0, "ignore_eos": True})
    text = answer["choices"][0]["message"]["content"]
    check(answer["usage"]["completion_tokens"] == 16 and answer["choices"][0]["finish_reason"] == "length", answer)
    stop = text[3:6]
    for stops in (stop, ["\x01never", stop]):
        _, answer = server.chat(**{**body, "temperature": 0, "stop": stops, "ignore_eos": True})
        check(answer["choices"][0]["message"]["content"] == text[:text.index(stop)], "stop", repr(stop), answer)
        check(answer["choices"][0]["finish_reason"] == "stop", answer)
    joined = "".join(c["choices"][0]["delta"].get("content", "") for c in
                     server.stream(**{**body, "temperature": 0, "stop": stop, "ignore_eos": True})[:-1])
    check(joined == text[:text.index(stop)], "stop while streaming", repr(joined))

    _, answer = server.chat(**{**body, "logit_bias": {"70": 100}})
    _, one = server.post("/v1/completions", {"model": server.model, "prompt": [70], "max_tokens": 1, "echo": True})
    letter = one["choices"][0]["text"][0]
    check(set(answer["choices"][0]["message"]["content"]) == {letter}, "bias forces a token", answer)
    _, answer = server.chat(**{**body, "logit_bias": {"70": 100}, "presence_penalty": 2, "frequency_penalty": 2})
    check(answer["choices"][0]["message"]["content"].startswith(letter), answer)
    _, greedy = server.chat(**{**body, "temperature": 0, "ignore_eos": True, "max_tokens": 64})
    _, varied = server.chat(**{**body, "temperature": 0, "ignore_eos": True, "max_tokens": 64, "frequency_penalty": 2, "repeat_penalty": 1.5})
    check(greedy["choices"][0]["message"] != varied["choices"][0]["message"], "penalties change the text")


def test_logprobs(server):
    body = {"model": server.model, "messages": HELLO, "max_tokens": 6, "temperature": 0, "logprobs": True, "top_logprobs": 3, "ignore_eos": True}
    _, answer = server.chat(**body)
    content = answer["choices"][0]["logprobs"]["content"]
    check(len(content) == 6, "one entry a token", len(content))
    for entry in content:
        check(len(entry["top_logprobs"]) == 3 and entry["top_logprobs"][0]["logprob"] == entry["logprob"] <= 0, entry)
        check(bytes(entry["bytes"]).decode(errors="replace") == entry["token"], entry)
    streamed = [e for c in server.stream(**body)[:-1] for e in (c["choices"][0]["logprobs"] or {}).get("content", [])]
    check(streamed == content, "streamed log probabilities")
    _, answer = server.post("/v1/completions", {"model": server.model, "prompt": "one two", "max_tokens": 5, "logprobs": 2, "temperature": 0})
    logprobs = answer["choices"][0]["logprobs"]
    check(len(logprobs["tokens"]) == len(logprobs["token_logprobs"]) == len(logprobs["text_offset"]), logprobs)
    check("".join(logprobs["tokens"]) == answer["choices"][0]["text"], logprobs)


def test_completions(server):
    _, answer = server.post("/v1/completions", {"model": server.model, "prompt": ["one", "two"], "n": 2, "max_tokens": 4, "echo": True})
    check(answer["object"] == "text_completion" and [c["index"] for c in answer["choices"]] == [0, 1, 2, 3], answer)
    check([c["text"][:3] for c in answer["choices"]] == ["one", "one", "two", "two"], answer)
    chunks = server.stream("/v1/completions", model=server.model, prompt="one", max_tokens=4, stream_options={"include_usage": True})
    check(chunks[-1] == "[DONE]" and chunks[-2]["usage"]["completion_tokens"] <= 4, chunks)
    for body, param in (({"prompt": "x", "suffix": "y"}, "suffix"), ({}, "prompt"), ({"prompt": [[-1]]}, "prompt"),
                        ({"prompt": "x", "best_of": 5}, "best_of"), ({"prompt": [999999]}, "prompt")):
        status, answer = server.post("/v1/completions", {"model": server.model, **body})
        check(status == 400 and answer["error"]["param"] == param, body, answer)


def test_refusals(server):
    """A known field with a value that is not supported is named."""
    image = [{"role": "user", "content": [{"type": "text", "text": "what is"}, {"type": "image_url", "image_url": {"url": "data:"}}]}]
    bad_tool = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "oddity"}}}}}]
    for param, body in (
        ("messages", {"messages": []}), ("messages", {"messages": None}), ("messages", {"messages": "hi"}),
        ("messages[0].role", {"messages": [{"role": "wizard", "content": "x"}]}),
        ("messages[0].role", {"messages": [{"content": "x"}]}),
        ("messages[0].content", {"messages": [{"role": "user"}]}),
        ("messages[0].content", {"messages": [{"role": "user", "content": 5}]}),
        ("messages[0].content[1].type", {"messages": image}),
        ("messages[0].tool_call_id", {"messages": [{"role": "tool", "tool_call_id": "nope", "content": "x"}]}),
        ("temperature", {"temperature": 2.5}), ("temperature", {"temperature": "hot"}), ("top_p", {"top_p": -1}),
        ("n", {"n": 0}), ("n", {"n": 1000}), ("max_tokens", {"max_tokens": 0}), ("max_tokens", {"max_tokens": "many"}),
        ("max_tokens", {"max_tokens": 5, "max_completion_tokens": 6}),
        ("stop", {"stop": ["a"] * 5}), ("stop", {"stop": "a", "response_format": {"type": "json_object"}}),
        ("thinking_budget", {"thinking_budget": 4}), ("thinking.budget_tokens", {"thinking": {"type": "enabled", "budget_tokens": 50}}), ("stop", {"stop": 3}), ("seed", {"seed": "x"}), ("seed", {"seed": 1.5}),
        ("logit_bias", {"logit_bias": {"x": 1}}), ("logit_bias", {"logit_bias": {"1": 101}}), ("logit_bias", {"logit_bias": {"99999999": 1}}),
        ("top_logprobs", {"top_logprobs": 3}), ("top_logprobs", {"logprobs": True, "top_logprobs": 21}),
        ("frequency_penalty", {"frequency_penalty": 3}), ("presence_penalty", {"presence_penalty": "a"}),
        ("stream_options", {"stream_options": {"include_usage": True}}),
        ("response_format.type", {"response_format": {"type": "xml"}}),
        ("response_format.json_schema", {"response_format": {"type": "json_schema"}}),
        ("response_format.json_schema.schema", {"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}}),
        ("response_format", {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "oddity"}}}}),
        ("response_format", {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "string", "pattern": "(?=a)b\\1"}}}}),
        ("tools", {"tools": bad_tool, "tool_choice": "required"}), ("tools[0].type", {"tools": [{"type": "custom", "custom": {}}]}),
        ("tools[1].function.name", {"tools": [TOOLS[0], TOOLS[0]]}), ("tools[0].function.name", {"tools": [{"type": "function", "function": {}}]}),
        ("tool_choice", {"tool_choice": "required"}), ("tool_choice", {"tools": TOOLS, "tool_choice": "maybe"}),
        ("tool_choice.function.name", {"tools": TOOLS, "tool_choice": {"type": "function", "function": {"name": "other"}}}),
        ("tool_choice.type", {"tools": TOOLS, "tool_choice": {"type": "code"}}),
        ("functions", {"functions": [{"name": "f"}]}), ("modalities", {"modalities": ["audio"]}),
        ("reasoning_effort", {"reasoning_effort": "heroic"}), ("thinking.type", {"thinking": {"type": "maybe"}}),
        ("typical_p", {"typical_p": 1.5}), ("tfs_z", {"tfs_z": 0.5}),
        ("dry_sequence_breakers", {"dry_sequence_breakers": [""]}), ("xtc_threshold", {"xtc_threshold": 2}),
        ("priority", {"priority": 1e6}), ("model", {"model": None}), ("model", {"model": 7}), ("stream", {"stream": "yes"}),
    ):
        refused(server, param, **body)
    error = refused(server, "messages", messages=[{"role": "user", "content": "word " * 5000}])
    check(error["code"] == "context_length_exceeded", error)
    status, _ = server.chat(model=server.model.upper(), messages=HELLO, max_tokens=2, user="me", store=False, metadata={"a": "b"},
                            service_tier="auto", parallel_tool_calls=True, a_field_nobody_knows={"x": 1}, tools=[], temperature=None,
                            response_format={"type": "text"}, modalities=["text"], reasoning_effort="low", prompt_cache_key="k")
    check(status == 200, "unknown and harmless fields are accepted", status)


def test_forced(server, rounds, models, max_tokens):
    """Whatever the model is, and at any temperature: a forced call and a document are valid, or cut and said to be."""
    answers, cut = 0, 0
    for model in models:
        body = {"model": model, "messages": HELLO, "temperature": 1.8, "max_tokens": max_tokens, "thinking_budget": 20}
        for seed in range(rounds):
            forced = seed % 4
            choice = ["required", {"type": "function", "function": {"name": "delete_task"}},
                      {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [
                          {"type": "function", "function": {"name": "list_tasks"}}, {"type": "function", "function": {"name": "delete_task"}}]}},
                      "required"][forced]
            _, answer = server.chat(**body, seed=seed, tools=TOOLS, tool_choice=choice, parallel_tool_calls=forced != 3)
            given = answer["choices"][0]
            calls = given["message"].get("tool_calls") or []
            answers += 4
            if given["finish_reason"] == "length":
                cut += 1
            else:
                check(given["finish_reason"] == "tool_calls" and calls and all(map(call_is_valid, calls)), model, seed, given)
                check(given["message"]["content"] is None, "no text beside a forced call", given)
                names = [c["function"]["name"] for c in calls]
                check(forced != 1 or set(names) == {"delete_task"}, "the named tool", names)
                check(forced != 2 or set(names) <= {"list_tasks", "delete_task"}, "the allowed tools", names)
                check(forced != 3 or len(calls) == 1, "one call alone", names)
                check(len({c["id"] for c in calls}) == len(calls), "ids differ")

            _, answer = server.chat(**body, seed=seed, response_format={
                "type": "json_schema", "json_schema": {"name": "r", "strict": True, "schema": SCHEMA}})
            given = answer["choices"][0]
            cut += given["finish_reason"] == "length"
            if given["finish_reason"] != "length":
                check(document_is_valid(given["message"]["content"]), model, seed, given)
            _, answer = server.chat(**{**body, "max_tokens": 200}, seed=seed, response_format={"type": "json_object"})
            given = answer["choices"][0]
            cut += given["finish_reason"] == "length"
            if given["finish_reason"] != "length":
                check(isinstance(json.loads(given["message"]["content"]), dict), given)
            _, answer = server.chat(**body, seed=seed, tools=TOOLS, response_format={
                "type": "json_schema", "json_schema": {"name": "r", "schema": SCHEMA}})
            given = answer["choices"][0]
            if given["finish_reason"] == "tool_calls":
                check(all(map(call_is_valid, given["message"]["tool_calls"])), given)
            elif given["finish_reason"] == "stop":
                check(document_is_valid(given["message"]["content"]), given)
            cut += given["finish_reason"] == "length"
        _, answer = server.chat(**{**body, "thinking_budget": None}, tools=TOOLS, tool_choice="none")
        check("tool_calls" not in answer["choices"][0]["message"], "none means none", answer)
    print(f"{answers} forced calls and documents at temperature 1.8: all valid but {cut} that max_tokens cut")


def test_streamed_calls(server):
    for model in (server.model, "qwen3-style", "bare-style"):
        chunks = server.stream(model=model, messages=HELLO, tools=TOOLS, tool_choice="required", temperature=1.8, seed=3,
                               max_tokens=1200, thinking_budget=20)
        deltas = [c["choices"][0]["delta"] for c in chunks[:-1]]
        check(not any("content" in d for d in deltas), "no content before or beside a call", deltas)
        calls = {}
        for delta in deltas:
            for part in delta.get("tool_calls", []):
                if part["index"] not in calls:
                    check(part["id"] and part["type"] == "function" and part["function"]["arguments"] == "", "the first delta", part)
                    calls[part["index"]] = {"function": {"name": part["function"]["name"], "arguments": ""}}
                else:
                    check(set(part) == {"index", "function"} and set(part["function"]) == {"arguments"}, "a later delta", part)
                    calls[part["index"]]["function"]["arguments"] += part["function"]["arguments"]
        finish = chunks[-2]["choices"][0]["finish_reason"]
        check(finish in ("tool_calls", "length"), finish)
        if finish == "tool_calls":
            check(calls and all(map(call_is_valid, calls.values())), calls)


def test_reasoning(server):
    body = {"model": "qwen3-style", "messages": HELLO, "temperature": 1, "seed": 5, "max_tokens": 60,
            "tools": TOOLS, "tool_choice": {"type": "function", "function": {"name": "delete_task"}}}
    # The template leaves no block open, so the model is made to think by a bias towards nothing: it may or may not.
    open_body = {**body, "model": "thinking-style", "thinking_budget": 10}
    _, answer = server.chat(**open_body)
    message = answer["choices"][0]["message"]
    check(message.get("reasoning_content"), "there is reasoning", message)
    reasoning = answer["usage"]["completion_tokens_details"]["reasoning_tokens"]
    check(10 <= reasoning <= 20, "the budget ends it", reasoning)
    check(message.get("tool_calls") and all(map(call_is_valid, message["tool_calls"])), message)
    _, answer = server.chat(**open_body, reasoning_format="reasoning")
    check("reasoning" in answer["choices"][0]["message"] and "reasoning_content" not in answer["choices"][0]["message"], answer)
    _, answer = server.chat(**open_body, reasoning_format="raw")
    content = answer["choices"][0]["message"]["content"]
    check(content.startswith("<think>") and "</think>" in content, content)
    deltas = [c["choices"][0]["delta"] for c in server.stream(**open_body)[:-1]]
    kinds = [next(iter(d), "") for d in deltas]
    check(kinds[0] == "role" and kinds[1] == "reasoning_content" and kinds[-2] == "tool_calls", kinds)
    refused(server, "thinking_budget", **{**open_body, "thinking_budget": 60})
    refused(server, "thinking_budget", **{**open_body, "thinking_budget": 5000, "max_tokens": None})
    _, answer = server.chat(**{**open_body, "thinking_budget": None, "reasoning_effort": "none"})
    check(answer["usage"]["completion_tokens_details"]["reasoning_tokens"] <= 8, "no thinking", answer["usage"])

    # What the client drops between calls the server puts back.
    _, first = server.chat(**open_body)
    message = first["choices"][0]["message"]
    calls, thought = message["tool_calls"], message["reasoning_content"]
    result = {"role": "tool", "tool_call_id": calls[0]["id"], "content": "done"}
    results = [{**result, "tool_call_id": c["id"]} for c in calls]
    with_it = {"role": "assistant", "content": None, "tool_calls": calls, "reasoning_content": thought}
    without = {k: v for k, v in with_it.items() if k != "reasoning_content"}
    other = {**without, "tool_calls": [{**c, "id": "x" + c["id"]} for c in calls]}
    other_results = [{**r, "tool_call_id": "x" + r["tool_call_id"]} for r in results]
    count = lambda m, r: server.chat(**{**open_body, "messages": [*HELLO, m, *r], "max_tokens": 30})[1]["usage"]["prompt_tokens"]
    kept, put_back, strange = count(with_it, results), count(without, results), count(other, other_results)
    check(kept == put_back > strange, "reasoning is put back by the call's id:", kept, put_back, strange)


def test_metrics(server):
    text = server.request("GET", "/metrics")[2].decode()
    for name in ("hearth_time_to_first_token_seconds_count", "hearth_time_per_output_token_seconds_sum", "hearth_queue_depth",
                 "hearth_engine_steps_total", "hearth_kv_bytes_used", "hearth_kv_blocks_lost_total", "hearth_guessed_tokens_accepted_total",
                 "hearth_prompt_tokens_total", "hearth_prompt_tokens_cached_total", "hearth_completion_tokens_total",
                 'hearth_requests_total{route="/v1/models",status="200"}', "hearth_prefix_cache_hits_total"):
        check(re.search(rf"^{re.escape(name)} \d", text, re.MULTILINE), name)
    for line in text.splitlines():
        check(re.fullmatch(r'# (HELP|TYPE) .*|[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [0-9.e+-]+', line), "a line of Prometheus:", line)


def test_base_model(server):
    status, answer = server.chat(model="base-style", messages=HELLO)
    check(status == 400 and "template" in answer["error"]["message"], answer)
    status, answer = server.post("/v1/completions", {"model": "base-style", "prompt": "one", "max_tokens": 3})
    check(status == 200 and answer["usage"]["completion_tokens"] <= 3, answer)


def test_settings(build, scratch, model):
    """The file, the environment over it, flags over both; `hearth config check` prints what holds."""
    path = os.path.join(scratch, "settings.toml")
    write = lambda text: open(path, "w", encoding="utf-8").write(text)
    environment = {**os.environ, "XDG_DATA_HOME": os.path.join(scratch, "data"), "XDG_CONFIG_HOME": os.path.join(scratch, "config")}
    environment = {k: v for k, v in environment.items() if not k.startswith("HEARTH_")}

    def config_check(*flags, **variables):
        done = subprocess.run([os.path.join(build, "hearth"), "config", "check", "--config", path, *flags], text=True,
                              capture_output=True, env={**environment, **variables}, timeout=60, check=False)
        return done.returncode, json.loads(done.stdout) if done.returncode == 0 else done.stderr

    write(f"[server]\nport = 4001\nhost = '127.0.0.2'\nkeep_alive_ms = 10\n[models]\ndefault = '{model}'\n")
    status, settings = config_check()
    check(status == 0 and settings["server"]["port"] == 4001 and settings["models"]["default"] == model, settings)
    _, settings = config_check(HEARTH_HOST="127.0.0.3:4002", HEARTH_MAX_QUEUE="7")
    check(settings["server"]["host"] == "127.0.0.3:4002" and settings["models"]["max_queue"] == 7, settings)
    _, settings = config_check("--port", "4003", HEARTH_HOST="127.0.0.3:4002")
    check(settings["server"]["host"] == "127.0.0.3" and settings["server"]["port"] == 4003, settings)
    for text, word in (("[server]\nprot = 1\n", "line 2: there is no setting server.prot"), ("port = 1\n", "line 1"),
                       ("[server]\nport = 'x'\n", "must be an integer"), ("[server]\nport = 70000\n", "not between"),
                       ("[api]\nreasoning_field = 'x'\n", "is none of"), ("[server\n", "line 1"),
                       ("[models]\ndefault = 'nowhere'\n", "no model 'nowhere'"),
                       ("[server]\nhost = '0.0.0.0'\n", "needs a token"),
                       ("[server]\nhost = 'unix:'\n", "needs a path"),
                       ("[store]\ndatabase = 'slip/x.db'\n", "there is no folder")):
        write(text)
        status, error = config_check()
        check(status != 0 and word in error, repr(text), error)
        # What the check refuses the daemon refuses, for the same reason.
        served = subprocess.run([os.path.join(build, "hearth"), "serve", "--config", path], text=True, env=environment,
                                capture_output=True, timeout=60, check=False)
        check(served.returncode == status and served.stderr == error, repr(text), served.returncode, served.stderr)

    # The database and the models of the settings are those of every command.
    write(f"[store]\ndatabase = 'mine.db'\n[models]\ndirectory = '.'\ndefault = '{model}'\n")
    def hearth(*arguments, cwd=None, **variables):
        return subprocess.run([os.path.join(build, "hearth"), *arguments], text=True, capture_output=True, timeout=60, cwd=cwd,
                              env={**environment, "HEARTH_CONFIG": path, **variables}, check=False)
    hearth("tasks", "add", "in the file's database", cwd=build)
    check(os.path.exists(os.path.join(scratch, "mine.db")), "store.database holds for tasks")
    hearth("tasks", "add", "elsewhere", HEARTH_DB=os.path.join(scratch, "other.db"))
    check("elsewhere" in hearth("tasks", "list", "--db", os.path.join(scratch, "other.db")).stdout, "HEARTH_DB goes before the file")
    check("elsewhere" not in hearth("tasks", "list").stdout, "and holds for its command alone")
    shown = json.loads(hearth("show", "--json").stdout)
    check(model in json.dumps(shown), "models.default holds for show", shown)
    refused = hearth("show", HEARTH_MODEL="nowhere")
    check(refused.returncode == 4 and "no model 'nowhere'" in refused.stderr, refused.stderr)

    # The line is kept alive while a long prompt is read.
    write(f"[server]\nkeep_alive_ms = 1\n[models]\ndefault = '{model}'\n")
    server = Server(build, scratch, None, "--config", path)
    body = json.dumps({"model": "default", "messages": [{"role": "user", "content": "word " * 380}], "stream": True, "max_tokens": 3})
    status, _, answer = server.request("POST", "/v1/chat/completions", body.encode())
    first = answer.decode().split("data:")[0]
    check(status == 200 and re.search(r"^: \d+ of \d+ prompt tokens$", first, re.MULTILINE), "comments before the first token", first)
    server.stop()


def test_forced_on_a_real_model(build, scratch, rounds):
    if not os.path.exists(default_model()):
        print("skipped: the default model is not installed (./run fetches it)")
        return
    server = Server(build, scratch, default_model())
    test_forced(server, rounds, (server.model,), 600)
    server.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    build = os.path.abspath(arguments.build)
    slow = os.environ.get("HEARTH_SLOW") == "1"
    with tempfile.TemporaryDirectory(prefix="hearth-") as scratch:
        model = make_models(scratch)
        server = Server(build, scratch, model)

        def run(name, test, *more):
            if arguments.only in name:
                started = time.monotonic()
                test(*more)
                print(f"{name}: {time.monotonic() - started:.1f} s", flush=True)

        for name, test in (("models", test_models_and_health), ("chat", test_chat), ("choices", test_choices_stop_bias),
                           ("logprobs", test_logprobs), ("completions", test_completions), ("refusals", test_refusals),
                           ("streamed", test_streamed_calls), ("reasoning", test_reasoning), ("base", test_base_model)):
            run(name, test, server)
        run("forced", test_forced, server, 200 if slow else 12, (server.model, "qwen3-style", "bare-style"), 1200)
        run("metrics", test_metrics, server)
        check(server.process.poll() is None, "the server is alive")
        server.stop()
        run("settings", test_settings, build, scratch, model)
        run("real model", test_forced_on_a_real_model, build, scratch, 100 if slow else 5)
    finish()


if __name__ == "__main__":
    main()
