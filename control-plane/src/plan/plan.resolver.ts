import { Fault } from '@onecli/shared/fault';
import { Args, Ctx, Mutation, Resolver } from 'type-graphql';
import type { GraphqlContext } from '../api/graphql-context.ts';
import { payloadOf } from '../api/write-payload.ts';
import type { PlanService } from './plan.service.ts';
import {
  ApplyArguments,
  ApplyPayload,
  ObjectKind,
  PlanAction,
  PlanArguments,
  PlannedChange,
  PlanPayload,
} from './plan.type.ts';
import type { PlannedChange as Change } from './planned-change.ts';

@Resolver()
export class PlanResolver {
  readonly #plans: PlanService;

  constructor(plans: PlanService) {
    this.#plans = plans;
  }

  // A query may be asked for by GET, and its arguments hold values, which must stand in no URL.
  @Mutation(() => PlanPayload, { description: 'What apply would do. It changes nothing.' })
  async plan(
    @Args(() => PlanArguments) request: PlanArguments,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<PlanPayload> {
    try {
      const { revision, planHash, changes, problems } = await this.#plans.plan(principal, withoutNulls(request));
      return { revision, planHash, changes: changes.map(show), errors: [...problems] };
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'INVALID') throw error;
      const { code, field = null, message } = error;
      return { revision: null, planHash: null, changes: [], errors: [{ code, field, message }] };
    }
  }

  @Mutation(() => ApplyPayload, { description: 'Does what a plan says: all of it, in one revision, or nothing.' })
  async apply(
    @Args(() => ApplyArguments) request: ApplyArguments,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<ApplyPayload> {
    const nothing = { changes: [], tokens: [] };
    const payload = await payloadOf(async () => {
      const { revision, changes, tokens } = await this.#plans.apply(principal, withoutNulls(request));
      const isChange = changes.some(({ action }) => action !== 'NONE');
      const change: 'UPDATED' | 'UNCHANGED' = isChange ? 'UPDATED' : 'UNCHANGED';
      return { change, revision, changes: changes.map(show), tokens: [...tokens] };
    });
    return { ...nothing, ...payload };
  }
}

/** Absent and null are the same for arguments that are switches and names. */
function withoutNulls({ config, ...terms }: PlanArguments): object {
  const given = (fields: object) =>
    Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined));
  return { config: given(config), ...given(terms) };
}

function show({ kind, action, fields, refused, ...change }: Change): PlannedChange {
  return {
    ...change,
    kind: ObjectKind[kind.toUpperCase() as keyof typeof ObjectKind],
    action: PlanAction[action],
    fields: [...fields],
    refused: refused && { ...refused, field: null },
  };
}
