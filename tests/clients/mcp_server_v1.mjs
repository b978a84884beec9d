// An MCP server on the TypeScript SDK 1.x over streamable HTTP, with sessions.
//   node mcp_server_v1.mjs PORT
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { z } from 'zod';

function make() {
  const server = new McpServer({ name: 'echo-v1', version: '1.0.0' });
  server.registerTool('echo', { description: 'Echo text', inputSchema: { message: z.string() } },
    async ({ message }) => ({ content: [{ type: 'text', text: 'Echo: ' + message }] }));
  return server;
}

const sessions = new Map();
const web = createServer(async (request, response) => {
  const known = sessions.get(request.headers['mcp-session-id']);
  if (known) return known.handleRequest(request, response);
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: () => randomUUID(),
    onsessioninitialized: (id) => sessions.set(id, transport),
  });
  await make().connect(transport);
  return transport.handleRequest(request, response);
});
web.listen(Number(process.argv[2]), '127.0.0.1');
