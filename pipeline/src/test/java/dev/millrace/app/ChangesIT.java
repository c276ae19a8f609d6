package dev.millrace.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.app.MigrationAssembly.Outcome;
import dev.millrace.capture.CaptureSettings;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.migration.StartOptions;
import dev.millrace.migration.StatusReport;
import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.spec.SpecReader;
import dev.millrace.spec.SpecResult;
import dev.millrace.testing.KafkaServer;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.TestFolders;
import dev.millrace.testing.Waits;
import dev.millrace.verdict.Reconciliations.ReconciliationState;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.PGConnection;

/// Every kind of change, through the whole pipeline of one migration. Each test writes tables of
/// its own, and waits until the target shows what a query over the source gives. At the end a
/// reconciliation compares all of them.
@Timeout(900)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class ChangesIT {

    /// Longer than what PostgreSQL keeps in the row itself, and not compressible.
    private static final String LARGE =
            "(SELECT string_agg(md5(random()::text), '') FROM generate_series(1, 300) i)";

    private static final List<String> IDENTITIES = List.of("default", "full", "index");

    private final String migration = KafkaServer.newMigrationName();
    private final TestDatabase source = PostgresServer.shared().newDatabase();
    private final TestDatabase target = PostgresServer.shared().newTarget();
    private @Nullable MigrationAssembly assembly;

    @BeforeAll
    void start() throws Exception {
        both("CREATE EXTENSION IF NOT EXISTS btree_gist");
        createDocuments();
        createTruncated();
        createKeys();
        createConstrained();
        assembly =
                switch (MigrationAssembly.open(
                        GrantedLogins.granted(spec(), source, target),
                        "hash",
                        InstantSource.system(),
                        "test",
                        StartOptions.STANDARD)) {
                    case Outcome.Started(MigrationAssembly started) -> started;
                    case Outcome.Refused(var report) ->
                            throw new AssertionError(report.findings().toString());
                };
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .untilAsserted(() -> assertThat(status().phase()).isEqualTo("IN_SYNC"));
    }

    @AfterAll
    void stop() {
        if (assembly != null) {
            assembly.close();
        }
        source.query(
                "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
                        + " WHERE NOT active AND slot_name = '"
                        + CaptureSettings.slot(migration)
                        + "'");
    }

    private void both(String... statements) {
        source.execute(statements);
        target.execute(statements);
    }

    private StatusReport status() {
        return Objects.requireNonNull(assembly).migration().status();
    }

    private MigrationSpec spec() {
        String text =
                """
                migration: %s
                source: {url: '%s', username: '%s', password: '%s'}
                target: {url: '%s', username: '%s', password: '%s'}
                kafka: {bootstrap-servers: '%s', partitions: 3}
                data-dir: '%s'
                tables:
                %s
                  public.live: SELECT id, v FROM public.trimmed WHERE v <> 'hidden'
                  public.kept: {select: 'SELECT id, v FROM public.refused', truncate: refuse}
                  public.wide: SELECT id, v FROM public.narrow
                  public.*: SELECT * FROM public.*
                """
                        .formatted(
                                migration,
                                source.url(),
                                "capture_" + migration,
                                GrantedLogins.PASSWORD,
                                target.url(),
                                "apply_" + migration,
                                GrantedLogins.PASSWORD,
                                KafkaServer.shared().bootstrapServers(),
                                TestFolders.create("changes"),
                                IDENTITIES.stream()
                                        .map(
                                                each ->
                                                        """
                                                          public.head_%1$s: SELECT id, substring(body, 1, 5) AS head, title FROM public.doc_%1$s
                                                          public.shown_%1$s: SELECT id, title, body FROM public.doc_%1$s WHERE deleted IS NULL
                                                        """
                                                                .formatted(each))
                                        .collect(Collectors.joining()));
        return switch (SpecReader.read("millrace.yaml", text, Map.of())) {
            case SpecResult.Valid valid -> valid.spec();
            case SpecResult.Invalid invalid ->
                    throw new IllegalArgumentException(invalid.problems().toString());
        };
    }

    /// Waits until the target shows this.
    private void awaitTarget(String query, List<List<@Nullable String>> expected) {
        Awaitility.await(query)
                .atMost(Waits.LIMIT)
                .pollInterval(Duration.ofMillis(50))
                .untilAsserted(
                        () -> {
                            assertFlowing();
                            assertThat(target.query(query)).isEqualTo(expected);
                        });
    }

    /// Waits until a query gives the same on both sides.
    private void awaitSame(String query) {
        awaitTarget(query, source.query(query));
    }

    private void awaitSameRows(String table) {
        awaitSame("SELECT t::text FROM " + table + " t ORDER BY t::text COLLATE \"C\"");
    }

    /// No table is stopped, and no key waits for an operator.
    private void assertFlowing() {
        StatusReport status = status();
        assertThat(status.tables())
                .allSatisfy(
                        table -> {
                            assertThat(table.stopped()).as(table.target()).isNull();
                            assertThat(table.rejectedKeys()).as(table.target()).isIn(null, 0L);
                        });
    }

    private void createDocuments() {
        for (String each : IDENTITIES) {
            String doc = "doc_" + each;
            source.execute(
                    "CREATE TABLE "
                            + doc
                            + " (id int PRIMARY KEY, title text, body text, list text[], deleted int)",
                    "INSERT INTO "
                            + doc
                            + " SELECT g, 't' || g, NULL, NULL, nullif(g % 2, 0) FROM"
                            + " generate_series(1, 40) g",
                    "ALTER TABLE " + doc + " ALTER body SET STORAGE EXTERNAL");
            // Each row another value.
            IntStream.rangeClosed(1, 40)
                    .forEach(
                            id ->
                                    source.execute(
                                            "UPDATE %s SET body = %s, list = ARRAY[%s] WHERE id = %d"
                                                    .formatted(doc, LARGE, LARGE, id)));
            target.execute(
                    "CREATE TABLE "
                            + doc
                            + " (id int PRIMARY KEY, title text, body text, list text[], deleted int)",
                    "CREATE TABLE head_" + each + " (id int PRIMARY KEY, head text, title text)",
                    "CREATE TABLE shown_" + each + " (id int PRIMARY KEY, title text, body text)");
        }
        both(
                "CREATE TABLE keyed (k text PRIMARY KEY, n int, v text, body text)",
                "ALTER TABLE keyed ALTER k SET STORAGE EXTERNAL");
        source.execute(
                "INSERT INTO keyed SELECT (SELECT left(string_agg(md5(g || '.' || i), ''), 2500)"
                        + " FROM generate_series(1, 80) i), g, 'v', 'b' FROM generate_series(1, 10) g",
                "CREATE TABLE coded (id int PRIMARY KEY, code text NOT NULL UNIQUE, title text,"
                        + " body text)",
                "INSERT INTO coded SELECT g, 'c' || g, 't', repeat(md5(g::text), 300) FROM"
                        + " generate_series(1, 20) g",
                "ALTER TABLE coded REPLICA IDENTITY USING INDEX coded_code_key");
        target.execute("CREATE TABLE coded (id int, code text PRIMARY KEY, title text, body text)");
        source.execute(
                "ALTER TABLE doc_full REPLICA IDENTITY FULL",
                "CREATE UNIQUE INDEX doc_index_identity ON doc_index (id)",
                "ALTER TABLE doc_index REPLICA IDENTITY USING INDEX doc_index_identity");
    }

    /// No statement but the marked ones writes the large values.
    @ParameterizedTest
    @ValueSource(strings = {"default", "full", "index"})
    void unchangedLargeValuesArriveWithEveryKindOfChange(String identity) {
        String doc = "doc_" + identity;
        for (String statements :
                List.of(
                        "UPDATE doc SET id = id + 100 WHERE id IN (1, 2)",
                        "UPDATE doc SET title = 'moved' WHERE id = 101",
                        "BEGIN; UPDATE doc SET id = 103 WHERE id = 3; UPDATE doc SET title = 'x'"
                                + " WHERE id = 103; UPDATE doc SET id = 203 WHERE id = 103; COMMIT",
                        "BEGIN; UPDATE doc SET id = 0 WHERE id = 5; UPDATE doc SET id = 5 WHERE id ="
                                + " 6; UPDATE doc SET id = 6 WHERE id = 0; COMMIT",
                        "UPDATE doc SET deleted = NULL WHERE id IN (7, 9)",
                        "UPDATE doc SET deleted = 1 WHERE id IN (8, 10)",
                        "BEGIN; UPDATE doc SET deleted = 1 WHERE id = 12; UPDATE doc SET deleted ="
                                + " NULL WHERE id = 12; COMMIT",
                        "BEGIN; UPDATE doc SET deleted = NULL, id = 113 WHERE id = 13; COMMIT",
                        "UPDATE doc SET title = 'only the title' WHERE id IN (14, 15)",
                        "UPDATE doc SET title = NULL WHERE id = 16",
                        "BEGIN; UPDATE doc SET id = 117 WHERE id = 17; DELETE FROM doc WHERE id ="
                                + " 117; COMMIT",
                        "BEGIN; UPDATE doc SET id = 118 WHERE id = 18; INSERT INTO doc VALUES (18,"
                                + " 'other', 'small', NULL, NULL); COMMIT",
                        "BEGIN; UPDATE doc SET title = 'both' WHERE id = 20; UPDATE doc SET body ="
                                + " 'written' WHERE id = 20; COMMIT",
                        "BEGIN; UPDATE doc SET body = 'written' WHERE id = 21; UPDATE doc SET"
                                + " deleted = NULL WHERE id = 21; COMMIT",
                        "UPDATE doc SET body = NULL WHERE id = 22",
                        "UPDATE doc SET deleted = NULL WHERE id BETWEEN 23 AND 40",
                        "UPDATE doc SET id = id + 300 WHERE id BETWEEN 30 AND 40")) {
            source.execute(statements.replace("doc ", doc + " "));
        }

        awaitSameRows(doc);
        awaitTarget(
                "SELECT id, head, title FROM head_" + identity + " ORDER BY id",
                source.query(
                        "SELECT id, substring(body, 1, 5), title FROM " + doc + " ORDER BY id"));
        awaitTarget(
                "SELECT id, title, body FROM shown_" + identity + " ORDER BY id",
                source.query(
                        "SELECT id, title, body FROM "
                                + doc
                                + " WHERE deleted IS NULL ORDER BY id"));
    }

    /// The replica identity is another key than the primary key of the source.
    @Test
    void unchangedLargeValuesArriveUnderTheKeyOfAnIndex() {
        source.execute(
                "UPDATE coded SET code = 'x' || code WHERE id <= 3",
                "UPDATE coded SET id = id + 100 WHERE id BETWEEN 2 AND 5",
                "BEGIN; UPDATE coded SET code = 'y', id = 200 WHERE id = 6; UPDATE coded SET title ="
                        + " 'y' WHERE code = 'y'; COMMIT",
                "BEGIN; UPDATE coded SET code = 'tmp' WHERE id = 7; UPDATE coded SET code = 'c7'"
                        + " WHERE id = 8; UPDATE coded SET code = 'c8' WHERE id = 7; COMMIT",
                "UPDATE coded SET title = 'only the title' WHERE id = 9",
                "DELETE FROM coded WHERE code = 'c10'");

        awaitSameRows("coded");
    }

    /// A key of 2,500 bytes is stored out of line, so an UPDATE does not send it either.
    @Test
    void keysThatAreStoredOutOfLineArrive() {
        source.execute(
                "UPDATE keyed SET v = 'u' WHERE n IN (1, 2)",
                "UPDATE keyed SET k = 'x' || substr(k, 2), v = 'moved' WHERE n = 3",
                "BEGIN; UPDATE keyed SET v = 'a' WHERE n = 4; UPDATE keyed SET k = 'y' || substr(k,"
                        + " 2) WHERE n = 4; UPDATE keyed SET v = 'b' WHERE n = 4; COMMIT",
                "DELETE FROM keyed WHERE n = 5");

        awaitSameRows("keyed");
    }

    private void createTruncated() {
        both(
                "CREATE TABLE parent (id int PRIMARY KEY, v text)",
                "CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent)",
                "CREATE TABLE grandchild (id int PRIMARY KEY, child int REFERENCES child)",
                "CREATE TABLE root (id int PRIMARY KEY, v text) PARTITION BY RANGE (id)",
                "CREATE TABLE root_1 PARTITION OF root FOR VALUES FROM (0) TO (50)",
                "CREATE TABLE root_2 PARTITION OF root DEFAULT");
        source.execute(
                "CREATE TABLE trimmed (id int PRIMARY KEY, v text)",
                "CREATE TABLE refused (id int PRIMARY KEY, v text)",
                "CREATE TABLE narrow (id int PRIMARY KEY, v text)",
                "INSERT INTO parent SELECT g, 'v' FROM generate_series(1, 100) g",
                "INSERT INTO child SELECT g, g FROM generate_series(1, 100) g",
                "INSERT INTO grandchild SELECT g, g FROM generate_series(1, 100) g",
                "INSERT INTO root SELECT g, 'v' FROM generate_series(1, 100) g",
                "INSERT INTO trimmed SELECT g, CASE g % 3 WHEN 0 THEN 'hidden' ELSE 'v' END"
                        + " FROM generate_series(1, 100) g",
                "INSERT INTO refused SELECT g, 'v' FROM generate_series(1, 10) g");
        target.execute(
                "CREATE TABLE trimmed (id int PRIMARY KEY, v text)",
                "CREATE TABLE live (id int PRIMARY KEY, v text)",
                "CREATE TABLE kept (id int PRIMARY KEY, v text)",
                "CREATE TABLE refused (id int PRIMARY KEY, v text)",
                "CREATE TABLE narrow (id int PRIMARY KEY, v text)",
                "CREATE TABLE wide (id int PRIMARY KEY, v text, more text DEFAULT 'here')");
    }

    @Test
    void aTruncateEmptiesTheTablesItCascadesTo() {
        source.execute(
                "INSERT INTO parent VALUES (1000, 'before')",
                "TRUNCATE parent CASCADE",
                "INSERT INTO parent VALUES (1, 'after')",
                "BEGIN; TRUNCATE child, grandchild; INSERT INTO child VALUES (7, 1); TRUNCATE child"
                        + " CASCADE; INSERT INTO child VALUES (8, 1); COMMIT");

        awaitTarget("SELECT id, v FROM parent", List.of(List.of("1", "after")));
        awaitTarget("SELECT id, parent FROM child", List.of(List.of("8", "1")));
        awaitTarget("SELECT id FROM grandchild", List.of());
    }

    @Test
    void aTruncateOfAPartitionRootEmptiesItsPartitions() {
        source.execute("TRUNCATE root", "INSERT INTO root VALUES (7, 'a'), (70, 'b')");

        awaitSameRows("root");
    }

    /// Two tables have rows of it, one of them not all.
    @Test
    void aTruncateDeletesTheRowsOfEveryTargetTable() {
        source.execute(
                "UPDATE trimmed SET v = 'hidden' WHERE id = 1",
                "TRUNCATE trimmed",
                "INSERT INTO trimmed VALUES (1, 'a'), (2, 'hidden')");

        awaitSameRows("trimmed");
        awaitTarget("SELECT id, v FROM live", List.of(List.of("1", "a")));
    }

    @Test
    void onlyWhatATransactionKeepsIsTruncated() {
        source.execute(
                "INSERT INTO narrow SELECT g, 'v' FROM generate_series(1, 20) g",
                "BEGIN; SAVEPOINT a; TRUNCATE narrow; ROLLBACK TO a; UPDATE narrow SET v = 'kept'"
                        + " WHERE id = 1; COMMIT",
                "BEGIN; TRUNCATE narrow; ROLLBACK");
        awaitSameRows("narrow");
        awaitTarget(
                "SELECT id, v FROM wide ORDER BY id",
                source.query("SELECT id, v FROM narrow ORDER BY id"));

        source.execute(
                "BEGIN; INSERT INTO narrow VALUES (30, 'before'); SAVEPOINT a; TRUNCATE narrow;"
                        + " RELEASE a; INSERT INTO narrow VALUES (31, 'after'); COMMIT");
        awaitSameRows("narrow");
        awaitTarget("SELECT id, v, more FROM wide", List.of(List.of("31", "after", "here")));
    }

    private void createKeys() {
        both(
                "CREATE TABLE reborn (id int PRIMARY KEY, v text, code text UNIQUE)",
                "CREATE TABLE moved (id int, region text, body text, PRIMARY KEY (id, region))"
                        + " PARTITION BY LIST (region)",
                "CREATE TABLE moved_eu PARTITION OF moved FOR VALUES IN ('eu')",
                "CREATE TABLE moved_us PARTITION OF moved FOR VALUES IN ('us')",
                "CREATE TABLE moved_other PARTITION OF moved DEFAULT",
                "CREATE TABLE copied (id int PRIMARY KEY, v text, code text UNIQUE)",
                "CREATE TABLE merged (id int PRIMARY KEY, v text, n int DEFAULT 1)",
                "CREATE TABLE prepared (id int PRIMARY KEY, v text)",
                "CREATE TABLE saved (id int PRIMARY KEY, v text)");
        source.execute(
                "INSERT INTO reborn SELECT g, 'v', 'c' || g FROM generate_series(1, 20) g",
                "INSERT INTO moved SELECT g, 'eu', 'b' FROM generate_series(1, 20) g",
                "UPDATE moved SET body = " + LARGE + " WHERE id % 2 = 0",
                "INSERT INTO merged SELECT g, 'v' FROM generate_series(1, 20) g",
                "INSERT INTO prepared SELECT g, 'v' FROM generate_series(1, 20) g",
                "INSERT INTO saved SELECT g, 'v' FROM generate_series(1, 20) g");
    }

    @Test
    void rowsThatAreDeletedAndInsertedInOneTransactionAreThere() {
        source.execute(
                "BEGIN; DELETE FROM reborn WHERE id = 1; INSERT INTO reborn VALUES (1, 'new', 'c1');"
                        + " COMMIT",
                "BEGIN; DELETE FROM reborn WHERE id = 2; INSERT INTO reborn VALUES (2, NULL, 'n2');"
                        + " DELETE FROM reborn WHERE id = 2; COMMIT",
                "BEGIN; INSERT INTO reborn VALUES (50, 'x', 'c50'); DELETE FROM reborn WHERE id ="
                        + " 50; INSERT INTO reborn VALUES (50, 'y', 'c50'); UPDATE reborn SET v ="
                        + " 'z' WHERE id = 50; COMMIT",
                "BEGIN; DELETE FROM reborn WHERE id IN (3, 4); INSERT INTO reborn VALUES (3, 'v',"
                        + " 'c4'), (4, 'v', 'c3'); COMMIT",
                "BEGIN; UPDATE reborn SET id = -5 WHERE id = 5; UPDATE reborn SET id = 5 WHERE id ="
                        + " 6; UPDATE reborn SET id = 6 WHERE id = -5; COMMIT",
                "BEGIN; UPDATE reborn SET code = 't' WHERE id = 7; UPDATE reborn SET code = 'c7'"
                        + " WHERE id = 8; UPDATE reborn SET code = 'c8' WHERE id = 7; COMMIT",
                "UPDATE reborn SET id = id + 100 WHERE id BETWEEN 9 AND 20");

        awaitSameRows("reborn");
    }

    @Test
    void rowsThatMoveBetweenPartitionsAreThereOnce() {
        source.execute(
                "UPDATE moved SET region = 'us' WHERE id <= 10",
                "UPDATE moved SET region = 'other' WHERE id IN (1, 2)",
                "BEGIN; UPDATE moved SET region = 'us' WHERE id IN (11, 12); UPDATE moved SET region"
                        + " = 'eu' WHERE id IN (11, 12); COMMIT",
                "BEGIN; UPDATE moved SET region = 'us', id = 114 WHERE id = 14; DELETE FROM moved"
                        + " WHERE id = 114; COMMIT",
                "INSERT INTO moved_us VALUES (200, 'us', 'into the partition')",
                "UPDATE moved_us SET body = 'in the partition' WHERE id = 3");

        awaitSameRows("moved");
    }

    @Test
    void copiedRowsArriveUnlessTheirTransactionFails() throws Exception {
        copy(1, 5_000);
        assertThatThrownBy(() -> copy(4_990, 5_010)).hasMessageContaining("copied_pkey");
        source.execute("UPDATE copied SET v = 'after' WHERE id % 100 = 0");
        copy(5_001, 5_003);

        awaitSameRows("copied");
        awaitTarget("SELECT count(*) FROM copied", List.of(List.of("5003")));
    }

    private void copy(int from, int to) throws Exception {
        String rows =
                IntStream.rangeClosed(from, to)
                        .mapToObj(i -> i + "\tline\\n" + i + "\tc" + i + "\n")
                        .collect(Collectors.joining());
        try (Connection connection = source.connect()) {
            connection
                    .unwrap(PGConnection.class)
                    .getCopyAPI()
                    .copyIn(
                            "COPY copied FROM STDIN",
                            new ByteArrayInputStream(rows.getBytes(StandardCharsets.UTF_8)));
        }
    }

    @Test
    void whatConflictsAndMergesDoArrives() {
        source.execute(
                "INSERT INTO merged VALUES (1, 'in the way'), (21, 'new') ON CONFLICT DO NOTHING",
                "INSERT INTO merged AS m VALUES (2, 'up'), (22, 'new') ON CONFLICT (id) DO UPDATE"
                        + " SET v = excluded.v, n = m.n + 1",
                "INSERT INTO merged AS m VALUES (2, 'not') ON CONFLICT (id) DO UPDATE SET v = 'x'"
                        + " WHERE m.n > 5",
                "MERGE INTO merged m USING (VALUES (3, 'a'), (4, 'b'), (23, 'c')) AS s (id, v) ON"
                        + " m.id = s.id WHEN MATCHED AND s.v = 'a' THEN DELETE WHEN MATCHED THEN"
                        + " UPDATE SET v = s.v, n = m.n + 1 WHEN NOT MATCHED THEN INSERT (id, v)"
                        + " VALUES (s.id, s.v)");

        awaitSameRows("merged");
    }

    @Test
    void aPreparedTransactionArrivesWhenItIsCommitted() {
        source.execute(
                "BEGIN; UPDATE prepared SET v = 'prepared' WHERE id <= 5; DELETE FROM prepared WHERE"
                        + " id = 6; INSERT INTO prepared VALUES (30, 'new'); PREPARE TRANSACTION '"
                        + migration
                        + "_a'",
                "BEGIN; DELETE FROM prepared WHERE id > 10; PREPARE TRANSACTION '"
                        + migration
                        + "_b'",
                "UPDATE prepared SET v = 'meanwhile' WHERE id = 7");
        awaitTarget("SELECT v FROM prepared WHERE id = 7", List.of(List.of("meanwhile")));
        assertThat(target.query("SELECT id FROM prepared WHERE v = 'prepared' OR id = 30"))
                .isEmpty();

        source.execute(
                "ROLLBACK PREPARED '" + migration + "_b'",
                "COMMIT PREPARED '" + migration + "_a'",
                "UPDATE prepared SET v = v || '!' WHERE id IN (5, 30)");

        awaitSameRows("prepared");
        awaitTarget("SELECT count(*) FROM prepared", List.of(List.of("20")));
    }

    @Test
    void onlyWhatSavepointsKeepArrives() {
        source.execute(
                "BEGIN; UPDATE saved SET v = 'kept' WHERE id = 1; SAVEPOINT a; DELETE FROM saved;"
                        + " INSERT INTO saved VALUES (100, 'gone'); ROLLBACK TO a; UPDATE saved SET v"
                        + " = 'also' WHERE id = 2; SAVEPOINT b; UPDATE saved SET v = 'inner' WHERE"
                        + " id = 3; SAVEPOINT c; DELETE FROM saved WHERE id = 3; ROLLBACK TO c;"
                        + " RELEASE b; COMMIT",
                "BEGIN; SAVEPOINT a; DELETE FROM saved WHERE id = 4; RELEASE a; ROLLBACK");

        awaitSameRows("saved");
    }

    private void createConstrained() {
        both(
                "CREATE TABLE computed (id int PRIMARY KEY, a int, twice int GENERATED ALWAYS AS (a"
                        + " * 2) STORED, thrice int GENERATED ALWAYS AS (a * 3) "
                        + (hasVirtualColumns() ? "VIRTUAL" : "STORED")
                        + ", b int, last"
                        + " int GENERATED ALWAYS AS (a + 1) STORED)",
                "CREATE TABLE defaulted (id int PRIMARY KEY, v text DEFAULT 'default', n int"
                        + " DEFAULT 7 NOT NULL, at timestamptz DEFAULT now())",
                "CREATE TABLE booking (id int PRIMARY KEY, room int, during int4range, EXCLUDE USING"
                        + " gist (room WITH =, during WITH &&))",
                "CREATE TABLE node (id int PRIMARY KEY, up int REFERENCES node DEFERRABLE INITIALLY"
                        + " DEFERRED)",
                "CREATE TABLE ring_a (id int PRIMARY KEY, b int)",
                "CREATE TABLE ring_b (id int PRIMARY KEY, a int REFERENCES ring_a ON DELETE CASCADE)",
                "ALTER TABLE ring_a ADD FOREIGN KEY (b) REFERENCES ring_b DEFERRABLE INITIALLY"
                        + " DEFERRED",
                "CREATE TABLE cascaded (id int PRIMARY KEY, a int REFERENCES ring_a ON UPDATE"
                        + " CASCADE ON DELETE SET NULL)");
        source.execute(
                "CREATE TABLE numbered (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, v text)",
                "CREATE TABLE counted (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v text)",
                "CREATE TABLE watched (id int PRIMARY KEY, v text)",
                "CREATE TABLE checked (id int PRIMARY KEY, v int)");
        target.execute(
                "CREATE TABLE numbered (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v text)",
                "CREATE TABLE counted (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, v text)",
                "CREATE TABLE watched (id int PRIMARY KEY, v text)",
                "CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF TG_OP ="
                        + " ''DELETE'' THEN RETURN NULL; END IF; new.v := ''changed''; RETURN new;"
                        + " END'",
                "CREATE TRIGGER meddle BEFORE INSERT OR UPDATE OR DELETE ON watched FOR EACH ROW"
                        + " EXECUTE FUNCTION meddle()",
                "CREATE TABLE checked (id int PRIMARY KEY, v int CHECK (v > 0))");
        source.execute(
                "INSERT INTO booking VALUES (1, 1, '[1,5)'), (2, 1, '[5,9)'), (3, 2, '[1,9)')",
                "INSERT INTO watched SELECT g, 'v' FROM generate_series(1, 10) g");
    }

    private boolean hasVirtualColumns() {
        return Integer.parseInt(Objects.requireNonNull(source.value("SHOW server_version_num")))
                >= 180_000;
    }

    @Test
    void theTargetComputesItsGeneratedColumns() {
        source.execute(
                "INSERT INTO computed (id, a, b) SELECT g, g, g FROM generate_series(1, 10) g",
                "UPDATE computed SET a = 100 WHERE id = 1",
                "UPDATE computed SET a = NULL WHERE id = 2",
                "UPDATE computed SET id = 50 WHERE id = 3",
                "DELETE FROM computed WHERE id = 4");

        awaitSame("SELECT id, a, twice, thrice, b, last FROM computed ORDER BY id");
    }

    @Test
    void identityColumnsTakeTheValuesOfTheSource() {
        source.execute(
                "INSERT INTO numbered (v) SELECT 'v' FROM generate_series(1, 10)",
                "INSERT INTO numbered VALUES (1000, 'chosen')",
                "UPDATE numbered SET v = 'u', id = id + 2000 WHERE id < 3",
                "INSERT INTO counted (v) SELECT 'v' FROM generate_series(1, 10)",
                "INSERT INTO counted OVERRIDING SYSTEM VALUE VALUES (500, 'chosen')",
                "UPDATE counted SET v = 'u' WHERE id = 3",
                "DELETE FROM counted WHERE id = 4");

        awaitSameRows("numbered");
        awaitSameRows("counted");
    }

    @Test
    void nullsAndDefaultsOfTheSourceArriveNotThoseOfTheTarget() {
        source.execute(
                "INSERT INTO defaulted VALUES (1, NULL, 1, NULL), (2, 'x', 2, 'infinity')",
                "INSERT INTO defaulted (id) VALUES (3)",
                "UPDATE defaulted SET v = NULL, at = NULL WHERE id = 3",
                "UPDATE defaulted SET v = DEFAULT, n = DEFAULT WHERE id = 2");

        awaitSameRows("defaulted");
    }

    @Test
    void rangesThatAreHandedOnUnderAnExclusionConstraintConverge() {
        source.execute(
                "BEGIN; UPDATE booking SET during = '[20,21)' WHERE id = 1; UPDATE booking SET during"
                        + " = '[1,5)' WHERE id = 2; UPDATE booking SET during = '[5,9)' WHERE id = 1;"
                        + " COMMIT",
                "BEGIN; DELETE FROM booking WHERE id = 3; INSERT INTO booking VALUES (4, 2, '[2,8)');"
                        + " COMMIT",
                "UPDATE booking SET id = 5 WHERE id = 4");

        awaitSameRows("booking");
    }

    @Test
    void rowsArriveWhateverTheOrderOfTheirForeignKeys() {
        source.execute(
                "BEGIN; INSERT INTO node SELECT g, g + 1 FROM generate_series(1, 99) g; INSERT INTO"
                        + " node VALUES (100, NULL); COMMIT",
                "BEGIN; DELETE FROM node WHERE id > 50; UPDATE node SET up = NULL WHERE id = 50;"
                        + " COMMIT",
                "BEGIN; INSERT INTO ring_a SELECT g, g FROM generate_series(1, 20) g; INSERT INTO"
                        + " ring_b SELECT g, g FROM generate_series(1, 20) g; COMMIT",
                "INSERT INTO cascaded SELECT g, g FROM generate_series(1, 20) g",
                "BEGIN; UPDATE ring_a SET b = NULL WHERE id <= 5; DELETE FROM ring_a WHERE id <= 5;"
                        + " INSERT INTO ring_a VALUES (1, NULL); COMMIT",
                "INSERT INTO ring_b VALUES (1, 1)",
                "INSERT INTO ring_a VALUES (31, NULL)",
                "UPDATE ring_a SET id = 41 WHERE id = 31");

        for (String table : List.of("node", "ring_a", "ring_b", "cascaded")) {
            awaitSameRows(table);
        }
    }

    @Test
    void triggersOfTheTargetDoNotFire() {
        source.execute(
                "UPDATE watched SET v = 'u' WHERE id = 1",
                "DELETE FROM watched WHERE id = 2",
                "INSERT INTO watched VALUES (20, 'i')");

        awaitSameRows("watched");
    }

    /// The source has no such constraint: only the refused key waits, until the constraint is gone.
    @Test
    @Order(1)
    void aCheckOfTheTargetSetsOneKeyAside() {
        source.execute(
                "INSERT INTO checked SELECT g, g FROM generate_series(1, 10) g",
                "UPDATE checked SET v = -1 WHERE id = 5",
                "UPDATE checked SET v = 6 WHERE id = 6");
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .until(() -> Objects.equals(rejectedKeys("public.checked"), 1L));
        source.execute("TRUNCATE checked", "INSERT INTO checked VALUES (5, 5)");

        awaitTarget("SELECT id, v FROM checked", List.of(List.of("5", "5")));
    }

    private @Nullable Long rejectedKeys(String table) {
        return status().tables().stream()
                .filter(each -> each.target().equals(table))
                .findFirst()
                .orElseThrow()
                .rejectedKeys();
    }

    @Test
    @Order(Integer.MAX_VALUE - 1)
    void aReconciliationFindsEverythingEqual() {
        ReconciliationReport report = reconcile();

        assertThat(report.verdict()).as(report.toString()).isEqualTo(Verdict.EQUAL);
        assertFlowing();
        assertThat(status().blockers()).isEmpty();
    }

    private ReconciliationReport reconcile() {
        UUID id = Objects.requireNonNull(assembly).migration().reconcile(List.of());
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .until(() -> state(id) instanceof ReconciliationState.Finished);
        return ((ReconciliationState.Finished) state(id)).report();
    }

    private ReconciliationState state(UUID id) {
        return Objects.requireNonNull(assembly).migration().reconciliation(id).orElseThrow();
    }

    /// The last test: a table stays stopped.
    @Test
    @Order(Integer.MAX_VALUE)
    void aTableThatRefusesATruncateStopsByName() {
        awaitTarget("SELECT count(*) FROM kept", List.of(List.of("10")));
        source.execute("TRUNCATE refused", "INSERT INTO refused VALUES (77, 'after')");

        Awaitility.await()
                .atMost(Waits.LIMIT)
                .until(() -> target.query("SELECT FROM refused").size() == 1);
        assertThat(target.query("SELECT id FROM kept")).hasSize(10);
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .untilAsserted(
                        () ->
                                assertThat(status().tables())
                                        .filteredOn(table -> table.stopped() != null)
                                        .singleElement()
                                        .satisfies(ChangesIT::assertRefused));
    }

    private static void assertRefused(StatusReport.Table table) {
        assertThat(table.target()).isEqualTo("public.kept");
        assertThat(table.stopped()).contains("rows come from was truncated", "truncate: refuse");
    }
}
