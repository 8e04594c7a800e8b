import { Button, Menu, VisuallyHidden } from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import { type ReactNode, Suspense, lazy, useEffect, useRef, useState } from 'react';
import { NavLink, useLocation } from 'react-router';
import { Shortcuts, modifier } from '../features/palette/shortcuts.tsx';
import { Logo } from '../ui/logo.tsx';
import { Problem } from '../ui/problem.tsx';
import { ThemeChoice } from '../ui/theme-choice.tsx';
import { useTask } from '../ui/use-task.ts';
import { AppliedSign } from './applied-sign.tsx';
import { features } from './features.ts';
import { Navigation } from './navigation.tsx';
import { ReadOnlySign } from './read-only-sign.tsx';
import { ScreenGuard } from './screen-guard.tsx';
import { useScrollPlace } from './use-scroll-place.ts';

const Palette = lazy(async () => ({ default: (await import('../features/palette/palette.tsx')).Palette }));
const links = features.flatMap((feature) => feature.links);

interface ShellProps {
  readonly user: string;
  /** Gives what is wrong, or undefined. */
  readonly signOut: () => Promise<string | undefined>;
  readonly children: ReactNode;
}

/** What stands around every screen. */
export function Shell({ user, signOut, children }: ShellProps) {
  const leaving = useTask();
  const { pathname } = useLocation();
  const [isMenuOpen, setMenuOpen] = useState(false);
  const [opened, setOpened] = useState<'palette' | 'shortcuts'>();
  const close = () => setOpened(undefined);
  useHotkeys([
    ['/', focusSearch],
    ['shift+?', () => setOpened('shortcuts'), { usePhysicalKeys: false }],
    ['Escape', () => setMenuOpen(false)],
  ]);
  // In a form too.
  useHotkeys([['mod+K', () => setOpened('palette')]], []);
  useArrival(pathname, () => setMenuOpen(false));
  useScrollPlace();
  return (
    <div className="shell">
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <header className="top">
        <button
          type="button"
          className="menu-button"
          aria-expanded={isMenuOpen}
          aria-controls="screens"
          onClick={() => setMenuOpen(!isMenuOpen)}
        >
          <span aria-hidden="true">☰</span>
          <VisuallyHidden>Menu</VisuallyHidden>
        </button>
        <NavLink to="/" className="brand">
          <Logo /> OneCLI
        </NavLink>
        <button type="button" className="go-to" onClick={() => setOpened('palette')}>
          <span>Go to…</span>
          <kbd className="wide-only">{modifier} K</kbd>
        </button>
        <div className="account">
          <ReadOnlySign />
          <ThemeChoice />
          <Account user={user} signOut={() => leaving.run(signOut)} />
        </div>
      </header>
      <Navigation isOpen={isMenuOpen} />
      <main id="main" tabIndex={-1}>
        {leaving.problem !== undefined && <Problem>{leaving.problem}</Problem>}
        <AppliedSign />
        <ScreenGuard at={pathname}>{children}</ScreenGuard>
      </main>
      {opened === 'palette' && (
        <Suspense fallback={null}>
          <Palette isOpen close={close} links={links} />
        </Suspense>
      )}
      <Shortcuts isOpen={opened === 'shortcuts'} close={close} />
    </div>
  );
}

function Account({ user, signOut }: { readonly user: string; readonly signOut: () => void }) {
  return (
    <Menu position="bottom-end" withinPortal={false}>
      <Menu.Target>
        <Button variant="default" size="xs">
          <VisuallyHidden>Account of </VisuallyHidden>
          {user}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={signOut}>Sign out</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function titleOf(pathname: string): string {
  const link = features
    .flatMap(({ links }) => links)
    .find(({ path }) => (path === '/' ? pathname === path : pathname.startsWith(path)));
  return link === undefined ? 'OneCLI' : `${link.name} · OneCLI`;
}

/** What comes of another screen: its title, and where the keyboard is. */
function useArrival(pathname: string, arrived: () => void): void {
  const before = useRef(pathname);
  useEffect(() => {
    document.title = titleOf(pathname);
    arrived();
    if (before.current !== pathname) keepFocus();
    before.current = pathname;
    // What is done on arriving is the same each time.
  }, [pathname]);
}

/** Where what had the focus went with the screen before, the keyboard goes on from the new one. */
function keepFocus(): void {
  if (document.activeElement === document.body)
    document.querySelector<HTMLElement>('#main')?.focus({ preventScroll: true });
}

function focusSearch(): void {
  document.querySelector<HTMLInputElement>('main input[type="search"]')?.focus();
}
