import { Arg, Ctx, Int, Query, Resolver } from 'type-graphql';
import type { GraphqlContext } from '../api/graphql-context.ts';
import { invalidField } from '../configuration/parse-input.ts';
import { documentInput } from '../policies/policy.resolver.ts';
import { PolicyInput } from '../policies/policy.type.ts';
import type { PolicyImpactService } from './policy-impact.service.ts';
import { PolicyImpact } from './policy-impact.type.ts';

const maxHours = 24;

@Resolver()
export class PolicyImpactResolver {
  readonly #impacts: PolicyImpactService;

  constructor(impacts: PolicyImpactService) {
    this.#impacts = impacts;
  }

  @Query(() => PolicyImpact, {
    description:
      'Which requests of the last hours would be decided differently with a policy as it is given, or without one. Nothing is written.',
  })
  policyImpact(
    @Arg('input', () => PolicyInput, { nullable: true, description: 'As `upsertPolicy` takes it.' })
    input: PolicyInput | null,
    @Arg('remove', () => String, { nullable: true, description: 'The name of a policy, in place of an input.' })
    remove: string | null,
    @Arg('hours', () => Int, { defaultValue: maxHours, description: `At most ${maxHours}.` }) hours: number,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<PolicyImpact> {
    if ((input == null) === (remove == null)) throw invalidField('input', 'or remove must be given, and not both');
    if (hours < 1 || hours > maxHours) throw invalidField('hours', `must be 1-${maxHours}`);
    const question = input == null ? { remove: remove ?? '' } : { input: documentInput(input) };
    return this.#impacts.impact(principal, { ...question, hours });
  }
}
