package dev.millrace.fence;

import static dev.millrace.fence.FenceScene.assertRefused;
import static dev.millrace.fence.FenceScene.run;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.fence.WriteFence.Older;
import dev.millrace.fence.WriteFence.OpenWork;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.postgresql.PGConnection;

/// The transactions that can still write after the lease is committed, on a real server.
@Timeout(900)
class OlderTransactionsIT {

    private static final Older SETTLED = new Older.Settled();

    private static Connection begin(FenceScene scene, int isolation) throws SQLException {
        Connection session = scene.app.connect();
        session.setTransactionIsolation(isolation);
        session.setAutoCommit(false);
        return session;
    }

    private static OpenWork onlyBlocker(FenceScene scene) throws Exception {
        Older older = scene.fence.awaitOlder(Duration.ZERO);
        assertThat(older).isInstanceOf(Older.Blocked.class);
        assertThat(((Older.Blocked) older).work()).hasSize(1);
        return ((Older.Blocked) older).work().getFirst();
    }

    /// A REPEATABLE READ transaction that began before the lease and writes for the first time
    /// after it: it passes, so it must be waited for.
    @Test
    void aSnapshotFromBeforeTheLeaseIsWaitedFor() throws Exception {
        try (FenceScene scene = new FenceScene().installed();
                Connection session = begin(scene, Connection.TRANSACTION_REPEATABLE_READ)) {
            run(session, "SELECT * FROM plain");
            scene.closed();

            OpenWork blocker = onlyBlocker(scene);
            assertThat(blocker.pid()).hasValue(session.unwrap(PGConnection.class).getBackendPID());
            assertThat(blocker.role()).isEqualTo(scene.app.name());
            assertThat(blocker.state()).isEqualTo("idle in transaction");
            assertThat(blocker.since()).isPresent();
            assertThat(blocker.name()).isEqualTo("PostgreSQL JDBC Driver");

            run(session, "UPDATE plain SET v = 2");
            onlyBlocker(scene);
            CompletableFuture<Older> waiting = awaiting(scene);
            session.commit();
            assertThat(waiting.join()).isEqualTo(SETTLED);
        }
    }

    private static CompletableFuture<Older> awaiting(FenceScene scene) {
        return CompletableFuture.supplyAsync(
                () -> {
                    try {
                        return scene.fence.awaitOlder(Duration.ofSeconds(20));
                    } catch (SQLException | InterruptedException e) {
                        throw new IllegalStateException(e);
                    }
                },
                Thread::startVirtualThread);
    }

    @Test
    void anUncommittedWriteIsWaitedFor() throws Exception {
        try (FenceScene scene = new FenceScene().installed();
                Connection session = begin(scene, Connection.TRANSACTION_READ_COMMITTED)) {
            run(session, "UPDATE plain SET v = 2");
            scene.closed();
            onlyBlocker(scene);
            session.rollback();
            assertThat(scene.fence.awaitOlder(Duration.ZERO)).isEqualTo(SETTLED);
        }
    }

    /// The statement passed the fence and gets its transaction id after the lease is committed, and
    /// after later ones. When it has ended, its transaction has no snapshot.
    @Test
    void aWriteThatGetsItsTransactionIdAfterTheLeaseIsWaitedFor() throws Exception {
        try (FenceScene scene = new FenceScene().installed();
                Connection gate = scene.admin.connect();
                Connection session = begin(scene, Connection.TRANSACTION_READ_COMMITTED)) {
            run(gate, "SELECT pg_advisory_lock(7)");
            CompletableFuture<Void> write =
                    CompletableFuture.runAsync(
                            () -> {
                                try {
                                    run(
                                            session,
                                            "INSERT INTO plain SELECT 50, 1 FROM (SELECT pg_advisory_lock(7)) l");
                                } catch (SQLException e) {
                                    throw new IllegalStateException(e);
                                }
                            },
                            Thread::startVirtualThread);
            Awaitility.await()
                    .until(
                            () ->
                                    "1"
                                            .equals(
                                                    scene.admin.value(
                                                            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND pid = "
                                                                    + session.unwrap(
                                                                                    PGConnection
                                                                                            .class)
                                                                            .getBackendPID())));
            scene.closed();
            onlyBlocker(scene);
            CompletableFuture<Older> waiting = awaiting(scene);
            scene.admin.execute("SELECT pg_current_xact_id()", "SELECT pg_current_xact_id()");
            run(gate, "SELECT pg_advisory_unlock(7)");
            write.join();
            try (WriteFence second = scene.another()) {
                assertThat(second.awaitOlder(Duration.ofMillis(50)))
                        .isInstanceOf(Older.Blocked.class);
            }
            assertThat(waiting).isNotDone();
            session.commit();
            assertThat(waiting.join()).isEqualTo(SETTLED);
            assertThat(scene.admin.value("SELECT count(*) FROM plain")).isEqualTo("2");
        }
    }

    @Test
    void aPreparedTransactionIsWaitedFor() throws Exception {
        try (FenceScene scene = new FenceScene().installed();
                Connection session = scene.app.connect()) {
            String name = "prepared-" + scene.admin.name();
            run(session, "BEGIN", "UPDATE plain SET v = 2", "PREPARE TRANSACTION '" + name + "'");
            scene.closed();
            OpenWork blocker = onlyBlocker(scene);
            assertThat(blocker.pid()).isEmpty();
            assertThat(blocker.state()).isEqualTo("prepared");
            assertThat(blocker.name()).isEqualTo(name);
            assertThat(blocker.role()).isEqualTo(scene.app.name());
            CompletableFuture<Older> waiting = awaiting(scene);
            run(session, "COMMIT PREPARED '" + name + "'");
            assertThat(waiting.join()).isEqualTo(SETTLED);
        }
    }

    /// The session's transaction ends, but only because it was prepared.
    @Test
    void aTransactionThatIsPreparedMeanwhileIsWaitedFor() throws Exception {
        try (FenceScene scene = new FenceScene().installed();
                Connection session = scene.app.connect()) {
            String name = "meanwhile-" + scene.admin.name();
            run(session, "BEGIN", "UPDATE plain SET v = 2");
            scene.closed();
            onlyBlocker(scene);
            CompletableFuture<Older> waiting = awaiting(scene);
            run(session, "PREPARE TRANSACTION '" + name + "'");
            assertThat(onlyBlockerOfAnother(scene).state()).isEqualTo("prepared");
            assertThat(waiting).isNotDone();
            run(session, "ROLLBACK PREPARED '" + name + "'");
            assertThat(waiting.join()).isEqualTo(SETTLED);
        }
    }

    private static OpenWork onlyBlockerOfAnother(FenceScene scene) throws Exception {
        try (WriteFence second = scene.another()) {
            Older older = second.awaitOlder(Duration.ofMillis(50));
            assertThat(older).isInstanceOf(Older.Blocked.class);
            return ((Older.Blocked) older).work().getFirst();
        }
    }

    /// With the extended protocol the server keeps the snapshot of the last statement.
    private static Connection simpleProtocol(FenceScene scene) {
        return new TestDatabase(
                        scene.admin.url() + "?preferQueryMode=simple",
                        scene.app.name(),
                        GrantedLogins.PASSWORD)
                .connect();
    }

    /// Its next statement takes a new snapshot and is refused.
    @Test
    void anIdleTransactionWithoutASnapshotIsNotWaitedFor() throws Exception {
        try (FenceScene scene = new FenceScene().installed();
                Connection session = simpleProtocol(scene)) {
            run(session, "BEGIN", "SELECT * FROM plain");
            scene.closed();
            assertThat(scene.fence.awaitOlder(Duration.ZERO)).isEqualTo(SETTLED);
            assertRefused(() -> run(session, "UPDATE plain SET v = 2"));
        }
    }

    @Test
    void transactionsThatBeganLaterAreNotWaitedFor() throws Exception {
        try (FenceScene scene = new FenceScene().installed();
                Connection older = begin(scene, Connection.TRANSACTION_READ_COMMITTED)) {
            run(older, "UPDATE plain SET v = 2");
            scene.closed();
            CompletableFuture<Older> waiting = awaiting(scene);
            Awaitility.await().until(() -> readings(scene) > 0);
            try (Connection later = begin(scene, Connection.TRANSACTION_REPEATABLE_READ)) {
                run(later, "INSERT INTO outside VALUES (5)");
                older.commit();
                assertThat(waiting.join()).isEqualTo(SETTLED);
                assertRefused(() -> run(later, "UPDATE plain SET v = 2"));
            }
        }
    }

    /// The fence's session has read the running transactions.
    private static int readings(FenceScene scene) {
        return Integer.parseInt(
                String.valueOf(
                        scene.admin.value(
                                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'millrace shop fence' AND query LIKE '%virtualxid%'")));
    }

    @Test
    void millracesOwnTransactionsAndOtherDatabasesAreNotWaitedFor() throws Exception {
        try (FenceScene scene = new FenceScene().installed();
                FenceScene other = new FenceScene();
                Connection elsewhere = begin(other, Connection.TRANSACTION_REPEATABLE_READ);
                Connection own = scene.millrace.connect()) {
            run(elsewhere, "UPDATE plain SET v = 2");
            own.setAutoCommit(false);
            run(own, "UPDATE plain SET v = 2");
            scene.closed();
            assertThat(scene.fence.awaitOlder(Duration.ZERO)).isEqualTo(SETTLED);
        }
    }

    @Test
    void withoutThePrivilegeToSeeOtherSessionsNothingIsSettled() throws Exception {
        try (FenceScene scene = new FenceScene().installed()) {
            scene.admin.execute("REVOKE pg_read_all_stats FROM " + scene.millrace.name());
            scene.closed();
            assertThat(scene.fence.awaitOlder(Duration.ZERO))
                    .isInstanceOfSatisfying(
                            Older.Refused.class,
                            refused ->
                                    assertThat(refused.reason())
                                            .contains("GRANT pg_read_all_stats TO"));
        }
    }

    @Test
    void anOpenFenceIsNeverSettled() throws Exception {
        try (FenceScene scene = new FenceScene().installed()) {
            assertThat(scene.fence.awaitOlder(Duration.ZERO)).isInstanceOf(Older.Refused.class);
        }
    }
}
