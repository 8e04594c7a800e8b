import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Runs the control plane's maintenance program; gives its exit code. */
export function runMaintenance(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<number> {
  const program = fileURLToPath(import.meta.resolve('@onecli/control-plane/maintain'));
  const child = spawn(process.execPath, [program, ...args], { stdio: 'inherit', env: environment });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}
