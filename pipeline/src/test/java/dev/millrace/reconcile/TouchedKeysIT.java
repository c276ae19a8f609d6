package dev.millrace.reconcile;

import static dev.millrace.reconcile.UserMapper.deletedUser;
import static dev.millrace.reconcile.UserMapper.user;
import static dev.millrace.reconcile.UsersScene.keys;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.ChangeEvent;
import dev.millrace.change.TableId;
import dev.millrace.reconcile.ReconciliationReport.TableReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.reconcile.touched.TouchedBasis;
import dev.millrace.reconcile.touched.TouchedReport;
import java.sql.Connection;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// The comparison of touched keys against real servers: it finds what a comparison of all rows
/// would find, except for the one case that it documents.
class TouchedKeysIT {

    private static final String LOST = "UPDATE users SET name = 'lost' WHERE id = 7";

    @AutoClose private final TouchedScene scene = new TouchedScene();
    private final UsersScene users = scene.users;

    @BeforeEach
    void compareAllRows() {
        assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.EQUAL);
    }

    @Test
    void isEqualAfterWritesBeforeAndAfterThePreparation() {
        users.writeAndCatchUp(7, "before");
        deleteSoftly(8);
        TouchedReport prepared = scene.prepare();
        users.write(7, "after", "1");
        users.write(9, "after", "2");
        users.progress.write("INSERT INTO users VALUES (1000, 'new', 3)", user(1000, "new", "3"));
        delete(11);

        TouchedReport report = scene.finish();

        assertThat(prepared.verdict()).isEqualTo(Verdict.EQUAL);
        assertThat(prepared.tables().getFirst().keys()).isEqualTo(2);
        assertThat(report.verdict()).isEqualTo(Verdict.EQUAL);
        TouchedReport.Table table = report.tables().getFirst();
        assertThat(table.method()).isEqualTo("touched keys since " + prepared.startedAt());
        assertThat(table.keys()).as("only those since the preparation").isEqualTo(4);
        assertThat(table.report().sourceRows())
                .isEqualTo(269)
                .isEqualTo(table.report().targetRows());
    }

    @Test
    void rowsThatTheWhereExcludesAreNotCounted() {
        deleteSoftly(8);
        users.progress.write(
                "UPDATE users SET deleted = false WHERE id = 10", user(10, "name 10", "15.00"));

        TableReport table = scene.fenced().report();

        assertThat(table.verdict()).as(table.cause()).isEqualTo(Verdict.EQUAL);
        assertThat(table.sourceRows()).isEqualTo(270).isEqualTo(table.targetRows());
    }

    static List<Arguments> strangers() {
        return List.of(
                Arguments.of("UPDATE crm.customer SET amount = 0 WHERE id = 7", "different 7"),
                Arguments.of("INSERT INTO crm.customer VALUES (1000, 'x', 0)", "extra 1000"),
                Arguments.of("INSERT INTO crm.customer VALUES (20, 'x', 0)", "extra 20"),
                Arguments.of(
                        "WITH gone AS (DELETE FROM crm.customer WHERE id = 7)"
                                + " INSERT INTO crm.customer VALUES (1000, 'x', 0)",
                        "extra 1000"),
                Arguments.of("UPDATE crm.customer SET id = 1000 WHERE id = 7", "extra 1000"),
                Arguments.of(
                        "DO $$ BEGIN UPDATE crm.customer SET amount = 0 WHERE id = 7;"
                                + " EXCEPTION WHEN division_by_zero THEN NULL; END $$",
                        "different 7"));
    }

    @ParameterizedTest
    @MethodSource("strangers")
    void findsAStrangersWriteOnTheTarget(String change, String found) {
        users.writeAndCatchUp(9, "replicated");
        users.target.execute(change);

        assertThat(keys(scene.fenced().report())).containsExactly(found);
    }

    @Test
    void aRehearsalLeavesTheResultToTheComparison() {
        users.write(7, "in flight", "1");
        users.target.execute("UPDATE crm.customer SET amount = 0 WHERE id = 8");

        scene.rehearse();
        TouchedReport.Table table = scene.fenced();

        assertThat(keys(table.report())).containsExactly("different 8");
        assertThat(table.keys()).isEqualTo(2);
    }

    @Test
    void preparationFindsAStrangersWriteBeforeTheFence() {
        users.target.execute("UPDATE crm.customer SET amount = 0 WHERE id = 7");

        TouchedReport report = scene.prepare();

        assertThat(keys(report.tables().getFirst().report())).containsExactly("different 7");
        assertThat(report.next()).isInstanceOf(TouchedBasis.Missing.class);
    }

    @Test
    void findsRowsThatAStrangerDeletedByTheirNumber() {
        users.writeAndCatchUp(9, "replicated");
        users.target.execute("DELETE FROM crm.customer WHERE id IN (7, 8)");

        TableReport table = scene.fenced().report();

        assertThat(table.verdict()).isEqualTo(Verdict.DIFFERENT);
        assertThat(table.sourceRows()).isEqualTo(270);
        assertThat(table.targetRows()).isEqualTo(268);
        assertThat(table.missing()).isEqualTo(2);
        assertThat(table.complete()).isFalse();
        assertThat(table.cause()).contains("numbers of rows differ");
    }

    @Test
    void rowThatAStrangerDeletedAndInsertedAgainIsEqual() {
        users.target.execute(
                "DELETE FROM crm.customer WHERE id = 7",
                "INSERT INTO crm.customer VALUES (7, 'name 7', 10.50)");

        TouchedReport.Table table = scene.fenced();

        assertThat(table.report().verdict()).isEqualTo(Verdict.EQUAL);
        assertThat(table.keys()).isEqualTo(1);
    }

    /// VACUUM FREEZE keeps the id of the transaction, and VACUUM FULL writes the versions again.
    @ParameterizedTest
    @ValueSource(strings = {"VACUUM (FREEZE)", "VACUUM (FULL)"})
    void vacuumNeitherHidesAWriteNorTouchesRows(String vacuum) {
        users.target.execute("UPDATE crm.customer SET amount = 0 WHERE id = 7");
        users.target.execute(vacuum + " crm.customer");
        users.source.execute(vacuum + " users");

        TouchedReport.Table table = scene.fenced();

        assertThat(keys(table.report())).containsExactly("different 7");
        assertThat(table.keys()).isEqualTo(1);
    }

    /// Their transaction ids are lower than that of many transactions that the first comparison
    /// saw.
    @Test
    void findsWritesOfTransactionsThatBeganBeforeTheFirstComparison() throws Exception {
        try (Connection onSource = begin(users.source.connect());
                Connection onTarget = begin(users.target.connect())) {
            users.writeAndCatchUp(9, "later transaction");
            scene.reconcile();
            run(onSource, "UPDATE users SET name = 'lost' WHERE id = 7");
            run(onTarget, "UPDATE crm.customer SET full_name = 'stranger' WHERE id = 8");
            onSource.commit();
            onTarget.commit();
        }

        assertThat(keys(scene.fenced().report()))
                .containsExactlyInAnyOrder("different 7", "different 8");
    }

    private static Connection begin(Connection connection) throws Exception {
        connection.setAutoCommit(false);
        run(connection, "SELECT pg_current_xact_id()");
        return connection;
    }

    private static void run(Connection connection, String sql) throws Exception {
        try (var statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "UPDATE users SET name = 'lost' WHERE id = 7, different 7",
        "'INSERT INTO users VALUES (1000, ''lost'', 1)', missing 1000",
        "UPDATE users SET deleted = true WHERE id = 7, extra 7"
    })
    void findsWritesThatCaptureLost(String change, String found) {
        users.progress.writeUnlogged(change);

        assertThat(keys(scene.fenced().report())).containsExactly(found);
    }

    @Test
    void findsDeletesThatCaptureLostByTheNumberOfRows() {
        users.progress.writeUnlogged("DELETE FROM users WHERE id = 7");

        TableReport table = scene.fenced().report();

        assertThat(table.verdict()).isEqualTo(Verdict.DIFFERENT);
        assertThat(table.extra()).isEqualTo(1);
        assertThat(table.complete()).isFalse();
    }

    /// Neither side has a new version of the row; the stranger's delete makes the counts equal.
    @Test
    void findsALostDeleteInTheLogWhenTheCountsAreEqual() {
        users.progress.applyOnly(event -> !(event instanceof ChangeEvent.Delete));
        delete(8);
        users.target.execute("DELETE FROM crm.customer WHERE id = 9");

        TableReport table = scene.fenced().report();

        assertThat(keys(table)).containsExactly("extra 8");
        assertThat(table.sourceRows()).isEqualTo(table.targetRows());
    }

    @Test
    void findsAnUpdateThatApplyLost() {
        users.progress.applyOnly(event -> event instanceof ChangeEvent.Watermark);
        users.write(7, "lost", "1");

        assertThat(keys(scene.fenced().report())).containsExactly("different 7");
    }

    /// The documented limit of the method.
    @Test
    void doesNotSeeAStrangersDeleteThatBalancesADeleteThatCaptureLost() {
        users.progress.writeUnlogged("DELETE FROM users WHERE id = 7");
        users.target.execute("DELETE FROM crm.customer WHERE id = 8");

        assertThat(scene.fenced().report().verdict()).isEqualTo(Verdict.EQUAL);
        assertThat(keys(users.table())).containsExactlyInAnyOrder("extra 7", "missing 8");
    }

    /// The preparation does not count, and the deletion leaves no trace after it.
    @Test
    void preparationDoesNotHideDeletedRows() {
        users.target.execute("DELETE FROM crm.customer WHERE id = 7");
        assertThat(scene.prepare().verdict()).isEqualTo(Verdict.EQUAL);
        assertThat(scene.prepare().verdict()).isEqualTo(Verdict.EQUAL);

        assertThat(scene.fenced().report().verdict()).isEqualTo(Verdict.DIFFERENT);
    }

    @Test
    void preparationIsExactUnderWrites() {
        users.progress.afterEachWatermark(() -> users.write(7, "hot " + Math.random(), "1"));
        TouchedReport prepared = scene.prepare();
        users.progress.afterEachWatermark(() -> {});
        users.target.execute("UPDATE crm.customer SET amount = 0 WHERE id = 8");

        assertThat(prepared.verdict()).isEqualTo(Verdict.EQUAL);
        assertThat(keys(scene.fenced().report())).containsExactly("different 8");
    }

    /// The source is read between the two watermarks.
    @Test
    void findsAWriteThatCaptureLostDuringTheFirstComparison() {
        atWatermark(2, () -> users.progress.writeUnlogged(LOST));

        assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.EQUAL);
        assertThat(keys(scene.fenced().report())).containsExactly("different 7");
    }

    /// The first watermark tells the generation. The snapshots are taken between the next two.
    @Test
    void findsWritesThatWereLostDuringThePreparation() {
        users.write(9, "touched", "1");
        users.progress.applyOnly(event -> !(event instanceof ChangeEvent.Delete));
        atWatermark(
                3,
                () -> {
                    users.progress.writeUnlogged(LOST);
                    users.target.execute("UPDATE crm.customer SET amount = 0 WHERE id = 8");
                    delete(11);
                });

        assertThat(scene.prepare().verdict()).isEqualTo(Verdict.EQUAL);
        assertThat(keys(scene.fenced().report()))
                .containsExactlyInAnyOrder("different 7", "different 8", "extra 11");
    }

    private void atWatermark(int number, Runnable write) {
        AtomicInteger emitted = new AtomicInteger();
        users.progress.afterEachWatermark(
                () -> {
                    if (emitted.incrementAndGet() == number) {
                        write.run();
                    }
                });
    }

    @Test
    void comparesTheTablesOfASplitOneByOne() {
        users.target.execute("CREATE TABLE crm.copy AS SELECT * FROM crm.customer");
        users.grantAll();
        users.source.execute("UPDATE users SET deleted = false WHERE deleted");
        users.target.execute(
                "INSERT INTO crm.copy SELECT i * 10, 'name ' || i * 10, i * 15.00"
                        + " FROM generate_series(1, 30) i",
                "INSERT INTO crm.customer SELECT * FROM crm.copy WHERE id % 10 = 0");
        scene.mappings =
                List.of(
                        users.mapping,
                        UserMapper.mapping(UserMapper.USERS, new TableId("crm", "copy")));
        assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.EQUAL);
        users.write(7, "both", "1");
        users.target.execute("UPDATE crm.copy SET full_name = 'both', amount = 2 WHERE id = 7");

        TouchedReport report = scene.finish();

        assertThat(report.verdict()).isEqualTo(Verdict.DIFFERENT);
        assertThat(report.tables().getFirst().report().verdict()).isEqualTo(Verdict.EQUAL);
        assertThat(keys(report.tables().getLast().report())).containsExactly("different 7");
    }

    @Test
    void comparesWideRows() {
        String wide = "w".repeat(300_000);
        users.write(7, wide, "1");
        users.write(8, wide, "1");
        assertThat(scene.fenced().report().verdict()).isEqualTo(Verdict.EQUAL);

        users.target.execute("UPDATE crm.customer SET full_name = full_name || 'x' WHERE id = 8");

        assertThat(keys(scene.fenced().report())).containsExactly("different 8");
    }

    private void deleteSoftly(int id) {
        users.progress.write(
                "UPDATE users SET deleted = true, name = NULL, amount = NULL WHERE id = " + id,
                deletedUser(id));
    }

    private void delete(int id) {
        users.progress.delete("DELETE FROM users WHERE id = " + id, user(id, null, null));
    }
}
