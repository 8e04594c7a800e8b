import { describe, expect, it } from 'vitest';
import { showSettings } from './shown-settings.ts';

describe('settings as they are shown', () => {
  it('say of each whether it is set, and show only ports, addresses, numbers and switches', () => {
    const given = {
      ONECLI_API_PORT: '10255',
      ONECLI_BIND: '::1',
      ONECLI_LOG_LEVEL: 'debug',
      ONECLI_LIMIT_BODY_BYTES: '0',
      ONECLI_MASTER_KEY: 'ab'.repeat(32),
      ONECLI_ADMIN_PASSWORD: 'wombat',
      DATABASE_URL: 'postgres://u:wombat@db/x',
      ONECLI_PROXY_URL: '',
    };
    const shown = showSettings(given, [...Object.keys(given), 'ONECLI_SESSION_HOURS']);
    expect(shown).toEqual([
      { name: 'DATABASE_URL', isSet: true },
      { name: 'ONECLI_ADMIN_PASSWORD', isSet: true },
      { name: 'ONECLI_API_PORT', isSet: true, shown: '10255' },
      { name: 'ONECLI_BIND', isSet: true, shown: '::1' },
      { name: 'ONECLI_LIMIT_BODY_BYTES', isSet: true, shown: '0' },
      { name: 'ONECLI_LOG_LEVEL', isSet: true, shown: 'debug' },
      { name: 'ONECLI_MASTER_KEY', isSet: true },
      { name: 'ONECLI_PROXY_URL', isSet: false },
      { name: 'ONECLI_SESSION_HOURS', isSet: false },
    ]);
  });

  it('do not show what was put into the wrong variable', () => {
    for (const wrong of ['sk-live-4f9c2b71d08e5a63', 'ab'.repeat(32), 'Tr0ub4dor&3', 'postgres://u:p@h/d'])
      expect(showSettings({ ONECLI_BIND: wrong }, ['ONECLI_BIND'])).toEqual([{ name: 'ONECLI_BIND', isSet: true }]);
  });
});
