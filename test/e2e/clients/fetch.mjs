import { createHash } from 'node:crypto';

const headers = { authorization: `Bearer ${process.env.OPENAI_API_KEY}` };
const url = (path) => `https://api.openai.com${path}`;
const body = Buffer.alloc(500_000, 'fetch ');
const echo = await (await fetch(url('/v1/echo'), { method: 'POST', body, headers })).json();
const streamed = new Response(new Blob([body]).stream()).body;
const chunked = await (
  await fetch(url('/v1/echo'), { method: 'POST', body: streamed, duplex: 'half', headers })
).json();
const sha256 = createHash('sha256').update(body).digest('hex');
const events = (await (await fetch(url('/v1/stream'), { headers })).text()).match(/data: /g).length;
const big = (await (await fetch(url('/v1/big'), { headers })).arrayBuffer()).byteLength;
const none = (await fetch(url('/v1/none'), { headers })).status;
const untilClose = await (await fetch(url('/v1/until-close'), { headers })).text();
const head = (await fetch(url('/v1/anything'), { method: 'HEAD', headers })).status;
const denied = await fetch('https://api.openai.com/v1/x', {
  headers: { authorization: 'Bearer onecli://prod/absent' },
});
console.log(
  JSON.stringify({
    isSame: echo.sha256 === sha256 && chunked.sha256 === sha256,
    events,
    big,
    none,
    untilClose,
    head,
    denied: [denied.status, (await denied.json()).error.code],
  }),
);
