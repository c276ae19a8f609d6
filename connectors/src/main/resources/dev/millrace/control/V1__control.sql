-- What Millrace must remember lies beside the rows it writes, so that both change in one transaction.

CREATE TABLE journal (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    migration text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    who text NOT NULL,
    phase text NOT NULL,
    event text NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX ON journal (migration, id);

-- A generation owns log, state and stored offsets; a new one begins only when the old position is lost.
CREATE TABLE generation (
    migration text NOT NULL,
    generation int NOT NULL,
    begun_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    system_identifier text NOT NULL,
    timeline int NOT NULL,
    source_database text NOT NULL,
    slot text NOT NULL,
    changes_topic_id text NOT NULL,
    target_topic_id text NOT NULL,
    position_topic_id text NOT NULL,
    partitions int NOT NULL,
    spec_hash text NOT NULL,
    snapshot_done boolean NOT NULL DEFAULT false,
    PRIMARY KEY (migration, generation)
);

-- Where each partition of a target topic goes on: written with the rows, compared and set.
CREATE TABLE stored_offset (
    migration text NOT NULL,
    topic text NOT NULL,
    partition int NOT NULL,
    generation int NOT NULL,
    topic_id text NOT NULL,
    next_offset bigint NOT NULL,
    token_offset bigint NOT NULL,
    token_ordinal int NOT NULL,
    watermark bigint NOT NULL DEFAULT 0,
    backend_pid int,
    rows_applied bigint NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (migration, topic, partition)
) WITH (fillfactor = 50);

-- A table that could not be carried on exactly. Its changes are no longer applied and it can't be called equal.
CREATE TABLE stopped_table (
    migration text NOT NULL,
    generation int NOT NULL,
    target_schema text NOT NULL,
    target_name text NOT NULL,
    reason text NOT NULL,
    partition int NOT NULL,
    changes_offset bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (migration, generation, target_schema, target_name)
);

-- Target tables that were empty when Millrace began: only these may be emptied for a new generation.
CREATE TABLE target_table (
    migration text NOT NULL,
    target text NOT NULL,
    empty_at_start boolean NOT NULL,
    PRIMARY KEY (migration, target)
);

CREATE TABLE reconciliation (
    id uuid PRIMARY KEY,
    migration text NOT NULL,
    generation int NOT NULL,
    verdict text NOT NULL,
    started_at timestamptz NOT NULL,
    finished_at timestamptz NOT NULL,
    report jsonb NOT NULL
);
CREATE INDEX ON reconciliation (migration, finished_at);
