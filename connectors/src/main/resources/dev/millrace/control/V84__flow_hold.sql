-- What a stop condition of the file holds: kept over a restart, until the metric is low again.
CREATE TABLE flow_hold (
    migration text NOT NULL,
    name text NOT NULL,
    since timestamptz NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (migration, name)
);
-- The row that is written once a second to measure how long a commit takes.
CREATE TABLE flow_probe (
    migration text PRIMARY KEY,
    at timestamptz NOT NULL
);
