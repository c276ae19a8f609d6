package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.digest.StoredState;
import dev.millrace.migration.MigrationControl.Asker;
import dev.millrace.parity.QueryReport;
import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.reconcile.ReconciliationReport.TableReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.repair.Repair;
import dev.millrace.repair.Repair.Request;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.spec.queries.QueryPair;
import dev.millrace.switchover.Operation.Kind;
import dev.millrace.switchover.Operation.State;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.Waits;
import dev.millrace.verdict.Reconciliations.Method;
import dev.millrace.verdict.Reconciliations.ReconciliationState;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Comparisons under a login that has only the documented privileges, beside a migration that has
/// another login.
@Timeout(900)
class ReconcileLoginIT {

    private final String role = "reader_" + Long.toString(System.nanoTime(), 36);

    /// A privilege that README lists.
    private record Privilege(TestDatabase database, String what) {

        void revokeFrom(String role) {
            database.execute("REVOKE " + what + " FROM " + role);
        }

        void grantTo(String role) {
            database.execute("GRANT " + what + " TO " + role);
        }
    }

    private MigrationScene docs(QueryPair... queries) throws Exception {
        MigrationScene scene =
                new MigrationScene()
                        .backfill(Backfill.WINDOWS)
                        .queries(queries)
                        .table("doc", "id int PRIMARY KEY, title text")
                        .comparingAs(role);
        scene.source.execute("INSERT INTO doc SELECT g, 't' || g FROM generate_series(1, 1000) g");
        scene.start();
        scene.awaitPhase("IN_SYNC");
        return scene;
    }

    private static ReconciliationReport touched(MigrationScene scene) {
        UUID id = scene.running().reconcile(List.of(), Method.TOUCHED_KEYS, Asker.NOBODY);
        return ((ReconciliationState.Finished)
                        Awaitility.await()
                                .atMost(Waits.LIMIT)
                                .until(
                                        () -> scene.running().reconciliation(id).orElseThrow(),
                                        ReconciliationState.Finished.class::isInstance))
                .report();
    }

    @Test
    void comparesAndRepairsWithTheDocumentedPrivilegesAlone() throws Exception {
        try (MigrationScene scene = docs()) {
            assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.EQUAL);

            scene.source.execute(
                    "UPDATE doc SET title = 'new' WHERE id < 20", "DELETE FROM doc WHERE id = 30");
            ReconciliationReport touched = touched(scene);
            assertThat(touched.verdict()).as(touched.toString()).isEqualTo(Verdict.EQUAL);
            assertThat(touched.tables())
                    .extracting(TableReport::method)
                    .doesNotContain(TableReport.ALL_ROWS);

            scene.target.execute(
                    "UPDATE doc SET title = 'old' WHERE id = 7", "DELETE FROM doc WHERE id = 8");
            ReconciliationReport different = scene.reconcile();
            assertThat(different.verdict()).isEqualTo(Verdict.DIFFERENT);
            assertThat(different.tables().getFirst().mismatches())
                    .hasSize(2)
                    .allSatisfy(mismatch -> assertThat(mismatch.cause()).isNotNull());

            assertThat(repaired(scene).state()).isEqualTo(State.DONE);
            assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.EQUAL);
        }
    }

    private static Repair repaired(MigrationScene scene) {
        UUID id =
                scene.running()
                        .repairs()
                        .request(
                                new Request(
                                        List.of("public.doc"),
                                        Set.of(),
                                        OptionalLong.empty(),
                                        OptionalLong.empty(),
                                        false,
                                        "a bad script",
                                        Optional.of("ann"),
                                        Optional.empty(),
                                        Optional.empty()))
                        .id();
        return Awaitility.await()
                .atMost(Waits.LIMIT)
                .until(
                        () -> scene.running().repairs().find(id).orElseThrow(),
                        repair -> repair.state().isFinished());
    }

    /// A row differs, so that the keys are verified too.
    @Test
    void isUndecidedWithoutOneOfThem() throws Exception {
        try (MigrationScene scene = docs()) {
            scene.target.execute("UPDATE doc SET title = 'old' WHERE id = 7");
            assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.DIFFERENT);
            List<Privilege> privileges = new ArrayList<>();
            privileges.add(new Privilege(scene.source, "SELECT ON doc"));
            privileges.add(new Privilege(scene.target, "SELECT ON doc"));
            privileges.add(new Privilege(scene.target, "USAGE ON SCHEMA millrace"));
            StoredState.TABLES.forEach(
                    table ->
                            privileges.add(
                                    new Privilege(scene.target, "SELECT ON millrace." + table)));

            for (Privilege privilege : privileges) {
                privilege.revokeFrom(role);
                ReconciliationReport report = scene.reconcile();
                assertThat(report.verdict())
                        .as(privilege.what() + ": " + report)
                        .isEqualTo(Verdict.UNDECIDED);
                privilege.grantTo(role);
            }

            assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.DIFFERENT);
        }
    }

    /// The tables of the control schema that a comparison does not read can be kept from it.
    @Test
    void needsOnlyTheListedTablesOfTheControlSchema() throws Exception {
        try (MigrationScene scene = docs()) {
            scene.target.execute("REVOKE SELECT ON ALL TABLES IN SCHEMA millrace FROM " + role);
            StoredState.TABLES.forEach(
                    table ->
                            scene.target.execute(
                                    "GRANT SELECT ON millrace." + table + " TO " + role));
            scene.target.execute("UPDATE doc SET title = 'old' WHERE id = 7");

            assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.DIFFERENT);
            assertThat(repaired(scene).state()).isEqualTo(State.DONE);
            assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.EQUAL);
            assertThat(touched(scene).verdict()).isEqualTo(Verdict.EQUAL);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void theStatementsOfTheApplicationRunUnderIt(boolean onSource) throws Exception {
        String user = "SELECT current_user::text";
        String name = "SELECT '" + role + "'::text";
        QueryPair who = onSource ? pair(user, name) : pair(name, user);
        try (MigrationScene scene = docs(who)) {
            assertThat(scene.reconcile().queries())
                    .singleElement()
                    .satisfies(
                            query ->
                                    assertThat(query.verdict())
                                            .isEqualTo(QueryReport.Verdict.EQUAL));
        }
    }

    private static QueryPair pair(String old, String now) {
        return new QueryPair("who", old, now, Optional.empty(), Optional.empty());
    }

    @Test
    void theMoveThereAndBackIsProvedUnderIt() throws Exception {
        try (BankScene bank =
                BankScene.routedBy(BankScene::flag, scene -> scene.comparingAs(role))) {
            bank.assertEqual();
            bank.awaitOpenGates(Kind.SWITCHOVER);
            assertThat(bank.move(Kind.SWITCHOVER).state()).isEqualTo(State.DONE);
            bank.scene.awaitPhase("REVERSIBLE");
            bank.assertEqual();
            bank.awaitOpenGates(Kind.ROLLBACK);
            assertThat(bank.move(Kind.ROLLBACK).state()).isEqualTo(State.DONE);
            bank.scene.awaitPhase("IN_SYNC");
            bank.assertEqual();
        }
    }
}
