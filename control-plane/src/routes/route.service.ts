import type { RouteBody } from '@onecli/shared/domain/route';
import { environmentOf } from '@onecli/shared/domain/names';
import { routeContext } from '@onecli/shared/seal-contexts';
import type { DataSource, EntityManager } from 'typeorm';
import type { ChangeConfig } from '../configuration/change-config.ts';
import type { DocumentView } from '../configuration/document-kind.ts';
import { DocumentService } from '../configuration/document.service.ts';
import { invalidField, parseInput } from '../configuration/parse-input.ts';
import type { InstanceKeys } from '../instance/instance-keys.ts';
import { SecretEntity } from '../secrets/secret.entity.ts';
import { RouteEntity } from './route.entity.ts';
import { newRouteInput } from './route-input.ts';
import { type RouteContent, recordedRoute, routeContents } from './route-content.ts';

/** A route as it is shown. */
export type RouteView = DocumentView & RouteContent;

/** Routes. */
export class RouteService extends DocumentService<RouteBody, RouteContent> {
  constructor(dataSource: DataSource, change: ChangeConfig, keys: InstanceKeys) {
    const kind = {
      kind: 'route',
      entity: RouteEntity,
      context: routeContext,
      parse: (input: unknown) => {
        const { name, ...body } = parseInput(newRouteInput, input);
        return { name, body };
      },
      documentOf: (body: RouteBody) => body,
      recorded: recordedRoute,
      environmentsOf: ({ secret }: RouteBody) => new Set([environmentOf(secret)]),
      check: requireSecret,
      contents: routeContents,
    } as const;
    super(kind, dataSource, change, keys);
  }
}

/** A misspelt secret would silently do nothing, so that it must exist when the route is written. */
async function requireSecret(manager: EntityManager, { secret }: RouteBody): Promise<void> {
  if (!(await manager.existsBy(SecretEntity, { name: secret })))
    throw invalidField('secret', 'names no secret that exists');
}
