// Every address is checked, and the checked address is dialled: private ranges and our own ports are refused.
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attack, expectCanariesNowhere, expectRefusal } from '../support/attack.ts';
import { openTunnel, proxyCredentials, requestBytes } from '../support/raw-agent.ts';
import { boundHost, startWorld, type World } from '../support/world.ts';
import { freePorts } from '../support/free-port.ts';

const privateAddresses = [
  '127.0.0.2',
  '10.0.0.1',
  '172.16.0.1',
  '192.168.0.1',
  '169.254.169.254',
  '100.64.0.1',
  '0.0.0.0',
  '[::1]',
  '[::]',
  '[::ffff:127.0.0.2]',
  '[::ffff:7f00:2]',
  '[64:ff9b::7f00:2]',
  '[fe80::1]',
  '[fd00::1]',
  '[fc00::1]',
];

let closed: World;
let open: World;
let victim: Server;
let victimConnections = 0;

beforeAll(async () => {
  victim = createServer((socket) => {
    victimConnections += 1;
    socket.destroy();
  }).listen(0, '::');
  await once(victim, 'listening');
  const { port } = victim.address() as AddressInfo;
  const hosts = [boundHost, ...privateAddresses.map((address) => `${address}:${port}`)];
  closed = await startWorld({
    start: { allowRanges: '127.0.0.1/32' },
    rules: [{ allow: { hosts: [boundHost] } }],
  });
  const answer = await closed.onecli.api('PUT', `/api/policies/${closed.agent}`, {
    agents: [closed.agent],
    rules: [{ allow: { hosts } }],
  });
  if (answer.status !== 200) {
    // Host patterns need not take literals: then policy refuses them before the address guard does.
    process.stderr.write(`literals are no host patterns: ${answer.text}\n`);
  }
  const [proxyPort = 0, apiPort = 0] = await freePorts(2);
  open = await startWorld({
    start: { ports: [proxyPort, apiPort] },
    connectTo: [`self.example:443=127.0.0.1:${proxyPort}`, `api.example:443=127.0.0.1:${apiPort}`],
    rules: [{ allow: { hosts: [boundHost, 'self.example', 'api.example'] } }],
  });
});
afterAll(async () => {
  await closed?.stop();
  await open?.stop();
  victim?.close();
});

describe('addresses that may be dialled', () => {
  it.each(privateAddresses)('%s is refused and never dialled', async (address) => {
    const { port } = victim.address() as AddressInfo;
    const authority = `${address}:${port}`;
    const before = victimConnections;
    const tunnel = await openTunnel({ proxyPort: closed.onecli.proxyPort, token: closed.token, authority, sni: false });
    if (tunnel.kind === 'open') {
      tunnel.connection.send(requestBytes('GET', '/v1/x', { host: authority }));
      expect((await tunnel.connection.readResponse()).status).toBe(403);
      tunnel.connection.close();
    } else {
      expect([400, 403]).toContain(tunnel.answer.status);
    }
    expect(victimConnections).toBe(before);
  });

  it.each(['2130706434', '0x7f000002', '0177.0.0.2', '127.2'])(
    '%s is not read as an address by anybody',
    async (authority) => {
      const { port } = victim.address() as AddressInfo;
      const before = victimConnections;
      const tunnel = await openTunnel({
        proxyPort: closed.onecli.proxyPort,
        token: closed.token,
        authority: `${authority}:${port}`,
        sni: false,
      });
      if (tunnel.kind === 'open') {
        tunnel.connection.send(requestBytes('GET', '/v1/x', { host: `${authority}:${port}` }));
        expect((await tunnel.connection.readResponse()).status).toBeGreaterThanOrEqual(400);
      } else {
        expect(tunnel.answer.status).toBeGreaterThanOrEqual(400);
      }
      expect(victimConnections).toBe(before);
    },
  );

  it('the same over plain HTTP', async () => {
    const { port } = victim.address() as AddressInfo;
    const before = victimConnections;
    const bytes = `GET http://127.0.0.2:${port}/v1/x HTTP/1.1\r\nHost: 127.0.0.2:${port}\r\nProxy-Authorization: ${proxyCredentials(closed.agent, closed.token)}\r\n\r\n`;
    const outcome = await attack(closed, { entry: 'plain', bytes });
    expect(outcome.answer.status).toBe(403);
    expect(victimConnections).toBe(before);
  });

  it.each(['self.example', 'api.example'])(
    '%s, which leads to our own port, is refused even in an allowed range',
    async (host) => {
      const outcome = await attack(open, {
        tunnel: { authority: `${host}:443` },
        bytes: requestBytes('GET', '/health', { host }),
      });
      expectRefusal(outcome, 403, 'ADDRESS_REFUSED');
    },
  );

  it('leaves the secret nowhere', () => {
    expectCanariesNowhere(closed);
    expectCanariesNowhere(open);
  });
});
