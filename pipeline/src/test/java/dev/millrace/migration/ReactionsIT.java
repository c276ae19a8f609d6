package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.flow.FlowReport;
import dev.millrace.migration.ReactionScene.Ending;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.spec.flow.FlowSetting;
import dev.millrace.spec.flow.StopCondition;
import dev.millrace.spec.flow.StopCondition.Consequence;
import dev.millrace.spec.flow.StopCondition.Measure;
import dev.millrace.spec.flow.StopCondition.Metric;
import dev.millrace.spec.flow.StopCondition.Side;
import dev.millrace.testing.Waits;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicLong;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Every throttle and stop condition reacts within a second to its real cause, as the product's own
/// times show, and releases when the cause has ended.
@Tag("faults")
@Timeout(900)
@TestInstance(Lifecycle.PER_CLASS)
class ReactionsIT {

    private static final Duration SUSTAINED = Duration.ofSeconds(1);
    private static final double MEGABYTE = 1 << 20;
    private static final String COMMITS = "commits";
    private static final String WINDOW = "window";

    /// Backlogs of the source end at a checkpoint only.
    private static final List<String> BACKLOGS = List.of("retained", FlowSetting.WAL_BUDGET);

    /// Also, the slow commits have to leave the half minute, and a clock that is set makes the
    /// owner's lock doubtful for a moment.
    private static final List<String> SLOW_TO_END =
            List.of("retained", FlowSetting.WAL_BUDGET, COMMITS, WINDOW);

    private final Stalls stalls = new Stalls();
    private final ReactionScene servers = new ReactionScene();
    private final MigrationScene scene = servers.scene;
    private final Instant windowBegins =
            Instant.now().truncatedTo(ChronoUnit.MINUTES).plusSeconds(600);
    private int rows;

    ReactionsIT() throws Exception {}

    /// @param begin returns when the cause is there
    private record Reaction(StopCondition condition, Callable<Ending> begin) {
        @Override
        public String toString() {
            return condition.name() + ": " + condition.then().id();
        }
    }

    private Reaction metric(
            String name, Metric metric, double above, Consequence then, Callable<Ending> begin) {
        return reaction(name, new Measure.BuiltIn(metric), above, then, begin);
    }

    private static Reaction reaction(
            String name, Measure measure, double above, Consequence then, Callable<Ending> begin) {
        return new Reaction(new StopCondition(name, measure, above, SUSTAINED, then), begin);
    }

    private static Measure number(Side side) {
        return new Measure.Scalar(side, "SELECT count(*) FROM public.job");
    }

    /// The one of the clock comes last, because it sets the migration's clock forward.
    List<Reaction> reactions() {
        return List.of(
                metric("waits", Metric.TARGET_LOCK_WAITS, 2, Consequence.PAUSE, servers::locked),
                metric(
                        "target-sessions",
                        Metric.TARGET_ACTIVE_SESSIONS,
                        10,
                        Consequence.SLOW_BACKFILL,
                        () -> servers.busy(scene.target)),
                metric(
                        "source-sessions",
                        Metric.SOURCE_ACTIVE_SESSIONS,
                        10,
                        Consequence.PAUSE_BACKFILL,
                        () -> servers.busy(scene.source)),
                metric(
                        "target-standby",
                        Metric.TARGET_REPLICATION_LAG,
                        5 * MEGABYTE,
                        Consequence.PAUSE,
                        () -> servers.frozen(false)),
                metric(
                        "source-standby",
                        Metric.SOURCE_REPLICATION_LAG,
                        5 * MEGABYTE,
                        Consequence.SLOW,
                        () -> servers.frozen(true)),
                metric(
                        "retained",
                        Metric.SOURCE_WAL_RETAINED,
                        20 * MEGABYTE,
                        Consequence.BLOCK_SWITCHOVER,
                        () -> servers.backlog(30)),
                new Reaction(FlowSetting.BUDGET_USED, () -> servers.backlog(60)),
                reaction(
                        "source-number",
                        number(Side.SOURCE),
                        2,
                        Consequence.BLOCK_SWITCHOVER,
                        () -> servers.jobs(scene.source)),
                reaction(
                        "target-number",
                        number(Side.TARGET),
                        2,
                        Consequence.PAUSE,
                        () -> servers.jobs(scene.target)),
                reaction(
                        "check",
                        new Measure.HttpCheck(servers.address()),
                        0,
                        Consequence.SLOW,
                        servers::forbidden),
                metric(
                        COMMITS,
                        Metric.TARGET_COMMIT_P95,
                        0.2,
                        Consequence.SLOW,
                        servers::slowTarget),
                reaction(
                        WINDOW,
                        new Measure.Window(
                                windowBegins.atZone(ZoneOffset.UTC).toLocalTime(),
                                windowBegins.plusSeconds(60).atZone(ZoneOffset.UTC).toLocalTime(),
                                ZoneOffset.UTC),
                        0,
                        Consequence.PAUSE_BACKFILL,
                        this::awaitWindow));
    }

    private Ending awaitWindow() {
        servers.become(windowBegins.minusSeconds(5));
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .pollInterval(Duration.ofMillis(10))
                .until(() -> !servers.now().isBefore(windowBegins));
        return () -> servers.become(windowBegins.plusSeconds(60));
    }

    /// A SELECT that takes long delays no other metric of its server.
    private static StopCondition slowSelect(Side side) {
        return new StopCondition(
                "slow-" + side.name().charAt(0),
                new Measure.Scalar(side, "SELECT 0 FROM pg_sleep(0.9)"),
                1,
                SUSTAINED,
                Consequence.BLOCK_SWITCHOVER);
    }

    @BeforeAll
    void start() throws Exception {
        List<StopCondition> conditions =
                new ArrayList<>(
                        reactions().stream()
                                .map(Reaction::condition)
                                .filter(each -> !each.equals(FlowSetting.BUDGET_USED))
                                .toList());
        conditions.add(slowSelect(Side.SOURCE));
        conditions.add(slowSelect(Side.TARGET));
        servers.start(conditions);
    }

    @AfterAll
    void theMigrationGoesOn() {
        try (servers;
                stalls) {
            servers.finish();
            assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.EQUAL);
        }
    }

    private FlowReport.Condition report(StopCondition of) {
        return scene.running().status().stopWhen().stream()
                .filter(each -> each.name().equals(of.name()))
                .findFirst()
                .orElseThrow();
    }

    private FlowReport.Condition await(StopCondition condition, String state) {
        return Awaitility.await()
                .atMost(Waits.LIMIT)
                .pollInterval(Duration.ofMillis(100))
                .until(
                        () -> {
                            if (BACKLOGS.contains(condition.name())) {
                                scene.source.execute("CHECKPOINT");
                            }
                            return report(condition);
                        },
                        each -> each.state().equals(state));
    }

    @ParameterizedTest
    @MethodSource("reactions")
    void reactsWithinASecondAndReleases(Reaction reaction) throws Exception {
        StopCondition condition = reaction.condition();
        await(condition, "below");
        requireReleased(condition);
        long read;
        try (Ending _ = reaction.begin().call()) {
            Instant seen = servers.now();
            FlowReport.Condition held = await(condition, "held");

            Instant since = Objects.requireNonNull(held.since());
            stalls.requireInTime(held);
            // A percentile needs more than one slow commit.
            if (!condition.name().equals(COMMITS)) {
                stalls.requireWithinASecond(seen.plus(SUSTAINED), since);
                requireJournaled(condition, "hold", since);
            }
            read = requireHeld(condition);
        }
        Instant ended = servers.now();

        await(condition, "below");
        requireReleased(condition);
        if (condition.then() == Consequence.PAUSE_BACKFILL) {
            Awaitility.await().atMost(Waits.LIMIT).until(() -> servers.rowsRead() > read);
        }
        if (!SLOW_TO_END.contains(condition.name())) {
            requireJournaled(condition, "release", ended.plus(SUSTAINED));
        }
    }

    private void requireJournaled(StopCondition condition, String event, Instant due) {
        String at =
                Awaitility.await()
                        .atMost(Waits.LIMIT)
                        .until(() -> journaled(condition, event), found -> !found.isEmpty());
        stalls.requireWithinASecond(due, servers.ofMigration(Instant.parse(at)));
    }

    /// When the newest of these entries was written, in UTC.
    private String journaled(StopCondition condition, String event) {
        return String.valueOf(
                scene.target.value(
                        """
                        SELECT coalesce(to_char(max(at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '')
                        FROM millrace.journal WHERE event = '%s' AND who = 'stop condition %s'
                        """
                                .formatted(event, condition.name())));
    }

    /// @return rows that were read when the backfill paused
    private long requireHeld(StopCondition condition) {
        StatusReport status = scene.running().status();
        FlowReport.Backfill backfill = Objects.requireNonNull(status.backfill());
        FlowReport.Apply apply = Objects.requireNonNull(status.apply());
        String who = "stop condition " + condition.name();
        switch (condition.then()) {
            case PAUSE -> {
                assertThat(apply.paused()).isTrue();
                assertThat(apply.who()).isEqualTo(who);
                assertThat(backfill.paused()).isTrue();
                requireNothingApplied();
            }
            case PAUSE_BACKFILL -> {
                assertThat(apply.paused()).isFalse();
                assertThat(backfill.paused()).isTrue();
                assertThat(backfill.who()).isEqualTo(who);
                return requireNothingRead();
            }
            case SLOW -> {
                assertThat(Objects.requireNonNull(apply.speed()).share()).isLessThanOrEqualTo(0.5);
                assertThat(apply.speed().reason()).contains(who);
                assertThat(Objects.requireNonNull(backfill.speed()).reason()).contains(who);
            }
            case SLOW_BACKFILL -> {
                assertThat(Objects.requireNonNull(apply.speed()).share()).isEqualTo(1);
                assertThat(Objects.requireNonNull(backfill.speed()).share())
                        .isLessThanOrEqualTo(0.5);
                assertThat(backfill.speed().reason()).contains(who);
            }
            case BLOCK_SWITCHOVER -> assertThat(StopConditionsIT.gate(scene)).contains(who);
            case ROLLBACK, DROP_SLOT -> throw new IllegalStateException(who);
        }
        return 0;
    }

    /// A change does not reach the target; it does after the release.
    private void requireNothingApplied() {
        rows++;
        scene.source.execute("INSERT INTO doc VALUES (%d, 'waits')".formatted(rows));
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .during(Duration.ofSeconds(1))
                .until(() -> "0".equals(scene.target.value(docs())));
    }

    private String docs() {
        return "SELECT count(*) FROM doc WHERE id = " + rows;
    }

    private long requireNothingRead() {
        AtomicLong last = new AtomicLong(-1);
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .during(Duration.ofSeconds(3))
                .until(
                        () -> {
                            long now = servers.rowsRead();
                            return last.getAndSet(now) == now;
                        });
        return last.get();
    }

    private void requireReleased(StopCondition condition) {
        StatusReport status = scene.running().status();
        FlowReport.Backfill backfill = Objects.requireNonNull(status.backfill());
        FlowReport.Apply apply = Objects.requireNonNull(status.apply());
        switch (condition.then()) {
            case PAUSE -> {
                assertThat(apply.paused()).isFalse();
                Awaitility.await()
                        .atMost(Waits.LIMIT)
                        .until(() -> rows == 0 || "1".equals(scene.target.value(docs())));
            }
            case PAUSE_BACKFILL -> assertThat(backfill.paused()).isFalse();
            case SLOW -> assertThat(Objects.requireNonNull(apply.speed()).share()).isEqualTo(1);
            case SLOW_BACKFILL ->
                    assertThat(Objects.requireNonNull(backfill.speed()).share()).isEqualTo(1);
            case BLOCK_SWITCHOVER ->
                    assertThat(StopConditionsIT.gate(scene))
                            .doesNotContain("stop condition " + condition.name());
            case ROLLBACK, DROP_SLOT -> throw new IllegalStateException(condition.name());
        }
    }
}
