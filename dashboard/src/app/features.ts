import { activity } from '../features/activity/entry.ts';
import { agents } from '../features/agents/entry.ts';
import { policies } from '../features/policies/entry.ts';
import { secrets } from '../features/secrets/entry.ts';
import { setup } from '../features/setup/entry.ts';
import type { Feature } from './feature.ts';

/** All that the dashboard has, in the order of the navigation. */
export const features: readonly Feature[] = [activity, agents, policies, secrets, setup];
