import { Button, Menu, useMantineColorScheme } from '@mantine/core';

const names = { auto: 'Auto', light: 'Light', dark: 'Dark' } as const;
const choices = ['auto', 'light', 'dark'] as const;

/** Light, dark, or as the system has it. The browser remembers it. */
export function ThemeChoice() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <Menu position="bottom-end" withinPortal={false}>
      <Menu.Target>
        <Button variant="default" size="xs" aria-label={`Theme: ${names[colorScheme]}`}>
          {colorScheme === 'dark' ? '☾' : colorScheme === 'light' ? '☀' : '◐'}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {choices.map((choice) => (
          <Menu.Item key={choice} onClick={() => setColorScheme(choice)} fw={choice === colorScheme ? 600 : undefined}>
            {names[choice]}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
