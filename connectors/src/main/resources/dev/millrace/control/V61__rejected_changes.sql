-- How many changes of a stopped table each partition has set aside. Written in the transaction that moves the
-- partition's stored offset, so a kill neither loses nor repeats one.
CREATE TABLE rejected_changes (
    migration text NOT NULL,
    generation int NOT NULL,
    target_schema text NOT NULL,
    target_name text NOT NULL,
    partition int NOT NULL,
    changes bigint NOT NULL,
    PRIMARY KEY (migration, generation, target_schema, target_name, partition)
);

-- False for a table that stopped before its changes were counted: their number is unknown.
ALTER TABLE stopped_table ADD COLUMN counted boolean NOT NULL DEFAULT false;
