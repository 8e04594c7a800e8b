import type { Page } from '../configuration/page.ts';

/** REST says `disabled` where the services say `isDisabled`. */
export function withDisabled<T extends { readonly disabled?: boolean | undefined }>({ disabled, ...others }: T) {
  return { ...others, ...(disabled !== undefined && { isDisabled: disabled }) };
}

/** A view as REST gives it. */
export function showDisabled<T extends { readonly isDisabled: boolean }>({ isDisabled, ...view }: T) {
  return { ...view, disabled: isDisabled };
}

/** The JSON of a page; `next` is null on the last one. */
export function pageBody<T, S>(page: Page<T>, show: (item: T) => S): { items: S[]; next: string | null } {
  return { items: page.items.map(show), next: page.next ?? null };
}
