import { env } from 'node:process';

/** This process's environment without anything that configures the product, Node or a proxy. */
export function plainEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(([name]) => !/^(ONECLI_|NODE_|VITEST|.*_proxy$)/i.test(name));
  return Object.fromEntries(kept);
}
