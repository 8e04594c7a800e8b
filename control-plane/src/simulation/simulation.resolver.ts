import { Arg, Ctx, Query, Resolver } from 'type-graphql';
import type { GraphqlContext } from '../api/graphql-context.ts';
import { showAuditEvent } from '../audit/audit.resolver.ts';
import type { SimulationService } from './simulation.service.ts';
import { Explanation, SimulatedHeaderInput, Simulation } from './simulation.type.ts';

@Resolver()
export class SimulationResolver {
  readonly #simulations: SimulationService;

  constructor(simulations: SimulationService) {
    this.#simulations = simulations;
  }

  @Query(() => Simulation, { description: 'Decides a request as the proxy would, and sends nothing.' })
  simulate(
    @Arg('agent', () => String) agent: string,
    @Arg('url', () => String) url: string,
    @Arg('method', () => String, { defaultValue: 'GET' }) method: string,
    @Arg('headers', () => [SimulatedHeaderInput], { defaultValue: [] }) headers: SimulatedHeaderInput[],
    @Ctx() { principal }: GraphqlContext,
  ): Promise<Simulation> {
    const asked = { agent, url, method, headers: headers.map(({ name, value }) => ({ name, value })) };
    return this.#simulations.simulate(principal, asked);
  }

  @Query(() => Explanation, { description: 'Decides a past request again, by the configuration of now.' })
  async explain(
    @Arg('auditEvent', () => String, { description: 'The cursor of the event.' }) cursor: string,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<Explanation> {
    const { event, ...rest } = await this.#simulations.explain(principal, cursor);
    return { ...rest, event: showAuditEvent(event) };
  }
}
