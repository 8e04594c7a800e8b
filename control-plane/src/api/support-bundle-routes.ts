import { z } from 'zod';
import type { SupportBundleService } from '../support/support-bundle.service.ts';
import { time } from './rest/answer-parts.ts';
import { type RestRoute, restRoute } from './rest/rest-route.ts';

const answer = z
  .strictObject({
    createdAt: time,
    parts: z.array(
      z.strictObject({
        name: z.string(),
        content: z.unknown().optional().meta({ description: 'What was found.' }),
        missing: z.string().optional().meta({ description: 'Why it is not there.' }),
      }),
    ),
  })
  .meta({ id: 'SupportBundle' });

/** `/api/support-bundle`: what `onecli support-bundle` writes into its file, as far as the control plane has it. */
export function supportBundleRoutes(bundles: SupportBundleService): RestRoute[] {
  return [
    restRoute({
      method: 'post',
      path: '/support-bundle',
      id: 'createSupportBundle',
      summary: 'How the instance is, for whoever helps: no secret is in it',
      access: 'support-bundle:create',
      status: 200,
      answer,
      handle: ({ principal }) => bundles.create(principal),
    }),
  ];
}
