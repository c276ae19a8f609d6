package dev.millrace.reconcile;

import static dev.millrace.reconcile.UserMapper.user;
import static dev.millrace.reconcile.UsersScene.keys;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.WatermarkNumber;
import dev.millrace.kafka.Broker;
import dev.millrace.reconcile.ReconcileContext.ReconcileLimits;
import dev.millrace.reconcile.ReconciliationReport.TableReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.reconcile.touched.TouchedBasis;
import dev.millrace.reconcile.touched.TouchedReport;
import dev.millrace.testing.KafkaServer;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What cannot be decided by touched keys is undecided under the fence, and is compared as a whole
/// before it.
class TouchedBasisIT {

    @AutoClose private final TouchedScene scene = new TouchedScene();
    private final UsersScene users = scene.users;
    private final ReconciliationReport all = scene.reconcile();

    @Test
    void reportOfAnOlderVersionIsNoBasis() {
        String older = ReportJson.write(all).replaceFirst(",\"start\":\\{.*}", "}");
        assertThat(older).doesNotContain("\"start\"");
        scene.basis = TouchedBasis.of(ReportJson.read(older).orElseThrow(), UsersScene.SPEC_HASH);

        TouchedReport.Table fenced = scene.fenced();
        TouchedReport prepared = scene.prepare();

        assertThat(fenced.report().verdict()).isEqualTo(Verdict.UNDECIDED);
        assertThat(fenced.report().cause()).contains("did not record where it began");
        assertThat(prepared.verdict()).isEqualTo(Verdict.EQUAL);
        assertThat(prepared.tables().getFirst().method())
                .isEqualTo("all rows, because the last comparison did not record where it began");
        assertThat(prepared.tables().getFirst().report().sourceRows()).isEqualTo(270);
        assertThat(scene.finish().verdict()).as("on the new basis").isEqualTo(Verdict.EQUAL);
    }

    @Test
    void storedReportIsABasis() {
        scene.basis =
                TouchedBasis.of(
                        ReportJson.read(ReportJson.write(all)).orElseThrow(), UsersScene.SPEC_HASH);
        users.write(7, "seven", "7");

        assertThat(scene.finish().verdict()).isEqualTo(Verdict.EQUAL);
    }

    @Test
    void reportOfAnotherFileOrThatWasCancelledOrFoundADifferenceIsNoBasis() {
        users.target.execute("UPDATE crm.customer SET amount = 0 WHERE id = 7");
        scene.reconcile();
        assertThat(scene.fenced().report().cause()).contains("did not find the table equal");

        scene.basis = TouchedBasis.of(all, "another");
        assertThat(scene.fenced().report().cause()).contains("the file changed");

        users.cancellation.request();
        assertThat(TouchedBasis.of(users.reconcile(), UsersScene.SPEC_HASH))
                .isInstanceOfSatisfying(
                        TouchedBasis.Missing.class,
                        missing -> assertThat(missing.reason()).contains("cancelled"));
    }

    @ParameterizedTest
    @CsvSource({
        "target, ALTER TABLE crm.customer ADD COLUMN more text",
        "target, ALTER TABLE crm.customer RENAME TO customer_old; CREATE TABLE crm.customer AS SELECT * FROM crm.customer_old",
        "target, CREATE TABLE crm.child () INHERITS (crm.customer)",
        "source, ALTER TABLE users ADD COLUMN more text",
        "source, CREATE TABLE child () INHERITS (users)"
    })
    void changedDefinitionIsNoticed(String side, String change) {
        (side.equals("source") ? users.source : users.target).execute(change.split("; "));
        users.grantAll();

        TouchedReport.Table fenced = scene.fenced();
        TouchedReport.Table prepared = scene.prepare().tables().getFirst();

        assertThat(fenced.report().verdict()).isEqualTo(Verdict.UNDECIDED);
        assertThat(fenced.report().cause()).contains("on the " + side).contains("definition of");
        assertThat(prepared.method()).startsWith("all rows, because on the " + side);
    }

    @Test
    void truncatedTableIsComparedAsAWhole() {
        users.progress.truncate("TRUNCATE users");

        assertThat(scene.fenced().report().cause()).contains("truncated since");
        TouchedReport prepared = scene.prepare();
        assertThat(prepared.tables().getFirst().method()).contains("all rows", "truncated since");
        assertThat(scene.finish().verdict()).isEqualTo(Verdict.EQUAL);
    }

    @Test
    void tooManyTouchedKeysAreNotComparedOneByOne() {
        users.limits = new ReconcileLimits(3, Duration.ZERO, 2, 1_000_000);
        users.target.execute("UPDATE crm.customer SET amount = amount WHERE id < 4");

        assertThat(scene.fenced().report().verdict()).isEqualTo(Verdict.UNDECIDED);
        assertThat(scene.fenced().report().cause()).contains("more than 2 keys changed");
        assertThat(scene.prepare().tables().getFirst().method()).contains("more than 2 keys");
    }

    @Test
    void deletedLogIsNoticed() {
        users.writeAndCatchUp(7, "forgotten");
        users.writeAndCatchUp(8, "forgotten");
        try (Broker broker =
                new Broker(Map.of("bootstrap.servers", KafkaServer.shared().bootstrapServers()))) {
            broker.deleteRecords(users.topics.changes(), TinyReplicationProgress.PARTITIONS);
        }

        assertThat(scene.fenced().report().verdict()).isEqualTo(Verdict.UNDECIDED);
        assertThat(scene.prepare().tables().getFirst().method())
                .contains("all rows", "the log since the last comparison cannot be read");
        assertThat(scene.finish().verdict()).isEqualTo(Verdict.EQUAL);
    }

    @Test
    void anotherGenerationIsNoticed() {
        TouchedBasis.Usable usable = (TouchedBasis.Usable) scene.basis;
        StartPosition start = usable.start();
        scene.basis =
                new TouchedBasis.Usable(
                        usable.since(),
                        new StartPosition(
                                start.generation() + 1,
                                start.changes(),
                                start.source(),
                                start.target()),
                        usable.equal());

        assertThat(scene.fenced().report().cause()).contains("a new generation");
        assertThat(scene.prepare().tables().getFirst().method()).contains("a new generation");
    }

    /// Its changes are in the log before the first offset.
    @Test
    void comparisonThatMissedALoggedTransactionRecordsNoStart() throws Exception {
        try (AutoCloseable _ =
                users.progress.writeInvisibly(
                        "UPDATE users SET name = 'x' WHERE id = 7", user(7, "x", "10.50"))) {
            users.progress.catchUp();

            assertThat(users.reconcile().start()).isNull();
            assertThat(scene.fenced().report().cause()).contains("not visible on the source");
        }
        Map<Integer, Long> ends = users.progress.changesEnds();
        assertThat(Objects.requireNonNull(users.reconcile().start()).changes()).isEqualTo(ends);
    }

    @Test
    void writeThatIsInFlightIsNoDifferenceAndNoEquality() {
        WatermarkNumber fence = scene.fence();
        users.progress.pauseApplying(true);
        users.write(7, "not fenced", "1");
        users.progress.afterEachWatermark(() -> users.progress.pauseApplying(false));

        TableReport table = scene.finish(fence).tables().getFirst().report();

        assertThat(table.verdict()).isEqualTo(Verdict.UNDECIDED);
        assertThat(table.differences()).isZero();
        assertThat(table.cause()).contains("although the source is fenced");
    }

    @Test
    void deleteThatIsInFlightIsNoDifferenceAndNoEquality() {
        WatermarkNumber fence = scene.fence();
        users.progress.pauseApplying(true);
        delete(7);
        users.progress.afterEachWatermark(() -> users.progress.pauseApplying(false));

        TableReport table = scene.finish(fence).tables().getFirst().report();

        assertThat(table.verdict()).isEqualTo(Verdict.UNDECIDED);
        assertThat(table.differences()).isZero();
    }

    @Test
    void deletesThatGoOnWhileRowsAreCountedAreNoDifference() {
        WatermarkNumber fence = scene.fence();
        users.progress.pauseApplying(true);
        delete(7);
        AtomicInteger next = new AtomicInteger(11);
        users.progress.afterEachWatermark(
                () -> {
                    users.progress.pauseApplying(false);
                    delete(next.getAndIncrement());
                    users.progress.catchUp();
                });

        TableReport table = scene.finish(fence).tables().getFirst().report();

        assertThat(table.verdict()).isEqualTo(Verdict.UNDECIDED);
        assertThat(table.differences()).isZero();
    }

    private void delete(int id) {
        users.progress.delete("DELETE FROM users WHERE id = " + id, user(id, null, null));
    }

    @Test
    void watermarkThatIsNotAppliedAndAStoppedTableAreUndecided() {
        users.progress.pauseApplying(true);
        WatermarkNumber ahead = users.progress.emitWatermark().number();
        assertThat(scene.finish(ahead).tables().getFirst().report().cause())
                .contains("lacks changes that the source's read shows");
        users.progress.pauseApplying(false);
        users.target.execute(
                ("INSERT INTO millrace.stopped_table VALUES"
                                + " ('%s', 1, 'crm', 'customer', 'a cell is not there', 0, 5)")
                        .formatted(users.topics.migration()));

        assertThat(scene.fenced().report().cause()).contains("a cell is not there");
    }

    @Test
    void unreadableTableIsUndecided() {
        users.target.execute("ALTER TABLE crm.customer DROP COLUMN amount");

        assertThat(scene.fenced().report().verdict()).isEqualTo(Verdict.UNDECIDED);
    }

    @Test
    void deadlineEndsARunningStatement() {
        users.mapping = UserMapper.mapping("(SELECT name FROM pg_sleep(60))");
        scene.mappings = List.of(users.mapping);
        users.write(7, "slow", "1");
        scene.limit = Duration.ofSeconds(1);
        WatermarkNumber fence = scene.fence();
        Instant begin = Instant.now();

        TableReport table = scene.finish(fence).tables().getFirst().report();

        assertThat(table.verdict()).isEqualTo(Verdict.UNDECIDED);
        assertThat(table.cause()).isEqualTo("the deadline passed");
        assertThat(Duration.between(begin, Instant.now())).isLessThan(Duration.ofSeconds(20));
    }

    @Test
    void cancelledComparisonIsUndecided() {
        WatermarkNumber fence = scene.fence();
        users.cancellation.request();

        TouchedReport report = scene.finish(fence);

        assertThat(report.verdict()).isEqualTo(Verdict.UNDECIDED);
        assertThat(report.tables().getFirst().report().cause())
                .isEqualTo(ReconciliationReport.CANCELLED);
        assertThat(scene.prepare().verdict()).isEqualTo(Verdict.UNDECIDED);
        assertThat(keys(report.tables().getFirst().report())).isEmpty();
    }
}
