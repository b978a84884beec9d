// An MCP server on the TypeScript SDK 2.x over streamable HTTP, of both eras or of the modern one alone.
//   node mcp_server_v2.mjs PORT [modern]
import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { McpServer, createMcpHandler } from '@modelcontextprotocol/server';
import { z } from 'zod';

function make() {
  const server = new McpServer({ name: 'echo-v2', version: '1.0.0' });
  server.registerTool('echo', { description: 'Echo text', inputSchema: z.object({ message: z.string() }) },
    async ({ message }) => ({ content: [{ type: 'text', text: 'Echo: ' + message }] }));
  return server;
}

const [port, era] = process.argv.slice(2);
const handler = createMcpHandler(make, { legacy: era === 'modern' ? 'reject' : 'stateless' });
// The SDK speaks in the web's Request and Response.
const web = createServer(async (incoming, outgoing) => {
  const has_body = incoming.method === 'POST';
  const request = new Request(`http://127.0.0.1:${port}${incoming.url}`, {
    method: incoming.method, headers: incoming.headers,
    ...(has_body ? { body: Readable.toWeb(incoming), duplex: 'half' } : {}),
  });
  const response = await handler.fetch(request);
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  if (response.body) Readable.fromWeb(response.body).pipe(outgoing);
  else outgoing.end();
});
web.listen(Number(port), '127.0.0.1');
