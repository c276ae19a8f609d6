package dev.millrace.apply;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TargetChange;
import dev.millrace.change.Token;
import dev.millrace.control.ParkedKeys;
import dev.millrace.control.ParkedKeys.ParkedKey;
import dev.millrace.control.ParkedKeys.State;
import java.sql.Connection;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// A change that the target refuses sets its key aside, and nothing else. Later changes of the key
/// wait behind it, in their order, in the transaction that moves the stored offset.
class ParkedKeyIT {

    private static final String SECRET = "hunter2";
    private static final RowSchema BAD = ApplierScenario.rowSchema("bad", "id", "v");
    private static final RowSchema WIDE = ApplierScenario.rowSchema("bad", "id", "v", "big");
    private static final String CHECKED =
            "CREATE TABLE bad (id int PRIMARY KEY, v text CONSTRAINT nice CHECK (v <> 'hunter2'))";

    private static Row row(int id, String value) {
        return Row.of(BAD, String.valueOf(id), value);
    }

    static Stream<Arguments> refusingTables() {
        return Stream.of(
                Arguments.of("(id int PRIMARY KEY, v varchar(3))", Set.of("22001", "column v")),
                Arguments.of("(id int PRIMARY KEY, v int)", Set.of("22P02", "column v")),
                Arguments.of(
                        "(id int PRIMARY KEY, v text CONSTRAINT nice CHECK (v <> 'hunter2'))",
                        Set.of("23514", "constraint nice")),
                Arguments.of(
                        "(id int PRIMARY KEY, v text); CREATE FUNCTION veto() RETURNS trigger"
                                + " LANGUAGE plpgsql AS 'BEGIN IF new.v = ''hunter2'' THEN RAISE"
                                + " EXCEPTION ''no hunter2''; END IF; RETURN new; END';"
                                + " CREATE TRIGGER t BEFORE INSERT ON bad FOR EACH ROW EXECUTE"
                                + " FUNCTION veto(); ALTER TABLE bad ENABLE ALWAYS TRIGGER t",
                        Set.of("P0001")));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("refusingTables")
    void refusedRowParksItsKeyAndLaterChangesOfItWait(String table, Set<String> parts)
            throws Exception {
        try (var scenario = new ApplierScenario(1, "CREATE TABLE bad " + table)) {
            scenario.upsert(0, row(1, "1"));
            scenario.upsert(0, row(2, SECRET));
            scenario.upsert(0, row(3, "3"));
            TargetApplier applier = scenario.start();
            scenario.awaitApplied();
            scenario.upsert(0, row(2, "2"));
            scenario.upsert(0, row(4, "4"));
            scenario.awaitApplied();
            assertThat(scenario.database.query("SELECT id FROM bad ORDER BY id"))
                    .as("later changes of the key wait, others do not")
                    .isEqualTo(List.of(List.of("1"), List.of("3"), List.of("4")));
            scenario.delete(0, ApplierScenario.key(BAD, "2"));
            scenario.awaitApplied();

            assertThat(scenario.stopped()).isEmpty();
            ParkedKey parked = only(scenario);
            assertThat(parked.cause()).contains(parts).doesNotContain(SECRET);
            assertThat(parked.key()).containsExactly("2");
            assertThat(parked.state()).isEqualTo(State.PARKED);
            assertThat(parked.changes()).isEqualTo(3);
            assertThat(parked.changesOffset()).isEqualTo(1);
            assertThat(applier.counts().lastError()).contains(parked.cause());
            assertThat(changes(scenario, parked))
                    .extracting(change -> change.token().changesOffset())
                    .as("in the order of the log")
                    .isSorted()
                    .hasSize(3);
            assertThat(changes(scenario, parked).getFirst())
                    .isEqualTo(
                            new TargetChange.Upsert(
                                    new Token(ApplierScenario.GENERATION, 1, 0), row(2, SECRET)));
        }
    }

    private static ParkedKey only(ApplierScenario scenario) {
        assertThat(scenario.parked()).hasSize(1);
        return scenario.parked().getFirst();
    }

    private static List<TargetChange> changes(ApplierScenario scenario, ParkedKey parked)
            throws Exception {
        try (Connection connection = scenario.login.connect()) {
            return new ParkedKeys(scenario.migration).changes(connection, parked.id());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {100, 40_000})
    void poisonedRowsStopExactlyTheirKeys(int rowsOfABatch) throws Exception {
        try (var scenario = new ApplierScenario(1, CHECKED)) {
            Set<Integer> poisoned = Set.of(0, 1, 77, 1_234, 1_999, 2_000, 4_999);
            for (int block = 0; block < 50; block++) {
                List<TargetChange> changes = new ArrayList<>();
                for (int i = 0; i < 100; i++) {
                    int id = 100 * block + i;
                    Token token = i == 0 ? scenario.next(0) : scenario.nextInBlock(0);
                    String value = poisoned.contains(id) ? SECRET : "x";
                    changes.add(new TargetChange.Upsert(token, row(id, value)));
                }
                scenario.send(0, changes);
            }
            scenario.awaitSent();
            scenario.start(ApplierScenario.limits(rowsOfABatch), scenario.sessions());
            scenario.awaitApplied();

            assertThat(scenario.parked())
                    .extracting(parked -> Integer.valueOf(parked.key().getFirst()))
                    .containsExactlyInAnyOrderElementsOf(poisoned);
            assertThat(scenario.database.value("SELECT count(*) FROM bad"))
                    .isEqualTo(String.valueOf(5_000 - poisoned.size()));
            assertThat(scenario.stored().rowsApplied()).isEqualTo(5_000 - poisoned.size());
        }
    }

    /// The commit fails several times after everything was written.
    @Test
    void aFailedCommitLeavesNothingParked() throws Exception {
        try (var scenario =
                new ApplierScenario(
                        1,
                        CHECKED,
                        "CREATE SEQUENCE failures",
                        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF"
                                + " nextval(''failures'') < 4 THEN RAISE EXCEPTION ''no'' USING ERRCODE"
                                + " = ''40001''; END IF; RETURN new; END' SECURITY DEFINER",
                        "CREATE CONSTRAINT TRIGGER t AFTER UPDATE ON millrace.stored_offset"
                                + " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fail()",
                        "ALTER TABLE millrace.stored_offset ENABLE ALWAYS TRIGGER t")) {
            scenario.upsert(0, row(1, SECRET));
            scenario.upsert(0, row(1, SECRET));
            scenario.upsert(0, row(2, "x"));
            scenario.start();
            scenario.awaitApplied();

            assertThat(only(scenario).changes()).isEqualTo(2);
            assertThat(changes(scenario, only(scenario))).hasSize(2);
            assertThat(scenario.database.query("SELECT id FROM bad"))
                    .isEqualTo(List.of(List.of("2")));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 10_000})
    void aChangeThatCannotBeMappedParksItsKeyFromThereOn(int rows) throws Exception {
        try (var scenario = new ApplierScenario(1, CHECKED)) {
            scenario.upsert(0, row(1, "before"));
            scenario.send(0, rejected(scenario.next(0), BAD, "1"));
            scenario.upsert(0, row(1, "after"));
            scenario.upsert(0, row(2, "other"));
            scenario.start(ApplierScenario.limits(rows), scenario.sessions());
            scenario.awaitApplied();

            assertThat(scenario.database.query("SELECT v FROM bad ORDER BY id"))
                    .isEqualTo(List.of(List.of("before"), List.of("other")));
            assertThat(only(scenario).cause()).isEqualTo("division by zero");
            assertThat(only(scenario).changes()).isEqualTo(2);
            assertThat(scenario.stopped()).isEmpty();
        }
    }

    static TargetChange.Rejected rejected(Token token, RowSchema table, String id) {
        TargetChange.Rejected without =
                ApplierScenario.rejected(token, table.table(), "division by zero");
        return new TargetChange.Rejected(
                token,
                without.target(),
                0,
                without.reason(),
                Optional.of(ApplierScenario.key(table, id)),
                without.image());
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aPartialRowWithoutARowParksItsKey(boolean carriesACell) throws Exception {
        try (var scenario =
                new ApplierScenario(1, "CREATE TABLE bad (id int PRIMARY KEY, v text, big text)")) {
            var partial = new Row.Builder(WIDE).text(0, "1").unchanged(2);
            scenario.upsert(
                    0, carriesACell ? partial.text(1, "x").build() : partial.unchanged(1).build());
            scenario.upsert(0, Row.of(WIDE, "2", "x", "y"));
            scenario.start();
            scenario.awaitApplied();

            assertThat(only(scenario).cause()).contains("no row of this key", "insert it again");
            assertThat(scenario.database.query("SELECT id FROM bad"))
                    .isEqualTo(List.of(List.of("2")));
        }
    }

    @Test
    void aTruncateEndsTheWaitOfItsKeys() throws Exception {
        try (var scenario = new ApplierScenario(2, CHECKED)) {
            scenario.upsert(0, row(1, SECRET));
            for (int partition = 0; partition < 2; partition++) {
                scenario.truncate(partition, BAD.table(), 9);
            }
            scenario.upsert(0, row(1, "after"));
            scenario.start();
            scenario.awaitApplied();

            assertThat(scenario.parked()).isEmpty();
            assertThat(scenario.database.query("SELECT v FROM bad"))
                    .isEqualTo(List.of(List.of("after")));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 10_000})
    void moreKeysThanTheLimitStopTheTable(int rows) throws Exception {
        try (var scenario =
                new ApplierScenario(1, CHECKED, "CREATE TABLE good (id int PRIMARY KEY, v text)")) {
            RowSchema good = ApplierScenario.rowSchema("good", "id", "v");
            scenario.limitRejected(3);
            IntStream.range(0, 3).forEach(id -> scenario.upsert(0, row(id, SECRET)));
            scenario.upsert(0, row(9, "x"));
            scenario.start(ApplierScenario.limits(rows), scenario.sessions());
            scenario.awaitApplied();
            assertThat(scenario.stopped()).isEmpty();
            assertThat(scenario.parked()).hasSize(3);

            scenario.upsert(0, row(3, SECRET));
            scenario.upsert(0, Row.of(good, "1", "x"));
            scenario.awaitApplied();
            scenario.upsert(0, row(10, "x"));
            scenario.upsert(0, Row.of(good, "2", "x"));
            scenario.awaitApplied();

            assertThat(scenario.stopped()).hasSize(1);
            assertThat(scenario.stopped().getFirst().reason())
                    .contains("more than 3 keys", "rejected-limit");
            assertThat(scenario.database.query("SELECT id FROM bad"))
                    .isEqualTo(List.of(List.of("9")));
            assertThat(scenario.database.value("SELECT count(*) FROM good")).isEqualTo("2");
            assertThat(scenario.parked()).hasSizeBetween(3, 4);
        }
    }

    @Test
    void namesAColumnWhoseTypeRefusesAText() throws Exception {
        String domain = "CREATE DOMAIN word AS text CONSTRAINT plain CHECK (VALUE <> 'hunter2')";
        try (var scenario =
                new ApplierScenario(
                        1,
                        domain,
                        "CREATE TABLE worded (id int PRIMARY KEY, v word, big text)",
                        "CREATE TABLE partly (id int PRIMARY KEY, v int, big text)",
                        "CREATE TABLE deleted (id int PRIMARY KEY)",
                        "INSERT INTO partly VALUES (1, 1, 'x')")) {
            RowSchema partly = named("partly", "1").schema();
            scenario.upsert(0, named("worded", "1"));
            scenario.upsert(
                    0, new Row.Builder(partly).text(0, "1").text(1, SECRET).unchanged(2).build());
            scenario.delete(0, Row.of(ApplierScenario.rowSchema("deleted", "id"), SECRET));
            scenario.start();
            scenario.awaitApplied();

            assertThat(scenario.parked().stream().map(ParkedKey::cause).sorted().toList())
                    .satisfiesExactly(
                            reason -> assertThat(reason).contains("deleted", "22P02", "column id"),
                            reason -> assertThat(reason).contains("partly", "22P02", "column v"),
                            reason ->
                                    assertThat(reason)
                                            .contains("23514", "column v", "constraint plain"))
                    .noneMatch(reason -> reason.contains(SECRET));
        }
    }

    private static Row named(String table, String id) {
        return Row.of(ApplierScenario.rowSchema(table, "id", "v", "big"), id, SECRET, "large");
    }

    @Test
    void namesTheColumnOfALargeBatch() throws Exception {
        try (var scenario =
                new ApplierScenario(1, "CREATE TABLE bad (id int PRIMARY KEY, v varchar(7))")) {
            for (int i = 0; i < 3_000; i++) {
                scenario.upsert(0, Row.of(BAD, "" + i, i == 2_000 ? SECRET + SECRET : "x"));
            }
            scenario.awaitSent();
            scenario.start();
            scenario.awaitApplied();

            assertThat(only(scenario).cause()).contains("22001", "column v").doesNotContain(SECRET);
        }
    }
}
