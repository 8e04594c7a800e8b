import { account } from '../features/account/entry.ts';
import { activity } from '../features/activity/entry.ts';
import { agents } from '../features/agents/entry.ts';
import { apiKeys } from '../features/api-keys/entry.ts';
import { approvals } from '../features/approvals/entry.ts';
import { authorities } from '../features/authorities/entry.ts';
import { keys } from '../features/keys/entry.ts';
import { findings } from '../features/findings/entry.ts';
import { map } from '../features/map/entry.ts';
import { overview } from '../features/overview/entry.ts';
import { policies } from '../features/policies/entry.ts';
import { rotations } from '../features/rotations/entry.ts';
import { routes } from '../features/routes/entry.ts';
import { secrets } from '../features/secrets/entry.ts';
import { settings } from '../features/settings/entry.ts';
import { setup } from '../features/setup/entry.ts';
import { users } from '../features/users/entry.ts';
import { simulator } from '../features/simulator/entry.ts';
import { workers } from '../features/workers/entry.ts';
import type { Feature } from './feature.ts';

/** All that the dashboard has, in the order of the navigation. */
export const features: readonly Feature[] = [
  overview,
  activity,
  approvals,
  findings,
  simulator,
  agents,
  policies,
  secrets,
  routes,
  map,
  workers,
  rotations,
  keys,
  authorities,
  users,
  apiKeys,
  account,
  settings,
  setup,
];
