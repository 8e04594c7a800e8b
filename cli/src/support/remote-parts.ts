import { hideInText } from '@onecli/shared/hide-credentials';
import { z } from 'zod';
import type { ApiClient } from '../api/api-client.ts';
import { getDirectly } from '../get-directly.ts';
import { found, missing, type Part } from './part.ts';

const timeoutMs = 5_000;
const bundleSchema = z.looseObject({
  parts: z.array(
    z.looseObject({
      name: z.string().regex(/^[a-z-]{1,40}$/),
      content: z.unknown().optional(),
      missing: z.string().optional(),
    }),
  ),
});

/** What the control plane tells those who may ask. @throws ApiError, CliError when it cannot be asked */
export async function controlPlaneParts(api: ApiClient): Promise<Part[]> {
  const { parts } = await api.call('POST', '/api/support-bundle', bundleSchema, {});
  return parts.map(({ name, content, missing: reason }) => {
    const file = `control-plane/${name}`;
    if (reason !== undefined) return missing(`${file}.json`, reason);
    if (typeof content !== 'string') return found(`${file}.json`, content);
    return { kind: 'text', name: `${file}.txt`, text: hideInText(content) };
  });
}

/** What a port tells everybody: health, readiness and metrics. `folder` stands before the names of its files. */
export async function openParts(origin: string, folder: string): Promise<Part[]> {
  const [health, ready, metrics] = await Promise.all(
    ['/health', '/readyz', '/metrics'].map((path) => ask(`${origin}${path}`)),
  );
  return [
    partOf(`${folder}/health.json`, health),
    partOf(`${folder}/readyz.json`, ready),
    typeof metrics === 'object'
      ? { kind: 'text', name: `${folder}/metrics.txt`, text: hideInText(metrics.body) }
      : missing(`${folder}/metrics.txt`, metrics ?? 'no answer'),
  ];
}

type Answer = { readonly status: number; readonly body: string } | string | undefined;

async function ask(url: string): Promise<Answer> {
  try {
    return await getDirectly(url, timeoutMs);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return `no answer at ${new URL(url).host} (${typeof code === 'string' ? code : 'fault'})`;
  }
}

function partOf(name: string, answer: Answer): Part {
  if (typeof answer !== 'object') return missing(name, answer ?? 'no answer');
  return found(name, { status: answer.status, answer: parsed(answer.body) });
}

/** What is no JSON is told as that. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return '(not JSON)';
  }
}
