// The TypeScript client 2.x drives our server in the legacy and in the modern era:
//   node mcp_v2.mjs COMMAND ARG... | URL
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import assert from 'node:assert';

for (const mode of ['legacy', 'auto']) {
  const [first, ...args] = process.argv.slice(2);
  const transport = first.startsWith('http:') ? new StreamableHTTPClientTransport(new URL(first))
    : new StdioClientTransport({ command: first, args });
  const client = new Client({ name: 'v2', version: '1' },
    { capabilities: { elicitation: { form: {} } }, versionNegotiation: { mode } });
  let asked = 0;
  client.setRequestHandler('elicitation/create', async () => {
    asked++;
    return { action: 'accept', content: { confirm: true } };
  });
  await client.connect(transport);
  const tools = (await client.listTools()).tools;
  const made = await client.callTool({ name: 'create_task', arguments: { title: 'From 2.x' } });
  const id = made.structuredContent.id;
  const deleted = await client.callTool({ name: 'delete_task', arguments: { task_id: id } });
  assert.deepEqual(deleted.structuredContent, { deleted: id });
  assert.equal(asked, 1);
  const revision = client.getNegotiatedProtocolVersion();
  assert.equal(revision, mode === 'auto' ? '2026-07-28' : '2025-11-25');
  await client.close();
  console.log(`TS client 2.x, ${revision}: ${tools.length} tools, a task made, and deleted after a question`);
}
