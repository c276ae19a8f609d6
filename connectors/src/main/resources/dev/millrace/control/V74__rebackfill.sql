-- Rows that an operator lets Millrace read again: one target table, or, without a target, every table of the migration
-- in a new generation. Kept over a restart, which continues at the step. A migration has at most one that is not finished.
CREATE TABLE rebackfill (
    id uuid PRIMARY KEY,
    migration text NOT NULL,
    target text,
    -- The generation that is read: of the whole migration, the one that begins.
    generation int NOT NULL,
    step text NOT NULL,
    swept bigint NOT NULL DEFAULT 0,
    removed bigint NOT NULL DEFAULT 0,
    who text NOT NULL,
    reason text NOT NULL,
    request_key text,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    outcome text,
    UNIQUE (migration, request_key)
);
CREATE UNIQUE INDEX ON rebackfill (migration) WHERE finished_at IS NULL;
