import { Arg, Ctx, Query, Resolver } from 'type-graphql';
import type { GraphqlContext } from '../../api/graphql-context.ts';
import { parseForm } from '../../api/page-query.ts';
import { keptForm, type TrailService } from './trail.service.ts';
import { AuditTrail, AuditTrailReport } from './trail.type.ts';

@Resolver()
export class AuditTrailResolver {
  readonly #trail: TrailService;

  constructor(trail: TrailService) {
    this.#trail = trail;
  }

  @Query(() => AuditTrail, { description: 'The head of the audit trail, and its last checkpoint.' })
  auditTrail(@Ctx() { principal }: GraphqlContext): Promise<AuditTrail> {
    return this.#trail.head(principal);
  }

  @Query(() => AuditTrailReport, { description: 'Verifies the whole audit trail, and names the first bad event.' })
  async auditTrailReport(
    @Arg('checkpoints', () => [String], { nullable: true, description: 'Checkpoints that were kept elsewhere.' })
    checkpoints: string[] | null,
    @Ctx() { principal }: GraphqlContext,
  ): Promise<AuditTrailReport> {
    const { checkpoints: kept = [] } = parseForm(keptForm, { checkpoints: checkpoints ?? undefined });
    const report = await this.#trail.verify(principal, kept);
    return { ...report, faults: [...report.faults] };
  }
}
