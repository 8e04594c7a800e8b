/** The secrets that a recipe uses: who may have that, and where they may go. */
import type { Binding } from '@onecli/shared/domain/binding';
import { environmentOf } from '@onecli/shared/domain/names';
import type { EntityManager } from 'typeorm';
import { authorize } from '../auth/authorize.ts';
import type { Principal } from '../auth/principal.ts';
import { invalidField } from '../configuration/parse-input.ts';
import { findSecret } from '../secrets/require-secret.ts';
import type { SecretRow } from '../secrets/secret.entity.ts';
import { bindingProblem, hostProblem, keyIdProblem, placesOf } from './fill-request.ts';
import type { RotationBody } from './rotation-input.ts';
import { keyIds, secretsIn, variablesIn } from './template.ts';

const templates = ['create', 'deliver', 'verify', 'revoke'] as const;

/** Whoever has a secret sent somewhere must be allowed to decide that for its environment too. */
export function authorizeUse(principal: Principal, body: RotationBody): void {
  const texts = templates.flatMap((name) => (body[name] ? placesOf(body[name]).map(({ text }) => text) : []));
  const names = texts.flatMap((text) => secretsIn(text).map((used) => used.name));
  for (const name of [...names, ...(body.webhook ? [body.webhook.secret] : [])])
    authorize(principal, 'rotation:update', environmentOf(name));
}

/** Each secret that a template names must be there and be bound to where the template sends it. */
export async function requireBound(manager: EntityManager, rotated: SecretRow, body: RotationBody): Promise<void> {
  for (const name of templates) {
    const template = body[name];
    if (template === undefined) continue;
    const url = new URL(template.url.replaceAll(/\{\{[^{}]*\}\}/g, 'x'));
    const used: Binding[] = [];
    const places = placesOf(template);
    for (const place of places) {
      for (const spot of secretsIn(place.text)) {
        const row = await findSecret(manager, spot.name);
        const problem = row === null ? 'does not exist' : bindingProblem(row.binding, place, [spot], url);
        if (problem !== undefined) throw invalidField(name, `names ${spot.name}, which ${problem}`);
        if (row !== null) used.push(row.binding);
      }
      const spots = variablesIn(place.text, ['new', 'old']);
      const problem = spots.length > 0 ? bindingProblem(rotated.binding, place, spots, url) : undefined;
      if (problem !== undefined) throw invalidField(name, `sends the secret itself, which ${problem}`);
    }
    const isKeyIdUsed = places.some(({ text }) => variablesIn(text, keyIds).length > 0);
    const problem = isKeyIdUsed ? keyIdProblem(rotated.binding, used, url) : undefined;
    if (problem !== undefined) throw invalidField(name, `sends what the provider calls the key: the secret ${problem}`);
  }
  if (body.webhook) await requireWebhookKey(manager, body.webhook);
}

async function requireWebhookKey(manager: EntityManager, webhook: NonNullable<RotationBody['webhook']>): Promise<void> {
  const row = await findSecret(manager, webhook.secret);
  if (row === null) throw invalidField('webhook.secret', 'names no secret that exists');
  const problem = hostProblem(row.binding, new URL(webhook.url));
  if (problem !== undefined) throw invalidField('webhook.secret', `names ${webhook.secret}, which ${problem}`);
}
