// Each kind of gRPC call by @grpc/grpc-js, which takes the proxy from its environment. Prints what came of them.
import { Client, credentials, Metadata } from '@grpc/grpc-js';

const asIs = (bytes) => bytes;
const metadata = new Metadata();
metadata.set('authorization', 'Bearer onecli://prod/grpc');
const client = new Client(`${process.argv[2]}:443`, credentials.createSsl());
/** Compresses each of its messages. */
const compressing = new Client(`${process.argv[2]}:443`, credentials.createSsl(), {
  'grpc.default_compression_algorithm': 2,
});
const path = (name) => `/echo.Echo/${name}`;
const soon = () => ({ deadline: Date.now() + 10_000 });

function unary(name, text, options = soon(), fields = metadata, by = client) {
  return new Promise((resolve) => {
    const result = {};
    const call = by.makeUnaryRequest(path(name), asIs, asIs, Buffer.from(text), fields, options, (error, value) => {
      result.value = value?.toString();
      result.error = error ? { code: error.code, details: error.details } : undefined;
      if (error) result.onecli = error.metadata?.get('x-onecli-error')[0];
    });
    call.on('status', (status) => resolve({ ...result, trailer: status.metadata.get('x-trailer')[0] }));
  });
}

function collect(parts) {
  return new Promise((resolve) => {
    const call = client.makeClientStreamRequest(path('Collect'), asIs, asIs, metadata, soon(), (error, value) =>
      resolve(error?.code ?? value.toString()),
    );
    for (const part of parts) call.write(Buffer.from(part));
    call.end();
  });
}

function read(call, onPart = () => undefined) {
  const parts = [];
  return new Promise((resolve) => {
    call.on('data', (part) => {
      parts.push(part.toString());
      onPart(parts);
    });
    call.on('error', () => undefined);
    call.on('status', (status) => resolve({ parts, code: status.code }));
  });
}

/** One message out for each that came in: half-duplex would hang. */
function chat() {
  const call = client.makeBidiStreamRequest(path('Chat'), asIs, asIs, metadata, soon());
  const done = read(call, (parts) => (parts.length < 3 ? call.write(Buffer.from(`m${parts.length}`)) : call.end()));
  call.write(Buffer.from('m0'));
  return done;
}

function hang(text, options) {
  return client.makeServerStreamRequest(path('Hang'), asIs, asIs, Buffer.from(text), metadata, options);
}

function cancelOnce() {
  const call = hang('cancel', soon());
  return read(call, () => call.cancel());
}

const big = 'x'.repeat(300_000);
const wrong = new Metadata();
wrong.set('authorization', 'Bearer onecli://prod/other');
console.log(
  JSON.stringify({
    unary: await unary('Unary', 'hello'),
    big: (await unary('Unary', big)).value?.length,
    compressed: (await unary('Unary', big, soon(), metadata, compressing)).value?.length,
    collect: await collect(['a', 'b', 'c']),
    expand: await read(
      client.makeServerStreamRequest(path('Expand'), asIs, asIs, Buffer.from('x,y,z'), metadata, soon()),
    ),
    chat: await chat(),
    fail: await unary('Fail', ''),
    deadline: await read(hang('deadline', { deadline: Date.now() + 500 })),
    cancel: await cancelOnce(),
    outside: await unary('Forbidden', ''),
    ungranted: await unary('Unary', '', soon(), wrong),
  }),
);
client.close();
compressing.close();
