// What the openai JS SDK does against a server: node openai_js.mjs BASE_URL MODEL
import assert from 'node:assert';
import OpenAI from 'openai';

const [base, model] = process.argv.slice(2);
const client = new OpenAI({ baseURL: base, apiKey: 'unused', maxRetries: 0, timeout: 120_000 });
const messages = [{ role: 'user', content: 'Say hello.' }];
const tool = {
  type: 'function',
  function: {
    name: 'add_task', description: 'adds a task',
    parameters: { type: 'object', properties: { title: { type: 'string', maxLength: 20 }, priority: { enum: ['low', 'high'] } }, required: ['title', 'priority'], additionalProperties: false },
  },
};
const schema = { type: 'object', properties: { ok: { type: 'boolean' }, n: { type: 'integer', minimum: 0, maximum: 9 } }, required: ['ok', 'n'], additionalProperties: false };
let passed = 0;
const check = (condition, what) => { assert(condition, JSON.stringify(what)); passed += 1; };
const refused = async (status, param, body) => {
  try {
    await client.chat.completions.create({ model, messages, max_tokens: 4, ...body });
  } catch (error) {
    check(error instanceof OpenAI.APIError && error.status === status && error.param === param, [error.status, error.param, error.message]);
    return;
  }
  assert.fail(`accepted: ${JSON.stringify(body)}`);
};

const ids = [];
for await (const one of client.models.list()) ids.push(one.id);
check(ids.includes(model), ids);
check((await client.models.retrieve(model)).id === model, 'retrieve');

const whole = await client.chat.completions.create({ model, messages, max_tokens: 20, temperature: 0 });
let text = '', usage = null, finish = null;
for await (const chunk of await client.chat.completions.create({ model, messages, max_tokens: 20, temperature: 0, stream: true, stream_options: { include_usage: true } })) {
  text += chunk.choices[0]?.delta?.content ?? '';
  finish = chunk.choices[0]?.finish_reason ?? finish;
  usage = chunk.usage ?? usage;
}
check(text === whole.choices[0].message.content && finish === whole.choices[0].finish_reason, text);
check(usage.completion_tokens === whole.usage.completion_tokens, usage);

for (let seed = 0; seed < 5; seed++) {
  const answer = (await client.chat.completions.create({ model, messages, tools: [tool], tool_choice: 'required', parallel_tool_calls: false, temperature: 1.8, seed, max_tokens: 300 })).choices[0];
  check(answer.finish_reason === 'tool_calls' && answer.message.content === null, answer);
  check(['low', 'high'].includes(JSON.parse(answer.message.tool_calls[0].function.arguments).priority), answer);
  const named = (await client.chat.completions.create({ model, messages, tools: [tool], tool_choice: { type: 'function', function: { name: 'add_task' } }, temperature: 1.8, seed, max_tokens: 600 })).choices[0];
  check(named.message.tool_calls.every((c) => c.function.name === 'add_task' && JSON.parse(c.function.arguments)), named);
  const document = await client.chat.completions.parse({ model, messages, temperature: 1.8, seed, max_tokens: 100, response_format: { type: 'json_schema', json_schema: { name: 'x', strict: true, schema } } });
  const value = JSON.parse(document.choices[0].message.content);
  check(typeof value.ok === 'boolean' && value.n >= 0 && value.n <= 9, value);
}

const streamed = client.chat.completions.stream({ model, messages, tools: [tool], tool_choice: 'required', max_tokens: 300, temperature: 1 });
let contents = 0;
streamed.on('content.delta', () => { contents += 1; });
const final = await streamed.finalChatCompletion();
check(contents === 0 && final.choices[0].message.tool_calls.length > 0, final);

let rounds = 0;
const runner = client.chat.completions.runTools({
  model, messages, max_tokens: 200, tool_choice: { type: 'function', function: { name: 'add_task' } },
  tools: [{ ...tool, function: { ...tool.function, parse: JSON.parse, function: () => { rounds += 1; return 'done'; } } }],
});
await runner.done();
check(rounds >= 1, rounds);

// One connection answers a stream and then the next request.
for (let i = 0; i < 4; i++) {
  for await (const _ of await client.chat.completions.create({ model, messages, max_tokens: 3, stream: true }));
  check((await client.chat.completions.create({ model, messages, max_tokens: 3 })).choices.length === 1, i);
}
const controller = new AbortController();
const aborted = await client.chat.completions.create({ model, messages, max_tokens: 800, stream: true }, { signal: controller.signal });
for await (const _ of aborted) { controller.abort(); break; }
const together = await Promise.all([...Array(8)].map(() => client.chat.completions.create({ model, messages, max_tokens: 4 })));
check(together.every((a) => a.choices[0].finish_reason), 'together');
check((await client.completions.create({ model, prompt: 'One, two,', max_tokens: 3 })).choices.length === 1, 'completion');
await refused(404, 'model', { model: 'nobody' });
await refused(400, 'temperature', { temperature: 9 });
await refused(400, 'tools[0].type', { tools: [{ type: 'custom', custom: { name: 'x' } }] });
console.log(`openai ${(await import('openai/version')).VERSION} (JS): ${passed} checks passed`);
