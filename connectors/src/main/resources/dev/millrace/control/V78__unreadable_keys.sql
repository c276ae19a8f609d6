-- Rows of the target that a sweep has left, because their key is no value of the source's types.
ALTER TABLE rebackfill ADD COLUMN unreadable bigint NOT NULL DEFAULT 0;
