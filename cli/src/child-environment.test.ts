import { describe, expect, it } from 'vitest';
import { applyChange, changeEnvironment, proxyUrlFor } from './child-environment.ts';

const access = {
  proxyUrl: 'http://a:t@127.0.0.1:10254',
  baseUrl: 'http://127.0.0.1:10254/to/a:t@',
  caFile: '/ca.pem',
  bundleFile: '/bundle.pem',
};

describe('changeEnvironment', () => {
  it('points both cases of the proxy variables at the gateway and keeps only this machine out', () => {
    const { set } = changeEnvironment({ NO_PROXY: '*' }, access);
    for (const name of ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy', 'WSS_PROXY', 'wss_proxy'])
      expect(set[name]).toBe(access.proxyUrl);
    expect([set['NO_PROXY'], set['no_proxy']]).toEqual(['localhost,127.0.0.1,::1', 'localhost,127.0.0.1,::1']);
  });

  it('hands the base URL on, and keeps the gateway itself out of the proxied', () => {
    expect(changeEnvironment({}, access).set['ONECLI_BASE_URL']).toBe(access.baseUrl);
    for (const [baseUrl, host] of [
      ['https://gateway.corp:10254/to/a:t@', 'gateway.corp'],
      ['http://[fd00::1]:10254/to/a:t@', 'fd00::1'],
    ] as const)
      expect(changeEnvironment({}, { ...access, baseUrl }).set['NO_PROXY']).toBe(`localhost,127.0.0.1,::1,${host}`);
  });

  it('gives the bundle to clients that replace their roots and the authority alone to those that add to them', () => {
    const { set } = changeEnvironment({}, access);
    const replacing = [
      'SSL_CERT_FILE',
      'REQUESTS_CA_BUNDLE',
      'CURL_CA_BUNDLE',
      'GIT_SSL_CAINFO',
      'AWS_CA_BUNDLE',
      'PIP_CERT',
    ];
    for (const name of [...replacing, 'NPM_CONFIG_CAFILE', 'CARGO_HTTP_CAINFO']) expect(set[name]).toBe('/bundle.pem');
    for (const name of ['NODE_EXTRA_CA_CERTS', 'DENO_CERT']) expect(set[name]).toBe('/ca.pem');
  });

  it('mends a rare CA variable only where somebody has set it', () => {
    expect(changeEnvironment({}, access).set['NIX_SSL_CERT_FILE']).toBeUndefined();
    expect(changeEnvironment({ NIX_SSL_CERT_FILE: '/x' }, access).set['NIX_SSL_CERT_FILE']).toBe('/bundle.pem');
  });

  it("takes the admin's credentials and every way past the gateway from the child", () => {
    const inherited = {
      ONECLI_ADMIN_USER: 'admin',
      ONECLI_ADMIN_PASSWORD: 'x',
      ONECLI_API_KEY: 'x',
      ONECLI_MASTER_KEY: 'x',
      ONECLI_MASTER_KEY_FILE: '/x',
      ONECLI_AGENT_TOKEN: 'x',
      ALL_PROXY: 'http://elsewhere',
      all_proxy: 'http://elsewhere',
      npm_config_noproxy: '*',
      npm_config_cafile: '/x',
      'npm_config_https-proxy': 'http://elsewhere',
      ONECLI_API_URL: 'http://127.0.0.1:10255',
      PATH: '/bin',
    };
    const child = applyChange(inherited, changeEnvironment(inherited, access));
    const kept = Object.keys(inherited).filter((name) => name in child);
    expect(kept).toEqual(['ONECLI_API_URL', 'PATH']);
    expect(child['NPM_CONFIG_CAFILE']).toBe('/bundle.pem');
  });

  it('sets NPM_CONFIG_CAFILE anew where it was inherited', () => {
    const inherited = { NPM_CONFIG_CAFILE: '/x' };
    const change = changeEnvironment(inherited, access);
    expect(change.unset).toEqual([]);
    expect(applyChange(inherited, change)['NPM_CONFIG_CAFILE']).toBe('/bundle.pem');
  });
});

describe('proxyUrlFor', () => {
  it('escapes what would end the user info', () => {
    expect(proxyUrlFor('http://127.0.0.1:10254', 'a', 't/@:+1')).toBe('http://a:t%2F%40%3A%2B1@127.0.0.1:10254');
  });

  it('writes out a default port and keeps an IPv6 address in brackets', () => {
    expect(proxyUrlFor('http://gateway/', 'a', 't')).toBe('http://a:t@gateway:80');
    expect(proxyUrlFor('https://gateway', 'a', 't')).toBe('https://a:t@gateway:443');
    expect(proxyUrlFor('http://[::1]:10254', 'a', 't')).toBe('http://a:t@[::1]:10254');
  });
});
