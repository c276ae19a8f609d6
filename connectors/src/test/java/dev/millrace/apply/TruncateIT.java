package dev.millrace.apply;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.millrace.apply.refusal.KeyRequest;
import dev.millrace.apply.sql.TableRule;
import dev.millrace.apply.sql.TableRule.Truncation;
import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.control.ParkedKeys.ParkedKey;
import dev.millrace.control.ParkedKeys.State;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/// A TRUNCATE deletes the rows that come from the truncated table, and what waits of their keys.
class TruncateIT {

    private static final TableId NOTE = new TableId("public", "note");
    private static final RowSchema EU = part("eu");
    private static final RowSchema US = part("us");
    private static final String NOTES =
            "CREATE TABLE note (id int, region varchar(3), body text CHECK (body <> 'bad'),"
                    + " PRIMARY KEY (region, id))";
    private static final RowSchema ITEM = ApplierScenario.rowSchema("item", "id", "code");

    /// Two mappings write the table, each its own rows.
    private static RowSchema part(String region) {
        return RowSchema.keyed(
                NOTE.withPart(region), List.of("id", "region", "body"), List.of("region", "id"));
    }

    private static TableRule rowsThat(String condition) {
        return new TableRule(Map.of(), new Truncation.Rows(condition));
    }

    private static Row note(RowSchema schema, int id, String body) {
        return Row.of(schema, String.valueOf(id), schema.table().part(), body);
    }

    private static List<List<String>> notes(ApplierScenario scenario) {
        return scenario.database.query("SELECT region, id FROM note ORDER BY region, id");
    }

    @Test
    void deletesOnlyTheRowsAndTheKeysOfTheTruncatedTable() throws Exception {
        try (var scenario = new ApplierScenario(2, NOTES)) {
            scenario.rules(
                    Map.of(
                            EU.table(),
                            rowsThat("\"region\" = 'eu'"),
                            US.table(),
                            rowsThat("\"region\" = 'us'")));
            scenario.upsert(0, note(EU, 1, "good"));
            scenario.upsert(0, note(EU, 2, "bad"));
            scenario.upsert(1, note(US, 1, "good"));
            scenario.upsert(1, note(US, 2, "bad"));
            scenario.upsert(1, note(US, 3, "bad"));
            TargetApplier applier = scenario.start();
            scenario.awaitApplied();
            long third =
                    scenario.parked().stream()
                            .filter(key -> key.key().equals(List.of("us", "3")))
                            .findFirst()
                            .orElseThrow()
                            .id();
            applier.ask(new KeyRequest.Skip(Set.of(third), "ann", "test row"))
                    .get(ApplierScenario.TIMEOUT.toSeconds(), TimeUnit.SECONDS);
            assertThat(scenario.parked()).hasSize(3);

            scenario.truncate(9, US.table());
            scenario.upsert(1, note(US, 2, "good"));
            scenario.awaitApplied();

            assertThat(notes(scenario)).isEqualTo(List.of(List.of("eu", "1"), List.of("us", "2")));
            assertThat(scenario.parked())
                    .extracting(ParkedKey::key)
                    .containsExactly(List.of("eu", "2"));
            assertThat(scenario.database.value("SELECT count(*) FROM millrace.parked_change"))
                    .isEqualTo("1");
            assertThat(scenario.stopped()).isEmpty();
        }
    }

    @Test
    void keepsTheRowsThatTheMappingExcludes() throws Exception {
        try (var scenario = new ApplierScenario(2, NOTES)) {
            scenario.rules(Map.of(EU.table(), rowsThat("(\"body\" <> 'hidden')")));
            scenario.database.execute(
                    "INSERT INTO note VALUES (7, 'eu', 'hidden'), (8, 'eu', NULL)");
            scenario.upsert(0, note(EU, 1, "good"));
            scenario.upsert(1, note(EU, 2, "bad"));
            scenario.truncate(9, EU.table());
            scenario.start();
            scenario.awaitApplied();

            assertThat(notes(scenario)).isEqualTo(List.of(List.of("eu", "7"), List.of("eu", "8")));
            assertThat(scenario.parked()).isEmpty();
        }
    }

    /// The key that waited before the TRUNCATE must not bring its row back.
    @Test
    void aTruncateThatAStoppedTableMissedForgetsTheKeysOfItsRows() throws Exception {
        try (var scenario = new ApplierScenario(2, NOTES)) {
            scenario.rules(
                    Map.of(
                            EU.table(),
                            rowsThat("\"region\" = 'eu'"),
                            US.table(),
                            rowsThat("\"region\" = 'us'")));
            TableResumeIT.note(scenario, "note");
            TargetApplier applier = scenario.start();
            scenario.upsert(0, note(EU, 1, "good"));
            scenario.upsert(0, note(EU, 2, "bad"));
            scenario.upsert(1, note(US, 3, "bad"));
            scenario.awaitApplied();
            assertThat(scenario.parked()).hasSize(2);
            scenario.database.execute("ALTER TABLE note RENAME body TO other");
            scenario.upsert(0, note(EU, 4, "good"));
            scenario.truncate(9, EU.table());
            scenario.upsert(0, note(EU, 5, "good"));
            scenario.awaitApplied();
            assertThat(scenario.stopped()).hasSize(1);
            scenario.database.execute("ALTER TABLE note RENAME other TO body");

            KeyRequest.Outcome resumed =
                    applier.ask(new KeyRequest.Resume(NOTE))
                            .get(ApplierScenario.TIMEOUT.toSeconds(), TimeUnit.SECONDS);

            assertThat(resumed.refusal()).isEmpty();
            await().atMost(ApplierScenario.TIMEOUT).until(() -> scenario.stopped().isEmpty());
            scenario.awaitApplied();
            assertThat(notes(scenario)).isEqualTo(List.of(List.of("eu", "5")));
            assertThat(scenario.parked())
                    .extracting(ParkedKey::key)
                    .containsExactly(List.of("us", "3"));
        }
    }

    @Test
    void aTableThatRefusesItStopsAndKeepsItsRows() throws Exception {
        try (var scenario =
                new ApplierScenario(
                        2, NOTES, "CREATE TABLE item (id int PRIMARY KEY, code text)")) {
            scenario.rules(Map.of(EU.table(), new TableRule(Map.of(), new Truncation.Refused())));
            scenario.upsert(0, note(EU, 1, "good"));
            scenario.upsert(0, note(EU, 2, "bad"));
            scenario.upsert(1, Row.of(ITEM, "1", "a"));
            scenario.truncate(9, ITEM.table(), EU.table());
            scenario.upsert(0, note(EU, 3, "good"));
            scenario.upsert(1, Row.of(ITEM, "2", "b"));
            scenario.start();
            scenario.awaitApplied();

            assertThat(scenario.stopped()).hasSize(1);
            assertThat(scenario.stopped().getFirst().reason())
                    .startsWith(
                            "public.note: the table that its rows come from was truncated, and"
                                    + " 'truncate: refuse' keeps the rows here.");
            assertThat(notes(scenario)).isEqualTo(List.of(List.of("eu", "1")));
            assertThat(scenario.parked()).extracting(ParkedKey::key).hasSize(1);
            assertThat(scenario.database.query("SELECT id FROM item"))
                    .isEqualTo(List.of(List.of("2")));
        }
    }

    /// The row that is in the way and the row that is held go together, and the value is free.
    @Test
    void aHeldKeyDoesNotOutliveTheTruncate() throws Exception {
        Watermarked watermarks = new Watermarked(1_001);
        try (var scenario =
                new ApplierScenario(
                        2, "CREATE TABLE item (id int PRIMARY KEY, code text UNIQUE)")) {
            scenario.upsert(1, Row.of(ITEM, "1", "a"));
            scenario.start();
            scenario.watermark(100);
            scenario.awaitApplied(100);
            scenario.upsert(0, Row.of(ITEM, "2", "a"));
            Watermarked.awaitHeld(scenario, 1);

            scenario.truncate(9, ITEM.table());
            scenario.upsert(0, Row.of(ITEM, "3", "a"));
            watermarks.awaitSettled(scenario);

            assertThat(scenario.parked()).isEmpty();
            assertThat(scenario.database.query("SELECT id, code FROM item"))
                    .isEqualTo(List.of(List.of("3", "a")));
        }
    }

    /// Nothing but the TRUNCATE ends the hold of this key: its watermark is stored with it.
    @Test
    void theStoredWatermarkPassesWithTheTruncate() throws Exception {
        try (var scenario =
                new ApplierScenario(
                        1, "CREATE TABLE item (id int PRIMARY KEY, code text UNIQUE)")) {
            scenario.database.execute("INSERT INTO item VALUES (9, 'a')");
            scenario.watermark(100);
            scenario.upsert(0, Row.of(ITEM, "2", "a"));
            scenario.start();
            Watermarked.awaitHeld(scenario, 1);
            assertThat(scenario.parked()).allMatch(key -> key.state() == State.HELD);

            scenario.truncate(9, ITEM.table());
            scenario.watermark(200);
            scenario.awaitApplied(200);

            assertThat(scenario.parked()).isEmpty();
            assertThat(scenario.database.query("SELECT FROM item")).isEmpty();
        }
    }
}
