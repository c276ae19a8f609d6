package dev.millrace.apply;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TargetChange;
import dev.millrace.change.Token;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.control.StoredOffset;
import dev.millrace.control.StoredOffsets;
import dev.millrace.lifecycle.ComponentState;
import dev.millrace.testing.CutProxy;
import java.sql.Connection;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Sequences of events in which a plausible applier would lose, repeat or resurrect a row.
class SequencesIT {

    private static final String ITEM = "CREATE TABLE item (id int PRIMARY KEY, a text, big text)";
    private static final String STOCK = "CREATE TABLE stock (id int PRIMARY KEY, n int)";
    private static final RowSchema ROW_SCHEMA = ApplierScenario.rowSchema("item", "id", "a", "big");
    private static final RowSchema STOCK_SCHEMA = ApplierScenario.rowSchema("stock", "id", "n");

    private static Row item(String id, String a) {
        return Row.of(ROW_SCHEMA, id, a, "X");
    }

    private static Row withoutBig(String id, String a) {
        return new Row.Builder(ROW_SCHEMA).text(0, id).text(1, a).unchanged(2).build();
    }

    /// Ends the applier as a kill after its last commit would.
    private static void stop(TargetApplier applier) {
        applier.close();
        assertThat(applier.state()).isInstanceOf(ComponentState.Stopped.class);
    }

    @Test
    void outputsOfOneChangeAreNeverSeparated() throws Exception {
        try (var scenario = new ApplierScenario(1, ITEM, STOCK)) {
            Token token = scenario.next(0);
            List<TargetChange> outputs =
                    List.of(
                            new TargetChange.Upsert(token, item("17", "product")),
                            new TargetChange.Upsert(token, Row.of(STOCK_SCHEMA, "17", "5")));
            TargetApplier first = scenario.applier(ApplierScenario.limits(1));
            try (Connection other = scenario.database.connect();
                    var statement = other.createStatement()) {
                other.setAutoCommit(false);
                statement.execute("LOCK TABLE stock IN SHARE MODE");
                scenario.send(0, outputs);
                first.start();
                await().atMost(ApplierScenario.TIMEOUT)
                        .until(() -> first.counts().lastError().isPresent());
                assertThat(scenario.database.value("SELECT count(*) FROM item")).isEqualTo("0");
                assertThat(scenario.stored().rowsApplied()).isZero();
                stop(first);
                other.rollback();
            }

            scenario.send(0, outputs);
            scenario.start(ApplierScenario.limits(1), scenario.sessions());
            scenario.awaitApplied();

            assertThat(scenario.database.value("SELECT a FROM item")).isEqualTo("product");
            assertThat(scenario.database.value("SELECT n FROM stock WHERE id = 17")).isEqualTo("5");
            assertThat(scenario.stored().rowsApplied()).isEqualTo(2);
            assertThat(scenario.stored().partitions().getFirst().total()).isEqualTo(1);
        }
    }

    @Test
    void blockInWhichASchemaChangesContinuesInsideAfterAKill() throws Exception {
        RowSchema wide = ApplierScenario.rowSchema("item", "id", "a", "big", "more");
        try (var scenario =
                new ApplierScenario(
                        1,
                        "CREATE TABLE item (id int PRIMARY KEY, a text, big text, more text)",
                        STOCK)) {
            TargetApplier first = scenario.applier(ApplierScenario.limits(1));
            try (Connection other = scenario.database.connect();
                    var statement = other.createStatement()) {
                other.setAutoCommit(false);
                statement.execute("LOCK TABLE stock IN SHARE MODE");
                Token begin = scenario.next(0);
                Token next = scenario.nextInBlock(0);
                scenario.send(
                        0,
                        List.of(
                                new TargetChange.Upsert(begin, item("1", "narrow")),
                                new TargetChange.Upsert(
                                        next, Row.of(wide, "1", "wide", "X", "more")),
                                new TargetChange.Upsert(next, Row.of(STOCK_SCHEMA, "1", "5"))));
                first.start();
                await().atMost(ApplierScenario.TIMEOUT)
                        .until(() -> first.counts().lastError().isPresent());
                stop(first);

                assertThat(scenario.stored().partitions().getFirst())
                        .isEqualTo(
                                new StoredOffset(
                                        0,
                                        scenario.topicId(),
                                        0,
                                        begin,
                                        WatermarkNumber.none(begin.generation()),
                                        1));
                assertThat(scenario.database.value("SELECT a FROM item")).isEqualTo("narrow");
                other.rollback();
            }
            scenario.start(ApplierScenario.limits(1), scenario.sessions());
            scenario.awaitApplied();

            assertThat(scenario.database.query("SELECT a, more FROM item"))
                    .isEqualTo(List.of(List.of("wide", "more")));
            assertThat(scenario.stored().rowsApplied()).isEqualTo(3);
            assertThat(scenario.stored().partitions().getFirst().total()).isEqualTo(2);
        }
    }

    @Test
    void endOfABackfillIsStoredWithTheOffset() throws Exception {
        try (var scenario = new ApplierScenario(2, ITEM, STOCK)) {
            scenario.upsert(0, item("1", "existing"));
            scenario.backfillComplete(0, ROW_SCHEMA.table(), STOCK_SCHEMA.table());
            scenario.watermark(1);
            try (CutProxy proxy = CutProxy.before(scenario.database)) {
                proxy.cutAfterSending("backfilled_table");
                scenario.start(
                        ApplierScenario.limits(100),
                        ApplierScenario.sessions(scenario.login.through(proxy)));
                scenario.awaitApplied(1);
                assertThat(proxy.hasCut()).isTrue();
            }
            assertThat(scenario.backfilled(0))
                    .containsExactlyInAnyOrder(ROW_SCHEMA.table(), STOCK_SCHEMA.table());
            assertThat(scenario.backfilled(1)).isEmpty();
            assertThat(scenario.stored().rowsApplied()).isEqualTo(1);
        }
    }

    @Test
    void totalIsExactOverAKillAndARepeatedPrefix() throws Exception {
        try (var scenario = new ApplierScenario(1, ITEM)) {
            TargetApplier first = scenario.start(ApplierScenario.limits(1), scenario.sessions());
            List<TargetChange> changes = new ArrayList<>();
            for (int i = 0; i < 7; i++) {
                Token token = i == 0 ? scenario.next(0) : scenario.nextInBlock(0);
                changes.add(new TargetChange.Upsert(token, item("" + i, "x")));
            }
            scenario.send(0, changes.subList(0, 3));
            scenario.send(0, changes.subList(3, 5));
            assertTotal(scenario, 2, 5);
            stop(first);

            scenario.send(0, changes.subList(0, 4));
            scenario.start(ApplierScenario.limits(1), scenario.sessions());
            assertTotal(scenario, 3, 5);
            scenario.send(0, changes.subList(4, 7));
            assertTotal(scenario, 4, 7);
            assertThat(scenario.stored().rowsApplied()).isEqualTo(7);
        }
    }

    private static void assertTotal(ApplierScenario scenario, long nextOffset, long total) {
        await().atMost(ApplierScenario.TIMEOUT)
                .until(() -> scenario.stored().partitions().getFirst().nextOffset() == nextOffset);
        assertThat(scenario.stored().partitions().getFirst().total()).isEqualTo(total);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 10_000})
    void compactionKeepsUnchangedCells(int rows) throws Exception {
        try (var scenario = new ApplierScenario(1, ITEM)) {
            scenario.upsert(0, item("1", "1"));
            scenario.upsert(0, withoutBig("1", "2"));
            scenario.upsert(0, withoutBig("1", "3"));
            scenario.start(ApplierScenario.limits(rows), scenario.sessions());
            scenario.awaitApplied();

            assertThat(scenario.database.query("SELECT a, big FROM item"))
                    .isEqualTo(List.of(List.of("3", "X")));
            assertThat(scenario.stopped()).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void truncateBetweenInsertsWaitsForTheLaterPartition(int early) throws Exception {
        int late = 1 - early;
        try (var scenario = new ApplierScenario(2, ITEM)) {
            scenario.start();
            scenario.upsert(early, item("1", "before"));
            scenario.truncate(early, ROW_SCHEMA.table(), 77);
            scenario.upsert(early, item("2", "after"));
            scenario.upsert(late, item("3", "before"));
            await().atMost(ApplierScenario.TIMEOUT)
                    .until(() -> scenario.stored().rowsApplied() == 2);
            assertThat(scenario.database.value("SELECT count(*) FROM item")).isEqualTo("2");

            scenario.upsert(late, item("4", "before"));
            scenario.truncate(late, ROW_SCHEMA.table(), 77);
            scenario.upsert(late, item("5", "after"));
            scenario.awaitApplied();

            assertThat(scenario.database.query("SELECT id, a FROM item ORDER BY id"))
                    .isEqualTo(List.of(List.of("2", "after"), List.of("5", "after")));
        }
    }

    @Test
    void emptiesTwoTablesOfOneTruncate() throws Exception {
        try (var scenario = new ApplierScenario(2, ITEM, STOCK)) {
            for (int partition = 0; partition < 2; partition++) {
                scenario.upsert(partition, item("1" + partition, "before"));
                scenario.upsert(partition, Row.of(STOCK_SCHEMA, "1" + partition, "1"));
                scenario.truncate(partition, 5, ROW_SCHEMA.table(), STOCK_SCHEMA.table());
                scenario.upsert(partition, item("2" + partition, "after"));
            }
            scenario.start();
            scenario.awaitApplied();

            assertThat(scenario.database.query("SELECT id FROM item ORDER BY id"))
                    .isEqualTo(List.of(List.of("20"), List.of("21")));
            assertThat(scenario.database.value("SELECT count(*) FROM stock")).isEqualTo("0");
        }
    }

    @Test
    void emptiesAReferencedTableByDelete() throws Exception {
        try (var scenario =
                new ApplierScenario(
                        1, ITEM, "CREATE TABLE child (id int PRIMARY KEY REFERENCES item (id))")) {
            scenario.upsert(0, item("1", "before"));
            scenario.truncate(0, ROW_SCHEMA.table(), 5);
            scenario.upsert(0, item("2", "after"));
            scenario.start();
            scenario.awaitApplied();

            assertThat(scenario.database.query("SELECT id FROM item"))
                    .isEqualTo(List.of(List.of("2")));
            assertThat(scenario.stopped()).isEmpty();
        }
    }

    @Test
    void commitWithALostReplyIsNotRepeated() throws Exception {
        try (var scenario = new ApplierScenario(1, ITEM, "CREATE TABLE seen (id int)");
                CutProxy proxy = CutProxy.before(scenario.database)) {
            scenario.database.execute(
                    """
                    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
                        $$ BEGIN INSERT INTO seen VALUES (NEW.id); RETURN NEW; END $$
                    """,
                    "CREATE TRIGGER note AFTER INSERT OR UPDATE ON item FOR EACH ROW EXECUTE"
                            + " FUNCTION note()",
                    "ALTER TABLE item ENABLE ALWAYS TRIGGER note");
            proxy.cutAfterSending("COMMIT");
            TargetApplier applier =
                    scenario.start(
                            ApplierScenario.limits(100),
                            ApplierScenario.sessions(scenario.login.through(proxy)));

            scenario.upsert(0, item("1", "once"));
            scenario.awaitApplied();

            assertThat(proxy.hasCut()).isTrue();
            assertThat(scenario.database.query("SELECT id FROM seen"))
                    .isEqualTo(List.of(List.of("1")));
            assertThat(applier.counts().lastError()).isPresent();
            scenario.awaitState(applier, ComponentState.Running.class);
        }
    }

    @Test
    void transactionThatDidNotCommitIsRepeated() throws Exception {
        try (var scenario = new ApplierScenario(1, ITEM);
                CutProxy proxy = CutProxy.before(scenario.database)) {
            proxy.cutAfterSending("INSERT INTO");
            scenario.start(
                    ApplierScenario.limits(100),
                    ApplierScenario.sessions(scenario.login.through(proxy)));

            scenario.upsert(0, item("1", "once"));
            scenario.awaitApplied();

            assertThat(proxy.hasCut()).isTrue();
            assertThat(scenario.database.value("SELECT a FROM item")).isEqualTo("once");
            assertThat(scenario.stored().rowsApplied()).isEqualTo(1);
        }
    }

    @Test
    void zombieInATransactionDoesNotBlockItsSuccessor() throws Exception {
        try (var scenario = new ApplierScenario(1, ITEM);
                Connection zombie = scenario.login.connect();
                var statement = zombie.createStatement()) {
            zombie.setAutoCommit(false);
            statement.execute("INSERT INTO item VALUES (1, 'zombie', '')");
            new StoredOffsets(scenario.migration, scenario.topics.target()).lock(zombie, 0);

            scenario.start();
            scenario.upsert(0, item("1", "successor"));
            scenario.awaitApplied();

            assertThat(scenario.database.query("SELECT a FROM item"))
                    .isEqualTo(List.of(List.of("successor")));
            assertThat(zombie.isValid(5)).isFalse();
        }
    }

    @Test
    void zombieWithALockedOffsetDoesNotBlockWatermarks() throws Exception {
        try (var scenario = new ApplierScenario(1, ITEM);
                Connection zombie = scenario.login.connect()) {
            zombie.setAutoCommit(false);
            new StoredOffsets(scenario.migration, scenario.topics.target()).lock(zombie, 0);

            scenario.start();
            scenario.watermark(4);
            scenario.awaitApplied(4);

            assertThat(zombie.isValid(5)).isFalse();
        }
    }

    @Test
    void readsAnOffsetAgainThatAnotherProcessMoved() throws Exception {
        try (var scenario = new ApplierScenario(2, ITEM)) {
            scenario.start();
            scenario.upsert(0, item("1", "x"));
            scenario.awaitApplied();
            StoredOffset stored = scenario.stored().partitions().getFirst();
            scenario.database.execute(
                    "UPDATE millrace.stored_offset SET next_offset = next_offset + 1,"
                            + " token_offset = token_offset + 1 WHERE partition = 0");

            scenario.upsert(0, item("2", "another applied this"));
            scenario.upsert(0, item("3", "x"));
            scenario.awaitApplied();

            assertThat(scenario.database.query("SELECT id FROM item ORDER BY id"))
                    .isEqualTo(List.of(List.of("1"), List.of("3")));
            assertThat(scenario.stored().partitions().getFirst().nextOffset())
                    .isEqualTo(stored.nextOffset() + 3);
        }
    }

    @Test
    void dropsRecordsOfAnOlderGeneration() throws Exception {
        try (var scenario = new ApplierScenario(1, ITEM)) {
            scenario.send(
                    0,
                    new TargetChange.Upsert(
                            new Token(ApplierScenario.GENERATION - 1, 900, 0), item("1", "old")));
            scenario.upsert(0, item("2", "new"));
            scenario.start();
            scenario.awaitApplied();

            assertThat(scenario.database.query("SELECT id FROM item"))
                    .isEqualTo(List.of(List.of("2")));
        }
    }

    @Test
    void waitsForAnUnavailableTargetAndLosesNothing() throws Exception {
        try (var scenario = new ApplierScenario(2, ITEM);
                CutProxy proxy = CutProxy.before(scenario.database)) {
            TargetApplier applier =
                    scenario.start(
                            ApplierScenario.limits(10),
                            ApplierScenario.sessions(scenario.login.through(proxy)));
            scenario.upsert(0, item("0", "x"));
            scenario.awaitApplied();

            proxy.refuse();
            Instant away = Instant.now();
            for (int i = 1; i <= 200; i++) {
                scenario.upsert(i % 2, item("" + i, "x"));
            }
            scenario.awaitState(applier, ComponentState.Waiting.class);
            assertThat(applier.state())
                    .isInstanceOfSatisfying(
                            ComponentState.Waiting.class,
                            waiting -> {
                                assertThat(waiting.reason()).startsWith("the target: ");
                                assertThat(waiting.since()).isBetween(away, Instant.now());
                            });
            assertThat(Duration.between(away, Instant.now())).isLessThan(Duration.ofSeconds(10));

            proxy.resume();
            scenario.awaitApplied();

            assertThat(scenario.database.value("SELECT count(*) FROM item")).isEqualTo("201");
            assertThat(scenario.stored().rowsApplied()).isEqualTo(201);
            assertThat(applier.state()).isInstanceOf(ComponentState.Running.class);
        }
    }

    @Test
    void replacesTheSessionOfASilentTarget() throws Exception {
        try (var scenario = new ApplierScenario(1, ITEM);
                CutProxy proxy = CutProxy.before(scenario.database)) {
            var limits =
                    new ApplierSettings.Limits(
                            10,
                            1 << 20,
                            1 << 20,
                            1,
                            Duration.ofMillis(500),
                            Duration.ofSeconds(7),
                            Duration.ofMillis(100),
                            Duration.ofHours(1),
                            Duration.ofHours(1));
            TargetApplier applier =
                    scenario.start(limits, ApplierScenario.sessions(scenario.login.through(proxy)));
            scenario.upsert(0, item("0", "x"));
            scenario.awaitApplied();

            proxy.freeze();
            scenario.upsert(0, item("1", "x"));
            Instant frozen = Instant.now();
            scenario.awaitState(applier, ComponentState.Waiting.class);
            assertThat(Duration.between(frozen, Instant.now())).isLessThan(Duration.ofSeconds(10));
            await().atMost(ApplierScenario.TIMEOUT)
                    .until(() -> applier.counts().lastError().isPresent());

            proxy.resume();
            scenario.awaitApplied();

            assertThat(scenario.stored().rowsApplied()).isEqualTo(2);
        }
    }

    @Test
    void waitsForALockedTableAlsoAfterACopy() throws Exception {
        try (var scenario = new ApplierScenario(1, ITEM)) {
            for (int i = 0; i < 2_000; i++) {
                scenario.upsert(0, item("" + i, "x"));
            }
            scenario.awaitSent();
            TargetApplier applier = scenario.applier();
            try (Connection other = scenario.database.connect();
                    var statement = other.createStatement()) {
                other.setAutoCommit(false);
                statement.execute("LOCK TABLE item IN SHARE MODE");
                applier.start();
                scenario.awaitState(applier, ComponentState.Waiting.class);
                await().atMost(ApplierScenario.TIMEOUT)
                        .until(() -> applier.counts().lastError().isPresent());
                other.rollback();
            }
            scenario.awaitApplied();

            assertThat(scenario.database.value("SELECT count(*) FROM item")).isEqualTo("2000");
            assertThat(scenario.stopped()).isEmpty();
        }
    }

    @Test
    void watermarksAloneMoveTheOffsetTenTimesASecond() throws Exception {
        try (var scenario = new ApplierScenario(1, ITEM)) {
            TargetApplier applier = scenario.start();
            scenario.awaitApplied();
            long before = applier.counts().batches();
            Instant begun = Instant.now();
            for (int number = 100; number < 400; number++) {
                scenario.watermark(number);
                if (number % 10 == 0) {
                    scenario.awaitApplied(number);
                }
            }
            scenario.awaitApplied(399);
            long tenths = Duration.between(begun, Instant.now()).toMillis() / 100;

            assertThat(applier.counts().batches() - before).isLessThanOrEqualTo(tenths + 2);
        }
    }
}
