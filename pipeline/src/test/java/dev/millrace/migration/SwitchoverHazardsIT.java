package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.replication.RefusedException;
import dev.millrace.switchover.Operation;
import dev.millrace.switchover.Operation.Kind;
import dev.millrace.switchover.Operation.State;
import dev.millrace.switchover.SwitchStep;
import dev.millrace.testing.TestDatabase;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;

/// What has gone wrong with other tools when they moved the traffic, with real servers and clients
/// that write. Each test continues with the bank of the one before.
@Tag("faults")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class SwitchoverHazardsIT {

    private static final int SESSIONS = 16;
    private static final int INSERTS = 1_008;
    private static final String MARKED = "00000000-0000-0000-0000-000000000000";

    private RoutingHook hook;
    private BankScene bank;
    private TestDatabase source;
    private TestDatabase target;

    @BeforeAll
    void openBank() throws Exception {
        hook = new RoutingHook();
        bank = BankScene.withClients(hook);
        source = bank.scene.source;
        target = bank.scene.target;
    }

    @AfterAll
    void closeBank() {
        bank.close();
        hook.close();
    }

    private static void refused(String part, ThrowingCallable request) {
        assertThatThrownBy(request).isInstanceOf(RefusedException.class).hasMessageContaining(part);
    }

    private Connection snapshot(TestDatabase side) throws SQLException {
        Connection old = DriverManager.getConnection(side.url(), bank.role, "pw");
        old.setAutoCommit(false);
        old.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
        execute(old, "SELECT count(*) FROM account");
        return old;
    }

    private static void execute(Connection session, String sql) throws SQLException {
        try (Statement statement = session.createStatement()) {
            statement.execute(sql);
        }
    }

    private void assertDone(UUID id) {
        Operation end = bank.awaitEnd(id);
        assertThat(end.state()).as(end.toString()).isEqualTo(State.DONE);
    }

    /// yb-voyager#2235: a step of the cutover was accepted before the one that it needs.
    @Test
    @Order(1)
    void refusesWhatIsNotTheNextMove() {
        refused("Gate phase is closed", () -> bank.beginMove(Kind.ROLLBACK));
        refused("No operation is unresolved", () -> bank.resolve(true));
        refused("No rollback is running", () -> bank.cancel(Kind.ROLLBACK));
        refused("No switchover is running", () -> bank.cancel(Kind.SWITCHOVER));
    }

    /// - vitess#9400: a transaction that lasts across the switch breaks the stream back. A slot
    ///   waits for it, so the stream is armed while the application still writes.
    /// - vitess#16563: the position was taken before the last write. The write of a snapshot from
    ///   before the fence comes after it, and is on the target.
    /// - spirit#1207: writes on the target during the routing hook were lost by the rollback.
    /// - pg_easy_replicate#164: one role alone was fenced.
    @Test
    @Order(2)
    void keepsTheWritesOfTransactionsAcrossTheSwitchAndOfTheHook() throws Exception {
        String other = "teller_" + bank.scene.name;
        String member = "clerk_" + bank.scene.name;
        source.execute(
                "CREATE ROLE " + other + " LOGIN PASSWORD 'pw'",
                "CREATE ROLE " + member + " LOGIN PASSWORD 'pw' IN ROLE " + bank.role);
        for (TestDatabase side : List.of(source, target)) {
            side.execute("GRANT ALL ON account, ledger TO " + other);
        }
        hook.answer(
                1,
                side -> {
                    for (String role : List.of(bank.role, other, member)) {
                        assertFenced(() -> BankScene.write(source, role, write(-1)));
                    }
                    assertFenced(() -> source.execute(write(-1)));
                    assertFenced(
                            () ->
                                    source.execute(
                                            "SET session_replication_role = replica", write(-1)));
                    BankScene.write(target, other, write(1_001));
                    return hook.route(side);
                });
        UUID id;
        try (Connection onTarget = target.connect();
                Connection old = snapshot(source)) {
            onTarget.setAutoCommit(false);
            execute(onTarget, "SELECT pg_current_xact_id()");
            id = bank.beginMove(Kind.SWITCHOVER);
            bank.awaitStep(id, SwitchStep.ARM);
            bank.traffic.awaitProgress("source");
            bank.awaitStep(id, SwitchStep.ARM);
            onTarget.commit();
            bank.awaitStep(id, SwitchStep.FENCE);
            assertFencedSoon(source);
            execute(old, write(1_000));
            old.commit();
        }
        assertDone(id);

        hook.requireAnswered();
        bank.assertWritesOnTarget();
        assertThat(target.query("SELECT id FROM account WHERE id < 0 OR id >= 1000 ORDER BY id"))
                .containsExactly(List.of("1000"), List.of("1001"));
        // The phase follows the operation within a second.
        bank.scene.awaitPhase("REVERSIBLE");
        refused("writes to the target already", () -> bank.beginMove(Kind.SWITCHOVER));
    }

    private static String write(int id) {
        return "INSERT INTO account VALUES (" + id + ", 0)";
    }

    private static void assertFenced(ThrowingCallable write) {
        assertThatThrownBy(write).hasStackTraceContaining("is closed for writes");
    }

    /// The step begins before its effect.
    private void assertFencedSoon(TestDatabase side) {
        Awaitility.await()
                .untilAsserted(
                        () ->
                                assertFenced(
                                        () ->
                                                BankScene.write(
                                                        side,
                                                        bank.role,
                                                        "UPDATE account SET id = id WHERE false")));
    }

    /// sinwoobang/dms-psql-post-data#5: the identity's sequence of the target had still its first
    /// value.
    @Test
    @Order(3)
    void aThousandInsertsAtOnceCollideWithNoKey() throws Exception {
        CountDownLatch ready = new CountDownLatch(SESSIONS);
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> inserts = new ArrayList<>();
            for (int i = 0; i < SESSIONS; i++) {
                inserts.add(threads.submit(() -> insert(ready)));
            }
            for (Future<?> insert : inserts) {
                insert.get();
            }
        }
        assertThat(target.value("SELECT count(*) FROM ledger WHERE transfer = '" + MARKED + "'"))
                .isEqualTo(Integer.toString(INSERTS));
    }

    private Void insert(CountDownLatch ready) throws Exception {
        try (Connection client = DriverManager.getConnection(target.url(), bank.role, "pw")) {
            ready.countDown();
            ready.await();
            for (int i = 0; i < INSERTS / SESSIONS; i++) {
                execute(client, "INSERT INTO ledger (transfer) VALUES ('" + MARKED + "')");
            }
        }
        return null;
    }

    /// vitess#16918, vitess#17127: a move that was cancelled half-way left the traffic on neither
    /// side.
    @Test
    @Order(4)
    void aRollbackThatIsCancelledUnderTheFenceStaysOnTheTarget() throws Exception {
        bank.awaitOpenGates(Kind.ROLLBACK);
        try (Connection _ = snapshot(target)) {
            UUID id = bank.beginMove(Kind.ROLLBACK);
            bank.awaitStep(id, SwitchStep.FENCE);
            assertFencedSoon(target);
            bank.cancel(Kind.ROLLBACK);
            assertThat(bank.awaitEnd(id).state()).isEqualTo(State.RETURNED);
        }
        bank.scene.awaitPhase("REVERSIBLE");
        bank.assertWritesOnTarget();
    }

    /// The webhook routes, and its answers are lost.
    @Test
    @Order(5)
    void doesNotRouteAgainWhatAPersonSawRouted() throws Exception {
        hook.answer(
                1,
                side -> {
                    hook.route(side);
                    return 503;
                });
        hook.answer(2, _ -> 503);
        bank.awaitOpenGates(Kind.ROLLBACK);

        UUID id = bank.beginMove(Kind.ROLLBACK);
        bank.awaitUnresolved(id);
        bank.assertWritesOnSource();
        int requests = hook.requests();
        bank.resolve(true);

        assertDone(id);
        assertThat(hook.requests()).isEqualTo(requests);
        bank.scene.awaitPhase("IN_SYNC");
        bank.assertOnSource();
        assertThat(source.query("SELECT id FROM account WHERE id >= 1000 ORDER BY id"))
                .containsExactly(List.of("1000"), List.of("1001"));
        assertThat(
                        source.value(
                                "WITH gone AS (DELETE FROM ledger WHERE transfer = '"
                                        + MARKED
                                        + "' RETURNING id) SELECT count(DISTINCT id) FROM gone"))
                .isEqualTo(Integer.toString(INSERTS));
        bank.assertEqual();
    }

    @Test
    @Order(6)
    void routesAgainWhatAPersonSawNotRouted() throws Exception {
        hook.answer(3, _ -> 503);

        UUID id = bank.beginMove(Kind.SWITCHOVER);
        bank.awaitUnresolved(id);
        bank.assertRefused(source);
        // A client that was routed all the same must not be refused.
        BankScene.write(target, bank.role, "UPDATE account SET id = id WHERE false");
        refused("run 'millrace resolve'", () -> bank.beginMove(Kind.SWITCHOVER));
        bank.scene.stop();
        bank.scene.start();
        bank.awaitUnresolved(id);
        bank.assertRefused(source);
        int requests = hook.requests();
        bank.resolve(false);

        assertDone(id);
        assertThat(hook.requests()).isEqualTo(requests + 1);
        bank.scene.awaitPhase("REVERSIBLE");
        bank.assertOnTarget();
    }
}
