-- Limits in bytes, and of apply. Without a value there is no limit.
ALTER TABLE flow
    ADD COLUMN bytes_per_second bigint,
    ADD COLUMN apply_rows_per_second bigint,
    ADD COLUMN apply_bytes_per_second bigint;
