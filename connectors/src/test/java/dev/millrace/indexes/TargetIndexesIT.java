package dev.millrace.indexes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.lifecycle.ComponentState;
import dev.millrace.lifecycle.Failure;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.Waits;
import java.sql.Connection;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Indexes and foreign keys of a real target that are dropped for the backfill and created again.
@Timeout(900)
class TargetIndexesIT {

    private static final String KEPT =
            "child_c_excl,identity,parent_a_b_key,parent_code_key,single,switched_off";

    private static void awaitRestored(IndexScene.Run run) {
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .untilAsserted(
                        () ->
                                assertThat(run.indexes.isRestored())
                                        .as(() -> run.supervisor.state().text())
                                        .isTrue());
    }

    private static void awaitPrepared(IndexScene scene) {
        Awaitility.await().atMost(Waits.LIMIT).until(() -> scene.prepared.get() == 1);
    }

    @Test
    void everyKindIsDroppedBeforeTheFirstRow() throws Exception {
        try (IndexScene scene = new IndexScene().everyKind();
                IndexScene.Run run = scene.start()) {
            awaitPrepared(scene);
            assertThat(scene.names()).isEqualTo(KEPT);
            assertThat(run.indexes.isRestored()).isFalse();
            assertThat(run.indexes.blocker()).contains(blocked(16));
        }
    }

    private static String blocked(int number) {
        return "indexes and foreign keys of target tables are dropped ("
                + number
                + " left); Millrace creates them again when the backfill is complete";
    }

    @Test
    void everyKindIsRestoredExactly() throws Exception {
        try (IndexScene scene = new IndexScene().everyKind()) {
            String before = scene.catalog();
            try (IndexScene.Run run = scene.start()) {
                awaitPrepared(scene);
                scene.completeBackfill();
                awaitRestored(run);
                assertThat(run.indexes.blocker()).isEmpty();
            }

            assertThat(scene.catalog()).isEqualTo(before);
            assertThat(
                            scene.target.value(
                                    "SELECT count(*) FILTER (WHERE event = 'drop-indexes') || ' ' || count(*)"
                                            + " FILTER (WHERE event = 'restore-index') FROM millrace.journal"))
                    .isEqualTo("2 16");
        }
    }

    /// The build waits for a transaction that may see the table without the index.
    @Test
    void aClosedGateEndsTheBuildOfAnIndexAndAnotherOneFollows() throws Exception {
        try (IndexScene scene = new IndexScene().everyKind()) {
            String before = scene.catalog();
            try (IndexScene.Run run = scene.start();
                    Connection writer = scene.target.connect()) {
                awaitPrepared(scene);
                writer.setAutoCommit(false);
                try (var statement = writer.createStatement()) {
                    statement.execute("UPDATE child SET b = b WHERE false");
                    statement.execute("LOCK TABLE child IN ROW EXCLUSIVE MODE");
                }
                scene.completeBackfill();
                Awaitility.await()
                        .atMost(Waits.LIMIT)
                        .until(() -> "1".equals(scene.target.value(BUILDING)));

                scene.gate.close();
                assertThat(scene.gate.end(Duration.ofMillis(100))).isEmpty();

                assertThat(scene.target.value(BUILDING)).isEqualTo("0");
                Awaitility.await()
                        .during(Duration.ofMillis(1_500))
                        .until(() -> "0".equals(scene.target.value(BUILDING)));
                assertThat(run.supervisor.state().isHealthy()).isTrue();
                writer.rollback();
                scene.gate.open();
                awaitRestored(run);
            }

            assertThat(scene.catalog()).isEqualTo(before);
        }
    }

    private static final String BUILDING =
            "SELECT count(*) FROM pg_stat_progress_create_index WHERE datname ="
                    + " current_database()";

    /// A run that ends before any of its statements, as if it was killed there.
    @Test
    void aKillBetweenTwoStatementsLosesNothing() throws Exception {
        try (IndexScene scene = new IndexScene().everyKind()) {
            String before = scene.catalog();
            boolean killed = true;
            for (int statement = 1; killed; statement += 11) {
                killed = scene.prepareUntil(statement);
                scene.prepareUntil(Integer.MAX_VALUE);
                assertThat(scene.names()).as("prepared, %d", statement).isEqualTo(KEPT);
                boolean restored = !scene.restoreUntil(statement);
                killed |= !restored;
                if (!restored && statement % 2 == 0) {
                    // The next generation begins with what is restored so far.
                    scene.nextGeneration();
                    scene.prepareUntil(Integer.MAX_VALUE);
                    assertThat(scene.names()).as("again, %d", statement).isEqualTo(KEPT);
                }
                scene.restoreUntil(Integer.MAX_VALUE);
                assertThat(scene.catalog()).as("restored, %d", statement).isEqualTo(before);
                scene.nextGeneration();
            }
        }
    }

    @Test
    void aRestartAfterTheRestorationDropsNothing() throws Exception {
        try (IndexScene scene = new IndexScene().everyKind()) {
            String before = scene.catalog();
            scene.prepareUntil(Integer.MAX_VALUE);
            scene.restoreUntil(Integer.MAX_VALUE);

            scene.prepareUntil(Integer.MAX_VALUE);

            assertThat(scene.catalog()).isEqualTo(before);
            // The file asks for it only after the backfill.
            scene.nextGeneration();
            scene.completeBackfill();
            scene.prepareUntil(Integer.MAX_VALUE);
            assertThat(scene.catalog()).isEqualTo(before);
        }
    }

    @Test
    void whatIsDroppedIsRestoredAlthoughTheFileNowKeepsIndexes() throws Exception {
        try (IndexScene scene = new IndexScene().everyKind()) {
            String before = scene.catalog();
            scene.prepareUntil(Integer.MAX_VALUE);
            try (IndexScene.Run run = scene.new Run(scene.settings(false))) {
                scene.completeBackfill();
                awaitRestored(run);
                assertThat(run.indexes.concernsTables()).isFalse();
            }
            assertThat(scene.catalog()).isEqualTo(before);
        }
    }

    /// The session ends while it waits for an old transaction: PostgreSQL keeps the index, invalid.
    @Test
    void anInvalidIndexOfAKilledBuildIsCreatedAgain() throws Exception {
        try (IndexScene scene = new IndexScene()) {
            scene.target.execute("CREATE INDEX plain ON child (a)");
            String before = scene.catalog();
            try (IndexScene.Run run = scene.start();
                    Connection reader = scene.target.connect()) {
                awaitPrepared(scene);
                readForLong(reader);
                scene.completeBackfill();
                Awaitility.await()
                        .atMost(Waits.LIMIT)
                        .until(() -> scene.names().contains("plain (invalid)"));
                assertThat(run.indexes.blocker().orElseThrow())
                        .isEqualTo(
                                "indexes and foreign keys of target tables are dropped (1 left); Millrace"
                                        + " is creating index plain of public.child");
                scene.target.execute(
                        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                                + " WHERE application_name = 'millrace shop indexes'");
                assertThat(scene.names()).contains("plain (invalid)");
                reader.rollback();
                awaitRestored(run);
            }
            assertThat(scene.catalog()).isEqualTo(before);
        }
    }

    private static void readForLong(Connection reader) throws Exception {
        reader.setAutoCommit(false);
        reader.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
        try (var statement = reader.createStatement()) {
            statement.execute("SELECT count(*) FROM child");
        }
    }

    /// The service stops within seconds, and the next start continues.
    @Test
    void aStopCancelsABuild() throws Exception {
        try (IndexScene scene = new IndexScene();
                Connection reader = scene.target.connect()) {
            scene.target.execute("CREATE INDEX plain ON child (a)");
            scene.prepareUntil(Integer.MAX_VALUE);
            scene.completeBackfill();
            readForLong(reader);
            try (IndexScene.Run _ = scene.start()) {
                Awaitility.await()
                        .atMost(Waits.LIMIT)
                        .until(() -> scene.names().contains("plain (invalid)"));
            }
            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .until(
                            () ->
                                    "0"
                                            .equals(
                                                    scene.target.value(
                                                            "SELECT count(*) FROM pg_stat_activity WHERE application_name"
                                                                    + " = 'millrace shop indexes'")));
            reader.rollback();
            assertThat(scene.restoreUntil(Integer.MAX_VALUE)).isFalse();
            assertThat(scene.names()).contains("plain").doesNotContain("invalid");
        }
    }

    /// Which index another role's session creates is hidden from the login.
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aBuildOfAnotherSessionIsAwaited(boolean own) throws Exception {
        try (IndexScene scene = new IndexScene();
                Connection reader = scene.target.connect()) {
            scene.target.execute("CREATE INDEX plain ON child (a)");
            scene.prepareUntil(Integer.MAX_VALUE);
            readForLong(reader);
            TestDatabase session = own ? scene.login.database() : scene.target;
            CompletableFuture<Void> builder =
                    CompletableFuture.runAsync(
                            () ->
                                    session.execute(
                                            "CREATE INDEX CONCURRENTLY plain ON public.child USING btree (a)"));
            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .until(() -> scene.names().contains("plain (invalid)"));

            assertThatThrownBy(() -> scene.restoreUntil(Integer.MAX_VALUE))
                    .isInstanceOf(IndexFailure.class)
                    .hasMessageContaining("still creates index plain of public.child");

            reader.rollback();
            builder.join();
            String oid = scene.target.value("SELECT 'plain'::regclass::oid");
            scene.restoreUntil(Integer.MAX_VALUE);
            assertThat(scene.target.value("SELECT 'plain'::regclass::oid")).isEqualTo(oid);
        }
    }

    /// The others are restored, the reason is shown, and it continues when the cause is removed.
    @Test
    void aForeignKeyWithoutItsParentWaitsForTheRow() throws Exception {
        try (IndexScene scene = new IndexScene().everyKind()) {
            String before = scene.catalog();
            try (IndexScene.Run run = scene.start()) {
                awaitPrepared(scene);
                scene.target.execute(
                        "INSERT INTO child (id, b, parent_id) VALUES (100, 100, 1000)");
                scene.completeBackfill();
                Awaitility.await()
                        .atMost(Waits.LIMIT)
                        .until(
                                () ->
                                        run.supervisor.state()
                                                        instanceof ComponentState.Waiting waiting
                                                && waiting.failure()
                                                        instanceof Failure.OperatorNeeded);
                String text = run.supervisor.state().text();
                assertThat(text)
                        .contains(
                                "foreign key late of public.child could not be created again",
                                "replicate or correct them",
                                "AND name = 'late';")
                        .doesNotContain("1000");
                assertThat(
                                scene.target.value(
                                        "SELECT string_agg(name, ',') FROM millrace.dropped_definition"
                                                + " WHERE restored_at IS NULL"))
                        .isEqualTo("late");
                assertThat(run.indexes.isRestored()).isFalse();

                scene.target.execute("INSERT INTO parent VALUES (1000, 'late', -1, -1)");
                awaitRestored(run);
            }
            assertThat(scene.catalog()).isEqualTo(before);
        }
    }

    @Test
    void anIndexThatRowsPreventIsNotLeftInvalid() throws Exception {
        try (IndexScene scene = new IndexScene()) {
            scene.target.execute("CREATE INDEX quotient ON child ((100 / b))");
            scene.prepareUntil(Integer.MAX_VALUE);
            scene.target.execute("INSERT INTO child (id, b) VALUES (1, 0)");

            assertThatThrownBy(() -> scene.restoreUntil(Integer.MAX_VALUE))
                    .isInstanceOf(IndexFailure.class)
                    .hasMessageContaining("index quotient of public.child could not be created");

            assertThat(scene.names()).doesNotContain("quotient");
            scene.target.execute("DELETE FROM child");
            scene.restoreUntil(Integer.MAX_VALUE);
            assertThat(scene.names()).contains("quotient").doesNotContain("invalid");
        }
    }

    @Test
    void anotherObjectOfTheNameIsNotTouched() throws Exception {
        try (IndexScene scene = new IndexScene()) {
            scene.target.execute("CREATE INDEX plain ON child (a)");
            scene.prepareUntil(Integer.MAX_VALUE);
            scene.target.execute("CREATE INDEX plain ON child (b)");

            assertThatThrownBy(() -> scene.restoreUntil(Integer.MAX_VALUE))
                    .isInstanceOf(IndexFailure.class)
                    .hasMessageContaining(
                            "another object of this name: its definition is CREATE INDEX plain ON"
                                    + " public.child USING btree (b)");

            scene.target.execute("DROP INDEX plain", "CREATE UNIQUE INDEX plain ON child (a)");
            assertThatThrownBy(() -> scene.restoreUntil(Integer.MAX_VALUE))
                    .hasMessageContaining("it is unique");
        }
    }

    /// Millrace could drop it, and not create it again.
    @Test
    void anIndexThatTheLoginCouldNotCreateStays() throws Exception {
        try (IndexScene scene = new IndexScene().everyKind()) {
            scene.target.execute("REVOKE USAGE ON SCHEMA odd FROM " + scene.owner());

            scene.prepareUntil(Integer.MAX_VALUE);

            assertThat(scene.names()).contains("expressions").doesNotContain("partial");
        }
    }

    /// A process of an earlier generation that has not noticed the new one.
    @Test
    void anEarlierGenerationDropsNothing() throws Exception {
        try (IndexScene scene = new IndexScene()) {
            scene.target.execute("CREATE INDEX plain ON child (a)");
            TargetIndexes.Settings old = scene.settings();
            scene.nextGeneration();
            try (IndexScene.Run run = scene.new Run(old)) {
                Awaitility.await()
                        .atMost(Waits.LIMIT)
                        .until(() -> run.supervisor.state() instanceof ComponentState.Failed);
                assertThat(run.supervisor.state().text())
                        .contains("another process began generation 2");
            }
            assertThat(scene.names()).contains("plain");
            assertThat(scene.prepared).hasValue(0);
        }
    }

    /// A reader of the target delays the drop, and is not blocked for longer than the lock timeout.
    @Test
    void aLockedTableIsTriedAgain() throws Exception {
        try (IndexScene scene = new IndexScene();
                Connection reader = scene.target.connect()) {
            scene.target.execute("CREATE INDEX plain ON child (a)");
            readForLong(reader);
            try (IndexScene.Run run = scene.start()) {
                Awaitility.await()
                        .atMost(Waits.LIMIT)
                        .until(() -> run.supervisor.state() instanceof ComponentState.Waiting);
                assertThat(scene.prepared).hasValue(0);
                reader.rollback();
                awaitPrepared(scene);
            }
            assertThat(scene.names()).doesNotContain("plain");
        }
    }
}
