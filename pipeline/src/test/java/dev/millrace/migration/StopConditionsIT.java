package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import dev.millrace.flow.FlowChange;
import dev.millrace.flow.FlowChange.Action;
import dev.millrace.flow.FlowChange.Part;
import dev.millrace.flow.FlowControl;
import dev.millrace.flow.FlowReport;
import dev.millrace.flow.StopConditions;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.spec.flow.FlowSetting;
import dev.millrace.spec.flow.StopCondition;
import dev.millrace.spec.flow.StopCondition.Consequence;
import dev.millrace.spec.flow.StopCondition.Measure;
import dev.millrace.spec.flow.StopCondition.Metric;
import dev.millrace.spec.flow.StopCondition.Side;
import dev.millrace.switchover.Operation.Kind;
import dev.millrace.switchover.SwitchoverRequest;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Each condition holds because of its real cause, and releases when the cause has ended.
@Timeout(900)
class StopConditionsIT {

    private static final Duration PATIENCE = Duration.ofMinutes(3);

    private static MigrationScene scene(StopCondition... conditions) throws IOException {
        MigrationScene scene =
                new MigrationScene()
                        .backfill(Backfill.WINDOWS)
                        .table("doc", "id int PRIMARY KEY, title text")
                        .stopWhen(conditions);
        scene.source.execute("INSERT INTO doc SELECT g, 't' FROM generate_series(1, 100) g");
        return scene;
    }

    private static StopCondition when(
            String name, Measure measure, double above, int seconds, Consequence then) {
        return new StopCondition(name, measure, above, Duration.ofSeconds(seconds), then);
    }

    private static final StopCondition WAITS =
            when("waits", new Measure.BuiltIn(Metric.TARGET_LOCK_WAITS), 0, 1, Consequence.PAUSE);

    private static FlowReport.Condition condition(MigrationScene scene) {
        return scene.running().status().stopWhen().getFirst();
    }

    private static void await(MigrationScene scene, String state) {
        Awaitility.await()
                .atMost(PATIENCE)
                .untilAsserted(() -> assertThat(condition(scene).state()).isEqualTo(state));
    }

    private static void execute(Connection connection, String sql) {
        try (var statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private static boolean isApplyPaused(MigrationScene scene) {
        return Objects.requireNonNull(scene.running().status().apply()).paused();
    }

    private static boolean isBackfillPaused(MigrationScene scene) {
        return Objects.requireNonNull(scene.running().status().backfill()).paused();
    }

    private record NoActions() implements StopConditions.Actions {

        @Override
        public Optional<String> rollBack(String reason) {
            return Optional.of("nothing is moved here");
        }

        @Override
        public boolean mayDropSlot() {
            return false;
        }

        @Override
        public void dropSlot() {}
    }

    private static final String JOURNAL =
            """
            SELECT string_agg(event || ' ' || who, ', ' ORDER BY number) FROM millrace.journal
            WHERE event IN ('hold', 'release')
            """;

    @Test
    void aLockThatOthersWaitForPausesApplyAndOutlivesARestart() throws Exception {
        try (MigrationScene scene = scene(WAITS);
                Connection holder = scene.target.connect();
                Connection waiter = scene.target.connect()) {
            scene.target.execute("CREATE TABLE other (id int)");
            scene.start();
            scene.awaitPhase("IN_SYNC");
            await(scene, "below");
            holder.setAutoCommit(false);
            execute(holder, "LOCK TABLE other IN ACCESS EXCLUSIVE MODE");
            Thread waiting = Thread.ofPlatform().start(() -> execute(waiter, "SELECT FROM other"));

            await(scene, "held");

            assertThat(isApplyPaused(scene)).isTrue();
            assertThat(condition(scene).reason()).startsWith("target.lock-waits is 1, above 0 for");
            assertThat(scene.running().status().blockers())
                    .anyMatch(why -> why.startsWith("apply is paused by stop condition waits"));
            FlowChange.Outcome resumed =
                    scene.running()
                            .change(
                                    new FlowChange(
                                            new Action.Resume(Part.APPLY),
                                            "",
                                            Optional.empty(),
                                            Optional.empty(),
                                            false));
            assertThat(resumed.text()).contains("stop condition waits still holds it");
            assertThat(isApplyPaused(scene)).isTrue();
            scene.source.execute("INSERT INTO doc VALUES (1000, 'waits')");
            Awaitility.await()
                    .atMost(PATIENCE)
                    .until(() -> Objects.equals(scene.running().status().lag().records(), 1L));
            Awaitility.await()
                    .atMost(PATIENCE)
                    .until(() -> "hold stop condition waits".equals(scene.target.value(JOURNAL)));
            scene.stop();

            scene.start();
            assertThat(isApplyPaused(scene)).isTrue();
            assertThat(scene.target.value("SELECT count(*) FROM doc WHERE id = 1000"))
                    .isEqualTo("0");
            holder.rollback();
            waiting.join();
            Awaitility.await().atMost(PATIENCE).until(() -> !isApplyPaused(scene));
            scene.awaitPhase("IN_SYNC");

            assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.EQUAL);
            assertThat(scene.target.value("SELECT title FROM doc WHERE id = 1000"))
                    .isEqualTo("waits");
            Awaitility.await()
                    .atMost(PATIENCE)
                    .until(
                            () ->
                                    "hold stop condition waits, release stop condition waits"
                                            .equals(scene.target.value(JOURNAL)));
        }
    }

    /// After a switchover nothing may pause the way back; a hold from before would never end.
    @Test
    void aStoredHoldThatThePhaseDoesNotAllowIsReleased() throws Exception {
        try (MigrationScene scene = scene(WAITS)) {
            scene.target.execute(
                    "INSERT INTO millrace.flow_hold VALUES ('%s', 'waits', now(), 'before')"
                            .formatted(scene.name));
            FlowControl flow =
                    FlowControl.resume(scene.stream(), () -> true, "test", InstantSource.system());
            try (StopConditions conditions =
                    StopConditions.start(
                            scene.stream(),
                            new FlowSetting(List.of(WAITS), OptionalLong.empty()),
                            flow,
                            new NoActions(),
                            () -> "REVERSIBLE",
                            () -> true,
                            InstantSource.system())) {
                assertThat(flow.holdsApply()).isEmpty();
                assertThat(conditions.reports().getFirst().state()).isNotEqualTo("held");
                Awaitility.await()
                        .atMost(PATIENCE)
                        .until(
                                () ->
                                        "release stop condition waits"
                                                .equals(scene.target.value(JOURNAL)));
                assertThat(scene.target.value("SELECT count(*) FROM millrace.flow_hold"))
                        .isEqualTo("0");
            }
        }
    }

    /// The target is slow at the commit itself. [ReactionsIT] waits for the release, which takes
    /// half a minute.
    @Test
    void slowCommitsPauseTheBackfill() throws Exception {
        StopCondition slow =
                when(
                        "slow",
                        new Measure.BuiltIn(Metric.TARGET_COMMIT_P95),
                        1,
                        1,
                        Consequence.PAUSE_BACKFILL);
        try (MigrationScene scene = scene(slow)) {
            scene.start();
            scene.awaitPhase("IN_SYNC");
            await(scene, "below");
            scene.target.execute(
                    "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM"
                            + " pg_sleep(1.5); RETURN NULL; END'",
                    "CREATE CONSTRAINT TRIGGER slow AFTER INSERT OR UPDATE ON millrace.flow_probe"
                            + " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()",
                    "ALTER TABLE millrace.flow_probe ENABLE ALWAYS TRIGGER slow");

            await(scene, "held");

            assertThat(isBackfillPaused(scene)).isTrue();
            assertThat(isApplyPaused(scene)).isFalse();
            scene.awaitPhase("IN_SYNC");
            scene.target.execute("DROP TRIGGER slow ON millrace.flow_probe");
        }
    }

    /// An open transaction keeps the slot where it is, while others write.
    @Test
    void aNearlyUsedWalBudgetPausesTheBackfill() throws Exception {
        try (MigrationScene scene = scene().walBudget(32L << 20);
                Connection open = scene.source.connect()) {
            scene.start();
            scene.awaitPhase("IN_SYNC");
            open.setAutoCommit(false);
            execute(open, "INSERT INTO doc VALUES (5000, 'open')");

            scene.source.execute(
                    "SELECT count(pg_logical_emit_message(false, 'test', repeat('x', 1000000)))"
                            + " FROM generate_series(1, 28)");
            await(scene, "held");

            assertThat(isBackfillPaused(scene)).isTrue();
            assertThat(isApplyPaused(scene)).isFalse();
            FlowReport.Wal wal = Objects.requireNonNull(scene.running().status().wal());
            assertThat(wal.budgetBytes()).isEqualTo(32L << 20);
            assertThat(wal.retainedBytes()).isGreaterThan(26L << 20);
            open.commit();
            Awaitility.await()
                    .atMost(PATIENCE)
                    .until(
                            () -> {
                                scene.source.execute("CHECKPOINT");
                                return !isBackfillPaused(scene);
                            });
            scene.awaitPhase("IN_SYNC");
        }
    }

    /// The answers of an HTTP server of the operator, whose check slows both parts.
    @Test
    void aCheckThatForbidsSlowsStepByStepAndReleases() throws Exception {
        AtomicInteger status = new AtomicInteger(200);
        HttpServer server =
                HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext(
                "/ok",
                asked -> {
                    asked.sendResponseHeaders(status.get(), -1);
                    asked.close();
                });
        server.start();
        StopCondition check =
                when(
                        "check",
                        new Measure.HttpCheck(
                                "http://127.0.0.1:%d/ok".formatted(server.getAddress().getPort())),
                        0,
                        1,
                        Consequence.SLOW);
        try (MigrationScene scene = scene(check)) {
            scene.start();
            scene.awaitPhase("IN_SYNC");
            await(scene, "below");
            assertThat(gate(scene)).isEmpty();
            status.set(503);

            await(scene, "held");

            Awaitility.await().atMost(PATIENCE).until(() -> speed(scene).share() <= 0.25);
            assertThat(speed(scene).reason())
                    .contains("by stop condition check: check check has failed for");
            assertThat(gate(scene)).contains("is slowed to", "stop condition check");
            assertThat(isApplyPaused(scene)).isFalse();
            scene.source.execute("INSERT INTO doc VALUES (1000, 'slow')");
            scene.awaitPhase("IN_SYNC");
            Awaitility.await()
                    .atMost(PATIENCE)
                    .until(
                            () ->
                                    "1"
                                            .equals(
                                                    scene.target.value(
                                                            "SELECT count(*) FROM doc WHERE id = 1000")));
            status.set(200);
            await(scene, "below");
            assertThat(speed(scene).share()).isEqualTo(1);
            assertThat(gate(scene)).isEmpty();
        } finally {
            server.stop(0);
        }
    }

    private static FlowReport.Speed speed(MigrationScene scene) {
        return Objects.requireNonNull(
                Objects.requireNonNull(scene.running().status().apply()).speed());
    }

    @Test
    void aNumberOfTheApplicationBlocksTheSwitchoverAlsoWhileItIsUnknown() throws Exception {
        StopCondition jobs =
                when(
                        "jobs",
                        new Measure.Scalar(Side.SOURCE, "SELECT count(*) FROM public.job"),
                        2,
                        1,
                        Consequence.BLOCK_SWITCHOVER);
        try (MigrationScene scene = scene(jobs)) {
            scene.start();
            scene.awaitPhase("IN_SYNC");
            await(scene, "unknown");
            assertThat(gate(scene)).contains("jobs", "unknown");

            scene.source.execute(
                    "CREATE TABLE public.job (id int)",
                    "GRANT SELECT ON public.job TO " + scene.sourceLogin());
            await(scene, "below");
            assertThat(gate(scene)).isEmpty();
            scene.source.execute("INSERT INTO public.job VALUES (1), (2), (3)");
            await(scene, "held");

            assertThat(gate(scene)).contains("stop condition jobs", "is 3, above 2");
            scene.awaitPhase("IN_SYNC");
            scene.source.execute("DELETE FROM public.job");
            await(scene, "below");
            assertThat(gate(scene)).isEmpty();
        }
    }

    /// The reason why the gate is closed; empty if it is open.
    static String gate(MigrationScene scene) {
        return scene
                .running()
                .move(
                        new SwitchoverRequest(
                                Kind.SWITCHOVER,
                                SwitchoverRequest.Action.DRY_RUN,
                                Set.of(),
                                "",
                                Optional.empty(),
                                Optional.empty(),
                                Optional.empty()))
                .gates()
                .stream()
                .filter(gate -> gate.name().equals("flow"))
                .findFirst()
                .orElseThrow()
                .reason();
    }
}
