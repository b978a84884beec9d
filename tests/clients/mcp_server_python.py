"""An MCP server on the Python SDK over streamable HTTP, of both eras.

  mcp_server_python.py PORT
"""
import sys

from mcp.server.mcpserver import MCPServer

server = MCPServer("echo-python")


@server.tool()
def echo(message: str) -> str:
    """Echo text"""
    return "Echo: " + message


server.run(transport="streamable-http", host="127.0.0.1", port=int(sys.argv[1]))
