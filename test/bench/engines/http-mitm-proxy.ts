// Baseline: http-mitm-proxy with keep-alive, the replacement in its request hook. argv: port, upstream port, CA folder, CA file.
import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { Proxy } from 'http-mitm-proxy';
import { benchHost, placeholderHeader, secretValue } from '../workload.ts';

const [port = '', upstreamPort = '', sslCaDir = '', caFile = ''] = process.argv.slice(2);

const proxy = new Proxy();
proxy.onError((_context, error) => void process.stderr.write(`http-mitm-proxy: ${error?.message}\n`));
proxy.onRequest((context, next) => {
  const options = context.proxyToServerRequestOptions;
  if (options !== undefined) {
    options.host = '127.0.0.1';
    options.port = upstreamPort;
    if (options.headers['authorization'] === placeholderHeader)
      options.headers['authorization'] = `Bearer ${secretValue}`;
  }
  next();
});
proxy.listen(
  {
    host: '127.0.0.1',
    port: Number(port),
    sslCaDir,
    keepAlive: true,
    httpsAgent: new Agent({ keepAlive: true, maxSockets: 256, ca: readFileSync(caFile), servername: benchHost }),
  },
  () => process.send?.('listening'),
);
