import { describe, expect, it } from 'vitest';
import { ConfigFault, readConfig } from '../../config.ts';

const base = { DATABASE_URL: 'postgres://u@db/x', ONECLI_MASTER_KEY: 'ab'.repeat(32) };
const syslogOf = (url: string) => readConfig({ ...base, ONECLI_AUDIT_SYSLOG_URL: url }).auditSinks.syslog;
const faultsOf = (given: Record<string, string>): readonly string[] => {
  try {
    readConfig({ ...base, ...given });
    return [];
  } catch (error) {
    if (error instanceof ConfigFault) return error.faults;
    throw error;
  }
};

describe('the settings of sinks', () => {
  it.each([
    ['syslog+tls://siem.example', { protocol: 'tls', host: 'siem.example', port: 6514 }],
    ['syslog+tcp://siem.example:443', { protocol: 'tcp', host: 'siem.example', port: 443 }],
    ['syslog+udp://[2001:db8::1]:5514', { protocol: 'udp', host: '2001:db8::1', port: 5514 }],
  ])('%s says where syslog goes', (url, target) => {
    expect(syslogOf(url)).toEqual(target);
  });

  it.each(['syslog://x', 'https://x', 'syslog+tls://', 'syslog+tls://u@x', 'syslog+tls://x/y'])(
    '%s is no syslog server',
    (url) => {
      expect(faultsOf({ ONECLI_AUDIT_SYSLOG_URL: url })).toEqual([
        expect.stringContaining('ONECLI_AUDIT_SYSLOG_URL: expected syslog+tls://'),
      ]);
    },
  );

  it('a webhook needs TLS and a key, and no fault shows what was given', () => {
    const url = 'https://siem.example/in';
    const key = 'canary-key-0123456789';
    expect(
      readConfig({ ...base, ONECLI_AUDIT_WEBHOOK_URL: url, ONECLI_AUDIT_WEBHOOK_KEY: key }).auditSinks.webhook?.url,
    ).toBe(url);
    expect(faultsOf({ ONECLI_AUDIT_WEBHOOK_URL: url })).toEqual([
      expect.stringContaining('ONECLI_AUDIT_WEBHOOK_KEY: is not set'),
    ]);
    const faults = faultsOf({ ONECLI_AUDIT_WEBHOOK_URL: 'http://canary.example', ONECLI_AUDIT_WEBHOOK_KEY: 'canary' });
    expect(faults).toHaveLength(2);
    expect(faults.join()).not.toContain('canary');
  });
});
