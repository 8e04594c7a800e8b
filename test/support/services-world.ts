import { newCanary } from './canary.ts';
import { answerAsServices, serviceSecrets } from './fake-services.ts';
import { putSecret, startWorld, type World, type WorldOptions } from './world.ts';

/** A world in which the agent may use OpenAI, Anthropic, GitHub and a git host with their secrets. */
export async function startServicesWorld(
  options: WorldOptions = {},
): Promise<{ world: World; keys: Map<string, string> }> {
  const hosts = [...Object.values(serviceSecrets).flat(), ...(options.hosts ?? [])];
  const world = await startWorld({ ...options, hosts });
  const keys = new Map([['prod/openai', world.canary]]);
  for (const [name, bound] of Object.entries(serviceSecrets)) {
    if (keys.has(name)) continue;
    const key = newCanary(name.replace('/', '-'));
    keys.set(name, key);
    await putSecret(world.onecli, name, key, bound);
  }
  await world.onecli.must('PUT', `/api/policies/${world.agent}`, {
    agents: [world.agent],
    rules: [{ allow: { hosts, secrets: Object.keys(serviceSecrets) } }],
  });
  world.upstream.handler = answerAsServices(new Set(keys.values()));
  return { world, keys };
}
