-- Counts the processes that have run a migration: one that lost its lock learns whether another ran since.
CREATE TABLE owner (
    migration text PRIMARY KEY,
    epoch bigint NOT NULL,
    who text NOT NULL,
    taken_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
