import { createHmac } from 'node:crypto';
import type { SecretValue } from '@onecli/shared/secret-value';
import type { ProviderCaller } from '../../rotation/call-provider.ts';
import type { AuditView } from '../audit-store.ts';
import { type Sink, SinkFault } from './sink.ts';

export interface WebhookSinkOptions {
  readonly url: string;
  /** What the body is signed with. */
  readonly key: SecretValue;
  /** Checks addresses as everything that is called from here. */
  readonly caller: ProviderCaller;
  /** The last checkpoint, which so is kept elsewhere. */
  readonly checkpoint: () => Promise<string | null>;
}

/**
 * Posts batches as JSON. `X-OneCLI-Signature: t=<seconds>,v1=<hex>` is the HMAC-SHA-256 of `<seconds>.<body>`;
 * `X-OneCLI-Batch` is the same when a batch comes again.
 */
export class WebhookSink implements Sink {
  readonly name = 'webhook';
  readonly batchSize = 200;
  readonly #options: WebhookSinkOptions;

  constructor(options: WebhookSinkOptions) {
    this.#options = options;
  }

  async send(events: readonly AuditView[], batch: string, signal: AbortSignal): Promise<void> {
    const { url, key, caller, checkpoint } = this.#options;
    const body = JSON.stringify({ batch, checkpoint: await checkpoint(), events });
    const seconds = Math.floor(Date.now() / 1_000);
    const mac = createHmac('sha256', key.reveal()).update(`${seconds}.${body}`, 'utf8').digest('hex');
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'onecli',
      'x-onecli-batch': batch,
      'x-onecli-signature': `t=${seconds},v1=${mac}`,
    };
    const { status } = await caller.call({ method: 'POST', url: new URL(url), headers, body }, signal);
    if (status < 200 || status > 299) throw new SinkFault(`the webhook answered with ${status}`);
  }

  close(): void {
    // Every batch has a connection of its own.
  }
}
