import { Button, Menu, VisuallyHidden } from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import { type ReactNode, useEffect } from 'react';
import { NavLink, useLocation } from 'react-router';
import { Logo } from '../ui/logo.tsx';
import { Problem } from '../ui/problem.tsx';
import { ThemeChoice } from '../ui/theme-choice.tsx';
import { useTask } from '../ui/use-task.ts';

const screens = [
  { path: '/activity', name: 'Activity' },
  { path: '/secrets', name: 'Secrets' },
  { path: '/agents', name: 'Agents' },
  { path: '/policies', name: 'Policies' },
  { path: '/setup', name: 'Set-up' },
] as const;

interface ShellProps {
  readonly user: string;
  /** Gives what is wrong, or undefined. */
  readonly signOut: () => Promise<string | undefined>;
  readonly children: ReactNode;
}

/** What stands around every screen. */
export function Shell({ user, signOut, children }: ShellProps) {
  useHotkeys([['/', focusSearch]]);
  const leaving = useTask();
  const { pathname } = useLocation();
  useEffect(() => {
    const { name } = screens.find(({ path }) => pathname.startsWith(path)) ?? { name: '' };
    document.title = name === '' ? 'OneCLI' : `${name} · OneCLI`;
  }, [pathname]);
  return (
    <div className="shell">
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <header className="top">
        <NavLink to="/" className="brand">
          <Logo /> OneCLI
        </NavLink>
        <nav aria-label="Screens" className="screens">
          {screens.map(({ path, name }) => (
            <NavLink key={path} to={path}>
              {name}
            </NavLink>
          ))}
        </nav>
        <div className="account">
          <ThemeChoice />
          <Menu position="bottom-end" withinPortal={false}>
            <Menu.Target>
              <Button variant="default" size="xs">
                <VisuallyHidden>Account of </VisuallyHidden>
                {user}
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item onClick={() => leaving.run(signOut)}>Sign out</Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </div>
      </header>
      <main id="main" tabIndex={-1}>
        {leaving.problem !== undefined && <Problem>{leaving.problem}</Problem>}
        {children}
      </main>
    </div>
  );
}

function focusSearch(): void {
  document.querySelector<HTMLInputElement>('main input[type="search"]')?.focus();
}
