package dev.millrace.apply;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;
import static org.awaitility.Awaitility.await;

import dev.millrace.apply.refusal.KeyRequest;
import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TargetChange;
import dev.millrace.control.ParkedKeys.ParkedKey;
import dev.millrace.control.ParkedKeys.State;
import dev.millrace.control.StoredOffsets;
import java.sql.Connection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Another row is in the way of a change, perhaps only because partitions commit apart. Then the
/// key is held, and tried again when every partition has passed a later watermark; only what is
/// refused without that cause is parked.
class HeldKeyIT {

    private static final RowSchema ITEM = ApplierScenario.rowSchema("item", "id", "code");
    private static final RowSchema WIDE = ApplierScenario.rowSchema("item", "id", "code", "big");
    private static final String UNIQUE =
            "CREATE TABLE item (id int PRIMARY KEY, code text UNIQUE, big text, note text DEFAULT"
                    + " 'new')";

    private final Watermarked watermarks = new Watermarked(1_001);

    private static Row row(int id, String code) {
        return Row.of(ITEM, String.valueOf(id), code);
    }

    private static Row key(int id) {
        return ApplierScenario.key(ITEM, String.valueOf(id));
    }

    private static List<List<String>> items(ApplierScenario scenario) {
        return scenario.database.query("SELECT id, code FROM item ORDER BY id");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                UNIQUE,
                "CREATE TABLE item (id int PRIMARY KEY, code text, EXCLUDE USING btree (code WITH"
                        + " =))",
                "CREATE TABLE item (id int PRIMARY KEY, code text, UNIQUE (code) DEFERRABLE"
                        + " INITIALLY DEFERRED)",
            })
    void aKeyUpdateWhosePartsAreInTwoPartitionsConverges(String table) throws Exception {
        try (var scenario = new ApplierScenario(2, table)) {
            scenario.upsert(1, row(1, "a"));
            scenario.start(ApplierScenario.limits(100), scenario.withoutReplicaRole());
            scenario.awaitApplied();
            scenario.upsert(0, row(2, "a"));
            Watermarked.awaitHeld(scenario, 1);
            scenario.upsert(0, row(3, "b"));
            scenario.delete(1, key(1));
            watermarks.awaitSettled(scenario);

            assertThat(items(scenario)).isEqualTo(List.of(List.of("2", "a"), List.of("3", "b")));
            assertThat(scenario.parked()).isEmpty();
            assertThat(scenario.stopped()).isEmpty();
        }
    }

    /// A wait for a watermark is also a wait for the held key.
    @Test
    void theStoredWatermarkDoesNotPassAHeldKey() throws Exception {
        try (var scenario = new ApplierScenario(2, UNIQUE)) {
            scenario.upsert(1, row(1, "a"));
            scenario.start();
            scenario.watermark(100);
            scenario.awaitApplied(100);
            scenario.upsert(0, row(2, "a"));
            scenario.watermark(0, 200);
            scenario.watermark(0, 300);
            Watermarked.awaitHeld(scenario, 1);
            scenario.upsert(0, row(4, "d"));
            await().until(() -> items(scenario).size() == 2);

            assertThat(scenario.stored().partitions().getFirst().watermark().number())
                    .isEqualTo(100);
            assertThat(passed(scenario)).as("what the next applier judges by").isEqualTo(300);

            scenario.delete(1, key(1));
            scenario.watermark(1, 300);
            scenario.watermark(400);
            scenario.awaitApplied(400);
            assertThat(items(scenario)).isEqualTo(List.of(List.of("2", "a"), List.of("4", "d")));
        }
    }

    private static long passed(ApplierScenario scenario) throws Exception {
        try (Connection connection = scenario.login.connect()) {
            return new StoredOffsets(scenario.migration, scenario.topics.target())
                    .readPassed(connection)
                    .partitions()
                    .getFirst()
                    .watermark()
                    .number();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void valuesThatAreSwappedConverge(boolean onePartition) throws Exception {
        try (var scenario = new ApplierScenario(2, UNIQUE)) {
            int other = onePartition ? 0 : 1;
            scenario.upsert(0, row(1, "a"));
            scenario.upsert(other, row(2, "b"));
            scenario.start();
            scenario.awaitApplied();
            scenario.database.execute("UPDATE item SET note = 'kept'");
            scenario.upsert(0, row(1, "b"));
            scenario.upsert(other, row(2, "a"));
            watermarks.awaitSettled(scenario);

            assertThat(scenario.database.query("SELECT id, code, note FROM item ORDER BY id"))
                    .isEqualTo(List.of(List.of("1", "b", "kept"), List.of("2", "a", "kept")));
            assertThat(scenario.parked()).isEmpty();
        }
    }

    @Test
    void partialRowsThatSwapValuesKeepTheirOtherCells() throws Exception {
        try (var scenario = new ApplierScenario(2, UNIQUE)) {
            scenario.upsert(0, Row.of(WIDE, "1", "a", "one"));
            scenario.upsert(1, Row.of(WIDE, "2", "b", "two"));
            scenario.start();
            scenario.awaitApplied();
            scenario.upsert(0, partial("1", "b"));
            scenario.upsert(1, partial("2", "a"));
            watermarks.awaitSettled(scenario);

            assertThat(scenario.database.query("SELECT id, code, big FROM item ORDER BY id"))
                    .isEqualTo(List.of(List.of("1", "b", "one"), List.of("2", "a", "two")));
            assertThat(scenario.parked()).isEmpty();
        }
    }

    private static Row partial(String id, String code) {
        return new Row.Builder(WIDE).text(0, id).text(1, code).unchanged(2).build();
    }

    @Test
    void onlyARealConflictIsParkedBesideASwap() throws Exception {
        try (var scenario = new ApplierScenario(2, UNIQUE)) {
            scenario.database.execute("INSERT INTO item VALUES (99, 'taken')");
            scenario.upsert(0, row(1, "a"));
            scenario.upsert(1, row(2, "b"));
            scenario.start();
            scenario.awaitApplied();
            scenario.upsert(0, row(1, "b"));
            scenario.upsert(1, row(2, "a"));
            scenario.upsert(0, row(3, "taken"));
            watermarks.awaitSettled(scenario);

            assertThat(items(scenario))
                    .isEqualTo(
                            List.of(List.of("1", "b"), List.of("2", "a"), List.of("99", "taken")));
            assertThat(scenario.parked()).hasSize(1);
            ParkedKey parked = scenario.parked().getFirst();
            assertThat(parked.key()).containsExactly("3");
            assertThat(parked.state()).isEqualTo(State.PARKED);
            assertThat(parked.cause()).contains("23505").doesNotContain("taken");
        }
    }

    @Test
    void aHeldKeyIsReleasedByTheNextApplier() throws Exception {
        try (var scenario = new ApplierScenario(2, UNIQUE)) {
            scenario.upsert(1, row(1, "a"));
            TargetApplier first = scenario.start();
            scenario.awaitApplied();
            scenario.upsert(0, row(2, "a"));
            Watermarked.awaitHeld(scenario, 1);
            first.close();
            scenario.upsert(0, row(2, "c"));
            scenario.upsert(0, row(2, "a"));
            scenario.delete(1, key(1));
            scenario.start();
            watermarks.awaitSettled(scenario);

            assertThat(items(scenario)).isEqualTo(List.of(List.of("2", "a")));
            assertThat(scenario.parked()).isEmpty();
        }
    }

    @Test
    void aConflictWithADeferredConstraintParksItsKeyOnly() throws Exception {
        try (var scenario =
                new ApplierScenario(
                        1,
                        "CREATE TABLE item (id int PRIMARY KEY, code text,"
                                + " CONSTRAINT late UNIQUE (code) DEFERRABLE INITIALLY DEFERRED)",
                        "INSERT INTO item VALUES (99, 'taken')")) {
            scenario.upsert(0, row(1, "taken"));
            scenario.upsert(0, row(2, "x"));
            scenario.start(ApplierScenario.limits(100), scenario.withoutReplicaRole());
            watermarks.awaitSettled(scenario);

            assertThat(scenario.parked())
                    .singleElement()
                    .satisfies(
                            parked ->
                                    assertThat(parked.cause())
                                            .contains("item", "23505", "constraint late")
                                            .doesNotContain("taken"));
            assertThat(items(scenario))
                    .isEqualTo(List.of(List.of("2", "x"), List.of("99", "taken")));
        }
    }

    @Test
    void aHeldKeyWhoseLaterChangeCannotBeMappedIsParked() throws Exception {
        try (var scenario = new ApplierScenario(2, UNIQUE)) {
            scenario.upsert(1, row(1, "a"));
            scenario.start();
            scenario.awaitApplied();
            scenario.upsert(0, row(2, "a"));
            Watermarked.awaitHeld(scenario, 1);
            scenario.send(0, ParkedKeyIT.rejected(scenario.next(0), ITEM, "2"));
            watermarks.awaitSettled(scenario);

            assertThat(scenario.parked())
                    .extracting(ParkedKey::state, ParkedKey::cause, ParkedKey::changes)
                    .containsExactly(tuple(State.PARKED, "division by zero", 2L));
        }
    }

    /// A session without the replica role checks foreign keys.
    @Test
    void aChildBeforeItsParentConverges() throws Exception {
        try (var scenario =
                new ApplierScenario(
                        2,
                        "CREATE TABLE parent (id int PRIMARY KEY)",
                        "CREATE TABLE item (id int PRIMARY KEY, code int REFERENCES parent)")) {
            scenario.start(ApplierScenario.limits(100), scenario.withoutReplicaRole());
            scenario.upsert(0, row(1, "7"));
            Watermarked.awaitHeld(scenario, 1);
            scenario.upsert(1, Row.of(ApplierScenario.rowSchema("parent", "id"), "7"));
            watermarks.awaitSettled(scenario);

            assertThat(items(scenario)).isEqualTo(List.of(List.of("1", "7")));
        }
    }

    @Test
    void retryAppliesTheChangesOfAKeyInTheirOrder() throws Exception {
        try (var scenario = new ApplierScenario(2, checked())) {
            scenario.upsert(0, Row.of(WIDE, "1", "poison", "big"));
            scenario.upsert(1, Row.of(WIDE, "2", "poison", "big"));
            TargetApplier applier = scenario.start();
            scenario.awaitApplied();
            scenario.upsert(0, partial("1", "x"));
            scenario.delete(1, key(2));
            scenario.awaitApplied();

            KeyRequest.Outcome refused = ask(applier, new KeyRequest.Retry(Set.of()));
            assertThat(refused.done()).as("the refused row is overwritten or deleted").hasSize(2);
            assertThat(scenario.database.query("SELECT id, code, big FROM item"))
                    .isEqualTo(List.of(List.of("1", "x", "big")));

            scenario.upsert(0, Row.of(WIDE, "1", "poison", "big"));
            scenario.upsert(0, Row.of(WIDE, "3", "poison", "big"));
            scenario.awaitApplied();
            assertThat(ask(applier, new KeyRequest.Retry(Set.of())).refused()).hasSize(2);
            scenario.database.execute("ALTER TABLE item DROP CONSTRAINT nice");
            long third = scenario.parked().getLast().id();
            assertThat(ask(applier, new KeyRequest.Retry(Set.of(third, 77L))))
                    .isEqualTo(
                            new KeyRequest.Outcome(
                                    List.of(third),
                                    Map.of(
                                            77L,
                                            "No key with this id waits. Its changes may be applied"
                                                    + " already: see 'millrace rejected list'.")));
            assertThat(ask(applier, new KeyRequest.Retry(Set.of())).done()).hasSize(1);
            scenario.upsert(0, Row.of(WIDE, "1", "last", "big"));
            scenario.awaitApplied();

            assertThat(scenario.database.query("SELECT id, code FROM item ORDER BY id"))
                    .isEqualTo(List.of(List.of("1", "last"), List.of("3", "poison")));
            assertThat(scenario.parked()).isEmpty();
        }
    }

    private static String checked() {
        return "CREATE TABLE item (id int PRIMARY KEY,"
                + " code text CONSTRAINT nice CHECK (code <> 'poison'), big text)";
    }

    private static KeyRequest.Outcome ask(TargetApplier applier, KeyRequest request)
            throws Exception {
        return applier.ask(request).get(ApplierScenario.TIMEOUT.toSeconds(), TimeUnit.SECONDS);
    }

    @Test
    void aSkippedKeyTakesLaterChanges() throws Exception {
        try (var scenario = new ApplierScenario(1, checked())) {
            scenario.upsert(0, row(1, "before"));
            scenario.upsert(0, row(2, "x"));
            TargetApplier applier = scenario.start();
            scenario.awaitApplied();
            scenario.upsert(0, row(1, "poison"));
            scenario.awaitApplied();
            long id = scenario.parked().getFirst().id();

            assertThat(ask(applier, new KeyRequest.Skip(Set.of(id), "ann", "test row")).done())
                    .containsExactly(id);

            assertThat(items(scenario))
                    .isEqualTo(List.of(List.of("1", "before"), List.of("2", "x")));
            ParkedKey skipped = scenario.parked().getFirst();
            assertThat(skipped.state()).isEqualTo(State.SKIPPED);
            assertThat(skipped.skip().orElseThrow().reason()).isEqualTo("test row");
            assertThat(scenario.database.value("SELECT count(*) FROM millrace.parked_change"))
                    .isEqualTo("0");
            scenario.send(0, new TargetChange.Upsert(scenario.next(0), row(1, "after")));
            scenario.awaitApplied();
            assertThat(items(scenario))
                    .isEqualTo(List.of(List.of("1", "after"), List.of("2", "x")));
        }
    }
}
