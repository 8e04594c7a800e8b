import { Arg, Ctx, Int, Query, Resolver } from 'type-graphql';
import type { GraphqlContext } from '../api/graphql-context.ts';
import { invalidField } from '../configuration/parse-input.ts';
import type { TrafficRequest, TrafficService } from './traffic.service.ts';
import { NamedTraffic, Overview, Traffic, TrafficBy, TrafficFilterInput } from './traffic.type.ts';

const maxTop = 50;

@Resolver()
export class TrafficResolver {
  readonly #traffic: TrafficService;

  constructor(traffic: TrafficService) {
    this.#traffic = traffic;
  }

  @Query(() => Overview, { description: 'How much there is of everything.' })
  overview(@Ctx() { principal }: GraphqlContext): Promise<Overview> {
    return this.#traffic.overview(principal);
  }

  @Query(() => Traffic, { description: 'Requests, denials and latencies over time.' })
  traffic(
    @Arg('filter', () => TrafficFilterInput, { nullable: true }) filter: TrafficFilterInput | null,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<Traffic> {
    return this.#traffic.series(principal, requestOf(filter));
  }

  @Query(() => [NamedTraffic], { description: 'The agents or hosts with the most requests.' })
  async trafficBy(
    @Arg('by', () => TrafficBy) by: TrafficBy,
    @Arg('filter', () => TrafficFilterInput, { nullable: true }) filter: TrafficFilterInput | null,
    @Arg('first', () => Int, { defaultValue: 10, description: `At most ${maxTop}.` }) first: number,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<readonly NamedTraffic[]> {
    if (first < 1 || first > maxTop) throw invalidField('first', `must be 1-${maxTop}`);
    return this.#traffic.top(principal, by, { ...requestOf(filter), limit: first });
  }
}

function requestOf(filter: TrafficFilterInput | null): TrafficRequest {
  const { agent, host, since, until } = filter ?? {};
  return { agent: agent ?? undefined, host: host ?? undefined, since, until };
}
