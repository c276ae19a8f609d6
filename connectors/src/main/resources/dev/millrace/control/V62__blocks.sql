-- A token names a change in a block of the changes topic: the offset of the block and the index of the change.
ALTER TABLE stored_offset RENAME COLUMN token_ordinal TO token_index;

-- The number of source changes of the partition that are applied, as the log counts them.
ALTER TABLE stored_offset ADD COLUMN changes_total bigint NOT NULL DEFAULT 0;

-- The target tables whose existing rows are all applied, by partition. Written in the transaction that moves the
-- partition's stored offset past the end of the backfill.
CREATE TABLE backfilled_table (
    migration text NOT NULL,
    generation int NOT NULL,
    target_schema text NOT NULL,
    target_name text NOT NULL,
    partition int NOT NULL,
    PRIMARY KEY (migration, generation, target_schema, target_name, partition)
);
