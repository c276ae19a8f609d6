package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.control.journal.JournalChain.Finding;
import dev.millrace.control.journal.JournalEntry;
import dev.millrace.ending.Ending;
import dev.millrace.ending.Ending.Kind;
import dev.millrace.ending.EndingStep;
import dev.millrace.ending.MigrationLife;
import dev.millrace.ending.StoredJournal;
import dev.millrace.journal.JournalPage;
import dev.millrace.replication.RefusedException;
import dev.millrace.switchover.Operation.State;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import tools.jackson.databind.JsonNode;

/// Aborts a migration that is in sync, between real servers. The first tests change nothing, so all
/// use one migration, in this order.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class AbortIT {

    private MigrationScene scene;
    private EndingScene ending;
    private MigrationLife life;
    private Inventory running;
    private @Nullable UUID end;

    @BeforeAll
    void start() throws Exception {
        scene = new MigrationScene();
        ending = EndingScene.inSync(scene);
        running = Inventory.ofRunning(scene);
        life = ending.running(this::note);
    }

    /// Another process, or a probe that ends late, writes after the archive was begun.
    private void note(EndingStep step, String moment) {
        if (step == EndingStep.INDEXES && moment.equals("after")) {
            scene.target.execute(
                    "INSERT INTO millrace.journal (migration, who, phase, event) VALUES ('%s', 'ann', 'IN_SYNC', 'late')"
                            .formatted(scene.name));
        }
    }

    @AfterAll
    void stop() {
        life.close();
        scene.close();
    }

    @Test
    @Order(1)
    void aDryRunNamesEverythingAndChangesNothing() throws Exception {
        Ending dry = life.end(EndingScene.request(Kind.ABORT, true));

        assertThat(dry.state()).isEqualTo(State.DRY_RUN);
        assertThat(dry.steps().toString())
                .contains(
                        scene.slot(),
                        scene.publication(),
                        "trigger ",
                        "schema millrace (target)",
                        scene.topics().changes(),
                        scene.dataDir.resolve(scene.name).toString());
        assertThat(Inventory.of(scene)).isEqualTo(running);
        assertThat(life.status().phase()).isEqualTo("IN_SYNC");
    }

    @Test
    @Order(2)
    void aCompletionNeedsASwitchover() {
        assertThatThrownBy(() -> life.end(EndingScene.request(Kind.COMPLETE, false)))
                .isInstanceOf(RefusedException.class)
                .hasMessageContaining("only in REVERSIBLE");
        assertThat(scene.premises().archive()).doesNotExist();
    }

    @Test
    @Order(3)
    void anAbortLeavesNothingButTheRowsAndTheArchive() throws Exception {
        Ending done = ending.end(life, Kind.ABORT);

        end = done.id();
        assertThat(done.steps()).allSatisfy(step -> assertThat(step.state()).isEqualTo("done"));
        assertThat(life.status().phase()).isEqualTo("ABORTED");
        ending.assertNothingIsLeft();
        life.close();
        assertThat(scene.target.query("SELECT name FROM item ORDER BY id"))
                .containsExactly(List.of("one"), List.of("two"));
        scene.target.execute("UPDATE item SET name = 'writable' WHERE id = 1");
        JsonNode archive = ending.archive();
        assertThat(archive.path("from").asString()).isEqualTo("IN_SYNC");
        assertThat(archive.path("evidence").path("target").path("journal").toString())
                .contains("IN_SYNC", "abort", "a test", "tester");
        StoredJournal stored = StoredJournal.find(scene.file().spec()).orElseThrow();
        assertThat(stored.place()).contains(scene.premises().archive().toString());
        assertThat(stored.chain().check()).isInstanceOf(Finding.Unbroken.class);
        assertThat(stored.chain().entries())
                .extracting(JournalEntry::event)
                .endsWith("abort", "late");
        assertThat(archive.path("plan").path("tables").toString()).contains("\"item\"");
    }

    @Test
    @Order(4)
    void aStartThatFindsTheArchiveServesItAndCreatesNothing() throws Exception {
        try (MigrationLife next = ending.next(EndingStep.Trace.NONE)) {
            assertThat(next.status().phase()).isEqualTo("ABORTED");
            assertThat(next.status().blockers()).isEmpty();
            assertThat(next.ending(Objects.requireNonNull(end)).orElseThrow().state())
                    .isEqualTo(State.DONE);
            List<JournalPage.Entry> entries = next.journal(0, 1_000).entries();
            JournalPage.Entry last = entries.getLast();
            assertThat(next.status().journal())
                    .isEqualTo(new StatusReport.Journal(last.number(), last.hash(), false));
            assertThat(entries.get(entries.size() - 2))
                    .satisfies(
                            abort -> {
                                assertThat(abort.event()).isEqualTo("abort");
                                assertThat(abort.who()).isEqualTo("tester");
                                assertThat(abort.reason()).isEqualTo("a test");
                            });
            assertThatThrownBy(() -> next.reconcile(List.of()))
                    .isInstanceOf(RefusedException.class)
                    .hasMessageContaining("has ended (ABORTED)");
            assertThatThrownBy(() -> next.end(EndingScene.request(Kind.ABORT, false)))
                    .isInstanceOf(RefusedException.class);
        }
        ending.assertNothingIsLeft();
    }
}
