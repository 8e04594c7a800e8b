// The boundaries between the planes, as docs/architecture.md draws them.
const rule = (name, from, to, comment) => ({ name, severity: 'error', comment, from: { path: from }, to });

/** What a suite beside the code takes from test/: a database on the run's Postgres, a Redis, ports, and authorities as openssl makes them. */
const suiteSupport = '^test/support/(fresh-database|free-port|brought-authority|redis-server|redis-topologies|test-authority)[.]ts$';

module.exports = {
  forbidden: [
    rule('domain-imports-nothing', '^shared/src/domain/(?!.*[.]test[.]ts$)', { pathNot: '^(shared/src/domain/|shared/src/fault|node_modules/(zod|tldts|ipaddr[.]js)/)' }, 'shared/domain is pure and browser-safe'),
    rule('wire-knows-no-socket', '^(data-plane|shared)/src/wire/(?!.*[.]test[.]ts$)', { pathNot: '^(data-plane|shared)/src/wire/' }, 'the wire codec is sans-IO'),
    rule('frames-know-no-socket', '^data-plane/src/websocket/codec/(?!.*[.]test[.]ts$)', { pathNot: '^(data-plane/src/websocket/codec/|node:)|^(buffer|crypto)$' }, 'the WebSocket codec is sans-IO'),
    rule('data-plane-is-alone', '^data-plane/', { path: '^(control-plane|cli|dashboard|infra|test)/', pathNot: suiteSupport }, 'planes meet in shared only'),
    rule('control-plane-is-alone', '^control-plane/', { path: '^(data-plane|cli|dashboard|infra|test)/', pathNot: suiteSupport }, 'planes meet in shared only'),
    rule('dashboard-is-a-client', '^dashboard/src/', { path: '^(data-plane|control-plane|cli|infra|test)/|^shared/src/(?!domain/)' }, 'the dashboard meets the product at its API'),
    rule('dashboard-ui-has-no-data', '^dashboard/src/ui/', { path: '^dashboard/src/(api|app|features|gql)/' }, 'what is in ui/ is given all that it shows'),
    rule('shared-is-below', '^shared/', { path: '^(data-plane|control-plane|cli|dashboard|infra|test)/', pathNot: suiteSupport }, 'shared is the contract, not a client'),
    rule('data-plane-is-lean', '^data-plane/', { path: 'node_modules/(@apollo|typeorm|type-graphql|express|graphql)/' }, 'the worker stays small'),
    rule('e2e-imports-nothing-of-the-product', '^test/(?!(scale/load(-events)?|hostile/(audit-feeder|measure-audit-writer|measure-upgrade))[.]ts$)', { path: '^(shared|data-plane|control-plane|cli|infra)/', pathNot: '^(data-plane/src/(wire|credentials|scrub|websocket/codec)/|shared/src/(domain/|wire/|secret-value)|infra/embedded/src/testing/)' }, 'tests spawn the real thing'),
    rule('only-tests-take-a-test-database', '^(shared|data-plane|control-plane|cli|infra)/(?!.*([.](test|contract)[.]ts$|/testing/))', { path: '^test/' }, 'the product imports no test'),
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true, dependencyTypesNot: ['type-only'] } },
    // What is generated imports a package of types alone, which has no file to run.
    { name: 'no-unresolvable', severity: 'error', from: { pathNot: '^dashboard/src/gql/' }, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { conditionNames: ['source', 'import', 'node', 'default', 'types'], exportsFields: ['exports'], extensions: ['.ts', '.tsx', '.mjs', '.js', '.cjs', '.json'] },
  },
};
