package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.parity.QueryReport;
import dev.millrace.parity.QueryReport.Verdict;
import dev.millrace.reads.StreamParity;
import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.spec.queries.QueryPair;
import dev.millrace.switchover.Gate;
import dev.millrace.switchover.Operation.Kind;
import dev.millrace.switchover.SwitchoverRequest;
import dev.millrace.verdict.Reconciliations.ReconciliationState;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// Statements of the application on both sides of a running migration.
class QueriesIT {

    private static final String SLOW =
            "CREATE FUNCTION slow() RETURNS int LANGUAGE plpgsql STABLE AS 'BEGIN PERFORM pg_sleep(600); RETURN 1; END'";

    private final MigrationScene scene;

    QueriesIT() throws Exception {
        scene =
                new MigrationScene()
                        .declared()
                        .table("account", "id int PRIMARY KEY, balance bigint");
        scene.source.execute("INSERT INTO account SELECT i, 100 FROM generate_series(1, 20) i");
    }

    @AfterEach
    void stop() {
        scene.close();
    }

    private static QueryPair pair(String name, String statement, Optional<String> parameters) {
        return new QueryPair(name, statement, statement, parameters, Optional.empty());
    }

    private static QueryPair balance() {
        return pair(
                "balance",
                "SELECT balance FROM account WHERE id = $1",
                Optional.of("SELECT id FROM account"));
    }

    private void start(QueryPair... pairs) throws Exception {
        scene.queries(pairs).start();
        scene.awaitPhase("IN_SYNC");
    }

    private static QueryReport only(ReconciliationReport report) {
        assertThat(report.queries()).hasSize(1);
        return report.queries().getFirst();
    }

    private Gate parity() {
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
                .filter(gate -> gate.name().equals("parity"))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void aDifferenceIsFoundClosesTheGateAndIsGoneWithItsCause() throws Exception {
        start(balance());
        assertThat(parity().reason())
                .isEqualTo("Query balance was not compared. Run 'millrace reconcile'.");

        QueryReport equal = only(scene.reconcile());

        assertThat(equal.verdict()).as(equal.toString()).isEqualTo(Verdict.EQUAL);
        assertThat(equal.samples()).isEqualTo(20);
        assertThat(equal.source().p95Ms()).isPositive();
        assertThat(equal.target().p50Ms()).isPositive();
        assertThat(equal.target().plan()).isNotEmpty();
        assertThat(parity().ok()).isTrue();

        scene.writeTargetAsMigration("UPDATE account SET balance = 1 WHERE id = 7");
        QueryReport different = only(scene.reconcile());

        assertThat(different.verdict()).as(different.toString()).isEqualTo(Verdict.DIFFERENT);
        assertThat(different.different()).isEqualTo(1);
        assertThat(different.differences())
                .singleElement()
                .satisfies(found -> assertThat(found.parameters()).containsExactly("7"));
        assertThat(parity().reason()).contains("Query balance gives other rows");

        scene.writeTargetAsMigration("UPDATE account SET balance = 100 WHERE id = 7");
        ReconciliationReport last = scene.reconcile();
        assertThat(only(last).verdict()).isEqualTo(Verdict.EQUAL);
        assertThat(parity().ok()).isTrue();

        QueryPair edited =
                pair("balance", "SELECT balance + 1 FROM account WHERE id = $1", Optional.empty());
        assertThat(
                        new StreamParity(scene.stream(), List.of(edited), false)
                                .problems(Optional.of(last)))
                .containsExactly("Query balance was not compared. Run 'millrace reconcile'.");
    }

    @Test
    void parametersAreHiddenIfAColumnIsSensitive() throws Exception {
        scene.sensitive("account", "id");
        start(balance());
        scene.writeTargetAsMigration("UPDATE account SET balance = 1 WHERE id = 7");

        QueryReport different = only(scene.reconcile());

        assertThat(different.differences())
                .singleElement()
                .satisfies(
                        found ->
                                assertThat(found.parameters())
                                        .singleElement()
                                        .asString()
                                        .matches("hash:[0-9a-f]{16}"));
    }

    /// The sum never changes on the source, but does on the target between the commits of two
    /// partitions.
    @Test
    void lagIsNeverADifference() throws Exception {
        start(pair("sum", "SELECT sum(balance) FROM account", Optional.empty()));
        AtomicBoolean stop = new AtomicBoolean();
        Thread writer =
                Thread.ofPlatform()
                        .start(
                                () -> {
                                    for (int i = 0; !stop.get(); i++) {
                                        scene.source.execute(
                                                "UPDATE account SET balance = balance + CASE id WHEN %1$d THEN 1 ELSE -1 END WHERE id IN (%1$d, %2$d)"
                                                        .formatted(i % 10 + 1, i % 10 + 11));
                                    }
                                });
        try {
            for (int i = 0; i < 3; i++) {
                QueryReport report = only(scene.reconcile());
                assertThat(report.different()).as(report.toString()).isZero();
            }
        } finally {
            stop.set(true);
            writer.join();
        }
        assertThat(only(scene.reconcile()).verdict()).isEqualTo(Verdict.EQUAL);
    }

    @Test
    void aPartOfTheTablesComparesNoQuery() throws Exception {
        scene.table("other", "id int PRIMARY KEY");
        start(balance());

        assertThat(scene.reconcile("public.account").queries()).isEmpty();
        assertThat(scene.reconcile().queries()).hasSize(1);
    }

    /// The statement would run for minutes.
    @Test
    void aCancellationEndsTheRunningStatement() throws Exception {
        scene.source.execute(SLOW);
        scene.target.execute(SLOW);
        start(pair("slow", "SELECT slow()", Optional.empty()));
        UUID id = scene.running().reconcile(List.of());
        String running =
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query LIKE 'EXECUTE%'";
        Awaitility.await().until(() -> "1".equals(scene.source.value(running)));

        ReconciliationState state = scene.running().cancelReconciliation(id).orElseThrow();

        assertThat(state).isInstanceOf(ReconciliationState.Finished.class);
        QueryReport report = only(((ReconciliationState.Finished) state).report());
        assertThat(report.verdict()).isEqualTo(Verdict.UNDECIDED);
        assertThat(report.cause()).contains("cancelled");
        assertThat(scene.source.value(running)).isEqualTo("0");
        assertThat(parity().ok()).isFalse();
    }
}
