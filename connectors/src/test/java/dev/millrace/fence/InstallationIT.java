package dev.millrace.fence;

import static dev.millrace.fence.FenceScene.assertRefused;
import static dev.millrace.fence.FenceScene.run;
import static dev.millrace.fence.FenceScene.table;
import static dev.millrace.fence.FenceScene.taken;
import static dev.millrace.fence.FenceScene.tryOut;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.fence.WriteFence.Limits;
import dev.millrace.fence.WriteFence.Outcome;
import dev.millrace.fence.WriteFence.Proof;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Triggers that are created, repaired, proven and removed, on a real server.
@Timeout(900)
class InstallationIT {

    private static final Outcome DONE = new Outcome.Done();

    /// Without the triggers of the journal.
    private static String triggers(FenceScene scene) {
        return String.valueOf(
                scene.admin.value(
                        "SELECT coalesce(string_agg(pg_trigger.oid || tgname, ',' ORDER BY pg_trigger.oid), '') FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid WHERE (NOT tgisinternal OR tgparentid <> 0) AND relnamespace IS DISTINCT FROM to_regnamespace('millrace')"));
    }

    private static void assertOneReason(Outcome outcome, String... parts) {
        assertThat(outcome).isInstanceOf(Outcome.Refused.class);
        assertThat(((Outcome.Refused) outcome).reasons()).hasSize(1);
        assertThat(((Outcome.Refused) outcome).reasons().getFirst()).contains(parts);
    }

    @Test
    void aSecondInstallationChangesNothing() throws Exception {
        try (FenceScene scene = new FenceScene().installed()) {
            String before = triggers(scene);
            assertThat(scene.fence.install()).isEqualTo(DONE);
            assertThat(triggers(scene)).isEqualTo(before);
        }
    }

    @Test
    void anInstallationRepairsWhatOthersHaveChanged() throws Exception {
        try (FenceScene scene = new FenceScene().mayBecomeApp().installed()) {
            scene.admin.execute(
                    "ALTER TABLE plain DISABLE TRIGGER ALL",
                    "ALTER TABLE middle ENABLE TRIGGER millrace_shop_rows",
                    "ALTER TABLE leaf ENABLE ALWAYS TRIGGER millrace_shop_rows",
                    "DROP TRIGGER millrace_shop_write ON deep",
                    "DROP TRIGGER millrace_shop_truncate ON child",
                    "CREATE TRIGGER millrace_shop_truncate BEFORE UPDATE ON child FOR EACH STATEMENT EXECUTE FUNCTION millrace.refuse_write('shop')",
                    "SET ROLE " + scene.owner,
                    "CREATE TABLE newborn () INHERITS (grandchild)");
            scene.closed();
            assertThat(scene.fence.prove().problems())
                    .filteredOn(problem -> problem.startsWith("Trigger"))
                    .hasSize(9);
            assertThat(scene.fence.prove().problems())
                    .filteredOn(problem -> problem.startsWith("Role"))
                    .allSatisfy(problem -> assertThat(problem).contains("plain"))
                    .hasSize(3);
            assertThat(scene.fence.install()).isEqualTo(DONE);
            assertThat(scene.fence.prove().problems()).isEmpty();
            assertThat(rowTriggers(scene)).isEqualTo("deep D,leaf D,middle A,root A");
        }
    }

    private static String rowTriggers(FenceScene scene) {
        return String.valueOf(
                scene.admin.value(
                        "SELECT string_agg(tgrelid::regclass || ' ' || tgenabled::text, ',' ORDER BY tgrelid::regclass::text) FROM pg_trigger WHERE tgname = 'millrace_shop_rows'"));
    }

    /// It is fenced without them, but not for ever and each row at a price.
    @Test
    void aPartitionThatWasAttachedGetsItsOwnTriggers() throws Exception {
        try (FenceScene scene = new FenceScene().installed()) {
            assertThat(rowTriggers(scene)).isEqualTo("deep D,leaf D,middle A,root A");
            scene.admin.execute(
                    "ALTER TABLE root ATTACH PARTITION late FOR VALUES FROM (200) TO (300)");
            assertThat(rowTriggers(scene)).contains("late A");
            scene.closed();
            assertThat(scene.fence.prove().problems())
                    .hasSize(3)
                    .allSatisfy(problem -> assertThat(problem).contains("late"));
            assertThat(scene.fence.install()).isEqualTo(DONE);
            assertThat(rowTriggers(scene)).contains("late D");
            assertThat(scene.fence.prove().problems()).isEmpty();
            for (String write : List.of("INSERT INTO late VALUES (201, 1)", "TRUNCATE late")) {
                assertRefused(() -> tryOut(scene.app, write));
            }
        }
    }

    @Test
    void whatIsNotOursIsRefusedByName() throws Exception {
        try (FenceScene scene = new FenceScene()) {
            scene.admin.execute(
                    "CREATE FUNCTION theirs() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
                    "CREATE TRIGGER millrace_shop_write BEFORE UPDATE ON leaf FOR EACH STATEMENT EXECUTE FUNCTION theirs()");
            String before = triggers(scene);
            assertOneReason(scene.fence.install(), "\"leaf\"", "\"millrace_shop_write\"", "Rename");
            assertThat(triggers(scene)).isEqualTo(before);
            scene.admin.execute("DROP TRIGGER millrace_shop_write ON leaf");

            scene.admin.execute("ALTER TABLE grandchild OWNER TO " + scene.peer.name());
            assertOneReason(
                    scene.fence.install(),
                    "\"grandchild\" belongs to role " + scene.peer.name(),
                    "GRANT \"" + scene.peer.name() + "\" TO");
            scene.admin.execute("CREATE VIEW seen AS SELECT 1");
            try (WriteFence fence = scene.fence("shop", List.of(table("gone"), table("plain")))) {
                assertOneReason(fence.install(), "\"gone\" does not exist");
            }
            try (WriteFence fence = scene.fence("shop", List.of(table("seen")))) {
                assertOneReason(fence.install(), "\"seen\" is not a table");
            }
            assertThat(triggers(scene)).isEmpty();
        }
    }

    @Test
    void twoMigrationsFenceOneTable() throws Exception {
        String name = "a_very_long_name_of_a_stream_that_does_not_fit_into_an_identifier_";
        try (FenceScene scene = new FenceScene().installed();
                WriteFence one = scene.fence(name + "1", FenceScene.TABLES);
                WriteFence two = scene.fence(name + "2", FenceScene.TABLES)) {
            assertThat(one.install()).isEqualTo(DONE);
            assertThat(two.install()).isEqualTo(DONE);
            taken(two.close(FenceScene.LONG));
            assertThat(two.prove().problems()).isEmpty();
            assertThat(one.remove()).isEqualTo(DONE);
            assertThat(two.prove().problems()).isEmpty();
            assertThat(two.remove()).isEqualTo(DONE);
            scene.closed();
            assertThat(scene.fence.prove().problems()).isEmpty();
        }
    }

    @Test
    void aRemovalLeavesNothing() throws Exception {
        try (FenceScene scene = new FenceScene()) {
            assertThat(scene.fence.remove()).isEqualTo(DONE);
            assertThat(scene.fence.install()).isEqualTo(DONE);
            taken(scene.fence.closePermanently());
            // The migration's tables have changed since.
            scene.admin.execute("ALTER TABLE root DETACH PARTITION leaf");
            try (WriteFence fence = scene.fence("shop", List.of(table("plain")))) {
                assertThat(fence.remove()).isEqualTo(DONE);
                assertThat(fence.remove()).isEqualTo(DONE);
            }
            assertThat(triggers(scene)).isEmpty();
            assertThat(scene.admin.value("SELECT count(*) FROM millrace.lease")).isEqualTo("0");
            tryOut(scene.app, "INSERT INTO leaf VALUES (9, 9)", "TRUNCATE plain");
        }
    }

    @Test
    void whatIsNotOwnedIsNotRemoved() throws Exception {
        try (FenceScene scene = new FenceScene().installed()) {
            scene.admin.execute("ALTER TABLE plain OWNER TO " + scene.peer.name());
            String before = triggers(scene);
            assertOneReason(scene.fence.remove(), "\"plain\"", "GRANT");
            assertThat(triggers(scene)).isEqualTo(before);
        }
    }

    /// Writers go on while the triggers come, also those that queue behind a lock that Millrace
    /// waits for.
    @Test
    void writersProceedDuringAnInstallation() throws Exception {
        try (FenceScene scene = new FenceScene();
                Connection blocker = scene.app.connect()) {
            AtomicBoolean stopped = new AtomicBoolean();
            AtomicInteger writes = new AtomicInteger();
            AtomicInteger queuedWrites = new AtomicInteger();
            CompletableFuture<?> writers =
                    CompletableFuture.allOf(
                            writer(scene, stopped, queuedWrites, "root SET v = v + 1"),
                            writer(scene, stopped, writes, "plain SET v = v + 1"),
                            writer(scene, stopped, writes, "child SET v = v + 1"));
            blocker.setAutoCommit(false);
            run(blocker, "LOCK TABLE deep IN ROW EXCLUSIVE MODE");
            CompletableFuture<Outcome> installing =
                    CompletableFuture.supplyAsync(
                            () -> install(scene.fence), Thread::startVirtualThread);
            Awaitility.await()
                    .until(
                            () ->
                                    "1"
                                            .equals(
                                                    scene.admin.value(
                                                            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'millrace shop fence' AND wait_event_type = 'Lock'")));
            int before = writes.get();
            int queuedBefore = queuedWrites.get();
            Awaitility.await()
                    .until(
                            () ->
                                    writes.get() > before + 200
                                            && queuedWrites.get() > queuedBefore + 2);
            blocker.rollback();
            assertThat(installing.join()).isEqualTo(DONE);
            stopped.set(true);
            writers.join();
        }
    }

    private static Outcome install(WriteFence fence) {
        try {
            return fence.install();
        } catch (SQLException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static CompletableFuture<Void> writer(
            FenceScene scene, AtomicBoolean stopped, AtomicInteger writes, String update) {
        return CompletableFuture.runAsync(
                () -> {
                    try (Connection session = scene.app.connect()) {
                        while (!stopped.get()) {
                            run(session, "UPDATE " + update);
                            writes.incrementAndGet();
                        }
                    } catch (SQLException e) {
                        throw new IllegalStateException(e);
                    }
                },
                Thread::startVirtualThread);
    }

    @Test
    void aLockThatIsNeverReleasedIsReportedWithItsHolder() throws Exception {
        Limits hasty =
                new Limits(
                        Duration.ofMillis(50),
                        Duration.ofMillis(5),
                        Duration.ofMillis(200),
                        Duration.ofSeconds(5));
        try (FenceScene scene = new FenceScene();
                WriteFence fence =
                        new WriteFence(scene.database, "shop", FenceScene.TABLES, hasty);
                Connection blocker = scene.app.connect()) {
            blocker.setAutoCommit(false);
            run(blocker, "UPDATE plain SET v = 2");
            Outcome outcome = fence.install();
            assertThat(outcome).isInstanceOf(Outcome.Busy.class);
            assertThat(((Outcome.Busy) outcome).table()).isEqualTo("\"public\".\"plain\"");
            assertThat(((Outcome.Busy) outcome).work())
                    .singleElement()
                    .satisfies(work -> assertThat(work.role()).isEqualTo(scene.app.name()));
            blocker.rollback();
            assertThat(fence.install()).isEqualTo(DONE);
        }
    }

    @Test
    void aProofTriesTheRolesThatMillraceMayBecome() throws Exception {
        try (FenceScene scene = new FenceScene().mayBecomeApp().installed()) {
            assertThat(scene.fence.prove().problems()).contains("The fence is open.");
            scene.closed();
            Proof proof = scene.fence.prove();
            assertThat(proof.problems()).isEmpty();
            assertThat(proof.probed()).containsExactly(scene.app.name());
            assertThat(proof.byCatalog())
                    .contains(scene.peer.name(), scene.admin.value("SELECT current_user"))
                    .doesNotContain(scene.app.name(), scene.millrace.name());
            assertThat(proof.text())
                    .startsWith(
                            "Writes were tried and refused as: "
                                    + scene.app.name()
                                    + ". Only the triggers were checked for")
                    .contains(scene.peer.name());
            assertThat(scene.admin.value("SELECT v FROM plain")).isEqualTo("1");
        }
    }

    /// The catalog is in order, but the function lets everything pass.
    @Test
    void aProofFindsAFunctionThatRefusesNothing() throws Exception {
        try (FenceScene scene = new FenceScene().mayBecomeApp().installed()) {
            scene.closed();
            scene.admin.execute(
                    "CREATE OR REPLACE FUNCTION millrace.refuse_write() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'");
            assertThat(scene.fence.prove().problems())
                    .contains(
                            "Role %s can update table \"public\".\"plain\" although the fence is installed."
                                    .formatted(scene.app.name()));
        }
    }

    /// A read-only session gives the same SQLSTATE; it is not the fence that refuses.
    @Test
    void aProofIsNotDeceivedByAnotherErrorOfTheSameState() throws Exception {
        try (FenceScene scene = new FenceScene().mayBecomeApp().installed()) {
            scene.closed();
            scene.admin.execute(
                    "CREATE OR REPLACE FUNCTION millrace.refuse_write() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '25006'; END$$");
            Proof proof = scene.fence.prove();
            assertThat(proof.probed()).isEmpty();
            assertThat(proof.problems()).isNotEmpty();
        }
    }

    @Test
    void aTableOfRowSecurityAndOddColumnsIsProbed() throws Exception {
        try (FenceScene scene = new FenceScene().mayBecomeApp()) {
            scene.admin.execute(
                    "SET ROLE " + scene.owner,
                    "CREATE TABLE \"Odd \"\"one\" (id int GENERATED ALWAYS AS IDENTITY, g int GENERATED ALWAYS AS (1) STORED, n text NOT NULL)",
                    "ALTER TABLE \"Odd \"\"one\" ENABLE ROW LEVEL SECURITY",
                    "GRANT INSERT (n), UPDATE (n), DELETE ON \"Odd \"\"one\" TO "
                            + scene.app.name());
            try (WriteFence fence = scene.fence("shop", List.of(table("Odd \"one")))) {
                assertThat(fence.install()).isEqualTo(DONE);
                taken(fence.close(FenceScene.LONG));
                Proof proof = fence.prove();
                assertThat(proof.problems()).isEmpty();
                assertThat(proof.probed()).containsExactly(scene.app.name());
                assertRefused(() -> tryOut(scene.app, "DELETE FROM \"Odd \"\"one\""));
            }
        }
    }
}
