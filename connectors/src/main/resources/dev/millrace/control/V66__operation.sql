-- Operations that move the traffic, and their steps. A step is written here before its effect, so that a restart
-- knows what may have happened. An unfinished operation has no finished_at; a migration has at most one.
CREATE TABLE operation (
    id uuid PRIMARY KEY,
    migration text NOT NULL,
    kind text NOT NULL,
    state text NOT NULL,
    who text NOT NULL,
    reason text NOT NULL,
    request_key text,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    pause_ms bigint,
    outcome text,
    gates jsonb NOT NULL,
    UNIQUE (migration, request_key)
);
CREATE UNIQUE INDEX ON operation (migration) WHERE finished_at IS NULL;

CREATE TABLE operation_step (
    operation uuid NOT NULL REFERENCES operation ON DELETE CASCADE,
    ordinal int NOT NULL,
    name text NOT NULL,
    state text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    note text,
    PRIMARY KEY (operation, ordinal)
);
