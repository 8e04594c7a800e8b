import { z } from 'zod';
import { isAddressRange } from './address-text.ts';

const ranges = (text: string): boolean => text.split(',').every((item) => isAddressRange(item.trim()));
const within = (max: number, min = 1) => {
  const message = `expected a whole number, ${min}-${max}`;
  return z
    .string()
    .regex(/^[0-9]{1,5}$/, message)
    .refine((text) => Number(text) >= min && Number(text) <= max, message);
};

/** Settings of the control plane's API, checked here so that their faults come with all others before anything starts. */
export const apiSchemas = {
  ONECLI_API_TRUSTED_PROXIES: z
    .string()
    .refine(ranges, 'expected IP addresses and CIDR ranges, comma-separated')
    .optional(),
  ONECLI_SESSION_IDLE_MINUTES: within(43_200).default('120'),
  ONECLI_SESSION_HOURS: within(720).default('24'),
  ONECLI_ADMIN_EVENT_DAYS: within(36_500, 30).default('730'),
  ONECLI_AUDIT_DAYS: within(36_500).optional(),
  // The control plane checks these itself.
  ONECLI_AUDIT_WEBHOOK_URL: z.string().optional(),
  ONECLI_AUDIT_WEBHOOK_KEY: z.string().optional(),
  ONECLI_AUDIT_WEBHOOK_KEY_FILE: z.string().optional(),
  ONECLI_AUDIT_SYSLOG_URL: z.string().optional(),
};

type ApiVariable = keyof typeof apiSchemas;

/** The same as variables for the control plane. */
export function apiSettings(
  found: Readonly<Partial<Record<ApiVariable, string | undefined>>>,
): Record<ApiVariable, string | undefined> {
  const names = Object.keys(apiSchemas) as ApiVariable[];
  return Object.fromEntries(names.map((name) => [name, found[name]])) as Record<ApiVariable, string | undefined>;
}
