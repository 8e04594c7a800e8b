/** Makes a request of its template. A secret goes only where its binding lets it: host, port and place, as at a worker. */
import { createHmac } from 'node:crypto';
import { bindsSurface, type Binding, type Surface } from '@onecli/shared/domain/binding';
import { hostPatternCovers, parseHostPattern } from '@onecli/shared/domain/host-pattern';
import type { SecretValue } from '@onecli/shared/secret-value';
import type { EntityManager } from 'typeorm';
import { requireSecret } from '../secrets/require-secret.ts';
import type { SecretRow } from '../secrets/secret.entity.ts';
import type { SecretVault } from '../secrets/secret-vault.ts';
import type { ProviderRequest } from './call-provider.ts';
import { ProviderFault } from './provider-fault.ts';
import type { RequestTemplate } from './rotation-input.ts';
import { areAtBoundPlaces, type Spot } from './json-places.ts';
import { hasDotSegment } from './key-id.ts';
import { fillTemplate, keyIds, secretsIn, type Variable, variablesIn } from './template.ts';

/** What stands behind the variables of a template; absent: it is not known in this step. */
export interface Filling {
  readonly secret: SecretRow;
  readonly runId: string;
  readonly values: Partial<Record<'new' | 'old' | 'newKeyId' | 'oldKeyId', SecretValue | undefined>>;
}

/** A text of a template, and the place of the request that it is. */
export interface TemplatePlace {
  readonly text: string;
  /** Undefined: the URL. */
  readonly surface: Surface | undefined;
}

/** All texts of a template with the place that each is. */
export function placesOf(template: RequestTemplate): TemplatePlace[] {
  return [
    { text: template.url, surface: undefined },
    ...Object.entries(template.headers).map(([name, text]) => ({
      text,
      surface: name.toLowerCase() === 'cookie' ? ('cookie' as const) : ('header' as const),
    })),
    ...(template.basic ? [template.basic.user, template.basic.password] : []).map((text) => ({
      text,
      surface: 'basic' as const,
    })),
    ...(template.body === undefined ? [] : [{ text: template.body, surface: bodySurface(template) }]),
  ];
}

/** Why a secret may not stand at these spots of a place, or undefined when it may. */
export function bindingProblem(
  binding: Binding,
  { text, surface }: TemplatePlace,
  spots: readonly Spot[],
  url: URL,
): string | undefined {
  const problem = hostProblem(binding, url);
  if (problem !== undefined) return problem;
  if (surface === undefined) return 'may not stand in a URL';
  if (!bindsSurface(binding, surface)) return `is not bound to ${surface}`;
  if (surface !== 'json' || areAtBoundPlaces(binding, text, spots)) return undefined;
  return 'is not bound to that place of the JSON body';
}

/**
 * Why what the provider calls a key may not go to a URL, or undefined when it may: where the rotated secret goes, or a secret by
 * which the same request is let in. The provider's answer and the recipe say what it is: it may well be the key itself.
 */
export function keyIdProblem(rotated: Binding, used: readonly Binding[], url: URL): string | undefined {
  const isBound = [rotated, ...used].some((binding) => bindsHost(binding, url));
  return isBound ? undefined : `is not bound to ${hostOf(url)}, nor is a secret in that request`;
}

/** Why a secret may not be used for a host, or undefined when it may. */
export function hostProblem(binding: Binding, url: URL): string | undefined {
  return bindsHost(binding, url) ? undefined : `is not bound to ${hostOf(url)}`;
}

function bindsHost(binding: Binding, url: URL): boolean {
  const port = url.port === '' ? 443 : Number(url.port);
  return binding.hosts.some((text) => {
    const parsed = parseHostPattern(text);
    return parsed.kind === 'pattern' && hostPatternCovers(parsed.pattern, hostOf(url), port, [443]);
  });
}

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

/** @throws ProviderFault when a secret may not go there or a variable is not known; Fault when a secret does not open */
export async function fillRequest(
  template: RequestTemplate,
  filling: Filling,
  manager: EntityManager,
  vault: SecretVault,
): Promise<ProviderRequest> {
  const target = new URL(template.url.replaceAll(/\{\{[^{}]*\}\}/g, 'x'));
  const opened = await openSecrets(template, filling, target, manager, vault);
  const fill = (text: string, write: (value: string) => string): string =>
    fillTemplate(text, {
      secret: (name, version) => write(opened.get(`${name}@${version}`) ?? ''),
      variable: (name) => write(valueOf(name, filling, target.hostname)),
    });
  const plain = (value: string): string => value;
  const headers = Object.fromEntries(
    Object.entries(template.headers).map(([name, text]) => [name.toLowerCase(), asHeader(fill(text, plain))]),
  );
  if (template.basic) {
    const { user, password } = template.basic;
    const pair = `${fill(user, plain)}:${fill(password, plain)}`;
    headers['authorization'] = `Basic ${Buffer.from(pair, 'utf8').toString('base64')}`;
  }
  headers['idempotency-key'] ??= filling.runId;
  if (template.body !== undefined) headers['content-type'] ??= 'application/json';
  const escape = { json: inJson, form: encodeURIComponent, text: plain }[bodySurface(template)];
  return {
    method: template.method,
    url: filledUrl(fill(template.url, encodeURIComponent), target),
    headers,
    body: template.body === undefined ? undefined : fill(template.body, escape),
  };
}

/** What was filled in names something at the place of its own: it neither leads up a path, nor elsewhere. @throws ProviderFault */
function filledUrl(text: string, target: URL): URL {
  const url = new URL(text);
  // Tabs and line breaks are passed over (WHATWG URL, basic parser), which could make one of two dots.
  const [path = ''] = text.replaceAll(/[\t\n\r]/g, '').split(/[?#]/);
  if (url.origin !== target.origin || url.hash !== '' || hasDotSegment(path))
    throw new ProviderFault(
      target.hostname,
      'was not called: its URL would lead elsewhere, or hold a `.` or `..` in the path, or a `#`',
      {
        leftNothing: true,
      },
    );
  return url;
}

/** The values of all secrets that a template names, each bound to where it stands. */
async function openSecrets(
  template: RequestTemplate,
  { secret }: Filling,
  target: URL,
  manager: EntityManager,
  vault: SecretVault,
): Promise<ReadonlyMap<string, string>> {
  const opened = new Map<string, string>();
  const used: Binding[] = [];
  const places = placesOf(template);
  for (const place of places) {
    for (const spot of secretsIn(place.text)) {
      const row = await requireSecret(manager, spot.name);
      refuse(row, target, bindingProblem(row.binding, place, [spot], target));
      refuseOver(row, target);
      used.push(row.binding);
      const value = await vault.valueOf(manager, row, spot.version ?? row.currentVersion);
      opened.set(`${spot.name}@${spot.version}`, value.reveal());
    }
    const spots = variablesIn(place.text, ['new', 'old']);
    if (spots.length > 0) refuse(secret, target, bindingProblem(secret.binding, place, spots, target));
  }
  if (places.some(({ text }) => variablesIn(text, keyIds).length > 0))
    refuse(secret, target, keyIdProblem(secret.binding, used, target));
  return opened;
}

/** The key that a webhook knows us by. It signs only for hosts of its binding: who gets a signature can try out what signed it. */
export async function webhookKey(
  webhook: { readonly url: string; readonly secret: string },
  manager: EntityManager,
  vault: SecretVault,
): Promise<SecretValue> {
  const target = new URL(webhook.url);
  const row = await requireSecret(manager, webhook.secret);
  refuse(row, target, hostProblem(row.binding, target));
  refuseOver(row, target);
  return vault.valueOf(manager, row, row.currentVersion);
}

/** The call of a webhook: what it is told, and an HMAC over the time and that by which it knows who asks. */
export function webhookRequest(url: string, key: SecretValue, secret: string, runId: string): ProviderRequest {
  const body = JSON.stringify({ event: 'rotate', secret, runId });
  const seconds = Math.floor(Date.now() / 1000);
  const signature = createHmac('sha256', key.reveal()).update(`${seconds}.${body}`).digest('hex');
  return {
    method: 'POST',
    url: new URL(url),
    headers: {
      'content-type': 'application/json',
      'idempotency-key': runId,
      'x-onecli-signature': `t=${seconds},v1=${signature}`,
    },
    body,
  };
}

function refuse(secret: SecretRow, url: URL, problem: string | undefined): void {
  if (problem === undefined) return;
  throw new ProviderFault(url.hostname, `was not called: ${secret.name} ${problem}`, { leftNothing: true });
}

function refuseOver(secret: SecretRow, url: URL): void {
  const isOver = secret.expiresAt !== null && secret.expiresAt.getTime() <= Date.now();
  refuse(secret, url, isOver ? 'has expired' : secret.isDisabled ? 'is disabled' : undefined);
}

function valueOf(name: Variable, { secret, runId, values }: Filling, host: string): string {
  if (name === 'secret') return secret.name;
  if (name === 'runId') return runId;
  const value = values[name];
  if (value === undefined)
    throw new ProviderFault(host, `was not called: {{${name}}} is not known in this step`, { leftNothing: true });
  return value.reveal();
}

function bodySurface({ headers }: RequestTemplate): 'json' | 'form' | 'text' {
  const [, type = 'application/json'] =
    Object.entries(headers).find(([name]) => name.toLowerCase() === 'content-type') ?? [];
  if (/^application\/x-www-form-urlencoded\b/i.test(type)) return 'form';
  return /\bjson\b/i.test(type) ? 'json' : 'text';
}

function inJson(value: string): string {
  return JSON.stringify(value).slice(1, -1);
}

/** Header fields carry bytes: UTF-8, as a worker writes them. */
function asHeader(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
