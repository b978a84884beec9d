// The TypeScript SDK 1.x drives our server: node mcp_v1.mjs COMMAND ARG... | URL
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import assert from 'node:assert';

const [first, ...args] = process.argv.slice(2);
const transport = first.startsWith('http:') ? new StreamableHTTPClientTransport(new URL(first))
  : new StdioClientTransport({ command: first, args });
const client = new Client({ name: 'v1', version: '1' }, { capabilities: { elicitation: {} } });
let asked = 0;
client.setRequestHandler(ElicitRequestSchema, async () => {
  asked++;
  return { action: 'accept', content: { confirm: true } };
});
await client.connect(transport);
const tools = (await client.listTools()).tools;
assert(tools.some((tool) => tool.name === 'run_agent'));
const made = await client.callTool({ name: 'create_task', arguments: { title: 'From 1.x' } });
const id = made.structuredContent.id;
const read = await client.readResource({ uri: `task://${id}` });
assert.equal(JSON.parse(read.contents[0].text).title, 'From 1.x');
const deleted = await client.callTool({ name: 'delete_task', arguments: { task_id: id } });
assert.deepEqual(deleted.structuredContent, { deleted: id });
assert.equal(asked, 1);
assert((await client.getPrompt({ name: 'triage' })).messages.length === 1);
const done = await client.complete({ ref: { type: 'ref/prompt', name: 'triage' }, argument: { name: 'priority', value: 'u' } });
assert.deepEqual(done.completion.values, ['urgent']);
await client.close();
console.log(`TS SDK 1.x: ${tools.length} tools, a task made, read, and deleted after a question`);
