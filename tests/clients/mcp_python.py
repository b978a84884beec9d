"""The Python SDK 2.x drives our server in both eras: mcp_python.py COMMAND ARG... | URL"""
import asyncio
import sys

from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client


async def drive(mode):
    first, *arguments = sys.argv[1:]
    server = first if first.startswith("http:") else stdio_client(StdioServerParameters(command=first, args=arguments))
    async with Client(server, mode=mode) as client:
        tools = (await client.list_tools()).tools
        made = await client.call_tool("create_task", {"title": "From Python"})
        task = made.structured_content["id"]
        listed = await client.call_tool("list_tasks", {})
        assert any(entry["id"] == task for entry in listed.structured_content["tasks"])
        read = await client.read_resource(f"task://{task}")
        assert "From Python" in read.contents[0].text
        assert (await client.get_prompt("weekly_review")).messages
        wrong = await client.call_tool("create_task", {"title": 7})
        assert wrong.is_error
        print(f"Python SDK 2.x, {mode}: {len(tools)} tools, a task made and read")


for mode in ("legacy", "auto"):
    asyncio.run(drive(mode))
