import { Fault } from '@onecli/shared/fault';
import type { Response } from 'express';
import type { Page } from '../configuration/page.ts';

/** REST says `disabled` where the services say `isDisabled`. @throws Fault INVALID unless it is true or false */
export function withDisabled(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body;
  if ('isDisabled' in body) throw new Fault('INVALID', '`isDisabled` is not a known field', { field: 'isDisabled' });
  if (!('disabled' in body)) return body;
  const { disabled, ...others } = body;
  if (typeof disabled !== 'boolean')
    throw new Fault('INVALID', '`disabled` must be true or false', { field: 'disabled' });
  return { ...others, isDisabled: disabled };
}

/** A view as REST gives it. */
export function showDisabled<T extends { readonly isDisabled: boolean }>({ isDisabled, ...view }: T) {
  return { ...view, disabled: isDisabled };
}

/** The JSON of a page; `next` is null on the last one. */
export function pageBody<T, S>(page: Page<T>, show: (item: T) => S): { items: S[]; next: string | null } {
  return { items: page.items.map(show), next: page.next ?? null };
}

/** The answer to a removal, whether there was anything or not. */
export function answerRemoved(response: Response): void {
  response.status(204).end();
}
