import { Kbd } from '@mantine/core';
import { Dialog } from '../../ui/dialog.tsx';

const isMac = /Mac|iP(hone|ad)/.test(navigator.userAgent);

/** How the key beside which others are pressed is called here. */
export const modifier = isMac ? '⌘' : 'Ctrl';

const shortcuts: readonly (readonly [readonly string[], string])[] = [
  [[modifier, 'K'], 'Go to a screen, an agent, a secret or a policy'],
  [['/'], 'Search in the list'],
  [['?'], 'This help'],
  [['Esc'], 'Close what is open'],
  [['↑', '↓', '←', '→'], 'On the access map: along the columns and lines'],
];

/** The keys that do something. */
export function Shortcuts({ isOpen, close }: { readonly isOpen: boolean; readonly close: () => void }) {
  return (
    <Dialog isOpen={isOpen} title="Keys" close={close}>
      <dl className="facts">
        {shortcuts.map(([keys, text]) => (
          <div key={text}>
            <dt>
              {keys.map((key) => (
                <Kbd key={key} mr={4}>
                  {key}
                </Kbd>
              ))}
            </dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
