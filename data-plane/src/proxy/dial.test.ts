import { describe, expect, it } from 'vitest';
import { AddressGuard } from '@onecli/shared/netguard/address-guard';
import { CheckedResolver } from '@onecli/shared/netguard/checked-resolver';
import { Configuration } from '../snapshot/configuration.ts';
import { newKeyring, sampleSnapshot, sealedSecret } from '../snapshot/testing/sample-snapshot.ts';
import { UpstreamTls } from '../tls/upstream-tls.ts';
import { dial } from './dial.ts';

const binding = { hosts: ['api.example.com:8443', '[2606:4700::1]:9443'], surfaces: ['header'] as const };
const secret = sealedSecret(newKeyring(), { name: 'prod/x', values: ['v'], binding });
const rule = {
  effect: 'allow' as const,
  hosts: ['10.1.2.3:8081', '*.example.org'],
  paths: [],
  methods: [],
  secrets: [],
};
const policy = { id: 'p', name: 'p', agents: [], rules: [rule] };
const configuration = new Configuration(sampleSnapshot({ secrets: [secret], policies: new Map([['p', policy]]) }));

function options(asked: string[] = []) {
  const guard = new AddressGuard({ allowRanges: ['127.0.0.0/8'], ownListeners: [] });
  const lookupAll = (host: string) => {
    asked.push(host);
    return Promise.resolve([{ address: '127.0.0.1', family: 4 }]);
  };
  return {
    resolver: new CheckedResolver({ guard, lookupAll }),
    tls: new UpstreamTls(),
    dialMs: 5_000,
    isPortNamed: (port: number) => configuration.namesPort(port),
  };
}

describe('the ports that are dialled', () => {
  it.each([80, 443, 8081, 8443, 9443])('%i is one: it is a web port, or a rule or a binding names it', (port) => {
    expect(configuration.namesPort(port)).toBe(true);
  });

  it.each([22, 25, 4700, 6379, 8080])('%i is refused before the name is even looked up', async (port) => {
    const asked: string[] = [];
    const dialled = await dial({ host: 'api.example.com', port, isSecure: false }, options(asked));
    expect(dialled).toMatchObject({ kind: 'refused', code: 'PORT_REFUSED' });
    expect(asked).toEqual([]);
  });
});
