/** A service whose key an agent may need: what a first request to it looks like. */
export interface Service {
  readonly id: string;
  readonly label: string;
  readonly secret: string;
  readonly host: string;
  /** The header with the key, `{key}` standing for it. */
  readonly header: string;
  /** A harmless request that needs the key. */
  readonly path: string;
  readonly variable: string;
}

const bearer = 'Authorization: Bearer {key}';

export const services: readonly Service[] = [
  {
    id: 'openai',
    label: 'OpenAI',
    secret: 'prod/openai',
    host: 'api.openai.com',
    header: bearer,
    path: '/v1/models',
    variable: 'OPENAI_API_KEY',
  },
  {
    id: 'anthropic',
    label: 'Anthropic',
    secret: 'prod/anthropic',
    host: 'api.anthropic.com',
    header: 'x-api-key: {key}',
    path: '/v1/models',
    variable: 'ANTHROPIC_API_KEY',
  },
  {
    id: 'github',
    label: 'GitHub',
    secret: 'prod/github',
    host: 'api.github.com',
    header: bearer,
    path: '/user',
    variable: 'GITHUB_TOKEN',
  },
  {
    id: 'stripe',
    label: 'Stripe',
    secret: 'prod/stripe',
    host: 'api.stripe.com',
    header: bearer,
    path: '/v1/balance',
    variable: 'STRIPE_API_KEY',
  },
  {
    id: 'other',
    label: 'Another service',
    secret: 'prod/my-service',
    host: '',
    header: bearer,
    path: '/',
    variable: 'API_KEY',
  },
];
