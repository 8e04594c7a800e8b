/** The ports that host patterns name, each as often as it is named; those without one name none. */
export function portsOf(hosts: readonly string[]): number[] {
  return hosts.flatMap((host) => {
    // An IPv6 address that has a port stands in brackets.
    const port = host.includes(':') ? /(?:^[^:]*|\]):([0-9]+)$/.exec(host)?.[1] : undefined;
    return port === undefined ? [] : [Number(port)];
  });
}
