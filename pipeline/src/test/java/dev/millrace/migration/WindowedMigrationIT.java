package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.flow.FlowChange;
import dev.millrace.flow.FlowChange.Action;
import dev.millrace.flow.FlowReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.replication.RefusedException;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.testing.Waits;
import java.io.IOException;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// A migration whose existing rows are read beside the stream, and rows that only a later read
/// completes.
@Timeout(900)
class WindowedMigrationIT {

    /// Longer than what PostgreSQL keeps in the row itself, and not compressible.
    private static final String LARGE =
            "(SELECT string_agg(md5(random()::text), '') FROM generate_series(1, 400) i)";

    private static MigrationScene scene(Backfill backfill) throws IOException {
        return new MigrationScene()
                .backfill(backfill)
                .table("doc", "id int PRIMARY KEY, title text, body text");
    }

    private static void fill(MigrationScene scene, int from, int to) {
        scene.source.execute(
                "INSERT INTO doc SELECT g, 't' || g, NULL FROM generate_series("
                        + from
                        + ", "
                        + to
                        + ") g",
                "UPDATE doc SET body = " + LARGE + " WHERE id % 10 = 0 AND body IS NULL");
    }

    private static void assertEqual(MigrationScene scene) throws Exception {
        assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.EQUAL);
        String rows = "SELECT md5(string_agg(d::text, ',' ORDER BY id)) FROM doc d";
        assertThat(scene.target.value(rows)).isEqualTo(scene.source.value(rows));
    }

    @Test
    void copiesWhatExistsWhileItChanges() throws Exception {
        try (MigrationScene scene = scene(Backfill.WINDOWS)) {
            fill(scene, 1, 5000);
            scene.start();
            for (int i = 0; i < 20; i++) {
                scene.source.execute(
                        "UPDATE doc SET title = 'u" + i + "' WHERE id % 20 = " + i,
                        "DELETE FROM doc WHERE id = " + (100 + i),
                        "UPDATE doc SET id = id + 100000 WHERE id = " + (1000 + 10 * i),
                        "INSERT INTO doc VALUES (" + (20000 + i) + ", 'late', 'b')");
            }
            scene.awaitPhase("IN_SYNC");

            assertEqual(scene);
            assertThat(scene.running().status().tables())
                    .allMatch(table -> table.backfill().done() && table.stopped() == null);
        }
    }

    /// The change of a key sends the new row without its unchanged large value.
    @ParameterizedTest
    @EnumSource(Backfill.class)
    void aKeyChangeWithAnUnchangedLargeValueIsCompleted(Backfill backfill) throws Exception {
        try (MigrationScene scene = scene(backfill)) {
            fill(scene, 1, 100);
            scene.start();
            scene.awaitPhase("IN_SYNC");

            scene.source.execute(
                    "UPDATE doc SET id = 1000 WHERE id = 10",
                    "UPDATE doc SET title = 'after the move' WHERE id = 1000",
                    "UPDATE doc SET id = id + 2000 WHERE id IN (20, 30)",
                    "DELETE FROM doc WHERE id = 2020");

            assertEqual(scene);
            assertThat(scene.target.value("SELECT title FROM doc WHERE id = 1000"))
                    .isEqualTo("after the move");
            assertThat(scene.running().status().tables())
                    .allMatch(table -> table.stopped() == null);
        }
    }

    /// At this rate the backfill takes 30 seconds, so the pause comes while rows are left.
    @Test
    void aPauseStopsTheReadersAndOutlivesARestart() throws Exception {
        try (MigrationScene scene = scene(Backfill.WINDOWS)) {
            fill(scene, 1, 3000);
            scene.start();
            scene.running().change(asked(new Action.Throttle(OptionalLong.of(100))));
            Awaitility.await().atMost(Waits.LIMIT).until(() -> rowsRead(scene) > 0);

            scene.running().change(asked(new Action.Pause(FlowChange.Part.BACKFILL)));
            Awaitility.await().until(() -> transactionsOfReaders(scene).equals("0"));
            scene.awaitPhase("BACKFILLING");
            assertThat(scene.running().status().blockers())
                    .contains(PAUSED.formatted(since(scene)));
            scene.stop();

            scene.start();
            scene.awaitPhase("BACKFILLING");
            FlowReport.Backfill kept = Objects.requireNonNull(scene.running().status().backfill());
            assertThat(kept.paused()).isTrue();
            assertThat(kept.rowsPerSecond()).isEqualTo(100);
            assertThat(kept.reason()).isEqualTo("peak hour");
            awaitStarted(scene);
            long rows = rowsRead(scene);
            // Without the pause, the rest would be read within milliseconds.
            scene.running().change(asked(new Action.Throttle(OptionalLong.empty())));
            scene.source.execute("INSERT INTO doc VALUES (90000, 'during the pause', 'b')");
            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .until(() -> "1".equals(scene.target.value(DURING_THE_PAUSE)));
            Awaitility.await()
                    .during(Duration.ofSeconds(1))
                    .until(
                            () ->
                                    transactionsOfReaders(scene).equals("0")
                                            && rowsRead(scene) == rows);
            assertThat(rows).isLessThan(3000);

            scene.running().change(asked(new Action.Resume(FlowChange.Part.BACKFILL)));
            scene.awaitPhase("IN_SYNC");

            assertEqual(scene);
            assertThat(scene.running().status().blockers()).isEmpty();
            assertThat(scene.target.value(JOURNAL))
                    .isEqualTo("throttle,pause,throttle,resume by ann");
        }
    }

    private static final String PAUSED =
            "the backfill is paused by ann since %s: peak hour. Run 'millrace resume"
                    + " backfill' to continue";

    private static final String DURING_THE_PAUSE = "SELECT count(*) FROM doc WHERE id = 90000";

    private static final String JOURNAL =
            """
            SELECT string_agg(event, ',' ORDER BY number) || ' by ' || min(who) FROM millrace.journal
            WHERE event IN ('pause', 'resume', 'throttle') AND detail ->> 'reason' = 'peak hour'
            """;

    private static FlowChange asked(Action action) {
        return new FlowChange(action, "peak hour", Optional.of("ann"), Optional.empty(), false);
    }

    private static String since(MigrationScene scene) {
        FlowReport.Backfill flow = Objects.requireNonNull(scene.running().status().backfill());
        return Objects.requireNonNull(flow.since()).truncatedTo(ChronoUnit.SECONDS).toString();
    }

    private static long rowsRead(MigrationScene scene) {
        return scene.running().status().tables().getFirst().backfill().rowsDone();
    }

    /// Readers have a session each when the backfill has started.
    private static void awaitStarted(MigrationScene scene) {
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .until(() -> !sessionsOfReaders(scene, "true").equals("0"));
    }

    private static String transactionsOfReaders(MigrationScene scene) {
        return sessionsOfReaders(scene, "xact_start IS NOT NULL");
    }

    private static String sessionsOfReaders(MigrationScene scene, String filter) {
        return String.valueOf(
                scene.source.value(
                        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'millrace "
                                + scene.name
                                + " backfill' AND "
                                + filter));
    }

    @Test
    void theEngineTakesNoSetting() throws Exception {
        try (MigrationScene scene = scene(Backfill.ENGINE)) {
            fill(scene, 1, 10);
            scene.start();

            assertThatThrownBy(
                            () ->
                                    scene.running()
                                            .change(
                                                    asked(
                                                            new Action.Pause(
                                                                    FlowChange.Part.BACKFILL))))
                    .isInstanceOf(RefusedException.class)
                    .hasMessageContaining("backfill: engine");
            assertThatThrownBy(
                            () ->
                                    scene.running()
                                            .change(asked(new Action.Throttle(OptionalLong.of(1)))))
                    .isInstanceOf(RefusedException.class);
            assertThat(scene.running().status().backfill()).isNull();
            scene.awaitPhase("IN_SYNC");
        }
    }

    @Test
    void aChangeThatIsNotMadeChangesNothing() throws Exception {
        try (MigrationScene scene = scene(Backfill.WINDOWS)) {
            scene.start();
            FlowChange dry =
                    new FlowChange(
                            new Action.Pause(FlowChange.Part.BACKFILL),
                            "",
                            Optional.empty(),
                            Optional.empty(),
                            true);
            FlowChange late =
                    new FlowChange(
                            new Action.Pause(FlowChange.Part.BACKFILL),
                            "",
                            Optional.empty(),
                            Optional.of("COMPLETED"),
                            false);

            assertThat(
                            Objects.requireNonNull(scene.running().change(dry).flow().backfill())
                                    .paused())
                    .isTrue();
            assertThatThrownBy(() -> scene.running().change(late))
                    .isInstanceOf(RefusedException.class)
                    .hasMessageContaining("not in COMPLETED");

            assertThat(Objects.requireNonNull(scene.running().status().backfill()).paused())
                    .isFalse();
            assertThat(scene.target.value("SELECT count(*) FROM millrace.flow")).isEqualTo("0");
            scene.awaitPhase("IN_SYNC");
        }
    }

    @Test
    void aRestartContinuesTheBackfill() throws Exception {
        try (MigrationScene scene = scene(Backfill.WINDOWS)) {
            fill(scene, 1, 3000);
            scene.start();
            scene.awaitPhase("BACKFILLING");
            scene.stop();
            scene.source.execute("UPDATE doc SET title = 'while stopped' WHERE id % 3 = 0");

            scene.start();
            scene.awaitPhase("IN_SYNC");

            assertEqual(scene);
            assertThat(scene.running().status().generation()).isEqualTo(1);
        }
    }
}
