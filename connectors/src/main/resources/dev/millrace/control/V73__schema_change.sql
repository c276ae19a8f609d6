-- A stopped table continues with the changes that it has missed. They are read from the target topic again: in each
-- partition from next_offset on, those with a token after (token_offset, token_index), up to the token of the last one.
-- Later changes of the table wait until these are applied.
ALTER TABLE rejected_changes ADD COLUMN next_offset bigint NOT NULL, ADD COLUMN token_offset bigint NOT NULL,
    ADD COLUMN token_index int NOT NULL, ADD COLUMN last_offset bigint NOT NULL, ADD COLUMN last_index int NOT NULL;

-- When an operator let the table continue, or its cause had gone; NULL while it is stopped.
ALTER TABLE stopped_table ADD COLUMN resumed_at timestamptz;

-- The target's definition of the table at its stop, if another definition may remove the cause: the table continues by
-- itself when it has changed.
ALTER TABLE stopped_table ADD COLUMN shape text;

-- A table that was created again does not have the rows that were applied before.
ALTER TABLE target_table ADD COLUMN table_oid oid;

-- What has changed in the definition of the source table; the table does not continue before an operator accepts it, or
-- the definition is the expected one again.
ALTER TABLE stopped_table ADD COLUMN source_change text;
