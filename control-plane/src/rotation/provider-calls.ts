import { Fault } from '@onecli/shared/fault';
import type { DataSource } from 'typeorm';
import { generateValue } from '../secrets/generate-value.ts';
import type { SecretVault } from '../secrets/secret-vault.ts';
import type { ProviderAnswer, ProviderCaller, ProviderRequest } from './call-provider.ts';
import { fillRequest, webhookKey, webhookRequest } from './fill-request.ts';
import { fillingOf } from './filling.ts';
import { ProviderFault } from './provider-fault.ts';
import { type NewKey, readKey } from './read-answer.ts';
import type { RequestTemplate } from './rotation-input.ts';
import type { Standing } from './standing.ts';

/** Already gone is as good as ended. */
const endedStatuses = [404, 410];

export interface ProviderCallsOptions {
  readonly database: DataSource;
  readonly vault: SecretVault;
  readonly caller: ProviderCaller;
}

/** What a run asks of its provider. Nothing of it is recorded here. */
export class ProviderCalls {
  readonly #options: ProviderCallsOptions;

  constructor(options: ProviderCallsOptions) {
    this.#options = options;
  }

  /** A new value: made here, or asked for. @throws ProviderFault */
  async newKey({ body, run, secret }: Standing, signal: AbortSignal): Promise<NewKey> {
    const { database, vault, caller } = this.#options;
    if (body.generate !== undefined) return { value: generateValue(body.generate), keyId: undefined };
    if (body.webhook !== undefined) {
      const host = new URL(body.webhook.url).hostname;
      const signingKey = await webhookKey(body.webhook, database.manager, vault);
      const answer = await caller.call(webhookRequest(body.webhook.url, signingKey, secret.name, run.id), signal);
      expectStatus(host, answer, [200, 201]);
      const hasKeyId = body.revoke !== undefined;
      return readKey(host, answer, '$.value', hasKeyId && answer.body.includes('"keyId"') ? '$.keyId' : undefined);
    }
    const { create } = body;
    if (create === undefined) throw new Fault('INTERNAL', 'The rotation has nothing that makes a key');
    const { answer, host } = await this.#call({ body, run, secret }, create, signal);
    expectStatus(host, answer, create.expectStatus ?? [200, 201]);
    return readKey(host, answer, create.valuePath, create.keyIdPath);
  }

  /** Sends a request of the recipe, if it has that one. @throws ProviderFault for a status that is not expected */
  async send(
    standing: Standing,
    template: RequestTemplate | undefined,
    what: 'deliver' | 'verify',
    signal: AbortSignal,
  ): Promise<void> {
    if (template === undefined) return;
    const { answer, host } = await this.#call(standing, template, signal);
    expectStatus(host, answer, template.expectStatus ?? (what === 'verify' ? [200] : [200, 201, 202, 204]));
  }

  /** What a canary is answered. @throws ProviderFault when it is not */
  async statusOf(standing: Standing, template: RequestTemplate, signal: AbortSignal): Promise<number> {
    return (await this.#call(standing, template, signal)).answer.status;
  }

  async #call(
    standing: Standing,
    template: RequestTemplate,
    signal: AbortSignal,
    ended?: number,
  ): Promise<{ answer: ProviderAnswer; host: string }> {
    const { database, vault, caller } = this.#options;
    const request: ProviderRequest = await fillRequest(
      template,
      await fillingOf(database.manager, vault, standing, ended),
      database.manager,
      vault,
    );
    return { answer: await caller.call(request, signal), host: request.url.hostname };
  }

  /** Asks the provider to end the key of a version. False: the recipe needs its name, and that is not known. */
  async endKey(standing: Standing, version: number, signal: AbortSignal): Promise<boolean> {
    const { revoke } = standing.body;
    if (revoke === undefined) return false;
    const texts = JSON.stringify(revoke);
    const { database, vault } = this.#options;
    const oldKeyId = await vault.keyIdOf(database.manager, standing.secret, version);
    if (texts.includes('{{oldKeyId}}') && oldKeyId === undefined) return false;
    const { answer, host } = await this.#call(standing, revoke, signal, version);
    expectStatus(host, answer, [...(revoke.expectStatus ?? [200, 202, 204]), ...endedStatuses]);
    return true;
  }
}

function expectStatus(host: string, { status }: ProviderAnswer, expected: readonly number[]): void {
  if (expected.includes(status)) return;
  throw new ProviderFault(host, `answered ${status}`, { leftNothing: status >= 400 && status < 500 });
}
