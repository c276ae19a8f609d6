package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;
import static org.awaitility.Awaitility.await;

import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.reconcile.ReconciliationReport.Mismatch;
import dev.millrace.reconcile.ReconciliationReport.TableReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.rejected.RejectedChange;
import dev.millrace.rejected.RejectedChange.Action;
import dev.millrace.rejected.RejectedKey;
import dev.millrace.replication.RefusedException;
import dev.millrace.testing.Waits;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/// Rows that the target refuses, from the source's change to the verdict.
class RejectedKeysIT {

    private static Map<String, String> key(int id) {
        return Map.of("id", String.valueOf(id));
    }

    private static RejectedChange change(Action action, Set<Long> ids, String reason) {
        return new RejectedChange(action, ids, reason, Optional.of("ann"), Optional.empty(), false);
    }

    /// The status is as old as the last probe.
    private static StatusReport.Table status(MigrationScene scene, long rejected) {
        await().atMost(Waits.LIMIT)
                .until(() -> Long.valueOf(rejected).equals(table(scene).rejected()));
        return table(scene);
    }

    private static StatusReport.Table table(MigrationScene scene) {
        return scene.running().status().tables().getFirst();
    }

    /// After a reconciliation everything that was committed before is applied or set aside.
    private static List<RejectedKey> rejected(MigrationScene scene) {
        return scene.running().rejected().list(Optional.empty(), 10_000);
    }

    /// 100 of 100,000 changes are refused; the rest flows, later changes of the refused keys wait,
    /// and after the constraint is gone everything is equal.
    @Test
    void aHundredPoisonedRowsAmongAHundredThousandStopExactlyTheirKeys() throws Exception {
        try (MigrationScene scene = new MigrationScene()) {
            scene.table("item", "id int PRIMARY KEY, name text, n int NOT NULL DEFAULT 0");
            scene.start();
            scene.awaitPhase("IN_SYNC");
            scene.target.execute("ALTER TABLE item ADD CONSTRAINT nice CHECK (name <> 'hunter2')");
            scene.source.execute(
                    "INSERT INTO item SELECT i, CASE WHEN i % 1000 = 7 THEN 'hunter2' ELSE 'x' END"
                            + " FROM generate_series(1, 100000) i");
            scene.reconcile();
            scene.source.execute(
                    "UPDATE item SET n = 1 WHERE id % 1000 IN (7, 8)",
                    "UPDATE item SET name = 'fixed' WHERE id = 7",
                    "DELETE FROM item WHERE id = 1007");
            scene.reconcile();

            Set<Map<String, String>> poisoned =
                    IntStream.range(0, 100)
                            .mapToObj(i -> key(1000 * i + 7))
                            .collect(Collectors.toSet());
            assertThat(rejected(scene).stream().map(RejectedKey::key).collect(Collectors.toSet()))
                    .isEqualTo(poisoned);
            assertThat(rejected(scene))
                    .allMatch(key -> key.state().equals("parked") && key.cause().contains("nice"))
                    .noneMatch(key -> key.cause().contains("hunter2"));
            assertThat(scene.target.value("SELECT count(*) FROM item")).isEqualTo("99900");
            assertThat(scene.target.value("SELECT count(*) FROM item WHERE n = 1"))
                    .isEqualTo("100");
            assertThat(status(scene, 202).rejectedKeys()).isEqualTo(100);
            StatusReport status = scene.running().status();
            assertThat(status.blockers().toString())
                    .contains("rejected keys of table public.item: 100", "millrace rejected list")
                    .doesNotContain("hunter2");

            TableReport undecided = scene.reconcile().tables().getFirst();
            assertThat(undecided.verdict()).isEqualTo(Verdict.UNDECIDED);
            assertThat(undecided.undecided()).isEqualTo(99);
            assertThat(undecided.cause()).contains("millrace rejected list");

            RejectedChange all = change(Action.RETRY, Set.of(), "");
            RejectedChange.Outcome refused = scene.running().rejected().change(all);
            assertThat(refused.done()).as("fixed or deleted later").hasSize(2);
            assertThat(refused.refused()).hasSize(98);

            scene.target.execute("ALTER TABLE item DROP CONSTRAINT nice");
            assertThat(scene.running().rejected().change(all).done()).hasSize(98);

            assertThat(rejected(scene)).isEmpty();
            assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.EQUAL);
            assertThat(status(scene, 0).rejectedKeys()).isZero();
            assertThat(scene.running().status().blockers()).isEmpty();
        }
    }

    @Test
    void aSkippedKeyStaysDifferentWithItsCause() throws Exception {
        try (MigrationScene scene = new MigrationScene()) {
            scene.table("item", "id int PRIMARY KEY, name text");
            scene.start();
            scene.awaitPhase("IN_SYNC");
            scene.target.execute("ALTER TABLE item ADD CONSTRAINT nice CHECK (name <> 'hunter2')");
            scene.source.execute("INSERT INTO item VALUES (1, 'hunter2'), (2, 'hunter2')");
            scene.reconcile();
            long id =
                    rejected(scene).stream()
                            .filter(key -> key.key().equals(key(1)))
                            .findFirst()
                            .orElseThrow()
                            .id();

            RejectedKey.Detail detail = scene.running().rejected().find(id).orElseThrow();
            assertThat(detail.waiting())
                    .singleElement()
                    .satisfies(
                            waiting ->
                                    assertThat(waiting.values())
                                            .isEqualTo(Map.of("id", "1", "name", "hunter2")));
            assertThatThrownBy(
                            () ->
                                    scene.running()
                                            .rejected()
                                            .change(change(Action.SKIP, Set.of(id), " ")))
                    .isInstanceOf(RefusedException.class)
                    .hasMessageContaining("--reason");
            assertThat(
                            scene.running()
                                    .rejected()
                                    .change(change(Action.SKIP, Set.of(id), "a test row"))
                                    .done())
                    .containsExactly(id);
            assertThat(scene.running().rejected().find(id).orElseThrow().waiting()).isEmpty();
            assertThat(
                            scene.target.query(
                                    "SELECT who, event, detail ->> 'what', detail ->> 'reason'"
                                            + " FROM millrace.journal WHERE event ="
                                            + " 'rejected-skip'"))
                    .isEqualTo(List.of(List.of("ann", "rejected-skip", "key " + id, "a test row")));

            ReconciliationReport report = scene.reconcile();
            assertThat(report.verdict()).isEqualTo(Verdict.DIFFERENT);
            assertThat(report.tables().getFirst().undecided()).isEqualTo(1);
            assertThat(report.tables().getFirst().mismatches())
                    .extracting(Mismatch::key, Mismatch::cause)
                    .containsExactly(tuple(key(1), "skipped"));
        }
    }

    /// Everything that a key needs is stored with the offset.
    @Test
    void aParkedKeySurvivesARestartAndKeepsItsOrder() throws Exception {
        try (MigrationScene scene = new MigrationScene()) {
            scene.table("item", "id int PRIMARY KEY, code text UNIQUE");
            scene.source.execute("INSERT INTO item VALUES (1, 'a'), (2, 'b'), (3, 'c')");
            scene.start();
            scene.awaitPhase("IN_SYNC");
            scene.target.execute("ALTER TABLE item ADD CONSTRAINT nice CHECK (code <> 'z')");
            scene.source.execute("UPDATE item SET code = 'z' WHERE id = 1");
            scene.reconcile();
            scene.stop();
            scene.source.execute(
                    "UPDATE item SET code = 'd' WHERE id = 1",
                    "UPDATE item SET id = 30 WHERE id = 3");
            scene.start();
            scene.reconcile();
            assertThat(rejected(scene)).extracting(RejectedKey::changes).containsExactly(2L);
            assertThat(scene.target.query("SELECT id, code FROM item ORDER BY id"))
                    .isEqualTo(List.of(List.of("1", "a"), List.of("2", "b"), List.of("30", "c")));

            scene.running().rejected().change(change(Action.RETRY, Set.of(), ""));

            assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.EQUAL);
        }
    }

    /// Partitions commit apart; the source never has a value twice.
    @Test
    void uniqueValuesThatWanderBetweenKeysConvergeWithoutAParkedKey() throws Exception {
        try (MigrationScene scene = new MigrationScene()) {
            scene.table(
                    "item",
                    "id int PRIMARY KEY, code int NOT NULL, UNIQUE (code) DEFERRABLE INITIALLY"
                            + " IMMEDIATE");
            scene.target.execute(
                    "ALTER TABLE item DROP CONSTRAINT item_code_key, ADD UNIQUE (code)");
            scene.source.execute("INSERT INTO item SELECT i, i FROM generate_series(1, 60) i");
            scene.start();
            scene.awaitPhase("IN_SYNC");
            for (int round = 0; round < 30; round++) {
                scene.source.execute(
                        "UPDATE item SET code = code % 60 + 1",
                        "UPDATE item SET id = id + 1000 WHERE id = " + "(SELECT min(id) FROM item)",
                        "UPDATE item a SET code = b.code FROM item b WHERE a.code + b.code = 61");
            }
            scene.reconcile();

            assertThat(rejected(scene)).isEmpty();
            assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.EQUAL);
        }
    }
}
