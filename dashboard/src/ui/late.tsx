import { type ComponentType, Suspense, lazy } from 'react';
import { Loading } from './loading.tsx';

/** A part of a screen that is loaded by itself when it is shown, because it is big: the rest of the screen does not wait for it. */
export function late<Props extends object>(load: () => Promise<ComponentType<Props>>): ComponentType<Props> {
  const Part = lazy(async () => ({ default: await load() }));
  return function Late(props: Props) {
    return (
      <Suspense fallback={<Loading />}>
        <Part {...props} />
      </Suspense>
    );
  };
}
