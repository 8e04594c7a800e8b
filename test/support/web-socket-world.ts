import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newCanary } from './canary.ts';
import { makeTestAuthority } from './test-authority.ts';
import { waitUntil } from './wait-until.ts';
import { startWebSocketUpstream, type WebSocketUpstream } from './web-socket-upstream.ts';
import { boundHost, otherHost, startWorld, type World } from './world.ts';

/** A host whose server compresses, and one whose server does not. */
export const deflateHost = 'deflate.example';
export const plainHost = 'plain.example';

/** A world with two `ws` servers, and `prod/realtime`, bound to them for headers and for text messages. */
export interface WebSocketWorld {
  readonly world: World;
  readonly deflate: WebSocketUpstream;
  readonly plain: WebSocketUpstream;
  /** The values of `prod/realtime`, and of `prod/header-only`, which is not bound to messages. */
  readonly realtime: string;
  readonly headerOnly: string;
  stop(): Promise<void>;
}

/** Starts it. The agent may reach both hosts under /v1 with both secrets, and `prod/stripe` is not granted. */
export async function startWebSocketWorld(): Promise<WebSocketWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'onecli-websocket-'));
  const authority = makeTestAuthority(folder);
  const leaf = authority.issue([deflateHost, plainHost]);
  const deflate = await startWebSocketUpstream(leaf, { threshold: 0 });
  const plain = await startWebSocketUpstream(leaf, false);
  const secrets = ['prod/openai', 'prod/realtime', 'prod/header-only'];
  const hosts = [deflateHost, plainHost, boundHost, otherHost];
  const world = await startWorld({
    upstream: { leaf: authority.issue([boundHost, otherHost]) },
    start: { upstreamCaFile: authority.caFile },
    connectTo: [`${deflateHost}:443=127.0.0.1:${deflate.port}`, `${plainHost}:443=127.0.0.1:${plain.port}`],
  });
  const [realtime, headerOnly] = [newCanary('realtime'), newCanary('header-only')];
  const bound = [deflateHost, plainHost, boundHost];
  await world.onecli.must('POST', '/api/secrets', {
    name: 'prod/realtime',
    value: realtime,
    binding: { hosts: bound, surfaces: ['header', 'websocket'] },
  });
  await world.onecli.must('POST', '/api/secrets', {
    name: 'prod/header-only',
    value: headerOnly,
    binding: { hosts: bound, surfaces: ['header'] },
  });
  await world.onecli.must('PUT', `/api/policies/${world.agent}`, {
    agents: [world.agent],
    rules: [
      { allow: { hosts, paths: ['/v1/**'], secrets } },
      { allow: { hosts, paths: ['/watched/**'], secrets: ['prod/openai', 'prod/header-only'] } },
    ],
  });
  await waitUntil('the policy is in force', async () => {
    (await world.tunnel({ authority: `${plainHost}:443` })).close();
    return true;
  });
  return {
    world,
    deflate,
    plain,
    realtime,
    headerOnly,
    stop: async () => {
      await world.stop();
      await Promise.all([deflate.close(), plain.close()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
