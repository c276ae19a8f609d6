package dev.millrace.apply;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.millrace.apply.refusal.KeyRequest;
import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.change.TargetChange;
import dev.millrace.control.ParkedKeys;
import dev.millrace.control.ParkedKeys.ParkedKey;
import dev.millrace.control.ParkedSize;
import dev.millrace.control.stopped.MissedChanges;
import dev.millrace.postgres.Database;
import dev.millrace.postgres.Identifier;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// A stopped table continues with every change that it missed, in their order, however often the
/// applier is replaced meanwhile. Table `twin` has the same changes and never stops.
class TableResumeIT {

    private static final int PARTITIONS = 3;
    private static final String COLUMNS = " (id int PRIMARY KEY, v text, big text)";
    private static final RowSchema TABLE = ApplierScenario.rowSchema("t", "id", "v", "big");
    private static final RowSchema TWIN = ApplierScenario.rowSchema("twin", "id", "v", "big");

    private final Random random = new Random(20_261_129);

    /// Sends the same change of both tables, as one source change.
    private static void send(ApplierScenario scenario, int id, String v, boolean whole) {
        int partition = id % PARTITIONS;
        scenario.send(
                partition,
                List.of(
                        change(scenario, partition, TABLE, id, v, whole, true),
                        change(scenario, partition, TWIN, id, v, whole, false)));
    }

    private static TargetChange change(
            ApplierScenario scenario,
            int partition,
            RowSchema schema,
            int id,
            String v,
            boolean whole,
            boolean isFirst) {
        var token = isFirst ? scenario.next(partition) : scenario.nextInBlock(partition);
        if (v.isEmpty()) {
            return new TargetChange.Delete(token, ApplierScenario.key(schema, "" + id));
        }
        Row.Builder row = new Row.Builder(schema).text(0, "" + id).text(1, v);
        return new TargetChange.Upsert(
                token, (whole ? row.text(2, "big" + v) : row.unchanged(2)).build());
    }

    private void sendSome(ApplierScenario scenario, int changes) {
        for (int i = 0; i < changes; i++) {
            int id = 1 + random.nextInt(60);
            switch (random.nextInt(5)) {
                case 0 -> send(scenario, id, "", true);
                // A partial row needs its row.
                case 1 -> {
                    send(scenario, id, "w" + i, true);
                    send(scenario, id, "p" + i, false);
                }
                default -> send(scenario, id, "v" + i, true);
            }
        }
    }

    private static void truncate(ApplierScenario scenario, long id) {
        for (int partition = 0; partition < PARTITIONS; partition++) {
            scenario.truncate(partition, id, TABLE.table(), TWIN.table());
        }
    }

    private static ApplierScenario scenario() throws Exception {
        ApplierScenario scenario =
                new ApplierScenario(
                        PARTITIONS, "CREATE TABLE t" + COLUMNS, "CREATE TABLE twin" + COLUMNS);
        note(scenario, "t");
        return scenario;
    }

    /// As the start of a generation does it.
    static void note(ApplierScenario scenario, String table) {
        scenario.database.execute(
                "INSERT INTO millrace.target_table (migration, target, empty_at_start, table_oid)"
                        + " VALUES ('%s', '%s', true, '%s'::regclass)"
                                .formatted(
                                        scenario.migration,
                                        Identifier.quote(new TableId("public", table)),
                                        table));
    }

    private static KeyRequest.Outcome resume(TargetApplier applier) throws Exception {
        return applier.ask(new KeyRequest.Resume(TABLE.table()))
                .get(ApplierScenario.TIMEOUT.toSeconds(), TimeUnit.SECONDS);
    }

    private static void breakTable(ApplierScenario scenario) {
        scenario.database.execute("ALTER TABLE t RENAME COLUMN v TO other");
    }

    private static void mendTable(ApplierScenario scenario) {
        scenario.database.execute("ALTER TABLE t RENAME COLUMN other TO v");
    }

    private static void awaitContinued(ApplierScenario scenario) {
        await().atMost(ApplierScenario.TIMEOUT)
                .pollInterval(Duration.ofMillis(20))
                .until(() -> scenario.stopped().isEmpty());
        scenario.awaitApplied();
    }

    private static void assertEqual(ApplierScenario scenario) {
        assertThat(scenario.database.query("SELECT * FROM t ORDER BY id"))
                .isEqualTo(scenario.database.query("SELECT * FROM twin ORDER BY id"))
                .isNotEmpty();
        assertThat(scenario.database.value("SELECT count(*) FROM millrace.rejected_changes"))
                .isEqualTo("0");
        assertThat(scenario.parked()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 7, 10_000})
    void aStoppedTableContinuesWithEveryChangeThatItMissed(int rows) throws Exception {
        try (ApplierScenario scenario = scenario()) {
            TargetApplier applier =
                    scenario.start(ApplierScenario.limits(rows), scenario.sessions());
            sendSome(scenario, 50);
            scenario.awaitApplied();
            breakTable(scenario);
            sendSome(scenario, 100);
            truncate(scenario, 1);
            sendSome(scenario, 100);
            scenario.awaitApplied();
            assertThat(scenario.stopped()).hasSize(1);
            mendTable(scenario);

            assertThat(resume(applier).refusal()).isEmpty();
            sendSome(scenario, 100);
            truncate(scenario, 2);
            sendSome(scenario, 100);
            awaitContinued(scenario);

            assertEqual(scenario);
        }
    }

    /// Each turn another applier takes over, which knows nothing of what the last one did.
    @Test
    void anotherApplierContinuesWhereTheLastOneWas() throws Exception {
        try (ApplierScenario scenario = scenario()) {
            TargetApplier applier = scenario.start(ApplierScenario.limits(3), scenario.sessions());
            sendSome(scenario, 20);
            scenario.awaitApplied();
            breakTable(scenario);
            sendSome(scenario, 400);
            truncate(scenario, 1);
            sendSome(scenario, 400);
            scenario.awaitApplied();
            mendTable(scenario);
            assertThat(resume(applier).refusal()).isEmpty();
            int turns = 0;
            while (!scenario.stopped().isEmpty() && turns++ < 40) {
                TargetApplier next = scenario.start(ApplierScenario.limits(3), scenario.sessions());
                sendSome(scenario, 5);
                scenario.awaitSent();
                long before = batches(scenario);
                await().atMost(ApplierScenario.TIMEOUT)
                        .pollInterval(Duration.ofMillis(2))
                        .until(() -> batches(scenario) != before || scenario.stopped().isEmpty());
                applier.close();
                applier = next;
            }
            awaitContinued(scenario);

            assertThat(turns).isGreaterThan(3);
            assertEqual(scenario);
        }
    }

    private static long batches(ApplierScenario scenario) {
        return Long.parseLong(
                String.valueOf(
                        scenario.database.value(
                                "SELECT coalesce(sum(token_offset * 1000 + token_index + changes),"
                                        + " 0)::bigint FROM millrace.rejected_changes")));
    }

    @Test
    void aTableWhoseCauseRemainsIsStoppedAgainAndLosesNothing() throws Exception {
        try (ApplierScenario scenario = scenario()) {
            TargetApplier applier = scenario.start();
            breakTable(scenario);
            sendSome(scenario, 50);
            scenario.awaitApplied();
            String reason = scenario.stopped().getFirst().reason();
            assertThat(reason)
                    .contains("no column v")
                    .contains("Remove the cause, then run 'millrace resume --table public.t'.");
            long missed = scenario.rejected(TABLE.table());

            assertThat(resume(applier).refusal()).isEmpty();
            await().atMost(ApplierScenario.TIMEOUT)
                    .until(() -> scenario.stopped().getFirst().reason().equals(reason));

            sendSome(scenario, 50);
            scenario.awaitApplied();
            assertThat(scenario.rejected(TABLE.table())).isGreaterThan(missed);
            mendTable(scenario);
            assertThat(resume(applier).refusal()).isEmpty();
            awaitContinued(scenario);
            assertEqual(scenario);
        }
    }

    @Test
    void aTableAboveItsLimitContinuesWhenItsKeysAreAccepted() throws Exception {
        try (ApplierScenario scenario = scenario()) {
            scenario.limitRejected(3);
            TargetApplier applier = scenario.start(ApplierScenario.limits(1), scenario.sessions());
            scenario.database.execute("ALTER TABLE t ADD CONSTRAINT c CHECK (v <> 'bad')");
            for (int id = 1; id <= 12; id++) {
                send(scenario, id, "bad", true);
            }
            scenario.awaitApplied();
            for (int id = 1; id <= 12; id++) {
                send(scenario, id, "later" + id, true);
            }
            scenario.awaitApplied();
            assertThat(scenario.stopped()).hasSize(1);
            assertThat(scenario.parked()).isNotEmpty();

            scenario.database.execute("ALTER TABLE t DROP CONSTRAINT c");
            assertThat(resume(applier).refusal()).isEmpty();
            awaitContinued(scenario);
            assertEqual(scenario);
        }
    }

    @Test
    void keysThatAreRefusedAmongTheMissedChangesAreSetAside() throws Exception {
        try (ApplierScenario scenario = scenario()) {
            TargetApplier applier = scenario.start(ApplierScenario.limits(1), scenario.sessions());
            breakTable(scenario);
            send(scenario, 1, "good", true);
            send(scenario, 2, "bad", true);
            send(scenario, 2, "after", true);
            send(scenario, 3, "good", true);
            scenario.awaitApplied();
            mendTable(scenario);
            scenario.database.execute("ALTER TABLE t ADD CONSTRAINT c CHECK (v <> 'bad')");
            assertThat(resume(applier).refusal()).isEmpty();
            awaitContinued(scenario);
            assertThat(scenario.parked()).hasSize(1);
            assertThat(scenario.database.value("SELECT count(*) FROM t")).isEqualTo("2");

            scenario.database.execute("ALTER TABLE t DROP CONSTRAINT c");
            applier.ask(new KeyRequest.Retry(Set.of()))
                    .get(ApplierScenario.TIMEOUT.toSeconds(), TimeUnit.SECONDS);
            assertEqual(scenario);
        }
    }

    /// The change of such a key is older than the stored watermark, so a wait for a watermark is no
    /// wait for it.
    @Test
    void aTableIsStoppedUntilItHasAppliedWhatIsHeldSinceItCaughtUp() throws Exception {
        try (ApplierScenario scenario = scenario()) {
            scenario.database.execute("ALTER TABLE t ADD UNIQUE (v)");
            TargetApplier applier = scenario.start();
            send(scenario, 1, "a", true);
            scenario.awaitApplied();
            breakTable(scenario);
            send(scenario, 2, "a", true);
            scenario.awaitApplied();
            mendTable(scenario);

            assertThat(resume(applier).refusal()).isEmpty();
            Watermarked.awaitHeld(scenario, 1);
            assertThat(scenario.database.value("SELECT count(*) FROM millrace.rejected_changes"))
                    .isEqualTo("0");
            assertThat(scenario.stopped())
                    .singleElement()
                    .satisfies(stop -> assertThat(stop.reason()).startsWith("It continues"));
            // Later changes of the table are applied meanwhile.
            send(scenario, 1, "", true);
            send(scenario, 3, "c", true);
            scenario.awaitApplied();
            awaitContinued(scenario);

            assertEqual(scenario);
        }
    }

    /// The second one does not wait for the held keys of the first.
    @Test
    void anotherTableContinuesWhileOneHoldsAKey() throws Exception {
        try (ApplierScenario scenario = scenario()) {
            note(scenario, "twin");
            scenario.database.execute("ALTER TABLE t ADD UNIQUE (v)");
            TargetApplier applier = scenario.start();
            send(scenario, 1, "a", true);
            scenario.awaitApplied();
            breakTable(scenario);
            scenario.database.execute("ALTER TABLE twin RENAME COLUMN v TO other");
            send(scenario, 2, "a", true);
            scenario.awaitApplied();
            mendTable(scenario);
            scenario.database.execute("ALTER TABLE twin RENAME COLUMN other TO v");
            assertThat(resume(applier).refusal()).isEmpty();
            Watermarked.awaitHeld(scenario, 1);

            assertThat(
                            applier.ask(new KeyRequest.Resume(TWIN.table()))
                                    .get(ApplierScenario.TIMEOUT.toSeconds(), TimeUnit.SECONDS)
                                    .refusal())
                    .isEmpty();
            await().atMost(ApplierScenario.TIMEOUT).until(() -> scenario.stopped().size() == 1);
            assertThat(scenario.stopped().getFirst().table()).isEqualTo(TABLE.table());
            send(scenario, 1, "", true);
            scenario.awaitApplied();
            awaitContinued(scenario);

            assertEqual(scenario);
        }
    }

    /// Its keys wait for an operator, like the table.
    @Test
    void heldKeysOfAStoppedTableStayHeldUntilItContinues() throws Exception {
        try (ApplierScenario scenario = scenario()) {
            scenario.database.execute("ALTER TABLE t ADD UNIQUE (v)");
            TargetApplier applier = scenario.start();
            send(scenario, 1, "a", true);
            scenario.awaitApplied();
            send(scenario, 2, "a", true);
            Watermarked.awaitHeld(scenario, 1);
            breakTable(scenario);
            send(scenario, 3, "c", true);
            await().atMost(ApplierScenario.TIMEOUT).until(() -> scenario.stopped().size() == 1);
            send(scenario, 1, "", true);

            scenario.awaitApplied();
            scenario.awaitApplied();
            assertThat(scenario.parked())
                    .extracting(ParkedKey::state)
                    .containsExactly(ParkedKeys.State.HELD);
            assertThat(size(scenario)).isEqualTo(new ParkedSize(1, 0, 1, size(scenario).bytes()));

            mendTable(scenario);
            assertThat(resume(applier).refusal()).isEmpty();
            await().atMost(ApplierScenario.TIMEOUT)
                    .until(
                            () ->
                                    "0"
                                            .equals(
                                                    scenario.database.value(
                                                            "SELECT count(*) FROM"
                                                                    + " millrace.rejected_changes")));
            scenario.awaitApplied();
            awaitContinued(scenario);

            assertEqual(scenario);
        }
    }

    private static ParkedSize size(ApplierScenario scenario) throws SQLException {
        try (Connection connection = scenario.login.connect()) {
            return new ParkedKeys(scenario.migration)
                    .size(connection, ApplierScenario.GENERATION, TABLE.table());
        }
    }

    @Test
    void twoTablesContinueOneAfterTheOther() throws Exception {
        try (ApplierScenario scenario = scenario()) {
            note(scenario, "twin");
            TargetApplier applier = scenario.start(ApplierScenario.limits(5), scenario.sessions());
            breakTable(scenario);
            scenario.database.execute("ALTER TABLE twin RENAME COLUMN v TO other");
            sendSome(scenario, 100);
            truncate(scenario, 1);
            sendSome(scenario, 100);
            scenario.awaitApplied();
            assertThat(scenario.stopped()).hasSize(2);
            mendTable(scenario);
            scenario.database.execute("ALTER TABLE twin RENAME COLUMN other TO v");

            assertThat(resume(applier).refusal()).isEmpty();
            assertThat(
                            applier.ask(new KeyRequest.Resume(TWIN.table()))
                                    .get(ApplierScenario.TIMEOUT.toSeconds(), TimeUnit.SECONDS)
                                    .refusal())
                    .isEmpty();
            truncate(scenario, 2);
            sendSome(scenario, 100);
            awaitContinued(scenario);
            assertEqual(scenario);
        }
    }

    @Test
    void aTruncateIsMissedInPartitionsWithoutAnotherMissedChange() throws Exception {
        try (ApplierScenario scenario = scenario()) {
            TargetApplier applier = scenario.start();
            send(scenario, 1, "before", true);
            send(scenario, 2, "before", true);
            scenario.awaitApplied();
            breakTable(scenario);
            send(scenario, 3, "missed", true);
            truncate(scenario, 1);
            send(scenario, 3, "after", true);
            scenario.awaitApplied();
            mendTable(scenario);

            assertThat(resume(applier).refusal()).isEmpty();
            awaitContinued(scenario);
            assertThat(scenario.database.value("SELECT count(*) FROM t")).isEqualTo("1");
            assertEqual(scenario);
        }
    }

    @Test
    void aTableThatWasCreatedAgainOrIsMissingDoesNotContinue() throws Exception {
        try (ApplierScenario scenario = scenario()) {
            TargetApplier applier = scenario.start();
            sendSome(scenario, 20);
            scenario.awaitApplied();
            assertThat(resume(applier).refusal().orElseThrow()).contains("is not stopped");
            scenario.database.execute("ALTER TABLE t RENAME TO away");
            sendSome(scenario, 20);
            scenario.awaitApplied();
            assertThat(resume(applier).refusal().orElseThrow()).contains("has no table public.t");
            scenario.database.execute("CREATE TABLE t" + COLUMNS);
            scenario.grant();
            assertThat(resume(applier).refusal().orElseThrow()).contains("was created again");
            assertThat(scenario.database.value("SELECT count(*) FROM t")).isEqualTo("0");

            scenario.database.execute("DROP TABLE t", "ALTER TABLE away RENAME TO t");
            assertThat(resume(applier).refusal()).isEmpty();
            awaitContinued(scenario);
            assertEqual(scenario);
        }
    }

    /// What the log must keep, however old it is.
    @Test
    void theFirstOffsetOfWhatIsMissedIsKnownUntilItIsApplied() throws Exception {
        try (ApplierScenario scenario = scenario()) {
            TargetApplier applier = scenario.start();
            sendSome(scenario, 20);
            scenario.awaitApplied();
            List<Long> before = new ArrayList<>();
            scenario.stored().partitions().forEach(offset -> before.add(offset.nextOffset()));
            breakTable(scenario);
            sendSome(scenario, 40);
            scenario.awaitApplied();
            try (Database control = scenario.login.database("control")) {
                MissedChanges missed = new MissedChanges(scenario.migration);
                assertThat(missed.firstOffsets(control, ApplierScenario.GENERATION))
                        .hasSize(PARTITIONS)
                        .allSatisfy(
                                (partition, first) ->
                                        assertThat(first)
                                                .isBetween(
                                                        before.get(partition),
                                                        before.get(partition) + 2));
                mendTable(scenario);
                assertThat(resume(applier).refusal()).isEmpty();
                awaitContinued(scenario);
                assertThat(missed.firstOffsets(control, ApplierScenario.GENERATION)).isEmpty();
            }
        }
    }
}
