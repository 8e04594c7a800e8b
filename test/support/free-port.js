import { once } from 'node:events';
import { createServer } from 'node:net';
/** Gives `count` different TCP ports on 127.0.0.1 that were free a moment ago. */
export async function freePorts(count) {
    const servers = Array.from({ length: count }, () => createServer());
    try {
        return await Promise.all(servers.map(async (server) => {
            server.listen(0, '127.0.0.1');
            await once(server, 'listening');
            return server.address().port;
        }));
    }
    finally {
        for (const server of servers)
            server.close();
    }
}
/** Gives one free TCP port on 127.0.0.1. */
export async function freePort() {
    const [port] = await freePorts(1);
    if (port === undefined)
        throw new Error('no free port');
    return port;
}
//# sourceMappingURL=free-port.js.map