-- Rows of the target that an operator lets Millrace repair. Kept over a restart, which continues at the step. A migration
-- has at most one that is not finished.
CREATE TABLE repair (
    id uuid PRIMARY KEY,
    migration text NOT NULL,
    -- Empty for every table.
    targets text[] NOT NULL,
    -- Of insert, update and delete; empty for all.
    only_actions text[] NOT NULL,
    -- Keys that are repaired at most; null for no limit.
    most bigint,
    rows_per_second bigint,
    -- Only lists the keys.
    dry_run boolean NOT NULL,
    generation int NOT NULL,
    spec_hash text NOT NULL,
    step text NOT NULL,
    -- Keys that differ and are not listed, because of only_actions or most.
    left_out bigint NOT NULL DEFAULT 0,
    -- What was not compared; null if everything was.
    uncompared text,
    -- Rows of the target whose key is no value of the source's types; they remain.
    unreadable bigint NOT NULL DEFAULT 0,
    cancelled boolean NOT NULL DEFAULT false,
    who text NOT NULL,
    reason text NOT NULL,
    request_key text,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    verdict text,
    outcome text,
    UNIQUE (migration, request_key)
);
CREATE UNIQUE INDEX ON repair (migration) WHERE finished_at IS NULL;
-- The keys that differ, in the order in which they are repaired.
CREATE TABLE repair_key (
    migration text NOT NULL,
    repair uuid NOT NULL REFERENCES repair ON DELETE CASCADE,
    number bigint NOT NULL,
    -- The place of the mapping in the file.
    mapping int NOT NULL,
    target text NOT NULL,
    action text NOT NULL,
    -- The target's key and its texts.
    key_columns text[] NOT NULL,
    key text[] NOT NULL,
    -- The columns that differ, as far as they were compared.
    columns text[] NOT NULL,
    -- Its row was read again and is in the log.
    written boolean NOT NULL DEFAULT false,
    -- It still differs after that.
    differs boolean NOT NULL DEFAULT false,
    PRIMARY KEY (repair, number)
);
