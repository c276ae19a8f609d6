-- A reconciliation that is running: what a later one continues with if the service ends. Removed when it finishes, fails
-- or is cancelled. A stream has at most one.
CREATE TABLE reconciliation_pass (
    migration text PRIMARY KEY,
    id uuid NOT NULL,
    generation int NOT NULL,
    spec_hash text NOT NULL,
    targets text[] NOT NULL,
    started_at timestamptz NOT NULL,
    -- Where both servers were before the first read.
    servers jsonb NOT NULL,
    -- Where the first read was; null until it is known.
    start jsonb
);
-- The chunks of its large tables: ranges of the target's key. A bound that is null is open.
CREATE TABLE reconciliation_chunk (
    migration text NOT NULL REFERENCES reconciliation_pass ON DELETE CASCADE,
    target text NOT NULL,
    chunk int NOT NULL,
    from_key text[],
    to_key text[],
    -- The rows of an equal chunk, the sum and the exclusive or of their hashes. Null until it is found equal.
    rows bigint,
    first_sum bigint,
    second_sum bigint,
    in_flight bigint,
    -- Positions in the source's WAL between which the source was read.
    after_lsn text,
    before_lsn text,
    PRIMARY KEY (migration, target, chunk)
);
