import { request } from 'node:http';
/** Calls `method path` on `baseUrl`; a string or Buffer body goes out as it is, anything else as JSON. */
export function callApi(baseUrl, method, path, body, headers = {}) {
    const bytes = body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    return new Promise((resolve, reject) => {
        const outgoing = request(new URL(path, baseUrl), {
            method,
            agent: false,
            timeout: 30_000,
            headers: {
                ...(bytes !== undefined && {
                    'content-type': 'application/json',
                    'content-length': Buffer.byteLength(bytes),
                }),
                ...headers,
            },
        }, (incoming) => {
            const chunks = [];
            incoming.on('data', (chunk) => chunks.push(chunk));
            incoming.on('error', reject);
            incoming.on('end', () => {
                const text = Buffer.concat(chunks).toString('utf8');
                resolve({
                    status: incoming.statusCode ?? 0,
                    headers: incoming.headers,
                    text,
                    get json() {
                        return JSON.parse(text);
                    },
                });
            });
        });
        outgoing.on('timeout', () => outgoing.destroy(new Error(`${method} ${path}: no answer in 30 s`)));
        outgoing.on('error', reject);
        outgoing.end(bytes);
    });
}
//# sourceMappingURL=call-api.js.map