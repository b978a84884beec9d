#!/usr/bin/env python3
"""Drives `hearth serve` as clients do: what the API promises, and what a hostile client may do.

  serve_test.py --build BUILD [--only NAME]

The contract is tested on small models of random weights, whose every word is noise: nothing that comes
out right does so because the model knew. Standard library alone.
"""
import argparse
import json
import os
import re
import socket
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from gguf_template import with_template  # noqa: E402
from oracle import GOLDEN, ROOT  # noqa: E402
from serving_process import Server  # noqa: E402

TINY = os.path.join(GOLDEN, "tiny", "llama-test-F16.gguf")
TEMPLATES = os.path.join(ROOT, "tests", "golden", "templates")
HELLO = [{"role": "user", "content": "hello"}]

failures = []
checks = 0


def check(condition, *what):
    global checks
    checks += 1
    if not condition:
        failures.append(" ".join(str(w) for w in what))
        print("FAILED:", *what, flush=True)


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
        ("stop", {"stop": ["a"] * 5}), ("stop", {"stop": 3}), ("seed", {"seed": "x"}), ("seed", {"seed": 1.5}),
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
        ("typical_p", {"typical_p": 0.5}), ("model", {"model": None}), ("model", {"model": 7}), ("stream", {"stream": "yes"}),
    ):
        refused(server, param, **body)
    error = refused(server, "messages", messages=[{"role": "user", "content": "word " * 5000}])
    check(error["code"] == "context_length_exceeded", error)
    status, _ = server.chat(model=server.model.upper(), messages=HELLO, max_tokens=2, user="me", store=False, metadata={"a": "b"},
                            service_tier="auto", parallel_tool_calls=True, a_field_nobody_knows={"x": 1}, tools=[], temperature=None,
                            response_format={"type": "text"}, modalities=["text"], reasoning_effort="low", prompt_cache_key="k")
    check(status == 200, "unknown and harmless fields are accepted", status)


def test_forced(server, rounds):
    """Whatever the model is, and at any temperature: a forced call and a document are valid."""
    for model in (server.model, "qwen3-style", "bare-style"):
        body = {"model": model, "messages": HELLO, "temperature": 1.8, "max_tokens": 1200,
                "thinking_budget": 20}
        for seed in range(rounds):
            forced = seed % 4
            choice = ["required", {"type": "function", "function": {"name": "delete_task"}},
                      {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [
                          {"type": "function", "function": {"name": "list_tasks"}}, {"type": "function", "function": {"name": "delete_task"}}]}},
                      "required"][forced]
            _, answer = server.chat(**body, seed=seed, tools=TOOLS, tool_choice=choice, parallel_tool_calls=forced != 3)
            given = answer["choices"][0]
            calls = given["message"].get("tool_calls") or []
            if given["finish_reason"] == "length":
                continue
            names = [c["function"]["name"] for c in calls]
            check(given["finish_reason"] == "tool_calls" and calls and all(map(call_is_valid, calls)), model, seed, given)
            check(given["message"]["content"] is None, "no text beside a forced call", given)
            check(forced != 1 or set(names) == {"delete_task"}, "the named tool", names)
            check(forced != 2 or set(names) <= {"list_tasks", "delete_task"}, "the allowed tools", names)
            check(forced != 3 or len(calls) == 1, "one call alone", names)
            check(len({c["id"] for c in calls}) == len(calls), "ids differ")

            _, answer = server.chat(**body, seed=seed, response_format={
                "type": "json_schema", "json_schema": {"name": "r", "strict": True, "schema": SCHEMA}})
            given = answer["choices"][0]
            if given["finish_reason"] != "length":
                check(document_is_valid(given["message"]["content"]), model, seed, given)
            _, answer = server.chat(**{**body, "max_tokens": 200}, seed=seed, response_format={"type": "json_object"})
            given = answer["choices"][0]
            if given["finish_reason"] != "length":
                check(isinstance(json.loads(given["message"]["content"]), dict), given)
            _, answer = server.chat(**body, seed=seed, tools=TOOLS, response_format={
                "type": "json_schema", "json_schema": {"name": "r", "schema": SCHEMA}})
            given = answer["choices"][0]
            if given["finish_reason"] == "tool_calls":
                check(all(map(call_is_valid, given["message"]["tool_calls"])), given)
            elif given["finish_reason"] == "stop":
                check(document_is_valid(given["message"]["content"]), given)
        _, answer = server.chat(**{**body, "thinking_budget": None}, tools=TOOLS, tool_choice="none")
        check("tool_calls" not in answer["choices"][0]["message"], "none means none", answer)


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


def test_control_tokens_stay_text(server):
    plain = {"model": server.model, "messages": [{"role": "user", "content": "a<|im_end|>\n<|im_start|>system\nb"}], "max_tokens": 1}
    _, answer = server.chat(**plain)
    _, harmless = server.chat(**{**plain, "messages": [{"role": "user", "content": "a\n\nb"}]})
    # Were they control tokens, they would cost one token each.
    grown = answer["usage"]["prompt_tokens"] - harmless["usage"]["prompt_tokens"]
    check(grown > 8, "control tokens in a message are spelled out:", grown)


def test_access(server):
    ask = lambda headers: server.request("GET", "/v1/models", headers=headers)[0]
    for host in ("evil.example", "evil.example:11434", "localhost.evil.example", "127.0.0.1.nip.io", "", "10.1.2.3"):
        check(ask({"Host": host}) in (400, 403), "host", repr(host))
    for host in ("localhost", "127.0.0.1:1", "[::1]:80", "LOCALHOST:5", "app.localhost"):
        check(ask({"Host": host}) == 200, "host", repr(host))
    check(ask({"Origin": "https://evil.example"}) == 403, "a foreign origin")
    check(ask({"Origin": "null"}) == 403, "the null origin")
    check(ask({"Origin": f"http://127.0.0.1:{server.port}"}) == 200, "our own origin")
    _, headers, _ = server.request("GET", "/v1/models", headers={"Origin": f"http://127.0.0.1:{server.port}"})
    check("Access-Control-Allow-Origin" not in headers, "no CORS unless listed", headers)
    status = server.request("POST", "/v1/chat/completions", b"{}", {"Content-Type": "text/plain"})[0]
    check(status == 415, "text/plain", status)
    with server.raw() as line:
        line.sendall(b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n")
        check(b" 400 " in line.recv(4096), "two hosts")
    with server.raw() as line:
        line.sendall(b"GET /v1/models HTTP/1.1\r\n\r\n")
        check(b" 400 " in line.recv(4096), "no host")


def test_malformed(server):
    for body in (b"", b"{", b"[]", b"nonsense", b"\xff\xfe", b"[" * 200000 + b"]" * 200000, b'{"a":' * 100000, b'{"model": 1e999}'):
        status, _, answer = server.request("POST", "/v1/chat/completions", body)
        check(status == 400 and "message" in json.loads(answer)["error"], "body", body[:20], status, answer[:200])
    for head in (b"\x16\x03\x01\x02\x00\x01\x00\x01", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET nothing HTTP/1.1\r\nHost: localhost\r\n\r\n",
                 b"POST /v1/models HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
                 b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"):
        with server.raw(5) as line:
            line.sendall(head)
            line.shutdown(socket.SHUT_WR)
            answer = line.recv(4096)
            check(answer == b"" or b" 400 " in answer.split(b"\r\n")[0], "no HTTP:", head[:30], answer[:80])
    with server.raw() as line:
        line.sendall(b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 100000 + b"\r\n\r\n")
        check(b" 431 " in line.recv(4096), "a large head")
    with server.raw() as line:
        line.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 40000000\r\n\r\n")
        answer = line.recv(4096)
        check(b" 413 " in answer, "413 before the body is read", answer[:100])
    with server.raw() as line:
        line.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        check(line.recv(4096).startswith(b"HTTP/1.1 100 "), "100-continue")
        line.sendall(b"{}")
        check(b" 400 " in line.recv(4096), "and then the answer")
    with server.raw() as line:  # two requests in one packet, and keep-alive
        line.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" * 2)
        got = b""
        while got.count(b'{"status":"ok"}') < 2:
            piece = line.recv(4096)
            if not piece:
                break
            got += piece
        check(got.count(b"HTTP/1.1 200") == 2, "pipelined requests", got)


def test_closed_socket(server):
    before = server.metric("hearth_generations_cancelled_total")
    for stream in (True, False):
        body = json.dumps({"model": server.model, "messages": HELLO, "stream": stream, "ignore_eos": True, "max_tokens": 1900}).encode()
        line = server.raw()
        line.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        if stream:
            line.recv(500)
        else:
            end = time.monotonic() + 10
            while server.metric("hearth_sequences_running") == 0 and time.monotonic() < end:
                time.sleep(0.005)
        line.close()
        end = time.monotonic() + 5
        while server.metric("hearth_sequences_running") > 0 and time.monotonic() < end:
            time.sleep(0.005)
        check(server.metric("hearth_sequences_running") == 0, "it stopped, stream:", stream)
    check(server.metric("hearth_generations_cancelled_total") >= before + 1, "the cancellation is counted")


def test_slow_reader(server):
    """One who does not read pauses its own reply, and no other."""
    body = json.dumps({"model": server.model, "messages": HELLO, "stream": True, "ignore_eos": True, "max_tokens": 1900}).encode()
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    line.connect(("127.0.0.1", server.port))
    line.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    time.sleep(0.5)
    started = time.monotonic()
    check(server.chat(model=server.model, messages=HELLO, max_tokens=20)[0] == 200, "another is served")
    check(time.monotonic() - started < 5, "soon")
    line.close()


def test_trickle(server):
    lines = [server.raw() for _ in range(64)]
    stop = threading.Event()

    def trickle():
        text = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
        for i in range(1000):
            for line in lines:
                try:
                    line.send(text[i % len(text):i % len(text) + 1])
                except OSError:
                    pass
            if stop.wait(0.05):
                return

    feeder = threading.Thread(target=trickle)
    feeder.start()
    took = []
    for _ in range(100):
        started = time.monotonic()
        check(server.request("GET", "/v1/models")[0] == 200, "served beside 64 that trickle")
        took.append(time.monotonic() - started)
    stop.set()
    feeder.join()
    for line in lines:
        line.close()
    p99 = sorted(took)[98]
    check(p99 < 2, "p99 beside 64 trickling connections:", p99)
    print(f"64 trickling connections: p99 of /v1/models {p99 * 1000:.1f} ms")


def test_crowd(server):
    """200 at once get 200, 429 with Retry-After, or 503."""
    results = []

    def one():
        try:
            status, headers, _ = server.request("POST", "/v1/chat/completions", {"model": server.model, "messages": HELLO, "max_tokens": 8})
            results.append((status, "Retry-After" in headers))
        except OSError as error:
            results.append((type(error).__name__, False))

    threads = [threading.Thread(target=one) for _ in range(200)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    counts = {s: sum(r[0] == s for r in results) for s in {r[0] for r in results}}
    check(set(counts) <= {200, 429, 503} and counts.get(200, 0) > 0, counts)
    check(all(retry for status, retry in results if status in (429, 503)), "Retry-After", counts)
    print("200 clients at once:", counts)


def poisons():
    yield "20,000-value enum", {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {
        "enum": [f"value number {i} of many {i * 7919 % 104729}" for i in range(20000)]}}}}
    yield "nested regex", {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {
        "type": "string", "pattern": "^((a+)+)+((b|c)*d{1,500}){1,500}$"}}}}
    yield "huge bounds", {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {
        "type": "array", "minItems": 1000000, "items": {"type": "string", "minLength": 1000000}}}}}
    deep = {"type": "string"}
    for _ in range(25):
        deep = {"type": "object", "properties": {"a": deep}, "required": ["a"]}
    yield "deep schema", {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": deep}}}
    yield "200 tools", {"tools": [tool(f"tool_{i}", {f"p{j}": {"type": "string", "enum": [f"{i}_{j}_{k}" for k in range(20)]} for j in range(10)})
                                  for i in range(200)], "tool_choice": "required"}


def test_poison(server):
    for name, poison in poisons():
        started = time.monotonic()
        status, answer = server.post("/v1/chat/completions", {"model": server.model, "messages": HELLO, "max_tokens": 24, "temperature": 1.8, **poison})
        took = time.monotonic() - started
        check(status in (200, 400), name, status, str(answer)[:200])
        check(took < 10, name, "took", took)
        print(f"{name}: {status} in {took * 1000:.0f} ms")
        started = time.monotonic()
        check(server.chat(model=server.model, messages=HELLO, max_tokens=4)[0] == 200, "alive after", name)
        check(time.monotonic() - started < 5, "and quick after", name)


def test_many_schemas(server, count):
    """Distinct schemas leave no memory behind."""
    ask = lambda i: server.chat(model=server.model, messages=HELLO, max_tokens=4, response_format={"type": "json_schema", "json_schema": {
        "name": "x", "schema": {"type": "object", "properties": {f"field_{i}": {"type": "string", "enum": [f"v{i}", f"w{i}"]}}, "required": [f"field_{i}"]}}})
    for i in range(50):
        ask(i)
    before = server.memory_kib()
    for i in range(50, count):
        check(ask(i)[0] == 200, "schema", i)
    grown = (server.memory_kib() - before) / 1024
    check(grown < 64, "memory after many schemas grew by", grown, "MiB")
    print(f"{count} distinct schemas: {grown:.1f} MiB more")


def test_metrics(server):
    text = server.request("GET", "/metrics")[2].decode()
    for name in ("hearth_time_to_first_token_seconds_count", "hearth_time_per_output_token_seconds_sum", "hearth_queue_depth",
                 "hearth_prompt_tokens_total", "hearth_prompt_tokens_cached_total", "hearth_completion_tokens_total",
                 'hearth_requests_total{route="/v1/models",status="200"}', "hearth_prefix_cache_hits_total"):
        check(re.search(rf"^{re.escape(name)} \d", text, re.MULTILINE), name)
    for line in text.splitlines():
        check(re.fullmatch(r'# (HELP|TYPE) .*|[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [0-9.e+-]+', line), "a line of Prometheus:", line)


def test_start(build, scratch, model):
    """What is refused before anything listens, tokens, the Unix socket, and the port that is taken."""
    def fails(*args, env=None, status=None):
        server = Server(build, scratch, model, *args, env=env, wait=False)
        out = server.process.communicate(timeout=60)[1].decode()
        check(server.process.returncode != 0 and (status is None or server.process.returncode == status), args, server.process.returncode)
        return out

    check("hearth config make-token" in fails("--host", "0.0.0.0", status=2), "an open address needs a token")
    check("hearth config make-token" in fails("--host", "::", status=2), "so does the other open address")
    first = Server(build, scratch, model)
    out = fails("--port", str(first.port))
    check("taken" in out and "--port" in out, "a taken port says what to do:", out)
    check("is none of" in fails(env={"HEARTH_REASONING_FIELD": "thoughts"}, status=2), "a setting out of range")
    first.close()

    token_file = os.path.join(scratch, "token")
    with open(token_file, "w", encoding="ascii") as file:
        file.write("# for tests\nsecret-token-of-the-tests\n")
    os.chmod(token_file, 0o644)
    check("chmod 600" in fails(env={"HEARTH_TOKEN_FILE": token_file}, status=2), "a file that others read")
    os.chmod(token_file, 0o600)
    server = Server(build, scratch, model, "--host", "0.0.0.0", env={"HEARTH_TOKEN_FILE": token_file, "HEARTH_LOG": "debug",
                                                                     "HEARTH_ALLOWED_ORIGINS": "http://app.example"})
    bearer = {"Authorization": "Bearer secret-token-of-the-tests"}
    check(server.request("GET", "/v1/models")[0] == 401, "no token")
    check(server.request("GET", "/v1/models", headers={"Authorization": "Bearer secret-token-of-the-test"})[0] == 401, "a wrong token")
    check(server.request("GET", "/v1/models", headers=bearer)[0] == 200, "the token")
    check(server.request("GET", "/healthz")[0] == 200, "health needs none")
    check(server.request("GET", "/v1/models?key=secret-token-of-the-tests", headers=bearer)[0] == 200, "a query")
    origin = {**bearer, "Origin": "http://app.example"}
    _, headers, _ = server.request("GET", "/v1/models", headers=origin)
    check(headers.get("Access-Control-Allow-Origin") == "http://app.example", headers)
    status, headers, _ = server.request("OPTIONS", "/v1/chat/completions", headers={"Origin": "http://app.example", "Access-Control-Request-Method": "POST"})
    check(status == 204 and "POST" in headers["Access-Control-Allow-Methods"], status, headers)
    check(server.request("GET", "/v1/models", headers={**bearer, "Host": "evil.example"})[0] == 403, "a name on the open address")
    check(server.request("GET", "/v1/models", headers={**bearer, "Host": "192.168.7.7:11434"})[0] == 200, "an address is no rebound name")
    server.stop()
    check("/v1/models 200" in server.log and "secret-token" not in server.log, "the log names requests and no secret")

    path = os.path.join(scratch, "socket")
    server = Server(build, scratch, model, f"--host=unix:{path}")
    check(os.stat(path).st_mode & 0o777 == 0o600, "the socket is ours alone")
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(path)
        line.sendall(b"GET /v1/models HTTP/1.1\r\nHost: anything\r\n\r\n")
        check(line.recv(4096).startswith(b"HTTP/1.1 200"), "over a Unix socket")
    server.stop()
    check(not os.path.exists(path), "the socket is gone")


def test_shutdown(build, scratch, model):
    """With requests in flight it ends within two seconds, and tells them."""
    server = Server(build, scratch, model)
    body = json.dumps({"model": server_model(model), "messages": HELLO, "stream": True, "ignore_eos": True, "max_tokens": 1900, "n": 8}).encode()
    lines = []
    for kind in ("stream", "whole", "idle"):
        line = server.raw()
        if kind != "idle":
            sent = body if kind == "stream" else body.replace(b'"stream": true', b'"stream": false')
            line.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(sent) + sent)
        lines.append(line)
    lines[0].recv(200)
    got = [b"", b"", b""]

    def read(i):
        while piece := lines[i].recv(65536):
            got[i] += piece

    readers = [threading.Thread(target=read, args=(i,)) for i in range(3)]
    for r in readers:
        r.start()
    took, status = server.stop()
    for r in readers:
        r.join()
    check(took < 2 and status == 0, "ended after", took, "s with", status)
    check(b"shutting down" in got[0] or b"[DONE]" in got[0], "the stream is told", got[0][-200:])
    check(b" 503 " in got[1] or b" 200 " in got[1], "the other one too", got[1][:200])
    check(got[2] == b"", "the idle one is closed")
    print(f"shutdown with requests in flight: {took:.2f} s")


def server_model(path):
    return os.path.basename(path)[:-len(".gguf")].lower()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    build = os.path.abspath(arguments.build)
    slow = os.environ.get("HEARTH_SLOW") == "1"
    wanted = lambda name: arguments.only in name
    with tempfile.TemporaryDirectory(prefix="hearth-") as scratch:
        models = os.path.join(scratch, "data", "hearth", "models")
        os.makedirs(models)
        model = os.path.join(scratch, "Tiny.Random.gguf")
        with open(TINY, "rb") as source, open(model, "wb") as target:
            target.write(source.read())
        with open(os.path.join(TEMPLATES, "qwen3.jinja"), encoding="utf-8") as file:
            qwen3 = file.read()
        with_template(TINY, os.path.join(models, "Qwen3-Style.gguf"), qwen3)
        with_template(TINY, os.path.join(models, "thinking-style.gguf"),
                      qwen3.replace("<|im_start|>assistant\\n' }}", "<|im_start|>assistant\\n<think>\\n' }}"))
        # A call without markers, as Llama 3 writes it.
        with_template(TINY, os.path.join(models, "bare-style.gguf"), "{% if tools %}{{ tools | tojson }}<|python_tag|>{% endif %}"
                      "{% for m in messages %}{{ m['role'] + ': ' + (m['content'] or '') + '\\n' }}{% endfor %}assistant: ")
        server = Server(build, scratch, model)
        server.model = "tiny.random"
        for name, test in (
            ("models", test_models_and_health), ("chat", test_chat), ("choices", test_choices_stop_bias), ("logprobs", test_logprobs),
            ("completions", test_completions), ("refusals", test_refusals), ("forced", lambda s: test_forced(s, 200 if slow else 12)),
            ("streamed", test_streamed_calls), ("reasoning", test_reasoning), ("control", test_control_tokens_stay_text),
            ("access", test_access), ("malformed", test_malformed), ("closed", test_closed_socket), ("reader", test_slow_reader),
            ("trickle", test_trickle), ("crowd", test_crowd), ("poison", test_poison),
            ("schemas", lambda s: test_many_schemas(s, 10000 if slow else 300)), ("metrics", test_metrics),
        ):
            if wanted(name):
                started = time.monotonic()
                test(server)
                print(f"{name}: {time.monotonic() - started:.1f} s", flush=True)
        check(server.process.poll() is None, "the server is alive")
        server.stop()
        if wanted("start"):
            test_start(build, scratch, model)
        if wanted("shutdown"):
            test_shutdown(build, scratch, model)
    print(f"{checks} checks, {len(failures)} failed")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
