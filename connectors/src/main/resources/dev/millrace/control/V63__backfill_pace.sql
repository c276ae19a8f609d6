-- What the operator set for the backfill: kept over a restart, written in one statement with the journal's entry.
-- Without paused_since the backfill is not paused, without rows_per_second its rate is not limited.
CREATE TABLE backfill_pace (
    migration text PRIMARY KEY,
    paused_since timestamptz,
    paused_by text NOT NULL,
    pause_reason text NOT NULL,
    rows_per_second bigint CHECK (rows_per_second > 0)
);
