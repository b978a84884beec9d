// What Vercel's AI SDK does against a server: node ai_sdk.mjs BASE_URL MODEL
import assert from 'node:assert';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText, jsonSchema, Output, streamText, tool } from 'ai';

const [baseURL, name] = process.argv.slice(2);
const model = createOpenAICompatible({ name: 'hearth', baseURL, supportsStructuredOutputs: true, includeUsage: true })(name);
const prompt = 'Say hello.';
const schema = jsonSchema({ type: 'object', properties: { title: { type: 'string', maxLength: 20 }, done: { type: 'boolean' } }, required: ['title', 'done'], additionalProperties: false });
const options = { model, prompt, maxRetries: 0 };
let passed = 0;
const check = (condition, what) => { assert(condition, JSON.stringify(what)); passed += 1; };

check((await generateText({ ...options, maxOutputTokens: 10 })).text.length > 0, 'text');
let text = '';
const streamed = streamText({ ...options, maxOutputTokens: 10 });
for await (const piece of streamed.textStream) text += piece;
check(text.length > 0 && ['stop', 'length'].includes(await streamed.finishReason), text);
check((await streamed.usage).outputTokens > 0, 'usage of a stream');
const tools = { add: tool({ description: 'adds a task', inputSchema: schema, execute: async ({ title }) => `added ${title}` }) };
for (let seed = 0; seed < 3; seed++) {
  const called = await generateText({ ...options, tools, toolChoice: 'required', temperature: 1.8, seed, maxOutputTokens: 900 });
  check(called.toolCalls.length > 0 && called.toolCalls.every((c) => typeof c.input.done === 'boolean'), called.toolCalls);
  const document = await generateText({ ...options, output: Output.object({ schema }), temperature: 1.8, seed, maxOutputTokens: 200 });
  check(typeof document.output.done === 'boolean', document.output);
  const kinds = [];
  const calls = streamText({ ...options, tools, toolChoice: { type: 'tool', toolName: 'add' }, temperature: 1.8, seed, maxOutputTokens: 900 });
  for await (const part of calls.fullStream) kinds.push(part.type);
  check(kinds.includes('tool-call') && !kinds.includes('text-delta') && !kinds.includes('error'), kinds);
}
console.log(`ai SDK: ${passed} checks passed`);
