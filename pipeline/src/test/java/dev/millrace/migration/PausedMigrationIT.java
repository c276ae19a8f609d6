package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.flow.FlowChange;
import dev.millrace.flow.FlowChange.Action;
import dev.millrace.flow.FlowChange.Part;
import dev.millrace.flow.FlowReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.rejected.TableChange;
import dev.millrace.replication.GenerationStart.LostLog;
import dev.millrace.replication.RefusedException;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.switchover.Gate;
import dev.millrace.switchover.Operation.Kind;
import dev.millrace.switchover.Operation.State;
import dev.millrace.switchover.SwitchoverRequest;
import java.io.IOException;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// A migration whose apply is paused, or whose writes are all stopped.
@Timeout(900)
class PausedMigrationIT {

    private static final Duration PATIENCE = Duration.ofMinutes(3);

    private static MigrationScene scene() throws IOException {
        return new MigrationScene()
                .backfill(Backfill.WINDOWS)
                .table("doc", "id int PRIMARY KEY, title text");
    }

    private static FlowChange asked(Action action) {
        return new FlowChange(action, "index build", Optional.of("ann"), Optional.empty(), false);
    }

    private static FlowReport.Apply apply(MigrationScene scene) {
        return Objects.requireNonNull(scene.running().status().apply());
    }

    private static String onTarget(MigrationScene scene) {
        return String.valueOf(scene.target.value("SELECT count(*) FROM doc"));
    }

    private static String sessions(
            MigrationScene scene, String purpose, String value, boolean ofSource) {
        return String.valueOf(
                (ofSource ? scene.source : scene.target)
                        .value(
                                "SELECT %s FROM pg_stat_activity WHERE datname = current_database()"
                                                .formatted(value)
                                        + " AND application_name = 'millrace %s %s'"
                                                .formatted(scene.name, purpose)));
    }

    private static void assertEqual(MigrationScene scene) throws Exception {
        assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.EQUAL);
        assertThat(onTarget(scene)).isEqualTo(scene.source.value("SELECT count(*) FROM doc"));
    }

    /// A restart with the same options, as in Kubernetes, pauses nothing.
    @Test
    void theFirstStartWaitsForTheOperatorAndALaterOneDoesNot() throws Exception {
        StartOptions paused = new StartOptions(LostLog.REFUSED, true);
        try (MigrationScene scene = scene()) {
            scene.source.execute("INSERT INTO doc SELECT g, 't' FROM generate_series(1, 100) g");
            scene.start(paused);
            scene.awaitPhase("BACKFILLING");
            scene.source.execute("INSERT INTO doc VALUES (200, 'new')");

            assertThat(scene.running().status().blockers())
                    .anySatisfy(
                            blocker ->
                                    assertThat(blocker)
                                            .contains(
                                                    "the backfill is paused by test",
                                                    "started with --paused"));
            assertThat(onTarget(scene)).isEqualTo("0");

            scene.running().change(asked(new Action.Resume(EnumSet.allOf(Part.class))));
            scene.awaitPhase("IN_SYNC");
            scene.stop();
            scene.start(paused);
            scene.awaitPhase("IN_SYNC");

            assertThat(scene.running().status().blockers()).isEmpty();
            scene.source.execute("INSERT INTO doc VALUES (201, 'newer')");
            assertEqual(scene);
        }
    }

    /// A row of the target that another session has locked: the transaction of apply would wait.
    @Test
    void aPauseOfApplyStopsWritesKeepsTheSlotMovingAndOutlivesARestart() throws Exception {
        try (MigrationScene scene = scene();
                var locker = scene.target.connect()) {
            scene.source.execute("INSERT INTO doc SELECT g, 't' FROM generate_series(1, 100) g");
            scene.start();
            scene.awaitPhase("IN_SYNC");
            locker.setAutoCommit(false);
            try (var statement = locker.createStatement()) {
                statement.execute("SELECT FROM doc WHERE id = 1 FOR UPDATE");
            }
            scene.source.execute("UPDATE doc SET title = 'locked' WHERE id = 1");
            Awaitility.await()
                    .atMost(PATIENCE)
                    .until(
                            () ->
                                    !sessions(
                                                    scene,
                                                    "apply",
                                                    "count(*) FILTER (WHERE wait_event_type ="
                                                            + " 'Lock')",
                                                    false)
                                            .equals("0"));

            FlowChange.Outcome outcome =
                    scene.running().change(asked(new Action.Pause(Part.APPLY)));

            assertThat(outcome.text())
                    .isEqualTo(
                            "Apply is paused. Nothing is written to the target tables; changes wait"
                                    + " in the log");
            assertThat(sessions(scene, "apply", "count(xact_start)", false)).isEqualTo("0");
            locker.rollback();
            scene.source.execute(
                    "INSERT INTO doc SELECT g, 'late' FROM generate_series(101, 200) g");
            String written = String.valueOf(scene.source.value("SELECT pg_current_wal_lsn()"));
            Awaitility.await().atMost(PATIENCE).until(() -> isConfirmed(scene, written));
            assertThat(onTarget(scene)).isEqualTo("100");
            scene.awaitPhase("CATCHING_UP");
            StatusReport status = scene.running().status();
            assertThat(status.blockers())
                    .singleElement()
                    .satisfies(
                            why ->
                                    assertThat(why)
                                            .startsWith("apply is paused by ann since ")
                                            .endsWith(
                                                    ": index build. Run 'millrace resume apply' to"
                                                            + " continue"));
            assertThat(status.nextActions()).contains("resume apply");
            assertThat(scene.running().ready()).isTrue();
            assertThat(status.parts())
                    .filteredOn(part -> part.name().equals("applier"))
                    .extracting(StatusReport.Part::state)
                    .containsExactly("paused");
            assertThatThrownBy(scene::reconcile)
                    .isInstanceOf(RefusedException.class)
                    .hasMessageContaining("apply is paused by ann");
            assertThatThrownBy(
                            () ->
                                    scene.running()
                                            .rejected()
                                            .resume(
                                                    new TableChange(
                                                            "public.doc",
                                                            false,
                                                            "",
                                                            Optional.empty(),
                                                            Optional.empty(),
                                                            false)))
                    .isInstanceOf(RefusedException.class)
                    .hasMessageContaining("Apply is paused");
            scene.stop();

            scene.start();
            assertThat(apply(scene).paused()).isTrue();
            assertThat(apply(scene).reason()).isEqualTo("index build");
            Awaitility.await().atMost(PATIENCE).until(() -> scene.running().ready());
            Awaitility.await()
                    .atMost(PATIENCE)
                    .during(Duration.ofSeconds(1))
                    .until(
                            () ->
                                    onTarget(scene).equals("100")
                                            && sessions(scene, "apply", "count(xact_start)", false)
                                                    .equals("0"));

            scene.running().change(asked(new Action.Resume(Part.APPLY)));
            scene.awaitPhase("IN_SYNC");

            assertEqual(scene);
            assertThat(scene.target.value("SELECT title FROM doc WHERE id = 1"))
                    .isEqualTo("locked");
            assertThat(scene.target.value(JOURNAL)).isEqualTo("pause,resume by ann: index build");
        }
    }

    private static final String JOURNAL =
            """
            SELECT string_agg(event, ',' ORDER BY number) || ' by ' || min(who) || ': '
                || min(detail ->> 'reason') FROM millrace.journal
            WHERE event IN ('pause', 'resume', 'kill')
            """;

    private static boolean isConfirmed(MigrationScene scene, String written) {
        return "t"
                .equals(
                        scene.source.value(
                                "SELECT confirmed_flush_lsn >= '%s' FROM pg_replication_slots WHERE slot_name = '%s'"
                                        .formatted(written, scene.slot())));
    }

    @Test
    void aKillStopsBothSidesAtOnceAndLeavesWhatCanBeResumed() throws Exception {
        try (MigrationScene scene = scene()) {
            scene.source.execute("INSERT INTO doc SELECT g, 't' FROM generate_series(1, 100) g");
            scene.start();
            scene.awaitPhase("IN_SYNC");
            scene.target.execute(
                    "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM"
                            + " pg_sleep(300); RETURN NEW; END'",
                    "CREATE TRIGGER slow BEFORE INSERT OR UPDATE ON doc FOR EACH ROW EXECUTE"
                            + " FUNCTION slow()",
                    "ALTER TABLE doc ENABLE ALWAYS TRIGGER slow");
            scene.source.execute("INSERT INTO doc SELECT g, 'n' FROM generate_series(101, 150) g");
            Awaitility.await()
                    .atMost(PATIENCE)
                    .until(
                            () ->
                                    !sessions(
                                                    scene,
                                                    "apply",
                                                    "count(*) FILTER (WHERE wait_event ="
                                                            + " 'PgSleep')",
                                                    false)
                                            .equals("0"));

            scene.running().change(asked(new Action.Kill()));

            assertThat(sessions(scene, "apply", "count(xact_start)", false)).isEqualTo("0");
            String watermarks = sessions(scene, "watermark", "max(query_start)", true);
            Awaitility.await()
                    .atMost(PATIENCE)
                    .during(Duration.ofMillis(1_500))
                    .until(
                            () ->
                                    sessions(scene, "watermark", "max(query_start)", true)
                                            .equals(watermarks));
            assertThat(onTarget(scene)).isEqualTo("100");
            assertThat(apply(scene).killed()).isTrue();
            assertThat(scene.running().status().nextActions()).contains("resume all");
            assertThatThrownBy(
                            () -> scene.running().change(asked(new Action.Resume(Part.BACKFILL))))
                    .isInstanceOf(RefusedException.class)
                    .hasMessageContaining("resume all");
            scene.target.execute("DROP TRIGGER slow ON doc");
            scene.stop();

            scene.start();
            assertThat(apply(scene).killed()).isTrue();
            scene.running().change(asked(new Action.Resume(EnumSet.allOf(Part.class))));
            scene.awaitPhase("IN_SYNC");

            assertEqual(scene);
            assertThat(apply(scene).killed()).isFalse();
            assertThat(Objects.requireNonNull(scene.running().status().backfill()).paused())
                    .isFalse();
        }
    }

    @Test
    void applyIsPausedNeitherWhileTheTrafficMovesNorAfterwards() throws Exception {
        try (BankScene bank = BankScene.withoutClients()) {
            bank.assertEqual();
            UUID moving = bank.beginMove(Kind.SWITCHOVER);
            assertRefused(bank.scene, "while the traffic is moved");
            assertThat(bank.awaitEnd(moving).state()).isEqualTo(State.DONE);
            bank.scene.awaitPhase("REVERSIBLE");

            assertRefused(bank.scene, "only the stream back to the source is active");
            assertThat(bank.scene.running().status().nextActions()).doesNotContain("pause apply");
            bank.awaitOpenGates(Kind.ROLLBACK);
        }
    }

    private static void assertRefused(MigrationScene scene, String reason) {
        for (Action action : List.of(new Action.Pause(Part.APPLY), new Action.Kill())) {
            assertThatThrownBy(() -> scene.running().change(asked(action)))
                    .isInstanceOf(RefusedException.class)
                    .hasMessageContaining(reason);
        }
        assertThat(apply(scene).paused()).isFalse();
    }

    /// The target stores nothing meanwhile, because another session has locked the table.
    @Test
    void aKillIsInForceBeforeTheTargetHasStoredIt() throws Exception {
        try (MigrationScene scene = scene();
                var locker = scene.target.connect()) {
            scene.start();
            scene.awaitPhase("IN_SYNC");
            locker.setAutoCommit(false);
            try (var statement = locker.createStatement()) {
                statement.execute("LOCK TABLE millrace.flow IN ACCESS EXCLUSIVE MODE");
            }
            CompletableFuture<FlowChange.Outcome> pause =
                    begin(scene, new Action.Pause(Part.BACKFILL));
            Awaitility.await()
                    .atMost(PATIENCE)
                    .until(() -> !sessions(scene, "pool", WAITING, false).equals("0"));

            CompletableFuture<FlowChange.Outcome> kill = begin(scene, new Action.Kill());
            Awaitility.await()
                    .atMost(PATIENCE)
                    .until(
                            () ->
                                    scene.running().status().parts().stream()
                                            .anyMatch(part -> part.state().equals("paused")));
            assertThat(kill).isNotDone();
            scene.source.execute("INSERT INTO doc VALUES (7, 'after the kill')");
            Awaitility.await()
                    .atMost(PATIENCE)
                    .until(() -> Objects.equals(scene.running().status().lag().records(), 1L));
            locker.rollback();

            // A wait for the lock has a limit, so a slow machine may have to ask again.
            pause.handle((done, failure) -> done).get(3, TimeUnit.MINUTES);
            kill.handle((done, failure) -> done).get(3, TimeUnit.MINUTES);
            assertThat(apply(scene).killed()).isTrue();
            assertThat(scene.running().change(asked(new Action.Kill())).text())
                    .startsWith("All writes");
            assertThat(scene.target.value("SELECT killed FROM millrace.flow")).isEqualTo("t");
            assertThat(onTarget(scene)).isEqualTo("0");
        }
    }

    private static CompletableFuture<FlowChange.Outcome> begin(
            MigrationScene scene, Action action) {
        return CompletableFuture.supplyAsync(
                () -> scene.running().change(asked(action)),
                task -> Thread.ofPlatform().start(task));
    }

    private static final String WAITING = "count(*) FILTER (WHERE wait_event_type = 'Lock')";

    @Test
    void aPauseOfApplyClosesAGateOfTheSwitchover() throws Exception {
        try (MigrationScene scene = scene()) {
            scene.start();
            scene.awaitPhase("IN_SYNC");
            scene.running().change(asked(new Action.Pause(Part.APPLY)));

            SwitchoverRequest request =
                    new SwitchoverRequest(
                            Kind.SWITCHOVER,
                            SwitchoverRequest.Action.DRY_RUN,
                            Set.of(),
                            "",
                            Optional.empty(),
                            Optional.empty(),
                            Optional.empty());

            assertThat(scene.running().move(request).gates())
                    .filteredOn(gate -> gate.name().equals("flow"))
                    .singleElement()
                    .satisfies(
                            gate -> {
                                assertThat(gate.ok()).isFalse();
                                assertThat(gate.reason()).startsWith("Apply is paused by ann");
                            });
            scene.running().change(asked(new Action.Resume(Part.APPLY)));
            assertThat(scene.running().move(request).gates())
                    .filteredOn(gate -> gate.name().equals("flow"))
                    .allMatch(Gate::ok)
                    .hasSize(1);
        }
    }
}
