// Stands in for a worker in the supervisor's tests: answers each connection with its process id.
process.on('message', (message, server) => {
  if (message !== 'listener') return;
  server.on('connection', (socket) => socket.end(String(process.pid)));
  process.send({ kind: 'ready' });
});
process.on('SIGTERM', () => process.exit(0));
process.on('disconnect', () => process.exit(0));
