#!/usr/bin/env python3
"""What the openai Python SDK does against a server: openai_python.py BASE_URL MODEL

Every call goes through the SDK, so that its types and its streaming helpers judge the answers.
"""
import asyncio
import base64
import json
import sys
from typing import Literal, Optional

import openai
from pydantic import BaseModel, Field

BASE, MODEL = sys.argv[1:3]
client = openai.OpenAI(base_url=BASE, api_key="unused", max_retries=0, timeout=120)
HELLO = [{"role": "user", "content": "Say hello."}]
ADD = {"type": "function", "function": {"name": "add_task", "description": "adds a task", "strict": True, "parameters": {
    "type": "object", "properties": {"title": {"type": "string", "maxLength": 30}, "priority": {"enum": ["low", "high"]}},
    "required": ["title", "priority"], "additionalProperties": False}}}
LIST = {"type": "function", "function": {"name": "list_tasks", "description": "lists tasks", "parameters": {
    "type": "object", "properties": {}, "additionalProperties": False}}}

passed = 0


def check(condition, *what):
    global passed
    assert condition, what
    passed += 1


def refused(error, param, **body):
    try:
        client.chat.completions.create(**{"model": MODEL, "messages": HELLO, "max_tokens": 4, **body})
    except error as answer:
        check(answer.param == param, answer.param, param, answer.message)
        return answer
    raise AssertionError(("accepted", body))


class Report(BaseModel):
    total: int = Field(ge=0, le=99)
    status: Literal["good", "bad"]
    note: Optional[str] = Field(None, max_length=20)


# Models.
ids = [m.id for m in client.models.list()]
check(MODEL in ids, ids)
check(client.models.retrieve(MODEL).id == MODEL)
try:
    client.models.retrieve("no-such-model")
except openai.NotFoundError as missing:
    check(missing.code == "model_not_found", missing)

# Whole and streamed.
whole = client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=20, seed=1, temperature=0)
check(whole.choices[0].message.content and whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens)
text, last, usage, ids = "", None, None, set()
with client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=20, seed=1, temperature=0, stream=True,
                                    stream_options={"include_usage": True}) as stream:
    for chunk in stream:
        ids.add(chunk.id)
        usage = chunk.usage or usage
        for choice in chunk.choices:
            text += choice.delta.content or ""
            last = choice.finish_reason or last
check(text == whole.choices[0].message.content and last == whole.choices[0].finish_reason, text, last)
check(len(ids) == 1 and usage.completion_tokens == whole.usage.completion_tokens, ids, usage)

# The SDK's own accumulator and parser.
with client.chat.completions.stream(model=MODEL, messages=HELLO, max_tokens=150, temperature=1.8, seed=2, response_format=Report) as events:
    kinds = [event.type for event in events]
    final = events.get_final_completion()
check("content.delta" in kinds and isinstance(final.choices[0].message.parsed, Report), kinds[-3:])
for seed in range(5):
    parsed = client.chat.completions.parse(model=MODEL, messages=HELLO, max_tokens=150, temperature=1.8, seed=seed, response_format=Report)
    check(isinstance(parsed.choices[0].message.parsed, Report))

# Tools.
for seed in range(5):
    for choice, names in (("required", {"add_task", "list_tasks"}), ({"type": "function", "function": {"name": "add_task"}}, {"add_task"}),
                          ({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "list_tasks"}}]}}, {"list_tasks"})):
        answer = client.chat.completions.create(model=MODEL, messages=HELLO, tools=[ADD, LIST], tool_choice=choice, temperature=1.8,
                                                seed=seed, max_tokens=300, parallel_tool_calls=False).choices[0]
        check(answer.finish_reason == "tool_calls" and len(answer.message.tool_calls) == 1 and answer.message.content is None, answer)
        call = answer.message.tool_calls[0]
        check(call.function.name in names and isinstance(json.loads(call.function.arguments), dict), call)
check(client.chat.completions.create(model=MODEL, messages=HELLO, tools=[ADD], tool_choice="none", max_tokens=5).choices[0].message.tool_calls is None)
with client.chat.completions.stream(model=MODEL, messages=HELLO, tools=[openai.pydantic_function_tool(Report, name="report")],
                                    tool_choice="required", parallel_tool_calls=False, max_tokens=200, temperature=1) as events:
    kinds = [event.type for event in events]
    call = events.get_final_completion().choices[0].message.tool_calls[0]
check(kinds.count("tool_calls.function.arguments.done") == 1 and isinstance(call.function.parsed_arguments, Report), kinds)
check("content.delta" not in kinds, kinds)
turn = [*HELLO, {"role": "assistant", "content": None, "tool_calls": [{"id": call.id, "type": "function", "function": {
    "name": "report", "arguments": call.function.arguments}}]}, {"role": "tool", "tool_call_id": call.id, "content": "stored"}]
check(client.chat.completions.create(model=MODEL, messages=turn, tools=[ADD], max_tokens=5).choices[0].finish_reason)

# Options.
answer = client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=5, n=3, temperature=1.2)
check([c.index for c in answer.choices] == [0, 1, 2])
answer = client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=4, logprobs=True, top_logprobs=3).choices[0].logprobs
check(all(len(t.top_logprobs) == 3 and bytes(t.bytes).decode(errors="replace") == t.token for t in answer.content), answer)
sentence = client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=30, temperature=0).choices[0].message.content
cut = client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=30, temperature=0, stop=[sentence[4:7]]).choices[0]
check(cut.message.content == sentence[:sentence.index(sentence[4:7])] and cut.finish_reason == "stop", cut)
check(client.chat.completions.create(model=MODEL, messages=HELLO, max_completion_tokens=3, reasoning_effort="low", user="me", store=False,
                                     metadata={"a": "b"}, service_tier="auto", frequency_penalty=0.5, presence_penalty=0.5,
                                     logit_bias={"5": -100}).usage.completion_tokens <= 3)

# Completions.
answer = client.completions.create(model=MODEL, prompt=["One, two,", "A, B,"], max_tokens=4, echo=True, logprobs=None)
check([c.text[:3] for c in answer.choices] == ["One", "A, "], answer)
check("".join(c.choices[0].text for c in client.completions.create(model=MODEL, prompt="One, two,", max_tokens=4, stream=True) if c.choices))

# Errors as the SDK's exceptions.
check(refused(openai.NotFoundError, "model", model="nobody").code == "model_not_found")
refused(openai.BadRequestError, "temperature", temperature=3)
refused(openai.BadRequestError, "messages", messages=[])
refused(openai.BadRequestError, "messages[0].content[0].type", messages=[{"role": "user", "content": [
    {"type": "image_url", "image_url": {"url": "data:image/png;base64," + base64.b64encode(b"x").decode()}}]}])
refused(openai.BadRequestError, "response_format", response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": {
    "type": "string", "pattern": "(?<=a)b"}}})
check(refused(openai.BadRequestError, "messages", messages=[{"role": "user", "content": "word " * 20000}]).code == "context_length_exceeded")


async def together():
    async with openai.AsyncOpenAI(base_url=BASE, api_key="unused", max_retries=0, timeout=120) as many:
        answers = await asyncio.gather(*(many.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=5) for _ in range(8)))
        check(all(a.choices[0].finish_reason for a in answers))
        stream = await many.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=400, stream=True)
        async for _ in stream:
            break
        await stream.close()


asyncio.run(together())
print(f"openai {openai.__version__} (Python): {passed} checks passed")
