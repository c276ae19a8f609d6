-- A key of a target table whose changes are not applied: the target refused one of them, or it could not be mapped.
-- Written in the transaction that moves the partition's stored offset past these changes.
CREATE TABLE parked_key (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    migration text NOT NULL,
    generation int NOT NULL,
    partition int NOT NULL,
    target_schema text NOT NULL,
    target_name text NOT NULL,
    target_part text NOT NULL,
    key_values text[] NOT NULL,
    key_hash bytea NOT NULL,
    state text NOT NULL CHECK (state IN ('held', 'parked', 'skipped')),
    cause text NOT NULL,
    sql_state text,
    changes_offset bigint NOT NULL,
    change_index int NOT NULL,
    changes bigint NOT NULL,
    bytes bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Of a held key: the watermark before its first change, the watermark at which it is judged, and how many changes
    -- waited when it was last refused with all other held keys out of its way.
    hold_after bigint,
    judge_at bigint,
    judged_changes bigint NOT NULL DEFAULT 0,
    -- Of a skipped key.
    skipped_by text,
    skip_reason text,
    skipped_at timestamptz
);
CREATE UNIQUE INDEX ON parked_key (migration, generation, key_hash) WHERE state <> 'skipped';
CREATE INDEX ON parked_key (migration, generation, partition) WHERE state <> 'skipped';

-- The changes of a parked key in their order, each as a record of the target topic. The session that writes them may
-- have the replica role, under which no foreign key acts, so none exists.
CREATE TABLE parked_change (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    migration text NOT NULL,
    parked_key bigint NOT NULL,
    changes_offset bigint NOT NULL,
    change_index int NOT NULL,
    image bytea NOT NULL
);
CREATE INDEX ON parked_change (parked_key, id);

-- The last watermark that the partition has passed. The column watermark stays before the changes of held keys.
ALTER TABLE stored_offset ADD COLUMN watermark_read bigint;
