/*
 * Events in the Open Cybersecurity Schema Framework, version 1.3: class HTTP Activity (4002) of the category Network Activity (4). The
 * activity is the method; `type_uid` is the class times 100 and the activity.
 */
import { productVersion } from '@onecli/shared/version';
import type { AuditView } from '../audit-store.ts';

const classUid = 4002;
const activities: Readonly<Record<string, readonly [number, string]>> = {
  CONNECT: [1, 'Connect'],
  DELETE: [2, 'Delete'],
  GET: [3, 'Get'],
  HEAD: [4, 'Head'],
  OPTIONS: [5, 'Options'],
  POST: [6, 'Post'],
  PUT: [7, 'Put'],
  TRACE: [8, 'Trace'],
  PATCH: [9, 'Patch'],
};
const other = [99, 'Other'] as const;

/** One event. What has no place in the class stands in `unmapped`. */
export function toOcsf(event: AuditView): object {
  const [activityId, activity] = activities[event.method] ?? other;
  const isAllowed = event.decision === 'allow';
  const hasFindings = event.findings.length > 0;
  return {
    category_uid: 4,
    category_name: 'Network Activity',
    class_uid: classUid,
    class_name: 'HTTP Activity',
    activity_id: activityId,
    activity_name: activityId === other[0] ? event.method : activity,
    type_uid: classUid * 100 + activityId,
    type_name: `HTTP Activity: ${activity}`,
    time: event.time.getTime(),
    severity_id: hasFindings ? 3 : isAllowed ? 1 : 2,
    severity: hasFindings ? 'Medium' : isAllowed ? 'Informational' : 'Low',
    action_id: isAllowed ? 1 : 2,
    action: isAllowed ? 'Allowed' : 'Denied',
    disposition_id: isAllowed ? 1 : 2,
    disposition: isAllowed ? 'Allowed' : 'Blocked',
    ...statusOf(event, isAllowed),
    duration: Math.round(event.latencyMs),
    metadata: {
      version: '1.3.0',
      uid: event.id,
      product: { name: 'OneCLI', vendor_name: 'OneCLI', version: productVersion },
      profiles: ['security_control'],
    },
    ...(event.agent === null ? {} : { actor: { user: { name: event.agent, type_id: 99, type: 'Agent' } } }),
    src_endpoint: { name: event.agent ?? 'unknown', type_id: 0 },
    dst_endpoint: { hostname: event.host, port: event.port },
    http_request: {
      uid: event.requestId,
      http_method: event.method,
      url: { hostname: event.host, port: event.port, ...(event.path === null ? {} : { path: event.path }) },
      length: event.requestBytes,
    },
    ...(event.status === 0 ? {} : { http_response: { code: event.status, length: event.responseBytes } }),
    traffic: { bytes_out: event.requestBytes, bytes_in: event.responseBytes },
    ...(event.rule === null ? {} : { firewall_rule: { name: event.rule } }),
    unmapped: {
      reason: event.reason,
      revision: event.revision,
      worker: event.worker,
      secrets: event.secrets,
      findings: event.findings,
    },
  };
}

/** Success: the agent got what it asked for. A refusal is a failure, whatever its status. */
function statusOf({ status, reason }: AuditView, isAllowed: boolean): object {
  const isSuccess = isAllowed && status > 0 && status < 400;
  return {
    status_id: isSuccess ? 1 : 2,
    status: isSuccess ? 'Success' : 'Failure',
    status_code: String(status),
    ...(isSuccess ? {} : { status_detail: reason }),
  };
}
