// Runs one Node client through the gateway, feature by feature: `node node-clients.mjs <client>`. It holds nothing but the
// placeholder, and prints what came of each feature, `ok` or what went wrong.
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Readable } from 'node:stream';

const placeholder = 'onecli://prod/openai';
const api = 'https://api.example.com';
/** For clients that honour no proxy: `onecli run` sets it. */
const baseUrl = process.env.ONECLI_BASE_URL;
const authorization = `Bearer ${placeholder}`;
const content = Buffer.alloc(300_000, 'upload ');
const isWhole = ({ sha256 }) => sha256 === createHash('sha256').update(content).digest('hex');
const outside = createRequire(join(import.meta.dirname, '../../support/node-clients/package.json'));

const fetchFeatures = (fetch, base = api) => ({
  json: async () => (await (await fetch(`${base}/json`, { headers: { authorization } })).json()).ok,
  stream: async () => {
    const answer = await fetch(`${base}/stream`, { headers: { authorization } });
    let text = '';
    for await (const chunk of Readable.fromWeb(answer.body)) text += chunk;
    return text.split('data: ').length === 4;
  },
  upload: async () =>
    isWhole(
      await (await fetch(`${base}/upload`, { method: 'POST', headers: { authorization }, body: content })).json(),
    ),
});

async function countEvents(stream) {
  let events = 0;
  for await (const _ of stream) events++;
  return events;
}

/** Whether what is said on a WebSocket comes back; its errors are those of `ws`, or events as in browsers. */
async function echoes(socket) {
  const answer = await new Promise((resolve, reject) => {
    socket.addEventListener('open', () => socket.send('hello'));
    socket.addEventListener('message', ({ data }) => resolve(data));
    socket.addEventListener('error', ({ error, message }) => reject(error ?? new Error(message)));
    socket.addEventListener('close', ({ code }) => reject(new Error(`closed with ${code}`)));
  });
  socket.close();
  return answer === 'hello';
}

const clients = {
  fetch: async () => fetchFeatures(fetch),
  'fetch by base URL': async () => fetchFeatures(fetch, `${baseUrl}api.example.com`),
  axios: async () => {
    const { default: axios } = await import('axios');
    const headers = { authorization };
    return {
      json: async () => (await axios.get(`${api}/json`, { headers })).data.ok,
      stream: async () => {
        const { data } = await axios.get(`${api}/stream`, { headers, responseType: 'stream' });
        let text = '';
        for await (const chunk of data) text += chunk;
        return text.split('data: ').length === 4;
      },
      upload: async () => isWhole((await axios.post(`${api}/upload`, content, { headers })).data),
    };
  },
  got: async () => {
    const { default: got } = await import(outside.resolve('got'));
    const headers = { authorization };
    return {
      json: async () => (await got(`${api}/json`, { headers }).json()).ok,
      stream: async () => {
        let text = '';
        for await (const chunk of got.stream(`${api}/stream`, { headers })) text += chunk;
        return text.split('data: ').length === 4;
      },
      upload: async () => isWhole(await got.post(`${api}/upload`, { headers, body: content }).json()),
    };
  },
  openai: async () => {
    const { default: OpenAI, toFile } = await import('openai');
    const client = new OpenAI({ apiKey: placeholder });
    const messages = [{ role: 'user', content: 'Hi' }];
    return {
      json: async () =>
        (await client.chat.completions.create({ model: 'gpt', messages })).choices[0].message.content === 'Hello.',
      stream: async () =>
        (await countEvents(await client.chat.completions.create({ model: 'gpt', messages, stream: true }))) === 4,
      upload: async () =>
        (await client.files.create({ file: await toFile(content, 'a.jsonl'), purpose: 'batch' })).bytes >
        content.length,
    };
  },
  '@anthropic-ai/sdk': async () => {
    const { default: Anthropic } = await import('@anthropic-ai/sdk');
    const client = new Anthropic({ apiKey: placeholder });
    const request = { model: 'claude', max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }] };
    return {
      json: async () => (await client.messages.create(request)).content[0].text === 'Hello.',
      stream: async () => (await client.messages.stream(request).finalText()) === 'Hello.',
    };
  },
  octokit: async () => {
    const { Octokit } = await import('octokit');
    const client = new Octokit({ auth: placeholder });
    return {
      json: async () => (await client.request('GET /repos/onecli/onecli')).data.full_name === 'onecli/onecli',
      upload: async () =>
        (await client.request({ method: 'POST', url: '/upload', data: content.toString(), headers: {} })).status ===
        200,
    };
  },
  stripe: async () => {
    const { default: Stripe } = await import(outside.resolve('stripe'));
    const viaGateway = (url, init) => fetch(String(url).replace('https://', baseUrl), init);
    const client = new Stripe(placeholder, { httpClient: Stripe.createFetchHttpClient(viaGateway) });
    const file = { data: content, name: 'a.txt', type: 'application/octet-stream' };
    return {
      json: async () => (await client.customers.create({ email: 'a@example.com' })).id === 'cus_1',
      upload: async () => (await client.files.create({ purpose: 'dispute_evidence', file })).id === 'file_1',
    };
  },
  '@slack/web-api': async () => {
    const { WebClient } = await import(outside.resolve('@slack/web-api'));
    const client = new WebClient(placeholder, { slackApiUrl: `${baseUrl}slack.com/api/` });
    return { json: async () => (await client.chat.postMessage({ channel: 'C1', text: 'Hi' })).ok };
  },
  '@aws-sdk/client-s3': async () => {
    const { S3Client, PutObjectCommand, GetObjectCommand } = await import(outside.resolve('@aws-sdk/client-s3'));
    const client = new S3Client({
      region: 'us-east-1',
      endpoint: `${baseUrl}s3.us-east-1.amazonaws.com`,
      forcePathStyle: true,
      credentials: { accessKeyId: 'none', secretAccessKey: 'none' },
      signer: {
        sign: async (request) => ({ ...request, headers: { ...request.headers, authorization } }),
      },
    });
    const object = { Bucket: 'bucket', Key: 'a.txt' };
    return {
      stream: async () =>
        (await (await client.send(new GetObjectCommand(object))).Body.transformToString()) === 'object',
      upload: async () => (await client.send(new PutObjectCommand({ ...object, Body: content }))).ETag === '"e"',
    };
  },
  googleapis: async () => {
    const { drive, auth } = await import(outside.resolve('@googleapis/drive'));
    const oauth = new auth.OAuth2();
    oauth.setCredentials({ access_token: placeholder });
    const client = drive({ version: 'v3', auth: oauth });
    return {
      json: async () => (await client.files.list()).data.files[0].id === 'f1',
      upload: async () =>
        (
          await client.files.create({
            requestBody: { name: 'a' },
            media: { mimeType: 'text/plain', body: Readable.from([content]) },
          })
        ).data.id === 'f2',
    };
  },
  'MCP SDK': async () => {
    const { Client } = await import(outside.resolve('@modelcontextprotocol/sdk/client/index.js'));
    const { StreamableHTTPClientTransport } = await import(
      outside.resolve('@modelcontextprotocol/sdk/client/streamableHttp.js')
    );
    const transport = new StreamableHTTPClientTransport(new URL('https://mcp.example/mcp'), {
      requestInit: { headers: { authorization } },
    });
    const client = new Client({ name: 'test', version: '1.0.0' });
    return {
      json: async () => {
        await client.connect(transport);
        return client.getServerVersion().name === 'fake';
      },
      stream: async () => {
        const { tools } = await client.listTools();
        await client.close();
        return tools[0].name === 'one';
      },
    };
  },
  ws: async () => {
    const { default: WebSocket } = await import(outside.resolve('ws'));
    const url = `${baseUrl.replace('http://', 'ws://')}socket.example/socket`;
    return { websocket: () => echoes(new WebSocket(url, { headers: { authorization } })) };
  },
  WebSocket: async () => ({
    websocket: () => echoes(new WebSocket('wss://socket.example/socket', { headers: { authorization } })),
  }),
  '@grpc/grpc-js': async () => {
    const { Client, credentials, Metadata } = await import('@grpc/grpc-js');
    const client = new Client('grpc.example:443', credentials.createSsl());
    const metadata = new Metadata();
    metadata.set('authorization', authorization);
    const asIs = (bytes) => bytes;
    const call = (method) => [`/echo.Echo/${method}`, asIs, asIs];
    const settle = (resolve, reject) => (error, value) => (error ? reject(error) : resolve(String(value)));
    return {
      json: async () => {
        const answer = await new Promise((resolve, reject) => {
          client.makeUnaryRequest(...call('Unary'), Buffer.from('hello'), metadata, settle(resolve, reject));
        });
        return answer === 'unary hello';
      },
      stream: async () =>
        (await countEvents(client.makeServerStreamRequest(...call('Expand'), Buffer.from('x,y,z'), metadata))) === 3,
      upload: async () => {
        const parts = Array(20).fill('upload '.repeat(3000));
        const answer = await new Promise((resolve, reject) => {
          const sending = client.makeClientStreamRequest(...call('Collect'), metadata, settle(resolve, reject));
          for (const part of parts) sending.write(Buffer.from(part));
          sending.end();
        });
        return answer === parts.join(',');
      },
    };
  },
};

const features = await clients[process.argv[2]]();
const results = {};
for (const [feature, attempt] of Object.entries(features)) {
  results[feature] = await attempt().then(
    (isRight) => (isRight === true ? 'ok' : 'the answer was another'),
    (error) => String(error?.cause ?? error),
  );
}
console.log(JSON.stringify(results));
process.exit(0);
