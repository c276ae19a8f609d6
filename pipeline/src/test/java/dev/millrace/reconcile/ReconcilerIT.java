package dev.millrace.reconcile;

import static dev.millrace.reconcile.UsersScene.keys;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.TableId;
import dev.millrace.mapping.Mapping;
import dev.millrace.reconcile.ReconciliationReport.Kind;
import dev.millrace.reconcile.ReconciliationReport.Mismatch;
import dev.millrace.reconcile.ReconciliationReport.TableReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/// The verdict against real servers on idle tables: planted differences are found.
class ReconcilerIT {

    @AutoClose final UsersScene scene = new UsersScene();

    @Test
    void reportsEqualTablesWithEqualNumbers() {
        ReconciliationReport report = scene.reconcile();

        TableReport table = report.tables().getFirst();
        assertThat(report.verdict()).isEqualTo(Verdict.EQUAL);
        assertThat(report.sourceLsn()).contains("/");
        assertThat(table.sourceRows()).isEqualTo(270).isEqualTo(table.targetRows());
        assertThat(table.sourceChecksum())
                .hasSize(32)
                .isNotEqualTo("0".repeat(32))
                .isEqualTo(table.targetChecksum());
        assertThat(table.mismatches()).isEmpty();
        assertThat(table.inFlight()).isZero();
    }

    @Test
    void countsTheComparedTablesAndRows() {
        scene.analyze();
        scene.reconcile();

        assertThat(scene.counted.reading())
                .isEqualTo(new ComparisonProgress.Reading(1, 1, 270, 270));
    }

    static List<Arguments> plants() {
        return List.of(
                planted("a changed letter", "full_name = 'nbme 7' WHERE id = 7", "full_name"),
                planted("NULL", "full_name = NULL WHERE id = 7", "full_name"),
                planted("a trailing zero", "amount = 10.5 WHERE id = 7", "amount"),
                planted("a trailing blank", "full_name = 'name 7 ' WHERE id = 7", "full_name"),
                planted(
                        "both columns",
                        "full_name = 'name 8', amount = 12.00 WHERE id = 7",
                        "full_name",
                        "amount"));
    }

    private static Arguments planted(String name, String change, String... columns) {
        return Arguments.of(name, change, List.of(columns));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("plants")
    void reportsAPlantedDifferenceWithKeyAndColumns(
            String name, String change, List<String> columns) {
        scene.target.execute("UPDATE crm.customer SET " + change);

        TableReport table = scene.table();

        assertThat(table.verdict()).isEqualTo(Verdict.DIFFERENT);
        assertThat(table.mismatches())
                .singleElement()
                .satisfies(
                        mismatch -> {
                            assertThat(mismatch.key()).isEqualTo(Map.of("id", "7"));
                            assertThat(mismatch.kind()).isEqualTo(Kind.DIFFERENT);
                            assertThat(mismatch.columns()).isEqualTo(columns);
                        });
        assertThat(table.sourceChecksum()).isNotEqualTo(table.targetChecksum());
        assertThat(table.sourceRows()).isEqualTo(table.targetRows());
    }

    @Test
    void distinguishesNullFromTheEmptyText() {
        scene.source.execute("UPDATE users SET name = '' WHERE id = 7");
        scene.target.execute("UPDATE crm.customer SET full_name = NULL WHERE id = 7");

        assertThat(scene.table().mismatches())
                .singleElement()
                .extracting(Mismatch::columns)
                .isEqualTo(List.of("full_name"));
    }

    @Test
    void reportsBothRowsThatSwappedTheirValues() {
        scene.target.execute(
                "UPDATE crm.customer SET full_name = 'name ' || (19 - id), amount = (19 - id) *"
                        + " 1.50 WHERE id IN (7, 12)");

        assertThat(keys(scene.table())).containsExactlyInAnyOrder("different 7", "different 12");
    }

    @Test
    void distinguishesComposedFromDecomposedLetters() {
        scene.source.execute("UPDATE users SET name = U&'\\00e9' WHERE id = 7");
        scene.target.execute("UPDATE crm.customer SET full_name = U&'e\\0301' WHERE id = 7");

        assertThat(keys(scene.table())).containsExactly("different 7");
    }

    @Test
    void reportsMissingAndExtraRowsWithTheirKinds() {
        scene.target.execute(
                "DELETE FROM crm.customer WHERE id = 8",
                "INSERT INTO crm.customer VALUES (-5, 'stranger', 0)",
                "INSERT INTO crm.customer VALUES (20, 'filtered away', 0)");

        TableReport table = scene.table();

        assertThat(keys(table)).containsExactlyInAnyOrder("missing 8", "extra -5", "extra 20");
        assertThat(table.missing()).isEqualTo(1);
        assertThat(table.extra()).isEqualTo(2);
        assertThat(table.sourceRows()).isEqualTo(270);
        assertThat(table.targetRows()).isEqualTo(271);
    }

    @Test
    void reportsChangesThatCaptureLost() {
        scene.progress.writeUnlogged("UPDATE users SET name = 'lost' WHERE id = 7");
        scene.progress.writeUnlogged("DELETE FROM users WHERE id = 8");
        scene.progress.writeUnlogged("INSERT INTO users VALUES (1000, 'lost', 1)");

        assertThat(keys(scene.table()))
                .containsExactlyInAnyOrder("different 7", "extra 8", "missing 1000");
    }

    @Test
    void reportsAForeignWriteOnAKeyThatWasReplicatedBefore() {
        scene.write(7, "replicated", "1");
        scene.progress.catchUp();
        scene.target.execute("UPDATE crm.customer SET full_name = 'stranger' WHERE id = 7");

        TableReport table = scene.table();

        assertThat(keys(table)).containsExactly("different 7");
        assertThat(table.inFlight()).isZero();
    }

    @Test
    void stoppedTableIsUndecidedWithItsReason() {
        scene.target.execute(
                ("INSERT INTO millrace.stopped_table VALUES"
                                + " ('%s', 1, 'crm', 'customer', 'a cell is not there', 0, 5)")
                        .formatted(scene.topics.migration()),
                "DELETE FROM crm.customer WHERE id = 8");

        TableReport table = scene.table();

        assertThat(table.verdict()).isEqualTo(Verdict.UNDECIDED);
        assertThat(table.cause()).contains("a cell is not there");
        assertThat(table.mismatches()).isEmpty();
    }

    @Test
    void tableWhoseRowsAreReadAgainIsUndecidedWithItsReason() {
        scene.target.execute(
                ("INSERT INTO millrace.lost_changes (migration, generation, target_schema,"
                                + " target_name, reason, whole) VALUES ('%s', 1, 'crm', 'customer',"
                                + " 'its definition has changed', true)")
                        .formatted(scene.topics.migration()),
                "DELETE FROM crm.customer WHERE id = 8");

        TableReport table = scene.table();

        assertThat(table.verdict()).isEqualTo(Verdict.UNDECIDED);
        assertThat(table.cause())
                .isEqualTo("rows of the table are read again: its definition has changed");
        assertThat(table.mismatches()).isEmpty();
    }

    /// The causes are found after every verdict.
    @Test
    void cancellationWhileCausesAreFoundKeepsTheVerdict() {
        scene.target.execute("UPDATE crm.customer SET amount = 4.5 WHERE id = 3");
        AtomicInteger watermarks = new AtomicInteger();
        scene.progress.afterEachWatermark(watermarks::incrementAndGet);
        Mismatch explained = scene.table().mismatches().getFirst();
        int last = watermarks.getAndSet(0);
        scene.progress.afterEachWatermark(
                () -> {
                    if (watermarks.incrementAndGet() == last) {
                        scene.cancellation.request();
                    }
                });

        ReconciliationReport report = scene.reconcile();

        assertThat(scene.cancellation.isRequested()).isTrue();
        assertThat(report.verdict()).isEqualTo(Verdict.DIFFERENT);
        assertThat(report.reason()).isNull();
        assertThat(report.tables().getFirst().mismatches())
                .singleElement()
                .satisfies(
                        mismatch -> {
                            assertThat(mismatch.key()).isEqualTo(explained.key());
                            assertThat(mismatch.cause())
                                    .isEqualTo(KeyRecheck.NO_CHANGE_IN_FLIGHT)
                                    .isNotEqualTo(explained.cause());
                        });
    }

    private static final int TABLES = 700;

    /// Small tables share one fenced read; a table that cannot be read does not affect the others.
    @Test
    void smallTablesShareAReadAndEachHasItsOwnVerdict() {
        scene.source.execute(
                ("DO $$ BEGIN FOR i IN 1..%d LOOP EXECUTE format('CREATE TABLE u%%s AS SELECT i AS"
                                + " id, ''name'' AS name, 1.5 AS amount FROM (SELECT %%s AS i) AS one', i, i);"
                                + " END LOOP; END $$")
                        .formatted(TABLES),
                "ALTER TABLE u3 RENAME COLUMN name TO title");
        scene.target.execute(
                ("DO $$ BEGIN FOR i IN 1..%d LOOP EXECUTE format('CREATE TABLE crm.c%%s AS SELECT i"
                                + " AS id, ''name'' AS full_name, 1.5 AS amount FROM (SELECT %%s AS i) AS"
                                + " one', i, i); END LOOP; END $$")
                        .formatted(TABLES),
                "UPDATE crm.c5 SET amount = 1.50",
                "ALTER TABLE crm.c7 DROP COLUMN amount");
        List<Mapping> mappings =
                IntStream.rangeClosed(1, TABLES)
                        .mapToObj(
                                i ->
                                        UserMapper.mapping(
                                                new TableId("public", "u" + i),
                                                new TableId("crm", "c" + i)))
                        .toList();
        scene.grantAll();
        AtomicInteger watermarks = new AtomicInteger();
        scene.progress.afterEachWatermark(watermarks::incrementAndGet);
        Instant begin = Instant.now();

        ReconciliationReport report = scene.reconcile(mappings);

        assertThat(Duration.between(begin, Instant.now())).isLessThan(Duration.ofSeconds(60));
        assertThat(report.tables()).hasSize(TABLES);
        assertThat(report.tables())
                .filteredOn(table -> table.verdict() != Verdict.EQUAL)
                .extracting(table -> table.target() + " " + table.verdict())
                .containsExactly("crm.c3 UNDECIDED", "crm.c5 DIFFERENT", "crm.c7 UNDECIDED");
        assertThat(report.tables().get(2).cause()).contains("42703");
        assertThat(watermarks.get()).as("of three groups and of one single table").isLessThan(16);
    }

    @Test
    void findsFewDifferencesInALargeTableWithoutReadingAllRows() {
        fillMore(20_000);
        scene.target.execute("UPDATE crm.customer SET amount = 0 WHERE id IN (7, 1007, 9007)");
        scene.limit(40, 1_000_000);

        TableReport table = scene.table();

        assertThat(keys(table))
                .containsExactlyInAnyOrder("different 7", "different 1007", "different 9007");
        assertThat(table.complete()).isTrue();
        assertThat(table.sourceRows()).isEqualTo(table.targetRows()).isEqualTo(270 + 20_000);
    }

    @Test
    void scansACompletelyDifferentTableThreeTimesAndCountsALowerBound() {
        fillMore(2_000);
        scene.target.execute("UPDATE crm.customer SET amount = -1");
        scene.limit(100, 1_000_000);
        AtomicInteger watermarks = new AtomicInteger();
        scene.progress.afterEachWatermark(watermarks::incrementAndGet);

        TableReport table = scene.table();

        assertThat(table.verdict()).isEqualTo(Verdict.DIFFERENT);
        assertThat(table.complete()).isFalse();
        assertThat(table.different()).isBetween(30L, 50L);
        assertThat(table.sourceRows()).isEqualTo(270 + 2_000);
        assertThat(watermarks.get()).as("digest, finer digest, rows, keys, causes").isEqualTo(10);
    }

    final void fillMore(int rows) {
        String more = " FROM generate_series(1001, %d) i".formatted(1_000 + rows);
        scene.source.execute("INSERT INTO users SELECT i, 'x', 1" + more);
        scene.target.execute("INSERT INTO crm.customer SELECT i, 'x', 1" + more);
    }

    /// The limit counts bytes in UTF-8.
    @ParameterizedTest
    @CsvSource({"x, y, 4000", "ä, ö, 2000"})
    void countsTooWideRowsWithoutNamingTheirColumns(String onSource, String onTarget, int length) {
        scene.source.execute(
                "UPDATE users SET name = repeat('%s', %d) WHERE id < 6"
                        .formatted(onSource, length));
        scene.target.execute(
                "UPDATE crm.customer SET full_name = repeat('%s', %d) WHERE id < 6"
                        .formatted(onTarget, length));
        scene.limit(1_000, 10_000);

        TableReport table = scene.table();

        assertThat(table.different()).isEqualTo(5);
        assertThat(table.mismatches())
                .filteredOn(mismatch -> mismatch.columns().equals(List.of("full_name")))
                .as("rows whose cells fit")
                .hasSize(2);
    }

    @Test
    void tableThatCannotBeReadIsUndecided() {
        scene.source.execute("ALTER TABLE users RENAME COLUMN name TO title");

        TableReport table = scene.table();

        assertThat(table.verdict()).isEqualTo(Verdict.UNDECIDED);
        assertThat(table.cause()).contains("the source could not be read").contains("42703");
        assertThat(table.sourceRows()).isNull();
    }

    @Test
    void countsAllMismatchesBeyondTheListedOnes() {
        scene.source.execute(
                "INSERT INTO users SELECT i, 'x', 1 FROM generate_series(1001, 3500) i");
        scene.target.execute(
                "INSERT INTO crm.customer SELECT i, 'y', 1 FROM generate_series(2001, 4000) i");

        TableReport table = scene.table();

        assertThat(table.missing()).isEqualTo(1000);
        assertThat(table.different()).isEqualTo(1500);
        assertThat(table.extra()).isEqualTo(500);
        assertThat(table.mismatches())
                .hasSize(ReconciliationReport.LISTED)
                .allSatisfy(
                        one ->
                                assertThat(one.columns().isEmpty())
                                        .isEqualTo(one.kind() != Kind.DIFFERENT));
        assertThat(table.sourceRows()).isEqualTo(270 + 2500);
        assertThat(table.targetRows()).isEqualTo(270 + 2000);
    }
}
