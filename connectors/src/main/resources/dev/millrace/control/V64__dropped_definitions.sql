-- Indexes and foreign keys that Millrace dropped from a target table for the time of its backfill. Written in the
-- transaction that drops them, so a kill loses no definition. Without restored_at the object does not exist or is
-- not complete.
CREATE TABLE dropped_definition (
    migration text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('index', 'foreign key')),
    table_schema text NOT NULL,
    table_name text NOT NULL,
    name text NOT NULL,
    -- As pg_get_indexdef or pg_get_constraintdef prints it with an empty search_path.
    definition text NOT NULL,
    -- Empty: the default tablespace of the database.
    tablespace text NOT NULL,
    comment text,
    -- Statistics targets of an index's columns by their number: {"1": 500}.
    statistics jsonb NOT NULL,
    clustered boolean NOT NULL,
    validated boolean NOT NULL,
    dropped_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    restored_at timestamptz,
    PRIMARY KEY (migration, kind, table_schema, table_name, name)
);

-- The target tables whose indexes and foreign keys were dropped for a generation, or that had none to drop.
CREATE TABLE prepared_table (
    migration text NOT NULL,
    generation int NOT NULL,
    target_schema text NOT NULL,
    target_name text NOT NULL,
    PRIMARY KEY (migration, generation, target_schema, target_name)
);
