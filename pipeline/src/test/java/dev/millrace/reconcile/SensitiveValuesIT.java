package dev.millrace.reconcile;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.Row;
import dev.millrace.change.TableId;
import dev.millrace.mapping.Mapping;
import dev.millrace.mapping.RowMapper;
import dev.millrace.reconcile.ReconciliationReport.Cell;
import dev.millrace.reconcile.ReconciliationReport.ChunkReport;
import dev.millrace.reconcile.ReconciliationReport.Kind;
import dev.millrace.reconcile.ReconciliationReport.Mismatch;
import dev.millrace.reconcile.ReconciliationReport.TableReport;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;

/// The values of both sides that a report shows, and those that it must not show.
class SensitiveValuesIT {

    private static final TableId CUSTOMER = new TableId("crm", "customer");
    private static final String HASH = "hash:[0-9a-f]{16}";

    @AutoClose private final UsersScene scene = new UsersScene();

    private void hide(String... columns) {
        scene.sensitive = SensitiveColumns.ofTargets(Map.of(CUSTOMER, Set.of(columns)));
    }

    private static Mismatch one(TableReport table) {
        assertThat(table.mismatches()).hasSize(1);
        return table.mismatches().getFirst();
    }

    @Test
    void aMismatchHasTheValuesOfBothSides() {
        scene.target.execute(
                "UPDATE crm.customer SET full_name = 'other', amount = 7 WHERE id = 5");

        assertThat(one(scene.table()).values())
                .containsExactly(
                        new Cell("full_name", "name 5", "other"), new Cell("amount", "7.50", "7"));
    }

    /// The key is not repeated.
    @Test
    void aRowThatOnlyOneSideHasIsShownWithItsValues() {
        scene.target.execute(
                "DELETE FROM crm.customer WHERE id = 5",
                "INSERT INTO crm.customer VALUES (-1, NULL, 9.0)");

        TableReport table = scene.table();

        assertThat(UsersScene.keys(table)).containsExactlyInAnyOrder("missing 5", "extra -1");
        assertThat(values(table, Kind.MISSING))
                .containsExactly(
                        new Cell("full_name", "name 5", null), new Cell("amount", "7.50", null));
        assertThat(values(table, Kind.EXTRA))
                .containsExactly(
                        new Cell("full_name", null, null), new Cell("amount", null, "9.0"));
        assertThat(table.mismatches()).allMatch(found -> found.columns().isEmpty());
    }

    private static List<Cell> values(TableReport table, Kind kind) {
        return table.mismatches().stream()
                .filter(found -> found.kind() == kind)
                .flatMap(found -> found.values().stream())
                .toList();
    }

    @Test
    void everyListedRowHasItsValues() {
        scene.source.execute(
                "INSERT INTO users SELECT i, 'name ' || i, i, false"
                        + " FROM generate_series(1001, 1900) i");
        scene.target.execute(
                "INSERT INTO crm.customer SELECT -i, 'stranger', i"
                        + " FROM generate_series(1001, 1900) i");

        TableReport table = scene.table();

        assertThat(table.differences()).isEqualTo(1_800);
        assertThat(table.mismatches())
                .hasSize(ReconciliationReport.LISTED)
                .allMatch(found -> found.values().size() == 2);
    }

    /// More keys wait than are listed; they are undecided.
    @Test
    void keysThatWaitDoNotTakeTheValuesOfListedRows() {
        int rows = 2 * ReconciliationReport.LISTED;
        scene.target.execute(
                "INSERT INTO crm.customer SELECT i, 'stranger', i FROM generate_series(1001, %d) i"
                        .formatted(1_000 + rows),
                """
                INSERT INTO millrace.parked_key (migration, generation, partition, target_schema, target_name,
                    target_part, key_values, key_hash, state, cause, changes_offset, change_index, changes, bytes)
                SELECT '%s', 1, 0, 'crm', 'customer', '', ARRAY[id::text], id::text::bytea, 'parked', 'why', 0, 0, 1, 1
                FROM crm.customer WHERE id > 1000 AND id %% 20 <> 0
                """
                        .formatted(scene.topics.migration()));

        TableReport table = scene.table();

        assertThat(table.undecided()).isEqualTo(rows * 19 / 20);
        assertThat(table.mismatches())
                .hasSize(rows / 20)
                .allMatch(found -> found.values().size() == 2);
    }

    @Test
    void nullIsNotAnEmptyText() {
        scene.write(5, "", "7.50");
        scene.progress.catchUp();
        scene.target.execute("UPDATE crm.customer SET full_name = NULL WHERE id = 5");

        assertThat(one(scene.table()).values()).containsExactly(new Cell("full_name", "", null));
    }

    @Test
    void ofALongValueTheReportHasThePartThatDiffers() {
        String common = "x".repeat(5_000) + "😀";
        scene.write(5, common + "A" + common, "7.50");
        scene.progress.catchUp();
        scene.target.execute(
                "UPDATE crm.customer SET full_name = '%sB%s' WHERE id = 5"
                        .formatted(common, common));

        Cell cell = one(scene.table()).values().getFirst();

        assertThat(cell.source()).startsWith("…x").contains("😀A").endsWith("…");
        assertThat(cell.target()).startsWith("…x").contains("😀B").endsWith("…");
        assertThat(
                        List.of(
                                Objects.requireNonNull(cell.source()),
                                Objects.requireNonNull(cell.target())))
                .allMatch(text -> text.length() <= ShownValues.MOST_CHARACTERS + 2);
    }

    @Test
    void aSensitiveValueIsAHashInTheWholeReport() {
        hide("full_name");
        scene.target.execute(
                "UPDATE crm.customer SET full_name = 'secret other' WHERE id IN (5, 6)");

        ReconciliationReport report = scene.reconcile();

        TableReport table = report.tables().getFirst();
        assertThat(table.sensitive()).containsExactly("full_name");
        assertThat(table.mismatches()).hasSize(2);
        Cell first = table.mismatches().getFirst().values().getFirst();
        Cell second = table.mismatches().getLast().values().getFirst();
        assertThat(first.source()).matches(HASH).isNotEqualTo(second.source());
        assertThat(first.target()).matches(HASH).isEqualTo(second.target());
        assertThat(ReportJson.write(report)).doesNotContain("name 5", "name 6", "secret");
    }

    @Test
    void aValueCannotBeFoundByHashingGuesses() {
        hide("full_name");
        scene.target.execute("UPDATE crm.customer SET full_name = 'guess' WHERE id = 5");

        String once = one(scene.table()).values().getFirst().target();
        String again = one(scene.table()).values().getFirst().target();

        assertThat(once).as("the key is another one in each report").isNotEqualTo(again);
    }

    @Test
    void sensitiveValuesOfARowThatOnlyOneSideHasAreHashes() {
        hide("full_name");
        scene.target.execute(
                "DELETE FROM crm.customer WHERE id = 5",
                "INSERT INTO crm.customer VALUES (-1, 'secret', 9)");

        ReconciliationReport report = scene.reconcile();

        TableReport table = report.tables().getFirst();
        assertThat(values(table, Kind.MISSING).getFirst().source()).matches(HASH);
        assertThat(values(table, Kind.EXTRA).getFirst().target()).matches(HASH);
        assertThat(ReportJson.write(report)).doesNotContain("name 5", "secret");
    }

    @Test
    void nullOfASensitiveColumnIsShownAsNull() {
        hide("full_name");
        scene.target.execute("UPDATE crm.customer SET full_name = NULL WHERE id = 5");

        Cell cell = one(scene.table()).values().getFirst();

        assertThat(cell.source()).matches(HASH);
        assertThat(cell.target()).isNull();
    }

    @Test
    void aSensitiveKeyIsAHashInMismatchesAndInTheBoundsOfChunks() {
        hide("id");
        scene.analyze();
        scene.limits = UsersScene.inChunks(40, 10_000);
        scene.target.execute("UPDATE crm.customer SET full_name = 'other' WHERE id = 5");

        TableReport table = scene.table();

        assertThat(one(table).key().get("id")).matches(HASH);
        assertThat(bounds(table)).isNotEmpty().allMatch(bound -> bound.matches(HASH));
        List<ChunkReport> chunks = table.chunks();
        assertThat(chunks.get(chunks.size() - 2).to())
                .as("neighbours still have the same bound")
                .isEqualTo(chunks.getLast().from());
    }

    private static List<String> bounds(TableReport table) {
        return table.chunks().stream()
                .flatMap(chunk -> Stream.of(chunk.from(), chunk.to()))
                .filter(Objects::nonNull)
                .flatMap(List::stream)
                .toList();
    }

    @Test
    void aMisspelledNameHidesEveryColumn() {
        hide("ful_name");
        scene.target.execute(
                "UPDATE crm.customer SET full_name = 'other', amount = 7 WHERE id = 5");

        Mismatch found = one(scene.table());

        assertThat(found.key().get("id")).matches(HASH);
        assertThat(found.values()).allMatch(cell -> String.valueOf(cell.target()).matches(HASH));
    }

    /// As on the way back, where the table of the file is the one that the mapping reads.
    @Test
    void onTheWayBackWhatIsNotACopyOfAnotherColumnIsHidden() {
        Map<TableId, Set<String>> named = Map.of(scene.mapping.source(), Set.of("amount"));

        assertThat(hidden(named, Map.of("id", "id", "full_name", "name", "amount", "amount")))
                .containsExactly("amount");
        assertThat(hidden(named, Map.of("id", "id", "amount", "name")))
                .as("computed, perhaps of the amount")
                .containsExactly("full_name");
        assertThat(hidden(Map.of(), Map.of())).isEmpty();
    }

    private Set<String> hidden(Map<TableId, Set<String>> named, Map<String, String> copies) {
        Mapping of = scene.mapping;
        RowMapper mapper =
                new RowMapper() {
                    @Override
                    public MappedRow map(Row source) {
                        return of.mapper().map(source);
                    }

                    @Override
                    public Row key(Row source) {
                        return of.mapper().key(source);
                    }

                    @Override
                    public Map<String, String> copies() {
                        return copies;
                    }
                };
        return SensitiveColumns.ofSources(named)
                .of(
                        new Mapping(
                                of.source(),
                                of.target(),
                                of.outputs(),
                                of.userText(),
                                of.rendered(),
                                mapper));
    }
}
