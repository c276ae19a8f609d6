package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.flow.FlowControl;
import dev.millrace.flow.FlowReport;
import dev.millrace.flow.StopConditions;
import dev.millrace.rebackfill.Rebackfill;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.spec.flow.FlowSetting;
import dev.millrace.spec.flow.FlowSetting.WalExit;
import dev.millrace.spec.flow.StopCondition;
import dev.millrace.spec.flow.StopCondition.Consequence;
import dev.millrace.spec.flow.StopCondition.Measure;
import dev.millrace.spec.flow.StopCondition.Side;
import dev.millrace.switchover.Operation.Kind;
import dev.millrace.testing.Waits;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// What a condition does besides holding the flow, over real databases.
@Timeout(900)
class ConditionExitsIT {

    private static final long BUDGET = 32L << 20;

    private static final StopCondition INCIDENTS =
            new StopCondition(
                    "incidents",
                    new Measure.Scalar(Side.TARGET, "SELECT count(*) FROM public.incident"),
                    0,
                    Duration.ofSeconds(1),
                    Consequence.ROLLBACK);

    private static final String JOURNAL =
            """
            SELECT string_agg(event || ' ' || who, ', ' ORDER BY number) FROM millrace.journal
            WHERE event IN ('hold', 'release', 'refused')
            """;

    private final Stalls stalls = new Stalls();
    private final MigrationScene scene;

    ConditionExitsIT() throws Exception {
        scene =
                new MigrationScene()
                        .backfill(Backfill.WINDOWS)
                        .table("doc", "id int PRIMARY KEY, title text");
    }

    @AfterEach
    void close() {
        scene.close();
        stalls.close();
    }

    private StopConditions start(FlowSetting setting, StopConditions.Actions actions, String phase)
            throws SQLException {
        return StopConditions.start(
                scene.stream(),
                setting,
                FlowControl.resume(scene.stream(), () -> true, "test", InstantSource.system()),
                actions,
                () -> phase,
                () -> true,
                InstantSource.system());
    }

    private record RollBack(Function<String, Optional<String>> answer)
            implements StopConditions.Actions {

        @Override
        public Optional<String> rollBack(String reason) {
            return answer.apply(reason);
        }

        @Override
        public boolean mayDropSlot() {
            return false;
        }

        @Override
        public void dropSlot() {}
    }

    /// The journal knows of the hold, and no operation has begun.
    @Test
    void aProcessThatEndsBetweenTheHoldAndTheMoveLosesNoRollback() throws Exception {
        FlowSetting setting = new FlowSetting(List.of(INCIDENTS), OptionalLong.empty());
        scene.grant();
        prepareIncidents(scene);
        scene.target.execute("INSERT INTO incident VALUES (1)");
        AtomicInteger killed = new AtomicInteger();
        StopConditions first =
                start(
                        setting,
                        new RollBack(
                                _ -> {
                                    killed.incrementAndGet();
                                    throw new BankScene.Killed();
                                }),
                        "REVERSIBLE");
        try (first) {
            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .until(
                            () ->
                                    killed.get() > 0
                                            && "1"
                                                    .equals(
                                                            scene.target.value(
                                                                    "SELECT count(*) FROM"
                                                                            + " millrace.flow_hold")));
        }

        List<String> asked = new CopyOnWriteArrayList<>();
        RollBack next =
                new RollBack(
                        reason -> {
                            asked.add(reason);
                            return Optional.empty();
                        });
        try (StopConditions elsewhere = start(setting, next, "IN_SYNC")) {
            assertThat(elsewhere.reports().getFirst().state()).isEqualTo("held");
        }
        try (StopConditions restarted = start(setting, next, "REVERSIBLE")) {
            assertThat(restarted.reports().getFirst().state()).isNotEqualTo("held");
            Awaitility.await().atMost(Waits.LIMIT).until(() -> !asked.isEmpty());
        }
        assertThat(asked)
                .singleElement()
                .asString()
                .startsWith("stop condition incidents: the number of incidents on the target is 1");
    }

    /// The source was away when the condition began, and has less WAL when it answers again.
    @Test
    void theSlotIsDroppedOnlyWhileTheBudgetIsUsedUp() throws Exception {
        String slot = scene.slot();
        scene.source.query("SELECT pg_create_physical_replication_slot('" + slot + "', true)");
        FlowSetting setting =
                new FlowSetting(List.of(), OptionalLong.of(BUDGET), WalExit.DROP_SLOT);
        Drop drop = new Drop();
        try (StopConditions conditions = start(setting, drop, "IN_SYNC")) {
            write(40);
            Awaitility.await().atMost(Waits.LIMIT).until(() -> drop.asked.get() > 0);

            // Between the two limits the condition still holds.
            scene.source.query(
                    "SELECT pg_replication_slot_advance('%s', pg_current_wal_lsn() - %d)"
                            .formatted(slot, BUDGET / 8 * 7));
            Awaitility.await().atMost(Waits.LIMIT).until(() -> share(conditions) < 0.95);
            int before = drop.asked.get();
            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .during(Duration.ofSeconds(1))
                    .until(() -> drop.asked.get() <= before + 1);
            assertThat(conditions.reports().getLast().state()).isEqualTo("held");
            assertThat(share(conditions)).isBetween(0.8, 0.95);

            drop.permitted.set(true);
            assertThat(drop.dropped).hasValue(0);
            write(8);
            Awaitility.await().atMost(Waits.LIMIT).until(() -> drop.dropped.get() == 1);
        }
    }

    /// Another process may have the migration at first.
    private record Drop(AtomicInteger asked, AtomicBoolean permitted, AtomicInteger dropped)
            implements StopConditions.Actions {

        Drop() {
            this(new AtomicInteger(), new AtomicBoolean(), new AtomicInteger());
        }

        @Override
        public Optional<String> rollBack(String reason) {
            throw new AssertionError("no rollback is due");
        }

        @Override
        public boolean mayDropSlot() {
            asked.incrementAndGet();
            return permitted.get();
        }

        @Override
        public void dropSlot() {
            dropped.incrementAndGet();
        }
    }

    private static double share(StopConditions conditions) {
        return Objects.requireNonNull(conditions.wal().share());
    }

    private void write(int megabytes) {
        scene.source.execute(
                "SELECT count(pg_logical_emit_message(false, 'test', repeat('x', 1000000)))"
                        + " FROM generate_series(1, %d)".formatted(megabytes));
    }

    /// The last exit before the source runs out of disk space.
    @Test
    @Tag("faults")
    void aUsedUpBudgetDropsTheSlotAndEveryRowIsReadAgain() throws Exception {
        scene.walBudget(BUDGET).droppingSlot();
        try (Connection open = scene.source.connect();
                Statement statement = open.createStatement()) {
            scene.start();
            scene.awaitPhase("IN_SYNC");
            open.setAutoCommit(false);
            statement.execute("INSERT INTO doc VALUES (5000, 'open')");
            write(40);

            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .pollInterval(Duration.ofMillis(10))
                    .until(
                            () ->
                                    scene.source
                                            .query(
                                                    "SELECT FROM pg_replication_slots WHERE slot_name = '%s'"
                                                            .formatted(scene.slot()))
                                            .isEmpty());
            Instant dropped = Instant.now();
            FlowReport.Condition held = held(FlowSetting.WAL_EXIT);
            stalls.requireInTime(held);
            stalls.requireWithinASecond(Objects.requireNonNull(held.since()), dropped);
            scene.awaitPhase("FAILED");
            open.commit();
        }
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .until(
                        () ->
                                String.valueOf(scene.target.value(JOURNAL))
                                        .contains("hold stop condition wal-exit"));
        scene.running()
                .rebackfill(
                        new Rebackfill.Request(
                                Optional.empty(),
                                "the slot was dropped",
                                Optional.empty(),
                                Optional.empty(),
                                Optional.empty(),
                                false));
        scene.awaitPhase("IN_SYNC");

        assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.EQUAL);
    }

    private FlowReport.Condition held(String name) {
        return held(scene, name);
    }

    private static FlowReport.Condition held(MigrationScene of, String name) {
        return of.running().status().stopWhen().stream()
                .filter(each -> each.name().equals(name) && each.state().equals("held"))
                .findFirst()
                .orElseThrow();
    }

    private static BankScene bank() throws Exception {
        return BankScene.routedBy(
                BankScene::flag,
                scene -> {
                    scene.grant();
                    prepareIncidents(scene);
                    scene.stopWhen(INCIDENTS);
                });
    }

    /// Only the administrator knows what the SELECT of a condition reads.
    private static void prepareIncidents(MigrationScene of) {
        of.target.execute(
                "CREATE TABLE incident (id int)",
                "GRANT SELECT ON incident TO " + of.targetLogin());
    }

    /// An incident of the application on its new database.
    @Test
    @Tag("faults")
    void aLimitAfterASwitchoverMovesTheTrafficBackOnce() throws Exception {
        try (BankScene bank = bank()) {
            MigrationScene moved = bank.scene;
            moved.target.execute("INSERT INTO incident VALUES (1)");
            await(moved, "above");
            moved.target.execute("DELETE FROM incident");
            await(moved, "below");
            bank.switchOver();
            bank.awaitOpenGates(Kind.ROLLBACK);
            moved.target.execute("INSERT INTO incident VALUES (2)");

            await(moved, "held");
            FlowReport.Condition held = held(moved, INCIDENTS.name());
            stalls.requireInTime(held);
            moved.awaitPhase("IN_SYNC");

            assertThat(rollbacks(moved))
                    .startsWith("rollback done: stop condition incidents: the number of incidents");
            stalls.requireWithinASecond(
                    Objects.requireNonNull(held.since()),
                    Instant.parse(
                            moved.target.value(
                                    "SELECT to_char(started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
                                            + " FROM millrace.operation WHERE kind = 'rollback'")));
            await(moved, "held");
            assertThat(moved.target.value(JOURNAL)).isEqualTo("hold stop condition incidents");
        }
    }

    /// What a process leaves that ends between the hold and the move. The gates of the next one are
    /// unknown at first.
    @Test
    @Tag("faults")
    void aRollbackThatWasDueIsBegunAfterARestart() throws Exception {
        try (BankScene bank = bank()) {
            MigrationScene moved = bank.scene;
            bank.switchOver();
            String id = moved.stream().id();
            moved.stop();
            moved.target.execute(
                    "INSERT INTO incident VALUES (1)",
                    "INSERT INTO millrace.flow_hold VALUES ('%s', 'incidents', now(), 'before')"
                            .formatted(id));

            moved.start();
            moved.awaitPhase("IN_SYNC");

            assertThat(rollbacks(moved)).startsWith("rollback done: stop condition incidents: ");
            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .until(
                            () ->
                                    String.valueOf(moved.target.value(JOURNAL))
                                            .startsWith(
                                                    "release stop condition incidents, hold stop"
                                                            + " condition incidents"));
        }
    }

    private static void await(MigrationScene scene, String state) {
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .until(() -> scene.running().status().stopWhen().getFirst().state().equals(state));
    }

    private static String rollbacks(MigrationScene scene) {
        return String.valueOf(
                scene.target.value(
                        "SELECT string_agg(kind || ' ' || state || ': ' || reason, ', ' ORDER BY started_at)"
                                + " FROM millrace.operation WHERE kind = 'rollback'"));
    }
}
