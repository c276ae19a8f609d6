package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.control.OperationStore.StoredOperation;
import dev.millrace.spec.switchover.Switchover;
import dev.millrace.spec.switchover.Switchover.Route;
import dev.millrace.switchover.Operation;
import dev.millrace.switchover.Operation.Kind;
import dev.millrace.switchover.Operation.State;
import dev.millrace.switchover.SwitchStep;
import dev.millrace.switchover.SwitchoverOperation;
import dev.millrace.testing.Waits;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;

/// `fence: external`: Millrace installs nothing on the source, and moves the traffic only if the
/// WAL shows that nobody wrote while both sides were compared. All tests use one migration, in this
/// order: the third one begins where the second has moved the traffic.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class ExternalFenceIT {

    private MigrationScene scene;
    private Moves moves;

    @BeforeAll
    void start() throws Exception {
        scene =
                new MigrationScene()
                        .declared()
                        .table("item", "id int PRIMARY KEY, body text")
                        .externallyFenced();
        scene.source.execute(
                "INSERT INTO item SELECT i, 'old' FROM generate_series(1, 100) i",
                "CREATE SCHEMA app",
                "CREATE TABLE app.moved (place text)");
        scene.route(
                        new Route.Sql(
                                Switchover.Side.SOURCE,
                                "INSERT INTO app.moved VALUES ('target')",
                                "INSERT INTO app.moved VALUES ('source')"))
                .reversible()
                .grant();
        // For the route, whose statement only the test knows.
        scene.source.execute(
                "GRANT USAGE ON SCHEMA app TO " + scene.sourceLogin(),
                "GRANT INSERT ON app.moved TO " + scene.sourceLogin());
        scene.start();
        scene.awaitPhase("IN_SYNC");
        scene.awaitFresh();
        assertThat(scene.reconcile().verdict().word()).isEqualTo("equal");
        moves = new Moves(scene);
    }

    @AfterAll
    void stop() {
        scene.close();
    }

    /// Both sides stay equal, so only the WAL shows the write.
    @Test
    @Order(1)
    void returnsAfterOneWriteThatTheComparisonDoesNotShow() throws Exception {
        SwitchStep.Trace writes =
                (step, moment) -> {
                    if (step == SwitchStep.VERDICT && moment.equals("perform:before")) {
                        scene.source.execute("UPDATE item SET body = body WHERE id = 1");
                    }
                };
        try (SwitchoverOperation operation = moves.begin(Kind.SWITCHOVER, writes)) {
            assertThat(operation.start()).isEqualTo(State.RETURNED);
        }

        assertThat(
                        scene.running()
                                .operations()
                                .latest()
                                .flatMap(StoredOperation::outcome)
                                .orElseThrow())
                .contains("1 changes were written to the source meanwhile");
    }

    @Test
    @Order(2)
    void returnsIfSomebodyWritesWhileBothSidesAreCompared() {
        AtomicBoolean writing = new AtomicBoolean(true);
        CompletableFuture<Void> writer =
                CompletableFuture.runAsync(
                        () -> {
                            while (writing.get()) {
                                scene.source.execute(
                                        "UPDATE item SET body = body || '.' WHERE id = 2");
                                LockSupport.parkNanos(1_000_000);
                            }
                        });
        try {
            Operation returned = moves.end(Kind.SWITCHOVER);

            assertThat(returned.state()).as(returned.toString()).isEqualTo(State.RETURNED);
            assertThat(returned.outcome()).contains("The application writes to the source.");
            assertThat(scene.source.query("SELECT place FROM app.moved")).isEmpty();
        } finally {
            writing.set(false);
            writer.join();
        }
        scene.awaitPhase("IN_SYNC");
        scene.awaitFresh();
        assertThat(scene.reconcile().verdict().word()).isEqualTo("equal");
    }

    @Test
    @Order(3)
    void movesThereAndBackWithoutATriggerOnTheSource() {
        moves.move(Kind.SWITCHOVER);
        scene.awaitPhase("REVERSIBLE");
        assertThat(
                        scene.source.query(
                                """
                                SELECT tgname FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid
                                WHERE NOT tgisinternal AND relnamespace IS DISTINCT FROM to_regnamespace('millrace')
                                """))
                .isEmpty();
        scene.target.execute("INSERT INTO item VALUES (200, 'new')");
        scene.source.execute("UPDATE item SET body = 'late' WHERE id = 1");
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .untilAsserted(
                        () ->
                                assertThat(scene.running().status().blockers())
                                        .anyMatch(blocker -> blocker.contains("public.item")));
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .until(
                        () -> scene.target.value("SELECT body FROM item WHERE id = 1"),
                        "late"::equals);

        moves.move(Kind.ROLLBACK);

        assertThat(scene.source.value("SELECT body FROM item WHERE id = 200")).isEqualTo("new");
    }
}
