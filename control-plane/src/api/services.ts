import type { AgentCertificateService } from '../agents/agent-certificate.service.ts';
import type { AgentService } from '../agents/agent.service.ts';
import type { AuditService } from '../audit/audit.service.ts';
import type { AdminEventService } from '../auth/events/admin-event.service.ts';
import type { ApiKeyService } from '../auth/keys/api-key.service.ts';
import type { SessionService } from '../auth/sessions/session.service.ts';
import type { PasswordService } from '../auth/users/password.service.ts';
import type { UserService } from '../auth/users/user.service.ts';
import type { AuthorityService } from '../authority/authority.service.ts';
import type { BackupService } from '../backup/backup.service.ts';
import type { KeysService } from '../keys/keys.service.ts';
import type { PlanService } from '../plan/plan.service.ts';
import type { PolicyService } from '../policies/policy.service.ts';
import type { RotationService } from '../rotation/rotation.service.ts';
import type { RouteService } from '../routes/route.service.ts';
import type { SecretDependentsService } from '../secrets/secret-dependents.service.ts';
import type { SecretService } from '../secrets/secret.service.ts';
import type { SupportBundleService } from '../support/support-bundle.service.ts';
import type { AppliedWait } from '../workers/applied-wait.ts';
import type { SimulationService } from '../simulation/simulation.service.ts';
import type { SecretVersionService } from '../secrets/secret-version.service.ts';
import type { WorkerService } from '../workers/worker.service.ts';

/** Everything that the API calls. */
export interface Services {
  readonly secrets: SecretService;
  readonly rotations: RotationService;
  readonly secretVersions: SecretVersionService;
  readonly dependents: SecretDependentsService;
  readonly agents: AgentService;
  readonly certificates: AgentCertificateService;
  readonly policies: PolicyService;
  readonly routes: RouteService;
  readonly plans: PlanService;
  readonly audit: AuditService;
  readonly simulations: SimulationService;
  readonly workers: WorkerService;
  readonly applied: AppliedWait;
  readonly authorities: AuthorityService;
  readonly keys: KeysService;
  readonly users: UserService;
  readonly passwords: PasswordService;
  readonly sessions: SessionService;
  readonly apiKeys: ApiKeyService;
  readonly adminEvents: AdminEventService;
  readonly backups: BackupService;
  readonly supportBundles: SupportBundleService;
}
