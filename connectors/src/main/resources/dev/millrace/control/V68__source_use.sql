-- What the statistics of the source counted when the application had left it, by which later use of the source is
-- recognized. It is in the control schema of the reverse stream, and lives as long as its arming.
CREATE TABLE source_use (
    migration text PRIMARY KEY,
    statistics jsonb NOT NULL
);
