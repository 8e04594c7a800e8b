// Stands in for a worker in the supervisor's tests: answers each connection with its process id. Like a real one it gets
// the listening socket some time before it can serve, and accepts nothing until then.
import { createServer } from 'node:net';

const startUpMs = 300;
const server = createServer((socket) => {
  socket.on('error', () => undefined);
  socket.end(String(process.pid));
});
process.on('message', (message, handle) => {
  if (message !== 'listener') return;
  setTimeout(() => server.listen(handle, () => process.send({ kind: 'ready' })), startUpMs);
});
process.on('SIGTERM', () => process.exit(0));
process.on('disconnect', () => process.exit(0));
