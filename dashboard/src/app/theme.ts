import { type CSSVariablesResolver, type MantineColorsTuple, createTheme } from '@mantine/core';

const systemFont = 'ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif';
const systemMono = 'ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace';

/** The greys of the dark theme, a little blue. */
const slate: MantineColorsTuple = [
  '#d5dae3',
  '#b2bac7',
  '#8b93a1',
  '#5c6472',
  '#3a414d',
  '#2c313a',
  '#22262e',
  '#1b1e24',
  '#16191e',
  '#101216',
];

/** Small, square and calm; no font is loaded. */
export const theme = createTheme({
  primaryColor: 'indigo',
  colors: { dark: slate },
  primaryShade: { light: 8, dark: 7 },
  autoContrast: true,
  fontFamily: systemFont,
  fontFamilyMonospace: systemMono,
  defaultRadius: 6,
  headings: {
    fontWeight: '600',
    sizes: { h1: { fontSize: '1.25rem' }, h2: { fontSize: '1rem' }, h3: { fontSize: '0.9rem' } },
  },
  respectReducedMotion: true,
  components: {
    Button: { defaultProps: { fw: 550, size: 'sm' } },
    Anchor: { defaultProps: { underline: 'always' } },
    TextInput: { defaultProps: { size: 'sm' } },
    Modal: { defaultProps: { centered: true, overlayProps: { backgroundOpacity: 0.4 } } },
  },
});

/** Text colours with a contrast of at least 4.5 on every ground that they stand on (WCAG 2.2, 1.4.3). */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': '#4b5563',
    '--mantine-color-placeholder': '#6b7280',
    '--mantine-color-error': '#b42318',
    '--mantine-color-anchor': '#3b3fb6',
    '--page': '#f7f8fa',
    '--panel': '#ffffff',
    '--line': '#e2e5ea',
    '--hover': '#f1f3f9',
    '--allow': '#0b6b3a',
    '--allow-ground': '#e3f5ea',
    '--deny': '#a61b1b',
    '--deny-ground': '#fdeaea',
    '--warn': '#8a4b00',
    '--warn-ground': '#fff3dc',
    '--note-ground': '#eef1fd',
    '--chart-calm': '#93a3cf',
    '--chart-deny': '#d64545',
    '--chart-warn': '#e0a030',
  },
  dark: {
    '--mantine-color-body': '#14161a',
    '--mantine-color-dimmed': '#a3abb8',
    '--mantine-color-placeholder': '#8b93a1',
    '--mantine-color-error': '#ff8f87',
    '--mantine-color-anchor': '#a5b4ff',
    '--page': '#14161a',
    '--panel': '#1b1e24',
    '--line': '#2c313a',
    '--hover': '#232730',
    '--allow': '#7ee2a8',
    '--allow-ground': '#123523',
    '--deny': '#ff9d96',
    '--deny-ground': '#421a1a',
    '--warn': '#f8c56b',
    '--warn-ground': '#3c2b0c',
    '--note-ground': '#20264a',
    '--chart-calm': '#5b6fae',
    '--chart-deny': '#e0605a',
    '--chart-warn': '#d9a441',
  },
});
