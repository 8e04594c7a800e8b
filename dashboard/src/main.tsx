import '@mantine/core/styles.css';
import './ui/app.css';
import './ui/form.css';
import { ApolloProvider } from '@apollo/client/react';
import { MantineProvider } from '@mantine/core';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { BrowserRouter } from 'react-router';
import { App } from './app/app.tsx';
import { client } from './app/client.ts';
import { styleNonce } from './app/page-facts.ts';
import { session } from './app/session.ts';
import { cssVariables, theme } from './app/theme.ts';

// Libraries that make style elements by themselves look for their nonce here.
Object.assign(window, { __webpack_nonce__: styleNonce });

const root = document.querySelector('#root');
if (root === null) throw new Error('The page has no root');
createRoot(root).render(
  <StrictMode>
    <MantineProvider
      theme={theme}
      cssVariablesResolver={cssVariables}
      defaultColorScheme="auto"
      getStyleNonce={() => styleNonce}
    >
      <ApolloProvider client={client}>
        <BrowserRouter>
          <App />
        </BrowserRouter>
      </ApolloProvider>
    </MantineProvider>
  </StrictMode>,
);
void session.look();
