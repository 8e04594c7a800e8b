import OpenAI, { toFile } from 'openai';

const client = new OpenAI({ maxRetries: 2 });
const messages = [{ role: 'user', content: 'Hi' }];
const whole = await client.chat.completions.create({ model: 'gpt', messages });
let streamed = '';
for await (const part of await client.chat.completions.create({ model: 'gpt', messages, stream: true })) {
  streamed += part.choices[0]?.delta?.content ?? '';
}
const content = Buffer.alloc(300_000, 'upload ');
const file = await client.files.create({ file: await toFile(content, 'a.jsonl'), purpose: 'batch' });
const models = await client.models.list(); // the upstream fails once: the SDK tries again
const result = { whole: whole.choices[0].message.content, streamed, bytes: file.bytes, models: models.data.length };
console.log(JSON.stringify({ ...result, key: client.apiKey }));
