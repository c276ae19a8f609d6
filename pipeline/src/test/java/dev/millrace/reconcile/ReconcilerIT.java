package dev.millrace.reconcile;

import static dev.millrace.reconcile.UsersScene.keys;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.reconcile.ReconciliationReport.Kind;
import dev.millrace.reconcile.ReconciliationReport.Mismatch;
import dev.millrace.reconcile.ReconciliationReport.TableReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// The verdict against real servers, over tables at rest: what is planted is found.
class ReconcilerIT {

    @AutoClose private final UsersScene scene = new UsersScene();

    @Test
    void equalTablesAreEqualWithEqualNumbers() {
        ReconciliationReport report = scene.reconcile();

        TableReport table = report.tables().getFirst();
        assertThat(report.verdict()).isEqualTo(Verdict.EQUAL);
        assertThat(report.sourceLsn()).contains("/");
        assertThat(table.sourceRows()).isEqualTo(270).isEqualTo(table.targetRows());
        assertThat(table.sourceChecksum())
                .hasSize(32)
                .isNotEqualTo("0".repeat(32))
                .isEqualTo(table.targetChecksum());
        assertThat(table.mismatches()).isEmpty();
        assertThat(table.inFlight()).isZero();
    }

    static List<Arguments> plants() {
        return List.of(
                planted("a changed letter", "full_name = 'nbme 7' WHERE id = 7", "full_name"),
                planted("NULL", "full_name = NULL WHERE id = 7", "full_name"),
                planted("a trailing zero", "amount = 10.5 WHERE id = 7", "amount"),
                planted("a trailing blank", "full_name = 'name 7 ' WHERE id = 7", "full_name"),
                planted(
                        "both columns",
                        "full_name = 'name 8', amount = 12.00 WHERE id = 7",
                        "full_name",
                        "amount"));
    }

    private static Arguments planted(String name, String change, String... columns) {
        return Arguments.of(name, change, List.of(columns));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("plants")
    void aPlantedDifferenceIsReportedWithKeyAndColumns(
            String name, String change, List<String> columns) {
        scene.target.execute("UPDATE crm.customer SET " + change);

        TableReport table = scene.table();

        assertThat(table.verdict()).isEqualTo(Verdict.DIFFERENT);
        assertThat(table.mismatches())
                .singleElement()
                .satisfies(
                        mismatch -> {
                            assertThat(mismatch.key()).isEqualTo(Map.of("id", "7"));
                            assertThat(mismatch.kind()).isEqualTo(Kind.DIFFERENT);
                            assertThat(mismatch.columns()).isEqualTo(columns);
                        });
        assertThat(table.sourceChecksum()).isNotEqualTo(table.targetChecksum());
        assertThat(table.sourceRows()).isEqualTo(table.targetRows());
    }

    @Test
    void nullAndTheEmptyTextAreDifferent() {
        scene.source.execute("UPDATE users SET name = '' WHERE id = 7");
        scene.target.execute("UPDATE crm.customer SET full_name = NULL WHERE id = 7");

        assertThat(scene.table().mismatches())
                .singleElement()
                .extracting(Mismatch::columns)
                .isEqualTo(List.of("full_name"));
    }

    @Test
    void twoRowsThatHaveSwappedTheirValuesAreBothReported() {
        scene.target.execute(
                "UPDATE crm.customer SET full_name = 'name ' || (19 - id), amount = (19 - id) * 1.50"
                        + " WHERE id IN (7, 12)");

        assertThat(keys(scene.table())).containsExactlyInAnyOrder("different 7", "different 12");
    }

    @Test
    void composedAndDecomposedLettersAreDifferent() {
        scene.source.execute("UPDATE users SET name = U&'\\00e9' WHERE id = 7");
        scene.target.execute("UPDATE crm.customer SET full_name = U&'e\\0301' WHERE id = 7");

        assertThat(keys(scene.table())).containsExactly("different 7");
    }

    @Test
    void aMissingAndAnExtraRowAreReportedWithTheirKinds() {
        scene.target.execute(
                "DELETE FROM crm.customer WHERE id = 8",
                "INSERT INTO crm.customer VALUES (-5, 'stranger', 0)",
                "INSERT INTO crm.customer VALUES (20, 'filtered away', 0)");

        TableReport table = scene.table();

        assertThat(keys(table)).containsExactlyInAnyOrder("missing 8", "extra -5", "extra 20");
        assertThat(table.missing()).isEqualTo(1);
        assertThat(table.extra()).isEqualTo(2);
        assertThat(table.sourceRows()).isEqualTo(270);
        assertThat(table.targetRows()).isEqualTo(271);
    }

    @Test
    void whatCaptureLostIsDifferentAlthoughTheLogKnowsOfNothing() {
        scene.road.writeUnlogged("UPDATE users SET name = 'lost' WHERE id = 7");
        scene.road.writeUnlogged("DELETE FROM users WHERE id = 8");
        scene.road.writeUnlogged("INSERT INTO users VALUES (1000, 'lost', 1)");

        assertThat(keys(scene.table()))
                .containsExactlyInAnyOrder("different 7", "extra 8", "missing 1000");
    }

    @Test
    void aStrangersWriteOnTheTargetIsDifferentAlthoughTheKeyWasWrittenBefore() {
        scene.write(7, "by the book", "1");
        scene.road.settle();
        scene.target.execute("UPDATE crm.customer SET full_name = 'stranger' WHERE id = 7");

        TableReport table = scene.table();

        assertThat(keys(table)).containsExactly("different 7");
        assertThat(table.inFlight()).isZero();
    }

    @Test
    void aStoppedTableIsUndecidedWithItsReason() {
        scene.target.execute(
                ("INSERT INTO millrace.stopped_table VALUES"
                                + " ('%s', 1, 'crm', 'customer', 'a cell is not there', 0, 5)")
                        .formatted(scene.topics.migration()),
                "DELETE FROM crm.customer WHERE id = 8");

        TableReport table = scene.table();

        assertThat(table.verdict()).isEqualTo(Verdict.UNDECIDED);
        assertThat(table.cause()).contains("a cell is not there");
        assertThat(table.mismatches()).isEmpty();
    }

    @Test
    void aTableThatCanNotBeReadIsUndecided() {
        scene.source.execute("ALTER TABLE users RENAME COLUMN name TO title");

        TableReport table = scene.table();

        assertThat(table.verdict()).isEqualTo(Verdict.UNDECIDED);
        assertThat(table.cause()).contains("the source could not be read").contains("42703");
        assertThat(table.sourceRows()).isNull();
    }

    @Test
    void moreMismatchesThanAreListedAreAllCounted() {
        scene.source.execute(
                "INSERT INTO users SELECT i, 'x', 1 FROM generate_series(1001, 3500) i");
        scene.target.execute(
                "INSERT INTO crm.customer SELECT i, 'y', 1 FROM generate_series(2001, 4000) i");

        TableReport table = scene.table();

        assertThat(table.missing()).isEqualTo(1000);
        assertThat(table.different()).isEqualTo(1500);
        assertThat(table.extra()).isEqualTo(500);
        assertThat(table.mismatches())
                .hasSize(ReconciliationReport.LISTED)
                .allSatisfy(
                        one ->
                                assertThat(one.columns().isEmpty())
                                        .isEqualTo(one.kind() != Kind.DIFFERENT));
        assertThat(table.sourceRows()).isEqualTo(270 + 2500);
        assertThat(table.targetRows()).isEqualTo(270 + 2000);
    }
}
