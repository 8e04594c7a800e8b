import { Loader, VisuallyHidden } from '@mantine/core';

/** What stands where something is being read. Told to a screen reader as a status, since a ring that turns says nothing. */
export function Loading({ size = 'sm' }: { readonly size?: 'xs' | 'sm' }) {
  return (
    <div role="status">
      <Loader size={size} aria-hidden />
      <VisuallyHidden>Loading</VisuallyHidden>
    </div>
  );
}
