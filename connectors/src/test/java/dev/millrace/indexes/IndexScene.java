package dev.millrace.indexes;

import dev.millrace.apply.gate.WriteGate;
import dev.millrace.change.TableId;
import dev.millrace.control.BackfilledTables;
import dev.millrace.control.DroppedDefinitions;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.indexes.TargetIndexes.Settings;
import dev.millrace.lifecycle.RestartPolicy;
import dev.millrace.lifecycle.Supervisor;
import dev.millrace.postgres.Database;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;

/// A target with a table `child` that has an index of every kind, its tables `parent` and `other`,
/// and the control schema. Not thread-safe.
final class IndexScene implements AutoCloseable {

    static final int PARTITIONS = 2;
    private static final List<TableId> TABLES =
            List.of(table("child"), table("other"), table("parent"));

    final TestDatabase target = PostgresServer.shared().newTarget();
    final AtomicInteger prepared = new AtomicInteger();
    final Login login;
    final WriteGate gate;
    private final Database database;
    private int generation;

    IndexScene() throws SQLException {
        target.execute(
                "CREATE TABLE parent (id int PRIMARY KEY, code text UNIQUE, a int, b int, UNIQUE (a, b))",
                "CREATE TABLE other (id int PRIMARY KEY, name text NOT NULL)",
                """
                CREATE TABLE child (id int PRIMARY KEY, parent_id int, self_id int, a text, b int NOT NULL,
                    c text, d jsonb, pa int, pb int, EXCLUDE USING btree (c WITH =))""");
        login = GrantedLogins.indexes(target);
        database = login.database("shop");
        gate = new WriteGate(() -> database.connect("pause"), InstantSource.system());
        nextGeneration();
    }

    static TableId table(String name) {
        return new TableId("public", name);
    }

    /// Creates an index and a foreign key of every kind.
    IndexScene everyKind() {
        String tablespace = "space_" + Long.toString(System.nanoTime(), 36);
        target.execute(
                "SET allow_in_place_tablespaces = on",
                "CREATE TABLESPACE " + tablespace + " LOCATION ''",
                "CREATE SCHEMA odd",
                "CREATE FUNCTION odd.twice(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 2 * $1'",
                "CREATE INDEX plain ON child (a)",
                "CREATE INDEX partial ON child (a) WHERE b > 0 AND c <> 'it''s {fn now()} ?'",
                "CREATE INDEX expressions ON child (lower(a), b, odd.twice(b))",
                "ALTER INDEX expressions ALTER COLUMN 1 SET STATISTICS 500",
                "ALTER INDEX expressions ALTER COLUMN 3 SET STATISTICS 0",
                "COMMENT ON INDEX expressions IS 'for Ann''s \\search'",
                "CREATE INDEX including ON child (b) INCLUDE (a, c)",
                "CREATE INDEX operators ON child (a text_pattern_ops DESC NULLS LAST)",
                "CREATE INDEX collated ON child (a COLLATE \"C\")",
                "CREATE INDEX documents ON child USING gin (d jsonb_path_ops) WITH (fastupdate = off)",
                "CREATE INDEX ranges ON child USING brin (b) WITH (pages_per_range = 16)",
                "CREATE INDEX hashed ON child USING hash (a) WITH (fillfactor = 60)",
                "CREATE INDEX \"Odd \"\"name\"\", ON\" ON child (c, b)",
                "CREATE INDEX elsewhere ON child (c) TABLESPACE " + tablespace,
                "CREATE INDEX also_elsewhere ON other (name) TABLESPACE " + tablespace,
                "ALTER TABLE child CLUSTER ON plain",
                "CREATE UNIQUE INDEX single ON child (self_id, a) NULLS NOT DISTINCT",
                "CREATE UNIQUE INDEX identity ON other (name)",
                "ALTER TABLE other REPLICA IDENTITY USING INDEX identity",
                """
                ALTER TABLE child ADD CONSTRAINT late FOREIGN KEY (parent_id) REFERENCES parent
                    ON UPDATE CASCADE ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED""",
                "COMMENT ON CONSTRAINT late ON child IS 'checked at commit'",
                "ALTER TABLE child ADD CONSTRAINT unchecked FOREIGN KEY (c) REFERENCES parent (code) NOT VALID",
                "ALTER TABLE child ADD CONSTRAINT self FOREIGN KEY (self_id) REFERENCES child",
                """
                ALTER TABLE child ADD CONSTRAINT pair FOREIGN KEY (pa, pb) REFERENCES parent (a, b)
                    MATCH FULL""",
                "ALTER TABLE child ADD CONSTRAINT switched_off FOREIGN KEY (b) REFERENCES other",
                "ALTER TABLE child DISABLE TRIGGER ALL",
                """
                DO $$ DECLARE t name; BEGIN
                    FOR t IN SELECT tgname FROM pg_trigger g JOIN pg_constraint k ON k.oid = g.tgconstraint
                        WHERE g.tgrelid = 'child'::regclass AND k.conname <> 'switched_off'
                    LOOP EXECUTE format('ALTER TABLE child ENABLE TRIGGER %I', t); END LOOP;
                END $$""",
                "INSERT INTO other SELECT g, 'n' || g FROM generate_series(1, 50) g",
                "INSERT INTO parent SELECT g, 'c' || g, g, g FROM generate_series(1, 50) g",
                """
                INSERT INTO child SELECT g, g, g, 'A' || g, g, 'c' || g, jsonb_build_object('g', g), g, g
                FROM generate_series(1, 50) g""",
                // What the owner of the tables had to have when it created the indexes.
                "GRANT USAGE ON SCHEMA odd TO " + owner(),
                "GRANT CREATE ON TABLESPACE " + tablespace + " TO " + owner());
        return this;
    }

    String owner() {
        return "owner_" + target.name();
    }

    /// Everything about indexes and foreign keys that PostgreSQL stores, except object identifiers.
    String catalog() {
        target.execute("ALTER DATABASE \"" + target.name() + "\" SET search_path = ''");
        try {
            return String.valueOf(
                    target.value(
                            """
                    SELECT string_agg(line, E'\\n' ORDER BY line) FROM (
                        SELECT concat_ws(' | ', pg_get_indexdef(i.oid), i.relname, s.spcname, i.reloptions::text,
                            obj_description(i.oid, 'pg_class'), x.indisclustered, x.indisreplident, x.indisvalid,
                            x.indisready, x.indislive, x.indnullsnotdistinct, pg_get_userbyid(i.relowner),
                            (SELECT string_agg(a.attname || a.attstattarget, ',' ORDER BY attnum)
                                FROM pg_attribute a WHERE a.attrelid = i.oid)) AS line
                        FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
                        LEFT JOIN pg_tablespace s ON s.oid = i.reltablespace
                        WHERE x.indrelid::regclass::text IN ('public.child', 'public.other', 'public.parent')
                        UNION ALL
                        SELECT concat_ws(' | ', conrelid::regclass, conname, pg_get_constraintdef(k.oid),
                            convalidated, condeferrable, condeferred, obj_description(k.oid, 'pg_constraint'),
                            conindid::regclass, (SELECT string_agg(tgenabled, '') FROM pg_trigger g
                                WHERE g.tgconstraint = k.oid))
                        FROM pg_constraint k WHERE connamespace = 'public'::regnamespace) c"""));
        } finally {
            target.execute("ALTER DATABASE \"" + target.name() + "\" RESET search_path");
        }
    }

    /// Names of the indexes besides primary keys, and of the foreign keys.
    String names() {
        return String.valueOf(
                target.value(
                        """
                        SELECT string_agg(name, ',' ORDER BY name) FROM (
                            SELECT i.relname || CASE WHEN x.indisvalid THEN '' ELSE ' (invalid)' END
                            FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
                            WHERE x.indrelid IN ('child'::regclass, 'other'::regclass, 'parent'::regclass)
                                AND NOT x.indisprimary
                            UNION ALL SELECT conname FROM pg_constraint
                            WHERE contype = 'f' AND connamespace = 'public'::regnamespace) n (name)"""));
    }

    void nextGeneration() {
        generation++;
        target.execute(
                """
                INSERT INTO millrace.generation (migration, generation, system_identifier, timeline,
                    source_database, slot, changes_topic_id, target_topic_id, position_topic_id,
                    partitions, spec_hash)
                VALUES ('shop', %d, '', 1, '', '', '', '', '', %d, '')"""
                        .formatted(generation, PARTITIONS));
    }

    /// Every existing row of every table is applied.
    void completeBackfill() throws SQLException {
        try (Connection connection = login.connect()) {
            for (TableId table : TABLES) {
                for (int partition = 0; partition < PARTITIONS; partition++) {
                    new BackfilledTables("shop").add(connection, generation, table, partition);
                }
            }
        }
    }

    Settings settings() {
        return settings(true);
    }

    /// @param drops false: the file says `indexes: keep`
    Settings settings(boolean drops) {
        return new Settings(
                "shop",
                generation,
                PARTITIONS,
                TABLES,
                new TreeSet<>(drops ? TABLES : List.of()),
                database,
                () -> true,
                Duration.ofMillis(200));
    }

    /// One run of the component; `close` stops it like the service does.
    final class Run implements AutoCloseable {

        final TargetIndexes indexes;
        final Supervisor supervisor;

        Run(Settings settings) {
            indexes = new TargetIndexes(settings, gate, prepared::incrementAndGet);
            supervisor =
                    new Supervisor(
                            "indexes", indexes, InstantSource.system(), RestartPolicy.standard());
            supervisor.start();
        }

        @Override
        public void close() {
            supervisor.close(Duration.ofSeconds(30));
        }
    }

    Run start() {
        return new Run(settings());
    }

    /// Drops what can be dropped, and ends before the statement of this number, counted from 1.
    ///
    /// @return whether it ended before the work was done
    boolean prepareUntil(int statement) throws SQLException {
        return until(statement, session -> new Preparation(settings()).run(session));
    }

    /// Restores, and ends before the statement of this number.
    boolean restoreUntil(int statement) throws SQLException {
        DroppedDefinitions store = new DroppedDefinitions("shop");
        return until(
                statement,
                session -> {
                    Optional<IndexFailure> failure =
                            new Restoration(session, store, _ -> {})
                                    .run(session.inTransaction(store::pending));
                    if (failure.isPresent()) {
                        throw failure.get();
                    }
                });
    }

    private interface Work {
        void with(TargetSession session) throws SQLException;
    }

    private boolean until(int statement, Work work) throws SQLException {
        AtomicInteger begun = new AtomicInteger();
        try (TargetSession session =
                new TargetSession(database, () -> begun.incrementAndGet() >= statement)) {
            work.with(session);
            return false;
        } catch (CancellationException _) {
            return true;
        }
    }

    @Override
    public void close() {
        database.close();
    }
}
