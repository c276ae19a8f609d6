package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.flow.FlowControl;
import dev.millrace.flow.StopConditions;
import dev.millrace.spec.flow.FlowSetting;
import dev.millrace.spec.flow.FlowSetting.WalExit;
import dev.millrace.spec.flow.StopCondition;
import dev.millrace.spec.flow.StopCondition.Consequence;
import dev.millrace.spec.flow.StopCondition.Measure;
import dev.millrace.spec.flow.StopCondition.Side;
import dev.millrace.testing.Waits;
import java.sql.SQLException;
import java.time.Duration;
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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// What a condition does besides holding the flow, over real databases.
@Timeout(300)
class ConditionExitsIT {

    private static final long BUDGET = 32L << 20;

    private final MigrationScene scene;

    ConditionExitsIT() throws Exception {
        scene = new MigrationScene().table("doc", "id int PRIMARY KEY, title text");
    }

    @AfterEach
    void close() {
        scene.close();
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
        FlowSetting setting =
                new FlowSetting(
                        List.of(
                                new StopCondition(
                                        "incidents",
                                        new Measure.Scalar(
                                                Side.TARGET,
                                                "SELECT count(*) FROM public.incident"),
                                        0,
                                        Duration.ofSeconds(1),
                                        Consequence.ROLLBACK)),
                        OptionalLong.empty());
        scene.target.execute("CREATE TABLE incident (id int)", "INSERT INTO incident VALUES (1)");
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
        String slot = scene.stream().slot();
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
            assertThat(conditions.reports().getFirst().state()).isEqualTo("held");
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
}
