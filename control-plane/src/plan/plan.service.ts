import { Fault } from '@onecli/shared/fault';
import { isFingerprintOf } from '@onecli/shared/vault/keyed-hash';
import type { DataSource, EntityManager } from 'typeorm';
import type { Principal } from '../auth/principal.ts';
import { type ChangeConfig, type ConfigTransaction, currentRevision } from '../configuration/change-config.ts';
import { parseInput } from '../configuration/parse-input.ts';
import type { InstanceKeys } from '../instance/instance-keys.ts';
import { type MadeToken, performSteps } from './apply-steps.ts';
import { authorizeObject } from './authorize-object.ts';
import { computePlan, type Step, type Verb } from './compute-plan.ts';
import { applyRequest, type PlanRequest, planRequest, readDesired } from './config-document.ts';
import { danglingNames } from './dangling-names.ts';
import { isSameHash, planHash } from './plan-hash.ts';
import type { ActualObject, DesiredObject, PlannedChange, PlanProblem } from './planned-change.ts';
import { type PlannedServices, readActual } from './read-actual.ts';

/** What apply would do. */
export interface Plan {
  /** The revision that it was made at. */
  readonly revision: number;
  /** What apply is to be told; null when it would be refused. */
  readonly planHash: string | null;
  readonly changes: readonly PlannedChange[];
  readonly problems: readonly PlanProblem[];
}

/** What apply did, and the tokens of agents that it made: told this once. */
export interface Applied {
  readonly revision: number;
  readonly changes: readonly PlannedChange[];
  readonly tokens: readonly MadeToken[];
}

type Wanted = ReturnType<typeof readDesired>;

/** Configuration as a whole: what would change, and the change, all or nothing. Values come in and are kept by nothing but apply. */
export class PlanService {
  readonly #dataSource: DataSource;
  readonly #change: ChangeConfig;
  readonly #keys: InstanceKeys;
  readonly #services: PlannedServices;

  constructor(dataSource: DataSource, change: ChangeConfig, keys: InstanceKeys, services: PlannedServices) {
    this.#dataSource = dataSource;
    this.#change = change;
    this.#keys = keys;
    this.#services = services;
  }

  /** Changes nothing. What is wrong with an object is one of the problems. @throws Fault INVALID for what is no configuration */
  async plan(principal: Principal, input: unknown): Promise<Plan> {
    const request = parseInput(planRequest, input);
    const wanted = readDesired(request.config);
    return this.#dataSource.transaction('REPEATABLE READ', async (manager) => {
      const revision = await currentRevision(manager);
      const { steps, problems } = await this.#steps(manager, principal, request, wanted);
      const isApplicable = problems.length === 0 && steps.every((step) => step.refused === null && hasItsValue(step));
      const hash = isApplicable ? planHash(this.#keys.fingerprintKey, request, steps) : null;
      return { revision, planHash: hash, changes: steps.map(shown), problems };
    });
  }

  /**
   * Does what a plan of the same configuration says, in one transaction and one revision.
   * @throws Fault INVALID, FORBIDDEN, MANAGED_ELSEWHERE; CONFLICT when the plan is not that of the configuration as it is now
   */
  async apply(principal: Principal, input: unknown): Promise<Applied> {
    const { planHash: expected, ...request } = parseInput(applyRequest, input);
    const wanted = readDesired(request.config);
    const { result, revision } = await this.#change.changeConfig(principal, async (tx) => {
      const steps = await this.#applicableSteps(tx.manager, principal, request, wanted);
      if (!isSameHash(planHash(this.#keys.fingerprintKey, request, steps), expected))
        throw new Fault('CONFLICT', 'That is not the plan of this configuration as it is now: plan again', {
          field: 'planHash',
        });
      const tokens = await performSteps(tx, principal, this.#services, steps, request.managedBy);
      await this.#requireDone(tx, request, wanted);
      return { tokens, changes: steps.map(shown) };
    });
    return { revision, ...result };
  }

  async #applicableSteps(
    manager: EntityManager,
    principal: Principal,
    request: PlanRequest,
    wanted: Wanted,
  ): Promise<Step[]> {
    const { steps, problems } = await this.#steps(manager, principal, request, wanted);
    const [problem] = problems;
    if (problem) throw new Fault('INVALID', problem.message, { field: problem.field });
    const refused = steps.find((step) => step.refused !== null)?.refused;
    if (refused) throw new Fault(refused.code, refused.message);
    return steps;
  }

  /** The steps as a principal may see and do them; without one, as they are. */
  async #steps(
    manager: EntityManager,
    principal: Principal | undefined,
    request: PlanRequest,
    { desired, problems }: Wanted,
  ) {
    const { managedBy, prune, adopt, withoutValues } = request;
    const actual = await readActual(manager, this.#services, desired, prune ? managedBy : undefined);
    const steps = computePlan(desired, actual, {
      managedBy,
      prune,
      adopt,
      hasValue: ({ id, fingerprint = '' }, value) => isFingerprintOf(this.#keys.fingerprintKey, id, value, fingerprint),
      refusal: (object, verb) => (principal ? refusalOf(principal, object, verb) : null),
    });
    const valueless = withoutValues ? [] : steps.filter((step) => !hasItsValue(step)).map(valueProblem);
    const dangling = await danglingNames(manager, steps, problems);
    return { steps, problems: [...problems, ...valueless, ...dangling] };
  }

  /** What was done is what was planned, or nothing is done. */
  async #requireDone(tx: ConfigTransaction, request: PlanRequest, wanted: Wanted): Promise<void> {
    const { steps } = await this.#steps(tx.manager, undefined, request, wanted);
    const left = steps.find(({ action }) => action !== 'NONE');
    if (left) throw new Error(`After apply the ${left.kind} ${left.name} is not as it was planned`);
  }
}

function refusalOf(principal: Principal, object: DesiredObject | ActualObject, verb: Verb): PlannedChange['refused'] {
  try {
    authorizeObject(principal, object, verb);
    return null;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { code: error.code, message: error.message };
  }
}

function hasItsValue({ kind, action, desired }: Step): boolean {
  return kind !== 'secret' || action !== 'CREATE' || desired?.value !== undefined;
}

function valueProblem({ desired }: Step): PlanProblem {
  const field = `secrets[${desired?.index ?? 0}].value`;
  return { code: 'INVALID', field, message: `${field} is required: there is no such secret yet` };
}

function shown({ kind, name, action, fields, makesToken, refused }: Step): PlannedChange {
  return { kind, name, action, fields, makesToken, refused };
}
