-- agent token: oat_36ftDn9_4LiXWst5bOIYVRSYCSK4POmsiuQWkFym8po
CREATE TABLE "schema_migration" ("id" SERIAL NOT NULL, "timestamp" bigint NOT NULL, "name" character varying NOT NULL, CONSTRAINT "PK_0edff5015b71cc0389ae0f4b9a1" PRIMARY KEY ("id"));
CREATE TABLE instance (
     singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
     id uuid NOT NULL,
     key_check bytea NOT NULL,
     created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE key_term (
     term integer PRIMARY KEY CHECK (term > 0),
     wrapped_key bytea NOT NULL,
     created_at timestamptz NOT NULL DEFAULT now(),
     retired_at timestamptz);
CREATE TABLE config_state (
     singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
     revision bigint NOT NULL CHECK (revision >= 0));
CREATE TABLE config_change (
     revision bigint NOT NULL,
     kind text NOT NULL CHECK (kind IN ('secret', 'agent', 'policy', 'authority')),
     object_id uuid NOT NULL,
     operation text NOT NULL CHECK (operation IN ('upsert', 'remove')),
     principal text NOT NULL,
     at timestamptz NOT NULL DEFAULT now(),
     PRIMARY KEY (revision, kind, object_id));
CREATE TABLE secret (
     id uuid PRIMARY KEY,
     name text COLLATE "C" NOT NULL UNIQUE,
     description text NOT NULL,
     binding jsonb NOT NULL,
     current_version integer NOT NULL CHECK (current_version > 0),
     is_disabled boolean NOT NULL DEFAULT false,
     created_at timestamptz NOT NULL,
     updated_at timestamptz NOT NULL);
CREATE TABLE secret_version (
     secret_id uuid NOT NULL REFERENCES secret (id) ON DELETE CASCADE,
     version integer NOT NULL CHECK (version > 0),
     sealed bytea NOT NULL,
     fingerprint text NOT NULL,
     created_at timestamptz NOT NULL,
     PRIMARY KEY (secret_id, version));
CREATE TABLE agent (
     id uuid PRIMARY KEY,
     name text COLLATE "C" NOT NULL UNIQUE,
     labels jsonb NOT NULL,
     is_disabled boolean NOT NULL DEFAULT false,
     created_at timestamptz NOT NULL,
     updated_at timestamptz NOT NULL);
CREATE TABLE agent_token (
     id uuid PRIMARY KEY,
     agent_id uuid NOT NULL REFERENCES agent (id) ON DELETE CASCADE,
     hash bytea NOT NULL UNIQUE,
     prefix text NOT NULL,
     created_at timestamptz NOT NULL,
     expires_at timestamptz);
CREATE INDEX agent_token_agent ON agent_token (agent_id);
CREATE TABLE policy (
     id uuid PRIMARY KEY,
     name text COLLATE "C" NOT NULL UNIQUE,
     version integer NOT NULL CHECK (version > 0),
     sealed_body bytea NOT NULL,
     created_at timestamptz NOT NULL,
     updated_at timestamptz NOT NULL);
CREATE TABLE certificate_authority (
     id uuid PRIMARY KEY,
     certificate_pem text NOT NULL,
     sealed_key bytea NOT NULL,
     is_active boolean NOT NULL,
     created_at timestamptz NOT NULL);
CREATE UNIQUE INDEX certificate_authority_active ON certificate_authority (is_active) WHERE is_active;
CREATE TABLE user_account (
     id uuid PRIMARY KEY,
     name text COLLATE "C" NOT NULL UNIQUE,
     password_hash text NOT NULL,
     role text NOT NULL,
     is_disabled boolean NOT NULL DEFAULT false,
     created_at timestamptz NOT NULL DEFAULT now(),
     updated_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE worker (
     name text COLLATE "C" PRIMARY KEY,
     boot_id text NOT NULL,
     version text NOT NULL,
     applied_revision bigint NOT NULL,
     started_at timestamptz NOT NULL,
     seen_at timestamptz NOT NULL);
CREATE TABLE admin_event (
     id uuid PRIMARY KEY,
     at timestamptz NOT NULL,
     principal text NOT NULL,
     action text NOT NULL,
     object_kind text NOT NULL,
     object_name text NOT NULL,
     revision bigint NOT NULL,
     detail jsonb NOT NULL);
CREATE INDEX admin_event_at ON admin_event (at DESC);
CREATE TABLE audit_event (
     time timestamptz NOT NULL,
     id text COLLATE "C" NOT NULL,
     revision bigint NOT NULL,
     worker text NOT NULL,
     request_id text NOT NULL,
     agent_id uuid,
     agent text,
     decision text NOT NULL,
     reason text NOT NULL,
     rule text,
     host text NOT NULL,
     port integer NOT NULL,
     method text NOT NULL,
     status integer NOT NULL,
     latency_ms real NOT NULL,
     request_bytes bigint NOT NULL,
     response_bytes bigint NOT NULL,
     secrets text[] NOT NULL,
     sealed_detail bytea NOT NULL,
     PRIMARY KEY (time, id)) PARTITION BY RANGE (time);
CREATE TABLE audit_event_default PARTITION OF audit_event DEFAULT;
CREATE INDEX audit_event_agent ON audit_event (agent, time);
CREATE INDEX audit_event_host ON audit_event (host, time);
CREATE INDEX audit_event_denied ON audit_event (time) WHERE decision = 'deny';
ALTER TABLE agent ADD COLUMN sealed_identities bytea;
CREATE TABLE agent_identity (
     key_hash bytea PRIMARY KEY,
     agent_id uuid NOT NULL REFERENCES agent (id) ON DELETE CASCADE);
CREATE INDEX agent_identity_agent ON agent_identity (agent_id);
CREATE TABLE client_authority (
     id uuid PRIMARY KEY,
     certificate_pem text NOT NULL,
     sealed_key bytea NOT NULL,
     is_active boolean NOT NULL,
     created_at timestamptz NOT NULL);
CREATE UNIQUE INDEX client_authority_active ON client_authority (is_active) WHERE is_active;
ALTER TABLE secret ADD COLUMN alias text COLLATE "C" UNIQUE;
ALTER TABLE config_change DROP CONSTRAINT config_change_kind_check,
     ADD CONSTRAINT config_change_kind_check CHECK (kind IN ('secret', 'agent', 'policy', 'authority', 'route'));
CREATE TABLE route (
         id uuid PRIMARY KEY,
         name text COLLATE "C" NOT NULL UNIQUE,
         version integer NOT NULL CHECK (version > 0),
         sealed_body bytea NOT NULL,
         created_at timestamptz NOT NULL,
         updated_at timestamptz NOT NULL);
CREATE TABLE audit_event_20261124 (LIKE audit_event INCLUDING DEFAULTS);
ALTER TABLE audit_event ATTACH PARTITION audit_event_20261124 FOR VALUES FROM ('2026-11-24T00:00:00.000Z') TO ('2026-11-25T00:00:00.000Z');
CREATE TABLE audit_event_20261125 (LIKE audit_event INCLUDING DEFAULTS);
ALTER TABLE audit_event ATTACH PARTITION audit_event_20261125 FOR VALUES FROM ('2026-11-25T00:00:00.000Z') TO ('2026-11-26T00:00:00.000Z');
CREATE TABLE audit_event_20261126 (LIKE audit_event INCLUDING DEFAULTS);
ALTER TABLE audit_event ATTACH PARTITION audit_event_20261126 FOR VALUES FROM ('2026-11-26T00:00:00.000Z') TO ('2026-11-27T00:00:00.000Z');
CREATE TABLE audit_event_20261127 (LIKE audit_event INCLUDING DEFAULTS);
ALTER TABLE audit_event ATTACH PARTITION audit_event_20261127 FOR VALUES FROM ('2026-11-27T00:00:00.000Z') TO ('2026-11-28T00:00:00.000Z');
CREATE TABLE audit_event_20261128 (LIKE audit_event INCLUDING DEFAULTS);
ALTER TABLE audit_event ATTACH PARTITION audit_event_20261128 FOR VALUES FROM ('2026-11-28T00:00:00.000Z') TO ('2026-11-29T00:00:00.000Z');
INSERT INTO "schema_migration" OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_record(NULL::"schema_migration", '{"id":1,"timestamp":1790000000000,"name":"CreateConfiguration1790000000000"}');
INSERT INTO "schema_migration" OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_record(NULL::"schema_migration", '{"id":2,"timestamp":1790000001000,"name":"AddAgentIdentities1790000001000"}');
INSERT INTO "schema_migration" OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_record(NULL::"schema_migration", '{"id":3,"timestamp":1790000003000,"name":"AddAliases1790000003000"}');
INSERT INTO "schema_migration" OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_record(NULL::"schema_migration", '{"id":4,"timestamp":1790000003001,"name":"AddRoutes1790000003001"}');
INSERT INTO "instance" OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_record(NULL::"instance", '{"singleton":true,"id":"7520b7c9-0db7-4a62-bc26-e838cc1e37b4","key_check":"\\x9005698cf76ca9eb940788f3dd6cf660f191d6c24176409279b0454ada4c4231","created_at":"2026-11-25T17:38:56.630951+00:00"}');
INSERT INTO "key_term" OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_record(NULL::"key_term", '{"term":1,"wrapped_key":"\\x430728314373ef8432586d6b9aaa9dfaacb8c1ed58ab8099783de93fe6e5931eb2c75462f75b05ff5470b5961ac3525d8f3bbc303fd3a558ea7745bb","created_at":"2026-11-25T17:38:56.630951+00:00","retired_at":null}');
INSERT INTO "config_state" OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_record(NULL::"config_state", '{"singleton":true,"revision":10}');
INSERT INTO "config_change" OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_record(NULL::"config_change", '{"revision":1,"kind":"authority","object_id":"aad4c3fc-e46a-491f-a062-3718a9abe06e","operation":"upsert","principal":"instance","at":"2026-11-25T17:38:56.630951+00:00"}');
INSERT INTO "config_change" OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_record(NULL::"config_change", '{"revision":2,"kind":"secret","object_id":"74f1452c-55b6-462b-b984-b9ab60cc29aa","operation":"upsert","principal":"user:admin","at":"2026-11-25T17:38:58.078009+00:00"}');
INSERT INTO "config_change" OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_record(NULL::"config_change", '{"revision":3,"kind":"secret","object_id":"74f1452c-55b6-462b-b984-b9ab60cc29aa","operation":"upsert","principal":"user:admin","at":"2026-11-25T17:38:58.144247+00:00"}');
INSERT INTO "config_change" OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_record(NULL::"config_change", '{"revision":4,"kind":"secret","object_id":"49b6d81f-0a0a-4299-8523-119ef1ae3232","operation":"upsert","principal":"user:admin","at":"2026-11-25T17:38:58.185245+00:00"}');
INSERT INTO "config_change" OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_record(NULL::"config_change", '{"revision":5,"kind":"secret","object_id":"0e547182-6f6c-4193-a2c7-3494ec27e97d","operation":"upsert","principal":"user:admin","at":"2026-11-25T17:38:58.219217+00:00"}');
INSERT INTO "config_change" OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_record(NULL::"config_change", '{"revision":6,"kind":"agent","object_id":"e7f92ced-996f-442c-a9f0-fd318433d701","operation":"upsert","principal":"user:admin","at":"2026-11-25T17:38:58.243686+00:00"}');
INSERT INTO "config_change" OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_record(NULL::"config_change", '{"revision":7,"kind":"agent","object_id":"6ea0b385-9702-47b2-82d6-5b407a0c8541","operation":"upsert","principal":"user:admin","at":"2026-11-25T17:38:58.270747+00:00"}');
INSERT INTO "config_change" OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_record(NULL::"config_change", '{"revision":8,"kind":"authority","object_id":"f72c82f9-96b6-416c-a82b-2fab57b4ff89","operation":"upsert","principal":"user:admin","at":"2026-11-25T17:38:58.298076+00:00"}');
INSERT INTO "config_change" OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_record(NULL::"config_change", '{"revision":9,"kind":"policy","object_id":"4e09b769-acf6-4a6c-b8e1-e6fe307510b7","operation":"upsert","principal":"user:admin","at":"2026-11-25T17:38:58.339145+00:00"}');
INSERT INTO "config_change" OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_record(NULL::"config_change", '{"revision":10,"kind":"route","object_id":"546b6dad-5e08-417e-916e-6f72b530a897","operation":"upsert","principal":"user:admin","at":"2026-11-25T17:38:58.370246+00:00"}');
INSERT INTO "secret" OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_record(NULL::"secret", '{"id":"74f1452c-55b6-462b-b984-b9ab60cc29aa","name":"prod/openai","description":"","binding":{"hosts": ["api.openai.com"], "scrub": "replace", "surfaces": ["header", "basic"]},"current_version":2,"is_disabled":false,"created_at":"2026-11-25T17:38:58.083+00:00","updated_at":"2026-11-25T17:38:58.151+00:00","alias":null}');
INSERT INTO "secret" OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_record(NULL::"secret", '{"id":"49b6d81f-0a0a-4299-8523-119ef1ae3232","name":"prod/aliased","description":"","binding":{"hosts": ["api.openai.com"], "scrub": "replace", "surfaces": ["header", "basic"]},"current_version":1,"is_disabled":false,"created_at":"2026-11-25T17:38:58.193+00:00","updated_at":"2026-11-25T17:38:58.193+00:00","alias":"sk-onecli7xRj4JKfnQiT6nUJVnBsyhN5O8z28K"}');
INSERT INTO "secret" OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_record(NULL::"secret", '{"id":"0e547182-6f6c-4193-a2c7-3494ec27e97d","name":"staging/idle","description":"bound to nothing","binding":{"hosts": [], "surfaces": []},"current_version":1,"is_disabled":false,"created_at":"2026-11-25T17:38:58.225+00:00","updated_at":"2026-11-25T17:38:58.225+00:00","alias":null}');
INSERT INTO "secret_version" OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_record(NULL::"secret_version", '{"secret_id":"74f1452c-55b6-462b-b984-b9ab60cc29aa","version":1,"sealed":"\\x0100000001e882ad3bc0005b2cfdb3c187b83b3f6e98836a3dd6adf922a0184cbaffac1642a293d159344ca8970dcd46a7905bfbaef1ed35e6a11829042a64d9d9a63a543c003ddc526599343ac1899b79f694d6dee4d31c42c2ca89c016a4260764cc147ab1d689bd390f151a3b4e9f69d1","fingerprint":"782f2e3615b1","created_at":"2026-11-25T17:38:58.083+00:00"}');
INSERT INTO "secret_version" OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_record(NULL::"secret_version", '{"secret_id":"74f1452c-55b6-462b-b984-b9ab60cc29aa","version":2,"sealed":"\\x0100000001ca6375930c329019d737bc6dc62506c1ff902c63e413016129b9f456ca1df4ece386ab9d422f8315f9a0be088e24ee9770f922722897b3ba42d74e98dcbbf6e27dc63876f8c1624d71e50b920362fd4f7c765c4fb05827339de9a14439d2f123d1e8c9b10afda240ce53afde3a","fingerprint":"a21857906ffb","created_at":"2026-11-25T17:38:58.151+00:00"}');
INSERT INTO "secret_version" OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_record(NULL::"secret_version", '{"secret_id":"49b6d81f-0a0a-4299-8523-119ef1ae3232","version":1,"sealed":"\\x0100000001f7e6601d3885b1d0b481c6ccaf1992f590452ec54297b74ac65027bde80174d4b24448535c6d9adbe3f7c6750ca1fae8918e1295fd0745e8284f64868c1d9074a3ce12ebcc6d47e214f5570c14d18ded327ca182716e0480177620493d746a1dd537cfd142912f2f23351fa484","fingerprint":"126aa886f6f2","created_at":"2026-11-25T17:38:58.193+00:00"}');
INSERT INTO "secret_version" OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_record(NULL::"secret_version", '{"secret_id":"0e547182-6f6c-4193-a2c7-3494ec27e97d","version":1,"sealed":"\\x0100000001c06b79a7e827937766b540b05e379120246d3a650731e9867debcb090925ccc5d34f63082420d1262a6edcbe8c2e609ac51dd6473d625495f2577dda62aec6139e196b16df4969e4f06c32043ec4193f23e24b701e7f0981c6805ec68d2680395b6ad5ff2459b04f1b86","fingerprint":"cbc6572dc6be","created_at":"2026-11-25T17:38:58.225+00:00"}');
INSERT INTO "agent" OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_record(NULL::"agent", '{"id":"e7f92ced-996f-442c-a9f0-fd318433d701","name":"old-agent","labels":{"team": "finance"},"is_disabled":false,"created_at":"2026-11-25T17:38:58.246+00:00","updated_at":"2026-11-25T17:38:58.246+00:00","sealed_identities":"\\x0100000001555fe9557447c46942b2be793ffcb89284f3a83e1e3c1d8abb13a94686c93f9b24fdb10c489b0036e5dee7e9a0511566b2538bbddaa590f76669462e825e01f0058add5e9131793c3f773d6d1b64b650e26966b7891afa1486b78a528dc387b5356bea879fac5c594767dfed1976a59f83399f1383"}');
INSERT INTO "agent" OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_record(NULL::"agent", '{"id":"6ea0b385-9702-47b2-82d6-5b407a0c8541","name":"other-agent","labels":{},"is_disabled":false,"created_at":"2026-11-25T17:38:58.272+00:00","updated_at":"2026-11-25T17:38:58.272+00:00","sealed_identities":"\\x0100000001d264c5efe9179dffca582bc02d72ec06fe48a1378b318ef15aa19aa3aa4dadd77488d4c0d00a6b28eb5800e874b1316df4d06620184a23a5573164593c1e62c0164a7d3e52f03cd24e4931ab2f1d3f356f6ec6353ecd09051db9b2bdabcc6177813d2378373649cb751824b97dcd275679fbcf3ee001c195f4617314fb2640a98c4e630adb661758639b"}');
INSERT INTO "agent_token" OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_record(NULL::"agent_token", '{"id":"7a65aa56-39dd-4372-9b85-90b9c6fb63e8","agent_id":"e7f92ced-996f-442c-a9f0-fd318433d701","hash":"\\x758bd4647ec315f0a83531c56689ad3ee2bd6102bdbd72e29ac28574b13941ca","prefix":"oat_36ft","created_at":"2026-11-25T17:38:58.246+00:00","expires_at":null}');
INSERT INTO "policy" OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_record(NULL::"policy", '{"id":"4e09b769-acf6-4a6c-b8e1-e6fe307510b7","name":"old-policy","version":1,"sealed_body":"\\x010000000154ec9d6dd5b4c639f56dfa0cb2abc8cbe51b8fb844a429d185aa7e68223aae5f747eb6cc047213fcea7966b71c817a4b129bd7fa0824d35e3fe25b4c83eda37268ef0ffcb3d310eb09725deead56bf4637c0b76b4fbcf2581829a0fc6a7cc2fe6a346d48cd975b1bce7c76df132f14cb6a7fe05ab680ddd9d7f20ac41b677fa9152e05872c97342008785078f12768a44d8c0e3f5b9ce1be4530344b56467cde54173a6a60dcf9c0e0f08440aa605a33e78b747c59f1527e8a547b1b4ac6496fb1e152e21a7764aab1b26645909d51acafdbc965641b4e5788600c32f21b08376025ec63e5ca02dadbf011009d47836b75b3c23bdff9e2c85096621bba84af5cac072081593c0d6b","created_at":"2026-11-25T17:38:58.347+00:00","updated_at":"2026-11-25T17:38:58.347+00:00"}');
INSERT INTO "certificate_authority" OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_record(NULL::"certificate_authority", '{"id":"aad4c3fc-e46a-491f-a062-3718a9abe06e","certificate_pem":"-----BEGIN CERTIFICATE-----\nMIIBiDCCAS6gAwIBAgIRAccErfX8tKGEnAL1WRg1bEIwCgYIKoZIzj0EAwIwIjEg\nMB4GA1UEAwwXT25lQ0xJIGdhdGV3YXkgNzUyMGI3YzkwHhcNMjYxMTI1MTYzODU2\nWhcNMzYxMTIyMTczODU2WjAiMSAwHgYDVQQDDBdPbmVDTEkgZ2F0ZXdheSA3NTIw\nYjdjOTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABIRWcnwewUMViScgq6KEK6cF\n9f+WOaKL6efMONg8Z0XqXSLTGuKjbUiJaK2lrWuda/fvugnpi1PLapaXXVyig8qj\nRTBDMBIGA1UdEwEB/wQIMAYBAf8CAQAwDgYDVR0PAQH/BAQDAgEGMB0GA1UdDgQW\nBBQZV5sWCiOEOW8x6dAsQ8D+WGo7oDAKBggqhkjOPQQDAgNIADBFAiBu1N46MZ6t\n0Wk075UmtLi0+Yy4TLwTsfxeQobPV8A8SQIhAPWCprNnZoZ15urKR5+YZSooEe3z\nt8naONQWbI48eUxJ\n-----END CERTIFICATE-----\n","sealed_key":"\\x010000000161cc3462c0425fb578fabf82c2cc09ce8db383dbab1ba8fd843466427dd5d79bd5da0ea338ccea9400a2c13fd49638050528217e449a7e7fdf069b2c4fdaa3e36d3e886e42640f154e9ec908c1994074a3e9f73ad3f7420892a57c752fbb3bea37c077b19bc964a7a5295068341bdb736eaca5469fe8dda84e15fe6109842334c911b287cc7490e54e5d9ec9ba8253e2d7d3a476151a0b385e109281e2d58ae7970ec8b21ba73d3762b29b76e268cfffbcfca89a8b2929f3ecba31485d171d06071334f2bd264bd79cfbd21a29cb151554d6d306283732db92ee119d973cbf8503bd2aebd8a6eb0960d42419d305f880804f41f177d5e1fc03b4da1da55140090a31f35fcbe6e1bbd8c15427e578806f17221bc01ee1503f448b10977fb5d6ac89b24577b691732ef470f781adc76389bb83ab044888aa80f80f4f69ba1992c66994febf946edb9b2c","is_active":true,"created_at":"2026-11-25T17:38:56.655+00:00"}');
INSERT INTO "user_account" OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_record(NULL::"user_account", '{"id":"d86002a9-98ca-4455-99e1-a878773b9929","name":"admin","password_hash":"$scrypt$ln=15,r=8,p=3$CgJvkzcLklwOuIO_wxUVmw$tyC_5okCveX5FozJRVGb_dbXizzOeifC2BiYIgVmFJM","role":"owner","is_disabled":false,"created_at":"2026-11-25T17:38:56.956698+00:00","updated_at":"2026-11-25T17:38:56.956698+00:00"}');
INSERT INTO "admin_event" OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_record(NULL::"admin_event", '{"id":"09546aa7-d533-482d-a6f4-47c40bc6ffcf","at":"2026-11-25T17:38:58.078009+00:00","principal":"user:admin","action":"secret:create","object_kind":"secret","object_name":"prod/openai","revision":2,"detail":{"isBound": true, "version": 1}}');
INSERT INTO "admin_event" OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_record(NULL::"admin_event", '{"id":"1ef3a0ea-d7eb-43de-a9e8-fd46117d4210","at":"2026-11-25T17:38:58.144247+00:00","principal":"user:admin","action":"secret:rotate","object_kind":"secret","object_name":"prod/openai","revision":3,"detail":{"fields": ["value"], "version": 2}}');
INSERT INTO "admin_event" OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_record(NULL::"admin_event", '{"id":"89bb45c0-0415-4741-ba3e-5a41d72fa0c5","at":"2026-11-25T17:38:58.185245+00:00","principal":"user:admin","action":"secret:create","object_kind":"secret","object_name":"prod/aliased","revision":4,"detail":{"isBound": true, "version": 1}}');
INSERT INTO "admin_event" OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_record(NULL::"admin_event", '{"id":"0b213984-28e5-47a0-9e9f-3cecb45c2cb9","at":"2026-11-25T17:38:58.219217+00:00","principal":"user:admin","action":"secret:create","object_kind":"secret","object_name":"staging/idle","revision":5,"detail":{"isBound": false, "version": 1}}');
INSERT INTO "admin_event" OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_record(NULL::"admin_event", '{"id":"ad1d33e8-ff71-4e9f-9351-d73f07a6564d","at":"2026-11-25T17:38:58.243686+00:00","principal":"user:admin","action":"agent:create","object_kind":"agent","object_name":"old-agent","revision":6,"detail":{"identities": ["token"]}}');
INSERT INTO "admin_event" OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_record(NULL::"admin_event", '{"id":"b29544a0-2e88-4e47-adde-c2cc463ec5d5","at":"2026-11-25T17:38:58.270747+00:00","principal":"user:admin","action":"agent:create","object_kind":"agent","object_name":"other-agent","revision":7,"detail":{"identities": ["mtls"]}}');
INSERT INTO "admin_event" OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_record(NULL::"admin_event", '{"id":"5b344c42-dc4b-4757-9a66-b183b0250f0b","at":"2026-11-25T17:38:58.298076+00:00","principal":"user:admin","action":"agent:certificate","object_kind":"agent","object_name":"other-agent","revision":8,"detail":{"days": 30}}');
INSERT INTO "admin_event" OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_record(NULL::"admin_event", '{"id":"d3b258f7-7437-4107-9e25-a3fc3f5a6679","at":"2026-11-25T17:38:58.339145+00:00","principal":"user:admin","action":"policy:create","object_kind":"policy","object_name":"old-policy","revision":9,"detail":{}}');
INSERT INTO "admin_event" OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_record(NULL::"admin_event", '{"id":"b747b330-b4be-449e-8a38-b193a03b7249","at":"2026-11-25T17:38:58.370246+00:00","principal":"user:admin","action":"route:create","object_kind":"route","object_name":"old-route","revision":10,"detail":{}}');
INSERT INTO "audit_event" OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_record(NULL::"audit_event", '{"time":"2026-11-25T17:38:58.39+00:00","id":"first-release-1","revision":9,"worker":"worker-1","request_id":"r-1","agent_id":null,"agent":"old-agent","decision":"allow","reason":"ALLOWED","rule":"old-policy#0","host":"api.openai.com","port":443,"method":"GET","status":200,"latency_ms":12,"request_bytes":0,"response_bytes":10,"secrets":["prod/openai"],"sealed_detail":"\\x03000000014f1d0de1355f4c06a631d7669797db3000000000ffcf7d56924235af7d56b0bdc4879b45fe39d34b1d15815a7e961bc09e848d419c841590bfa94f007d7bc618b0d82583fe79c2"}');
INSERT INTO "audit_event" OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_record(NULL::"audit_event", '{"time":"2026-11-25T17:38:58.39+00:00","id":"first-release-2","revision":9,"worker":"worker-1","request_id":"r-2","agent_id":null,"agent":"old-agent","decision":"allow","reason":"ALLOWED","rule":"old-policy#0","host":"api.openai.com","port":443,"method":"GET","status":200,"latency_ms":12,"request_bytes":0,"response_bytes":10,"secrets":["prod/openai"],"sealed_detail":"\\x03000000014f1d0de1355f4c06a631d7669797db30000000013404e5e1ab835cd0db5df9145e0182b12a122aa092357abff17309dc62833c1a6ed838caf4986439d7a153da1869cefaef3cb9"}');
INSERT INTO "audit_event" OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_record(NULL::"audit_event", '{"time":"2026-11-25T17:38:58.39+00:00","id":"first-release-3","revision":9,"worker":"worker-1","request_id":"r-3","agent_id":null,"agent":"old-agent","decision":"allow","reason":"ALLOWED","rule":"old-policy#0","host":"api.openai.com","port":443,"method":"GET","status":200,"latency_ms":12,"request_bytes":0,"response_bytes":10,"secrets":["prod/openai"],"sealed_detail":"\\x03000000014f1d0de1355f4c06a631d7669797db300000000298032cbf1acdd4015086dbf91e60a1a7f1e3f40cba8268ce79185c6a6a094ca7dccdfcbdc6c0b52ce9e866ee50ba612ec9a2ee"}');
INSERT INTO "agent_identity" OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_record(NULL::"agent_identity", '{"key_hash":"\\x6a161ab5686ac0f043df17393bb5521cbad5007ad5e7ae227182e1720977e4f9","agent_id":"6ea0b385-9702-47b2-82d6-5b407a0c8541"}');
INSERT INTO "client_authority" OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_record(NULL::"client_authority", '{"id":"f72c82f9-96b6-416c-a82b-2fab57b4ff89","certificate_pem":"-----BEGIN CERTIFICATE-----\nMIIBhjCCASygAwIBAgIRAVhqvKf98YL2OiakXt6Ol34wCgYIKoZIzj0EAwIwITEf\nMB0GA1UEAwwWT25lQ0xJIGFnZW50cyA3NTIwYjdjOTAeFw0yNjExMjUxNjM4NTha\nFw0zNjExMjIxNzM4NThaMCExHzAdBgNVBAMMFk9uZUNMSSBhZ2VudHMgNzUyMGI3\nYzkwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAT8YVvMaLRo/gs/VeDdQOou90ob\nHzh75tF6MncNLE7mRVK2nvJ+45WnPUpG4Me7C8aGdhfoRaJ8TV0AZ5bb3Y3do0Uw\nQzASBgNVHRMBAf8ECDAGAQH/AgEAMA4GA1UdDwEB/wQEAwIBBjAdBgNVHQ4EFgQU\nw0t3LbBP9mssMiHp0snXNdwcw9YwCgYIKoZIzj0EAwIDSAAwRQIhAPo9AsARjE5N\nxSOanbMGCEHOKGtzLJ8DSIyXnH5tQdisAiBANMctkTUHsaaQnMI9+379OvU1FARA\nlAluaTbI7m0wQg==\n-----END CERTIFICATE-----\n","sealed_key":"\\x010000000170dd5f76fc27bfccaa33bd61cdacdb8fedf2bc09f82d4c06a058e5c9dd54500d6a44a06d4db93dcec721702c8219e8d572e351dec8dff054d3fc2f884e622f3e02ad6f3c3f51a307bcd5ec0dc47c0b216e5ffa4c584fa698ffbb4f1d5e0fea003e3aef5659ca6563485eded48508bca601ab22e6e9dab1956c80ddcfd5cc8866191747049eb7abffebe278ec9527129f7511ab143ec41ef724a54026416daafb23424e6ab88644dc15ec21d7c16240482a6d1e678804a48429f4d7746173b44a1dd3837efb9a0581a8b823a9275a02e62350085e4ce19bf78df3932d07b5638b8e029b777f48f94ed7af9cb79f83d3742526253dd56f2b0bb201a8088fe0f33220c6e2d56f2fcddd6d2467920f485ebd2988ab90b0296a0aad3c497b75376c5a80eb0f13ee720b2354ddcf47161eb28107cb545782ca1a21e3ad080a8188f97159fa0b5ead6b839f69","is_active":true,"created_at":"2026-11-25T17:38:58.304+00:00"}');
INSERT INTO "route" OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_record(NULL::"route", '{"id":"546b6dad-5e08-417e-916e-6f72b530a897","name":"old-route","version":1,"sealed_body":"\\x0100000001fa8f92b8f3d77a484d2e969ba9a25a9f1f6b0182c0344f29290f938a230b7e619f381587d4922edfd84857cdb61191247e0d9eb36d6b6dfecb866f23e772880b48cc987e77d420be315e2c2d4d1b25586af6dca1cb9091beeb9b72d0c429b9f9450e79135d2cb20510f5b06a32a2ffda73406c8e9909c225aa97a8ed18e0d9c9f48c27481f6aedcdf1d1d801cd0e11b876130bd7a9fcdb9c1e6afdaaa2f1b1bab1f0fe78074de9f22c7cc4e5a3ae3c79c0311dcfa1e9ffefb2f262f93cd482ae6987c582dc80698848a8f8d28b8102ff45ff89f42c002f3fa7ed380d8292fbcbebce80","created_at":"2026-11-25T17:38:58.378+00:00","updated_at":"2026-11-25T17:38:58.378+00:00"}');
SELECT setval(pg_get_serial_sequence('schema_migration', 'id'), (SELECT max(id) FROM schema_migration));
