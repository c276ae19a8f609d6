-- What the operator set for the flow. A pause of apply is kept over a restart as a pause of the backfill is.
-- Without apply_paused_since apply is not paused; killed says that the source is not written either.
ALTER TABLE backfill_pace RENAME TO flow;
ALTER TABLE flow RENAME CONSTRAINT backfill_pace_pkey TO flow_pkey;
ALTER TABLE flow
    ADD COLUMN apply_paused_since timestamptz,
    ADD COLUMN apply_paused_by text NOT NULL DEFAULT '',
    ADD COLUMN apply_pause_reason text NOT NULL DEFAULT '',
    ADD COLUMN killed boolean NOT NULL DEFAULT false;
