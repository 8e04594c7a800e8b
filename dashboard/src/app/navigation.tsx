import { NavLink } from 'react-router';
import { useMay } from '../api/use-may.ts';
import { groups, isOfUse } from './feature.ts';
import { features } from './features.ts';

const links = features.flatMap((feature) => feature.links);

/** The screens, in their groups. `isOpen` matters where there is no room for it beside the screen. */
export function Navigation({ isOpen }: { readonly isOpen: boolean }) {
  // A link that goes away under the mouse is worse than one that comes.
  const may = useMay(false);
  return (
    <nav aria-label="Screens" id="screens" className={isOpen ? 'screens open' : 'screens'}>
      {Object.entries(groups).map(([group, name]) => {
        const shown = links.filter((link) => link.group === group && isOfUse(link, may));
        if (shown.length === 0) return null;
        return (
          <div key={group} role="group" aria-label={name || undefined} className="group">
            {name !== '' && <span aria-hidden="true">{name}</span>}
            {shown.map((link) => (
              <NavLink key={link.path} to={link.path} end={link.path === '/'}>
                {link.name}
              </NavLink>
            ))}
          </div>
        );
      })}
    </nav>
  );
}
