package dev.millrace.apply;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.apply.refusal.KeyRequest;
import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.control.ParkedKeys.ParkedKey;
import dev.millrace.control.ParkedKeys.State;
import dev.millrace.testing.CutProxy;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/// A hold ends also when it is not a matter of order, or when Millrace may not solve it: the key is
/// parked, and no other row pays for it.
class UnresolvedHoldIT {

    private static final RowSchema ITEM = ApplierScenario.rowSchema("item", "id", "code");
    private static final RowSchema WIDE = ApplierScenario.rowSchema("item", "id", "code", "big");
    private static final String UNIQUE =
            "CREATE TABLE item (id int PRIMARY KEY, code text UNIQUE, big text)";

    private final Watermarked watermarks = new Watermarked(1_001);

    private static Row row(int id, String code) {
        return Row.of(ITEM, String.valueOf(id), code);
    }

    /// A session without the replica role fires the foreign keys of other tables.
    @Test
    void rowsThatReferToSwappedOnesAreKept() throws Exception {
        try (var scenario =
                new ApplierScenario(
                        2,
                        UNIQUE,
                        "CREATE TABLE child (item int REFERENCES item ON DELETE CASCADE)")) {
            scenario.upsert(0, row(1, "a"));
            scenario.upsert(1, row(2, "b"));
            TargetApplier applier =
                    scenario.start(ApplierScenario.limits(100), scenario.withoutReplicaRole());
            scenario.awaitApplied();
            scenario.database.execute("INSERT INTO child VALUES (1), (2)");
            scenario.upsert(0, row(1, "b"));
            scenario.upsert(1, row(2, "a"));
            watermarks.awaitSettled(scenario);
            applier.ask(new KeyRequest.Retry(Set.of()))
                    .get(ApplierScenario.TIMEOUT.toSeconds(), TimeUnit.SECONDS);

            assertThat(scenario.database.query("SELECT item FROM child ORDER BY item"))
                    .isEqualTo(List.of(List.of("1"), List.of("2")));
            assertThat(scenario.parked())
                    .extracting(ParkedKey::state)
                    .containsExactly(State.PARKED, State.PARKED);
        }
    }

    @Test
    void aConflictIsParkedAlthoughTheTargetKeepsTheRow() throws Exception {
        try (var scenario =
                new ApplierScenario(2, UNIQUE, "CREATE TABLE child (item int REFERENCES item)")) {
            scenario.database.execute("INSERT INTO item VALUES (99, 'taken')");
            scenario.upsert(0, row(1, "a"));
            scenario.start(ApplierScenario.limits(100), scenario.withoutReplicaRole());
            scenario.awaitApplied();
            scenario.database.execute("INSERT INTO child VALUES (1)");
            scenario.upsert(0, row(1, "taken"));
            watermarks.awaitSettled(scenario);

            assertThat(scenario.parked())
                    .extracting(ParkedKey::state)
                    .containsExactly(State.PARKED);
        }
    }

    @Test
    void manyPartialRowsWithAConflictAreParked() throws Exception {
        int rows = 70;
        try (var scenario = new ApplierScenario(2, UNIQUE)) {
            scenario.database.execute(
                    "INSERT INTO item SELECT 1000 + i, 'taken' || i FROM generate_series(1, "
                            + rows
                            + ") i");
            for (int id = 1; id <= rows; id++) {
                scenario.upsert(0, Row.of(WIDE, String.valueOf(id), "c" + id, "big"));
            }
            scenario.start();
            scenario.awaitApplied();
            for (int id = 1; id <= rows; id++) {
                scenario.upsert(
                        0,
                        new Row.Builder(WIDE)
                                .text(0, String.valueOf(id))
                                .text(1, "taken" + id)
                                .unchanged(2)
                                .build());
            }
            watermarks.awaitSettled(scenario);

            assertThat(scenario.parked()).hasSize(rows);
        }
    }

    /// The process does not learn that the key is held.
    @Test
    void aKeyIsReleasedAlthoughTheReplyToItsCommitWasLost() throws Exception {
        try (var scenario = new ApplierScenario(2, UNIQUE);
                CutProxy proxy = CutProxy.before(scenario.database)) {
            scenario.upsert(1, row(1, "a"));
            scenario.start(
                    ApplierScenario.limits(100),
                    ApplierScenario.sessions(scenario.login.through(proxy)));
            scenario.awaitApplied();
            proxy.cutAfterSending("COMMIT");
            scenario.upsert(0, row(2, "a"));
            Watermarked.awaitHeld(scenario, 1);
            scenario.delete(1, ApplierScenario.key(ITEM, "1"));
            watermarks.awaitSettled(scenario);

            assertThat(proxy.hasCut()).isTrue();
            assertThat(scenario.database.query("SELECT id, code FROM item"))
                    .isEqualTo(List.of(List.of("2", "a")));
        }
    }

    @Test
    void aSkippedHoldLetsTheWatermarkPass() throws Exception {
        try (var scenario = new ApplierScenario(2, UNIQUE)) {
            scenario.upsert(1, row(1, "a"));
            TargetApplier applier = scenario.start();
            scenario.awaitApplied();
            scenario.upsert(0, row(2, "a"));
            Watermarked.awaitHeld(scenario, 1);
            long id = scenario.parked().getFirst().id();

            applier.ask(new KeyRequest.Skip(Set.of(id), "ann", "not needed"))
                    .get(ApplierScenario.TIMEOUT.toSeconds(), TimeUnit.SECONDS);
            watermarks.awaitSettled(scenario);

            assertThat(scenario.database.query("SELECT id, code FROM item"))
                    .isEqualTo(List.of(List.of("1", "a")));
        }
    }

    /// The table has changed since the key was set aside.
    @Test
    void aRetryDoesNotStopTheTable() throws Exception {
        try (var scenario =
                new ApplierScenario(
                        1,
                        "CREATE TABLE item (id int PRIMARY KEY,"
                                + " code text CHECK (code <> 'poison'), big text)")) {
            scenario.upsert(0, Row.of(WIDE, "1", "poison", "big"));
            TargetApplier applier = scenario.start();
            scenario.awaitApplied();
            scenario.database.execute("ALTER TABLE item DROP COLUMN big");

            KeyRequest.Outcome outcome =
                    applier.ask(new KeyRequest.Retry(Set.of()))
                            .get(ApplierScenario.TIMEOUT.toSeconds(), TimeUnit.SECONDS);

            assertThat(outcome.refused().values()).singleElement().asString().contains("big");
            assertThat(scenario.stopped()).isEmpty();
            scenario.upsert(0, row(2, "x"));
            scenario.awaitApplied();
            assertThat(scenario.database.query("SELECT id FROM item"))
                    .isEqualTo(List.of(List.of("2")));
        }
    }
}
