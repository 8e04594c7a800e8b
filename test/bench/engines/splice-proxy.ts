// The floor: what two of Node's TLS sockets cost with nothing between them. Takes a CONNECT, terminates TLS, opens TLS to the
// upstream, and passes bytes, with the key put in by one search. No parsing, no policy, no audit: nobody should run it.
// argv: port, upstream port, key file, certificate file, CA file.
import { readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { connect, createSecureContext, TLSSocket } from 'node:tls';
import { benchHost, placeholderHeader, secretValue } from '../workload.ts';

const [port = '', upstreamPort = '', keyFile = '', certFile = '', caFile = ''] = process.argv.slice(2);
const secureContext = createSecureContext({ key: readFileSync(keyFile), cert: readFileSync(certFile) });
const upstreamContext = createSecureContext({ ca: readFileSync(caFile) });
const placeholder = Buffer.from(placeholderHeader);
const key = Buffer.from(`Bearer ${secretValue}`);

function withKey(bytes: Buffer): Buffer {
  const at = bytes.indexOf(placeholder);
  return at === -1 ? bytes : Buffer.concat([bytes.subarray(0, at), key, bytes.subarray(at + placeholder.length)]);
}

function pass(from: Socket, to: Socket, change: (bytes: Buffer) => Buffer): void {
  from.on('data', (bytes: Buffer) => {
    if (to.write(change(bytes))) return;
    from.pause();
    to.once('drain', () => from.resume());
  });
  from.on('error', () => undefined);
  from.on('close', () => to.destroy());
}

function splice(raw: Socket): void {
  raw.write('HTTP/1.1 200 Connection Established\r\n\r\n');
  const agent = new TLSSocket(raw, { isServer: true, secureContext });
  const upstream = connect({
    host: '127.0.0.1',
    port: Number(upstreamPort),
    secureContext: upstreamContext,
    servername: benchHost,
  });
  upstream.setNoDelay(true);
  pass(agent, upstream, withKey);
  pass(upstream, agent, (bytes) => bytes);
}

const server = createServer({ noDelay: true }, (raw) => {
  raw.on('error', () => raw.destroy());
  raw.once('readable', () => {
    if (raw.read() !== null) splice(raw);
  });
});
server.listen(Number(port), '127.0.0.1', () => process.send?.('listening'));
