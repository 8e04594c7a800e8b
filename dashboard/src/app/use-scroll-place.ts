import { useLayoutEffect, useRef } from 'react';
import { useLocation, useNavigationType } from 'react-router';

/** How far down each entry of the history was read. It is forgotten with the page. */
const places = new Map<string, number>();
const mostPlaces = 200;
/** For so long what is read anew may still make the page as long as it was. */
const patienceMs = 3_000;

/** Whoever goes back comes to the place that he left; a new screen begins at its top. */
export function useScrollPlace(): void {
  const { key, pathname } = useLocation();
  const kind = useNavigationType();
  const before = useRef(pathname);
  useLayoutEffect(() => {
    const isOther = before.current !== pathname;
    before.current = pathname;
    const place = kind === 'POP' ? places.get(key) : undefined;
    if (place === undefined && isOther) window.scrollTo(0, 0);
    const end = place === undefined ? undefined : returnTo(place);
    const remember = () => {
      places.delete(key);
      places.set(key, window.scrollY);
      for (const oldest of places.keys()) {
        if (places.size <= mostPlaces) break;
        places.delete(oldest);
      }
    };
    window.addEventListener('scroll', remember, { passive: true });
    return () => {
      window.removeEventListener('scroll', remember);
      end?.();
    };
  }, [key, pathname, kind]);
}

/** Scrolls to a place as soon as the page is long enough, unless somebody scrolls before. Gives how to end it. */
function returnTo(place: number): () => void {
  const until = performance.now() + patienceMs;
  let frame = 0;
  const stop = () => {
    cancelAnimationFrame(frame);
    for (const event of ['wheel', 'touchstart', 'keydown', 'pointerdown']) window.removeEventListener(event, stop);
  };
  const go = () => {
    window.scrollTo(0, place);
    if (Math.abs(window.scrollY - place) < 2 || performance.now() > until) stop();
    else frame = requestAnimationFrame(go);
  };
  for (const event of ['wheel', 'touchstart', 'keydown', 'pointerdown'])
    window.addEventListener(event, stop, { passive: true });
  frame = requestAnimationFrame(go);
  return stop;
}
