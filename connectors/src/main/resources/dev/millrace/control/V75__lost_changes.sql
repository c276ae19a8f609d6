-- Target tables of which the stream lacks changes, because the definition of their source table has changed. Their rows
-- are read again by an operation in table rebackfill, which begins by itself. Until it is complete, a reconciliation
-- leaves such a table undecided.
CREATE TABLE lost_changes (
    migration text NOT NULL,
    generation int NOT NULL,
    target_schema text NOT NULL,
    target_name text NOT NULL,
    reason text NOT NULL,
    -- Whether every row must be read, or only the partitions that were not read as they are now.
    whole boolean NOT NULL,
    -- Grows with each change that is found.
    findings bigint NOT NULL DEFAULT 1,
    -- The re-backfill that reads the rows, and the findings before it.
    operation uuid,
    covered bigint,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (migration, generation, target_schema, target_name)
);
