-- The columns that each source table had when the migration began: what a * stands for, as long as the migration lives.
CREATE TABLE source_columns (
    migration text NOT NULL,
    source text NOT NULL,
    columns text[] NOT NULL,
    PRIMARY KEY (migration, source)
);
