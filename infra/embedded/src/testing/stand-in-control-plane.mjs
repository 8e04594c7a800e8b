// Stands in for the control plane in the supervisor's tests: serves on its port what it was given.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

if (process.env.TZ === 'hopeless') {
  process.stderr.write('a setting is wrong\n');
  process.exit(2);
}
const facts = {
  pid: process.pid,
  environment: process.env,
  key: readFileSync(process.env.ONECLI_MASTER_KEY_FILE, 'utf8').trim(),
  password: process.env.ONECLI_ADMIN_PASSWORD_FILE && readFileSync(process.env.ONECLI_ADMIN_PASSWORD_FILE, 'utf8'),
};
const server = createServer((_request, response) => response.end(JSON.stringify(facts)));
server.listen(Number(process.env.ONECLI_API_PORT), process.env.ONECLI_BIND, () => process.send({ kind: 'ready' }));
process.on('SIGTERM', () => process.exit(0));
process.on('disconnect', () => process.exit(0));
