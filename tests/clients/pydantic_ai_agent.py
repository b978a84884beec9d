#!/usr/bin/env python3
"""What pydantic-ai does against a server: pydantic_ai_agent.py BASE_URL MODEL

Each kind of output that rests on the server's promises: calls that were forced, documents of a schema, streams that
a tool call does not end early.
"""
import asyncio
import sys
from datetime import date
from importlib.metadata import version
from typing import Literal, Optional

from pydantic import BaseModel, Field
from pydantic_ai import Agent, ModelRetry, NativeOutput, PromptedOutput, RunContext, ToolOutput, UsageLimits
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

BASE, MODEL = sys.argv[1:3]
model = OpenAIChatModel(MODEL, provider=OpenAIProvider(base_url=BASE, api_key="unused"))
HOT = {"temperature": 1.8, "max_tokens": 600}
LIMITS = UsageLimits(request_limit=4)
passed = 0


def check(condition, *what):
    global passed
    assert condition, what
    passed += 1


class Step(BaseModel):
    title: str = Field(min_length=1, max_length=25)
    due: Optional[date] = None


class Plan(BaseModel):
    priority: Literal["low", "medium", "high"]
    effort: int = Field(ge=1, le=10)
    steps: list[Step] = Field(min_length=1, max_length=2)


async def main():
    # Output as a tool: rests on tool_choice required.
    for kind in (Plan, ToolOutput(Plan, name="plan"), NativeOutput(Plan)):
        for seed in range(4):
            run = await Agent(model, output_type=kind, retries=0).run("Plan a picnic.", model_settings={**HOT, "seed": seed})
            check(isinstance(run.output, Plan), run.output)
    # One of two outputs.
    run = await Agent(model, output_type=[ToolOutput(Plan), ToolOutput(Step)], retries=0).run("Plan.", model_settings=HOT)
    check(isinstance(run.output, (Plan, Step)), run.output)
    # A schema in the prompt and json_object mode: the words are the model's, so only the protocol is checked.
    try:
        await Agent(model, output_type=PromptedOutput(Step), retries=0).run("Plan.", model_settings={"max_tokens": 60})
    except Exception as error:  # noqa: BLE001: what the small model writes may not fit
        check(any(word in str(error).lower() for word in ("validation", "retries", "limit")), error)

    # Streams.
    async with Agent(model, output_type=ToolOutput(Plan), retries=0).run_stream("Plan.", model_settings={**HOT, "seed": 3}) as stream:
        parts = [part async for part in stream.stream_output(debounce_by=None)]
        check(isinstance(parts[-1], Plan), parts[-1])
    async with Agent(model).run_stream("Say hello.", model_settings={"max_tokens": 20}) as stream:
        text = [part async for part in stream.stream_text(delta=True)]
        check("".join(text).strip(), text)
        check(stream.usage.output_tokens > 0, stream.usage)

    # A tool is called because it must be, its result comes back, and the answer is a document again.
    calls = []
    agent = Agent(model, output_type=ToolOutput(Plan, name="finish"), retries=0)

    @agent.tool
    def weather(_: RunContext, day: date) -> str:
        """What the weather will be."""
        calls.append(day)
        return "sunny"

    for seed in range(6):
        try:
            run = await agent.run("Plan a picnic; ask for the weather first.", model_settings={**HOT, "seed": seed, "parallel_tool_calls": False},
                                  usage_limits=LIMITS)
            check(isinstance(run.output, Plan), run.output)
        except Exception as error:  # noqa: BLE001: a random choice of tools may go on for ever
            check("request_limit" in str(error), error)
    check(all(isinstance(day, date) for day in calls), calls)

    # A tool that asks for another try gets one.
    tries = []
    agent = Agent(model, output_type=ToolOutput(Step, name="finish"), retries=3)

    @agent.output_validator
    def twice(_: RunContext, value: Step) -> Step:
        tries.append(value)
        if len(tries) < 2:
            raise ModelRetry("once more")
        return value

    run = await agent.run("Finish.", model_settings=HOT)
    check(isinstance(run.output, Step) and len(tries) == 2, tries)
    # History goes on.
    first = await Agent(model).run("Say hello.", model_settings={"max_tokens": 10})
    more = await Agent(model).run("And again.", message_history=first.all_messages(), model_settings={"max_tokens": 10})
    check(more.usage.cache_read_tokens > 0, more.usage)


asyncio.run(main())
print(f"pydantic-ai {version('pydantic-ai-slim')}: {passed} checks passed")
