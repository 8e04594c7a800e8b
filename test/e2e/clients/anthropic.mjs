import Anthropic from '@anthropic-ai/sdk';

const client = new Anthropic();
const messages = [{ role: 'user', content: 'Hi' }];
const whole = await client.messages.create({ model: 'claude', max_tokens: 10, messages });
const stream = client.messages.stream({ model: 'claude', max_tokens: 10, messages });
const streamed = await stream.finalText();
console.log(JSON.stringify({ whole: whole.content[0].text, streamed, key: client.apiKey }));
