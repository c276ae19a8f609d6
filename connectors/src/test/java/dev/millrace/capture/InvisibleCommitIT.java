package dev.millrace.capture;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.ChangeEvent;
import dev.millrace.postgres.RunningTransactions;
import dev.millrace.sandbox.SandboxPostgres;
import dev.millrace.sandbox.SandboxSettings;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.TestFolders;
import dev.millrace.testing.Waits;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/// A commit that is in the WAL but not visible to other sessions, because it waits for a
/// synchronous standby that does not exist.
class InvisibleCommitIT {

    @Test
    void capturesInvisibleCommitOnceDuringSnapshotStart() throws Exception {
        SandboxSettings settings = SandboxSettings.fast(TestFolders.postgresBinaries());
        try (SandboxPostgres server =
                SandboxPostgres.start(
                        TestFolders.create("invisible").resolve("source"), settings)) {
            server.createDatabase("shop", "LOCALE 'C'");
            TestDatabase source =
                    new TestDatabase(server.jdbcUrl("shop"), server.username(), server.password());
            try (CaptureScene scene =
                    new CaptureScene(source)
                            .table("item", List.of("id int", "name text"), "id", false)) {
                scene.source.execute("INSERT INTO item VALUES (1, 'seen')");
                scene.login();
                source.hideCommits();
                CompletableFuture<Void> hidden =
                        CompletableFuture.runAsync(() -> insertAndWait(source));
                Awaitility.await()
                        .atMost(Waits.LIMIT)
                        .until(() -> waitingForAStandby(source).equals("1"));
                assertThat(source.value("SELECT count(*) FROM item")).isEqualTo("1");

                SourceCapture capture = scene.start(1);
                Awaitility.await()
                        .atMost(Waits.LIMIT)
                        .until(
                                () ->
                                        !source.query(
                                                        "SELECT 1 FROM pg_replication_slots WHERE slot_name = '"
                                                                + CaptureSettings.slot(
                                                                        scene.migration)
                                                                + "'")
                                                .isEmpty());
                source.showCommits();
                hidden.join();
                SourceCaptureIT.streaming(scene, capture);
                scene.awaitWatermark(capture);

                assertThat(scene.log())
                        .filteredOn(ChangeEvent.OfRow.class::isInstance)
                        .extracting(event -> ((ChangeEvent.OfRow) event).row().text(0))
                        .containsExactlyInAnyOrder("1", "2");
            }
        }
    }

    /// The open transaction began before the second process.
    @Test
    void restartKnowsWhichRunningTransactionsAreInLog() throws Exception {
        SandboxSettings settings = SandboxSettings.fast(TestFolders.postgresBinaries());
        try (SandboxPostgres server =
                SandboxPostgres.start(
                        TestFolders.create("delivered").resolve("source"), settings)) {
            server.createDatabase("shop", "LOCALE 'C'");
            TestDatabase source =
                    new TestDatabase(server.jdbcUrl("shop"), server.username(), server.password());
            try (CaptureScene scene =
                            new CaptureScene(source)
                                    .table("item", List.of("id int", "name text"), "id", false);
                    Connection writer = source.connect()) {
                SourceCapture first = scene.start(1);
                SourceCaptureIT.streaming(scene, first);
                writer.setAutoCommit(false);
                writer.createStatement().execute("INSERT INTO item VALUES (1, 'open')");
                source.hideCommits();
                CompletableFuture<Void> hidden =
                        CompletableFuture.runAsync(() -> insertAndWait(source));
                Awaitility.await()
                        .atMost(Waits.LIMIT)
                        .until(() -> waitingForAStandby(source).equals("1"));
                long open = transaction(source, "idle in transaction");
                long delivered = transaction(source, "active");
                Awaitility.await()
                        .atMost(Waits.LIMIT)
                        .until(() -> first.delivered().remaining().contains(delivered));
                Awaitility.await().atMost(Waits.LIMIT).until(() -> rows(scene) == 1);
                // A snapshot names both as running only when a later one has ended.
                source.query("SELECT pg_current_xact_id()");
                assertThat(running(source)).contains(open, delivered);
                first.close();

                SourceCapture second = scene.start(1);
                Awaitility.await()
                        .atMost(Waits.LIMIT)
                        .until(() -> !second.delivered().asOfNow().test(0));

                assertThat(second.delivered().asOfNow().test(delivered)).isTrue();
                assertThat(second.delivered().asOfNow().test(open)).isFalse();
                source.showCommits();
                hidden.join();
                scene.awaitWatermark(second);
                assertThat(second.delivered().asOfNow().test(delivered)).isFalse();
                writer.rollback();
            }
        }
    }

    private static long rows(CaptureScene scene) {
        return scene.log().stream().filter(ChangeEvent.OfRow.class::isInstance).count();
    }

    private static long transaction(TestDatabase source, String state) {
        return Long.parseLong(
                String.valueOf(
                        source.value(
                                "SELECT backend_xid::text FROM pg_stat_activity WHERE state = '"
                                        + state
                                        + "' AND backend_xid IS NOT NULL AND pid <> pg_backend_pid()")));
    }

    private static Set<Long> running(TestDatabase source) {
        return RunningTransactions.parse(
                        String.valueOf(source.value("SELECT pg_current_snapshot()::text")))
                .ids();
    }

    private static String waitingForAStandby(TestDatabase source) {
        return String.valueOf(
                source.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"));
    }

    private static void insertAndWait(TestDatabase source) {
        try (Connection connection = source.connect();
                Statement statement = connection.createStatement()) {
            statement.execute("SET synchronous_commit = on");
            statement.execute("INSERT INTO item VALUES (2, 'invisible')");
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }
}
