package dev.millrace.reconcile;

import static dev.millrace.reconcile.UserMapper.deletedUser;
import static dev.millrace.reconcile.UserMapper.user;
import static dev.millrace.reconcile.UserMapper.userWithUnchangedName;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.millrace.change.ChangeEvent;
import dev.millrace.chunk.Chunker;
import dev.millrace.log.ChangeLog;
import dev.millrace.reconcile.ReconciliationReport.Kind;
import dev.millrace.reconcile.ReconciliationReport.Mismatch;
import dev.millrace.reconcile.ReconciliationReport.TableReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.reconcile.Road.Delivery;
import dev.millrace.select.Mapping;
import dev.millrace.streams.Topics;
import dev.millrace.testing.KafkaServer;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// The verdict against real servers: what is planted is found, what is only under way isn't.
class ReconcilerIT {

    private static final int ROWS = 300;
    private static final String NAME_OF_7 = "SELECT full_name FROM crm.customer WHERE id = 7";

    private final TestDatabase source = PostgresServer.shared().newDatabase();
    private final TestDatabase target = PostgresServer.shared().newDatabase();
    private final Topics topics = new Topics(KafkaServer.newMigrationName());
    private Mapping mapping = UserMapper.mapping();
    private ReconcileLimits limits = new ReconcileLimits(Duration.ofSeconds(60), 3);
    private TinyRoad road;

    @BeforeEach
    void aMigratedTable() {
        source.execute(UserMapper.SOURCE_TABLE);
        target.execute(
                "CREATE SCHEMA crm",
                "CREATE TABLE crm.customer (id int PRIMARY KEY, full_name text, amount numeric)");
        road = new TinyRoad(source, target, topics, mapping);
        fill();
    }

    private void fill() {
        source.execute(
                "INSERT INTO users SELECT i, 'name ' || i, i * 1.50, i % 10 = 0"
                        + " FROM generate_series(1, %d) i".formatted(ROWS));
        target.execute(
                "INSERT INTO crm.customer SELECT i, 'name ' || i, i * 1.50"
                        + " FROM generate_series(%d, 1, -1) i WHERE i %% 10 <> 0".formatted(ROWS));
    }

    @AfterEach
    void stop() {
        road.close();
    }

    private ReconciliationReport reconcile() {
        Map<String, Object> kafka =
                Map.of("bootstrap.servers", KafkaServer.shared().bootstrapServers());
        return new Reconciler(
                        new Reconciler.Subject(topics.migration(), "cafe"),
                        road,
                        new Reconciler.Sources(
                                new Chunker(
                                        topics.migration(),
                                        topics.target(),
                                        source::connect,
                                        target::connect),
                                new ChangeLog(kafka, topics)),
                        limits,
                        InstantSource.system())
                .reconcile(List.of(mapping));
    }

    private TableReport table() {
        return reconcile().tables().getFirst();
    }

    private void write(int id, String name, String amount) {
        road.write(
                "UPDATE users SET name = '%s', amount = %s WHERE id = %d"
                        .formatted(name, amount, id),
                user(id, name, amount));
    }

    @Test
    void equalTablesAreEqualWithEqualNumbers() {
        ReconciliationReport report = reconcile();

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
    void aPlantedDifferenceIsReportedWithKeyAndColumns(
            String name, String change, List<String> columns) {
        target.execute("UPDATE crm.customer SET " + change);

        TableReport table = table();

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
    void nullAndTheEmptyTextAreDifferent() {
        source.execute("UPDATE users SET name = '' WHERE id = 7");
        target.execute("UPDATE crm.customer SET full_name = NULL WHERE id = 7");

        assertThat(table().mismatches())
                .singleElement()
                .extracting(Mismatch::columns)
                .isEqualTo(List.of("full_name"));
    }

    @Test
    void twoRowsThatHaveSwappedTheirValuesAreBothReported() {
        target.execute(
                "UPDATE crm.customer SET full_name = 'name ' || (19 - id), amount = (19 - id) * 1.50"
                        + " WHERE id IN (7, 12)");

        assertThat(keys(table())).containsExactlyInAnyOrder("different 7", "different 12");
    }

    @Test
    void composedAndDecomposedLettersAreDifferent() {
        source.execute("UPDATE users SET name = U&'\\00e9' WHERE id = 7");
        target.execute("UPDATE crm.customer SET full_name = U&'e\\0301' WHERE id = 7");

        assertThat(keys(table())).containsExactly("different 7");
    }

    @Test
    void aMissingAndAnExtraRowAreReportedWithTheirKinds() {
        target.execute(
                "DELETE FROM crm.customer WHERE id = 8",
                "INSERT INTO crm.customer VALUES (-5, 'stranger', 0)",
                "INSERT INTO crm.customer VALUES (20, 'filtered away', 0)");

        TableReport table = table();

        assertThat(keys(table)).containsExactlyInAnyOrder("missing 8", "extra -5", "extra 20");
        assertThat(table.missing()).isEqualTo(1);
        assertThat(table.extra()).isEqualTo(2);
        assertThat(table.sourceRows()).isEqualTo(270);
        assertThat(table.targetRows()).isEqualTo(271);
    }

    @Test
    void aHotKeyIsNeverCalledDifferentAndIsDecidedFromTheLog() {
        AtomicInteger version = new AtomicInteger();
        road.afterEachWatermark(() -> writeAndSettle(7, "hot " + version.incrementAndGet()));

        TableReport table = table();

        assertThat(table.verdict()).as(table.cause()).isEqualTo(Verdict.EQUAL);
        assertThat(table.inFlight()).isEqualTo(1);
        assertThat(table.fromLog()).isEqualTo(1);
        assertThat(table.sourceRows()).isEqualTo(table.targetRows());
        assertThat(table.sourceChecksum()).isEqualTo(table.targetChecksum());
        assertThat(version.get()).as("looks at the key").isGreaterThan(2 * limits.rounds());
    }

    @Test
    void aHotKeyThatOurMappingGetsWrongIsNeverEqual() {
        mapping = UserMapper.mapping("CASE WHEN name LIKE 'hot%' THEN name || '!' ELSE name END");
        AtomicInteger version = new AtomicInteger();
        road.afterEachWatermark(() -> writeAndSettle(7, "hot " + version.incrementAndGet()));

        TableReport table = table();

        assertThat(table.verdict()).isEqualTo(Verdict.UNDECIDED);
        assertThat(table.undecided()).isEqualTo(1);
        assertThat(table.fromLog()).isZero();
        assertThat(table.cause()).contains("what the SELECT gives");
        assertThat(table.sourceChecksum()).isNotEqualTo(table.targetChecksum());
    }

    @Test
    void aHotKeyThatOurMappingWronglyFiltersAwayIsNeverEqual() {
        mapping = UserMapper.mapping("name", "NOT deleted OR id = 7");
        AtomicInteger version = new AtomicInteger();
        road.afterEachWatermark(() -> deleteSoftlyAndSettle(version.incrementAndGet()));

        TableReport table = table();

        assertThat(table.verdict()).isEqualTo(Verdict.UNDECIDED);
        assertThat(table.cause()).contains("what the SELECT gives");
    }

    private void deleteSoftlyAndSettle(int version) {
        road.write(
                "UPDATE users SET deleted = true, name = 'v%d' WHERE id = 7".formatted(version),
                deletedUser(7));
        road.settle();
    }

    @Test
    void aHotKeyWhoseChangesAreLostOnTheWayIsDifferent() {
        AtomicInteger version = new AtomicInteger();
        road.applyOnly(event -> event instanceof ChangeEvent.Watermark);
        road.afterEachWatermark(() -> writeAndSettle(7, "hot " + version.incrementAndGet()));

        TableReport table = table();

        assertThat(keys(table)).containsExactly("different 7");
        assertThat(table.mismatches().getFirst().columns()).containsExactly("full_name");
        assertThat(table.mismatches().getFirst().cause()).contains("never rested");
    }

    @Test
    void aHotKeyOfWhichTheLogHoldsOnlyAPartIsCompletedFromAnOlderImage() {
        AtomicInteger version = new AtomicInteger();
        write(7, "named", "0");
        road.settle();
        road.afterEachWatermark(() -> writeAmountAndSettle(version.incrementAndGet()));

        assertThat(table().verdict()).isEqualTo(Verdict.EQUAL);
    }

    @Test
    void aHotKeyOfWhichTheLogHoldsOnlyAPartIsUndecided() {
        AtomicInteger version = new AtomicInteger();
        road.afterEachWatermark(() -> writeAmountAndSettle(version.incrementAndGet()));

        TableReport table = table();

        assertThat(table.verdict()).isEqualTo(Verdict.UNDECIDED);
        assertThat(table.undecided()).isEqualTo(1);
        assertThat(table.inFlight()).isEqualTo(1);
        assertThat(table.cause()).contains("part of its row");
    }

    private void writeAndSettle(int id, String name) {
        write(id, name, "10.50");
        road.settle();
    }

    private void writeAmountAndSettle(int amount) {
        road.write(
                "UPDATE users SET amount = %d WHERE id = 7".formatted(amount),
                userWithUnchangedName(7, Integer.toString(amount)));
        road.settle();
    }

    @Test
    void plantedDifferencesAreFoundAndNothingElseWhileAllRowsChange() throws Exception {
        target.execute(
                "UPDATE crm.customer SET amount = 4.5 WHERE id = 3",
                "DELETE FROM crm.customer WHERE id = 4",
                "INSERT INTO crm.customer VALUES (10, 'filtered away', 1)");
        AtomicBoolean stop = new AtomicBoolean();
        Thread writer = Thread.ofVirtual().start(() -> writeUntil(stop));

        TableReport table;
        try {
            table = table();
        } finally {
            stop.set(true);
            writer.join();
        }

        assertThat(keys(table)).containsExactlyInAnyOrder("different 3", "missing 4", "extra 10");
        assertThat(table.undecided()).as(table.cause()).isZero();
    }

    @Test
    void everyTableAtRestAfterConstantWritesIsEqual() throws Exception {
        AtomicBoolean stop = new AtomicBoolean();
        Thread writer = Thread.ofVirtual().start(() -> writeUntil(stop));

        List<TableReport> underWrites = List.of(table(), table(), table());
        stop.set(true);
        writer.join();

        assertThat(underWrites)
                .allSatisfy(
                        table -> {
                            assertThat(table.mismatches()).isEmpty();
                            assertThat(table.verdict()).as(table.cause()).isEqualTo(Verdict.EQUAL);
                            assertThat(table.sourceRows()).isEqualTo(table.targetRows());
                            assertThat(table.sourceChecksum()).isEqualTo(table.targetChecksum());
                        });
        assertThat(table().inFlight()).isZero();
    }

    /// Updates, soft deletes and their undoing, on all rows but the first ten.
    private void writeUntil(AtomicBoolean stop) {
        for (int i = 0; !stop.get(); i++) {
            road.keepClose();
            int id = 11 + i * 7 % (ROWS - 10);
            if (i % 5 == 0) {
                road.write(
                        "UPDATE users SET name = NULL, amount = NULL, deleted = true WHERE id = "
                                + id,
                        deletedUser(id));
            } else {
                road.write(
                        "UPDATE users SET name = 'w%d', amount = %d, deleted = false WHERE id = %d"
                                .formatted(i, i, id),
                        user(id, "w" + i, Integer.toString(i)));
            }
        }
    }

    @Test
    void lagIsNeverAMismatchAndAWaitThatTimesOutIsUndecided() {
        limits = new ReconcileLimits(Duration.ofSeconds(2), 3);
        road.pauseApplying(true);
        write(7, "not there yet", "1");

        TableReport table = table();

        assertThat(table.verdict()).isEqualTo(Verdict.UNDECIDED);
        assertThat(table.mismatches()).isEmpty();
        assertThat(table.cause()).contains("did not catch up");
        assertThat(table.targetRows()).as("unknown is not zero").isNull();
        road.pauseApplying(false);
        assertThat(table().verdict()).isEqualTo(Verdict.EQUAL);
    }

    @Test
    void aTargetThatFallsBehindHalfWayIsUndecided() {
        limits = new ReconcileLimits(Duration.ofSeconds(4), 3);
        target.execute("UPDATE crm.customer SET amount = 4.5 WHERE id = 3");
        AtomicInteger watermarks = new AtomicInteger();
        road.afterEachWatermark(
                () -> {
                    if (watermarks.incrementAndGet() == 4) {
                        road.pauseApplying(true);
                    }
                });

        TableReport table = table();

        assertThat(table.verdict()).isEqualTo(Verdict.UNDECIDED);
        assertThat(table.mismatches()).isEmpty();
    }

    @Test
    void aCommitThatTheSourceDoesNotShowYetIsNoMismatch() throws Exception {
        write(7, "shown", "10.50");
        road.settle();
        try (AutoCloseable hidden =
                road.writeInvisibly(
                        "UPDATE users SET name = 'hidden' WHERE id = 7",
                        user(7, "hidden", "10.50"))) {
            // No transaction behind it: its id is the highest there is.
            await().until(() -> "hidden".equals(target.value(NAME_OF_7)));

            TableReport table = table();

            assertThat(table.mismatches()).isEmpty();
            assertThat(table.verdict()).as(table.cause()).isEqualTo(Verdict.EQUAL);
            assertThat(table.inFlight()).isEqualTo(1);
        }
        assertThat(table().verdict()).isEqualTo(Verdict.EQUAL);
    }

    /// The hidden transaction begins behind the last watermark before the look at the key, so no
    /// snapshot names it until the next one is committed.
    @Test
    void aHiddenCommitWithTheHighestIdOfAllIsNoMismatch() throws Exception {
        AtomicInteger watermarks = new AtomicInteger();
        List<AutoCloseable> hidden = new ArrayList<>();
        road.afterEachWatermark(
                () -> {
                    int number = watermarks.incrementAndGet();
                    if (number == 2) {
                        writeAndSettle(7, "seen");
                    } else if (number == 4) {
                        hidden.add(hide());
                    }
                });

        TableReport table = table();

        assertThat(hidden).hasSize(1);
        hidden.getFirst().close();
        assertThat(table.mismatches()).isEmpty();
        assertThat(table.verdict()).as(table.cause()).isEqualTo(Verdict.EQUAL);
    }

    private AutoCloseable hide() {
        AutoCloseable hidden =
                road.writeInvisibly(
                        "UPDATE users SET name = 'hidden' WHERE id = 7",
                        user(7, "hidden", "10.50"));
        await().until(() -> "hidden".equals(target.value(NAME_OF_7)));
        return hidden;
    }

    @ParameterizedTest
    @MethodSource("notNo")
    void aMismatchIsNotExcusedByACommitThatTheSourceDoesNotShow(Delivery answer) throws Exception {
        road.answerForUnseenTransactions(answer);
        road.writeUnlogged("UPDATE users SET name = 'lost' WHERE id = 9");
        try (AutoCloseable hidden =
                road.writeInvisibly(
                        "UPDATE users SET name = 'hidden' WHERE id = 7",
                        user(7, "hidden", "10.50"))) {
            road.settle();

            assertThat(keys(table())).containsExactly("different 9");
        }
    }

    static List<Delivery> notNo() {
        return List.of(Delivery.YES, Delivery.UNKNOWN);
    }

    @Test
    void aTransactionThatIsOpenAndNotInTheLogHoldsNothingUp() throws Exception {
        target.execute("UPDATE crm.customer SET amount = 4.5 WHERE id = 3");
        try (var connection = source.connect()) {
            connection.setAutoCommit(false);
            connection.createStatement().execute("UPDATE users SET name = 'x' WHERE id = 7");

            TableReport table = table();

            assertThat(keys(table)).containsExactly("different 3");
            assertThat(table.inFlight()).isZero();
        }
    }

    @Test
    void whatCaptureLostIsDifferentAlthoughTheLogKnowsOfNothing() {
        road.writeUnlogged("UPDATE users SET name = 'lost' WHERE id = 7");
        road.writeUnlogged("DELETE FROM users WHERE id = 8");
        road.writeUnlogged("INSERT INTO users VALUES (1000, 'lost', 1)");

        assertThat(keys(table()))
                .containsExactlyInAnyOrder("different 7", "extra 8", "missing 1000");
    }

    @Test
    void aStrangersWriteOnTheTargetIsDifferentAlthoughTheKeyWasWrittenBefore() {
        write(7, "by the book", "1");
        road.settle();
        target.execute("UPDATE crm.customer SET full_name = 'stranger' WHERE id = 7");

        TableReport table = table();

        assertThat(keys(table)).containsExactly("different 7");
        assertThat(table.inFlight()).isZero();
    }

    @Test
    void aStoppedTableIsUndecidedWithItsReason() {
        target.execute(
                ("INSERT INTO millrace.stopped_table VALUES"
                                + " ('%s', 1, 'crm', 'customer', 'a cell is not there', 0, 5)")
                        .formatted(topics.migration()),
                "DELETE FROM crm.customer WHERE id = 8");

        TableReport table = table();

        assertThat(table.verdict()).isEqualTo(Verdict.UNDECIDED);
        assertThat(table.cause()).contains("a cell is not there");
        assertThat(table.mismatches()).isEmpty();
    }

    @Test
    void aTableThatCanNotBeReadIsUndecided() {
        source.execute("ALTER TABLE users RENAME COLUMN name TO title");

        TableReport table = table();

        assertThat(table.verdict()).isEqualTo(Verdict.UNDECIDED);
        assertThat(table.cause()).contains("the source could not be read").contains("42703");
        assertThat(table.sourceRows()).isNull();
    }

    @Test
    void aTruncateUnderWayTouchesEveryKey() {
        AtomicInteger watermarks = new AtomicInteger();
        road.afterEachWatermark(
                () -> {
                    int number = watermarks.incrementAndGet();
                    if (number % 2 == 0) {
                        road.truncate("TRUNCATE users");
                    } else {
                        road.write(
                                "INSERT INTO users VALUES (1, 'again', 1) ON CONFLICT DO NOTHING",
                                user(1, "again", "1"));
                    }
                    road.settle();
                });

        TableReport table = table();

        assertThat(table.mismatches()).isEmpty();
        assertThat(table.verdict()).as(table.cause()).isEqualTo(Verdict.EQUAL);
    }

    @Test
    void moreMismatchesThanAreListedAreAllCounted() {
        source.execute("INSERT INTO users SELECT i, 'x', 1 FROM generate_series(1001, 3500) i");
        target.execute(
                "INSERT INTO crm.customer SELECT i, 'y', 1 FROM generate_series(2001, 4000) i");

        TableReport table = table();

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

    private static List<String> keys(TableReport table) {
        return table.mismatches().stream()
                .map(
                        one ->
                                (one.kind() + " " + one.key().get("id"))
                                        .toLowerCase(java.util.Locale.ROOT))
                .toList();
    }
}
