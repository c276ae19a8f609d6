package dev.millrace.reconcile;

import static dev.millrace.reconcile.UserMapper.user;
import static dev.millrace.reconcile.UsersScene.keys;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.ChangeEvent;
import dev.millrace.reconcile.ReconciliationReport.TableReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Touched keys and numbers of rows, compared while both sides are written.
class IncrementalIT {

    @AutoClose private final TouchedScene scene = new TouchedScene();
    private final UsersScene users = scene.users;

    @BeforeEach
    void compareAllRows() {
        assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.EQUAL);
    }

    private TableReport compare() {
        return scene.compare().tables().getFirst();
    }

    private void delete(int id) {
        users.progress.delete("DELETE FROM users WHERE id = " + id, user(id, "name " + id, "0"));
    }

    @Test
    void comparesTheKeysThatChangedAndCountsTheRows() {
        users.writeAndCatchUp(7, "changed");
        users.progress.write("INSERT INTO users VALUES (1000, 'new', 3)", user(1000, "new", "3"));
        delete(11);

        ReconciliationReport report = scene.compare();

        TableReport table = report.tables().getFirst();
        assertThat(report.verdict()).as(table.cause()).isEqualTo(Verdict.EQUAL);
        assertThat(report.start()).isNotNull();
        assertThat(report.sourceLsn()).isNotNull();
        assertThat(table.method()).startsWith("3 touched keys since ");
        assertThat(table.sourceRows()).isEqualTo(270).isEqualTo(table.targetRows());
        assertThat(table.sourceChecksum()).isNull();
    }

    @Test
    void buildsOnTheLastOneOfItsKind() {
        users.writeAndCatchUp(7, "changed");
        compare();
        users.writeAndCatchUp(8, "changed");
        users.writeAndCatchUp(9, "changed");

        assertThat(compare().method()).startsWith("2 touched keys since ");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    UPDATE crm.customer SET amount = 0 WHERE id = 7    | different 7 | 1 touched
                    INSERT INTO crm.customer VALUES (1000, 'x', 0)     | extra 1000  | 1 touched
                    DELETE FROM crm.customer WHERE id = 7              | missing 7   | all rows, because the numbers of rows differ
                    """)
    void findsWhatAnotherProgramWroteOnTheTarget(String sql, String found, String method) {
        users.target.execute(sql);

        TableReport table = compare();

        assertThat(keys(table)).containsExactly(found);
        assertThat(table.method()).startsWith(method);
    }

    @Test
    void findsADeletionThatTheLogLost() {
        users.progress.writeUnlogged("DELETE FROM users WHERE id = 7");

        assertThat(keys(compare())).containsExactly("extra 7");
    }

    /// Neither side has a new version of the row; the other program's delete makes the numbers
    /// equal.
    @Test
    void findsALostDeleteInTheLogWhenTheNumbersAreEqual() {
        users.progress.applyOnly(event -> !(event instanceof ChangeEvent.Delete));
        delete(8);
        users.progress.catchUp();
        users.target.execute("DELETE FROM crm.customer WHERE id = 9");

        assertThat(keys(compare())).containsExactly("extra 8");
    }

    /// Rows come and go between the snapshots of the two sides.
    @Test
    void rowsInFlightAreLeftOutOfTheNumbers() {
        AtomicInteger watermarks = new AtomicInteger();
        users.progress.afterEachWatermark(
                () -> {
                    int id = 2_000 + watermarks.incrementAndGet();
                    users.progress.write(
                            "INSERT INTO users VALUES (%d, 'new', 3)".formatted(id),
                            user(id, "new", "3"));
                    users.progress.catchUp();
                });

        TableReport table = compare();

        assertThat(table.verdict()).as(table.cause()).isEqualTo(Verdict.EQUAL);
        assertThat(table.method()).contains("touched keys since ");
        assertThat(table.sourceRows()).isEqualTo(table.targetRows());
    }

    /// The number of rows of both sides is the same, because a change is in flight.
    @Test
    void aDeletionInFlightDoesNotHideARowThatIsMissing() {
        users.target.execute("DELETE FROM crm.customer WHERE id = 7");
        AtomicInteger watermarks = new AtomicInteger();
        users.progress.afterEachWatermark(
                () -> {
                    // After the snapshot of the target, before that of the source.
                    if (watermarks.incrementAndGet() == 2) {
                        delete(8);
                        users.progress.catchUp();
                    }
                });

        assertThat(keys(compare())).containsExactly("missing 7");
    }

    /// The snapshot of the target lacks the changes since the stop, also if the table continues
    /// before the comparison ends.
    @Test
    void aTableThatWasStoppedInTheSnapshotIsUndecided() {
        users.writeAndCatchUp(7, "changed");
        AtomicInteger watermarks = new AtomicInteger();
        users.progress.afterEachWatermark(
                () -> {
                    switch (watermarks.incrementAndGet()) {
                        case 1 ->
                                users.target.execute(
                                        ("INSERT INTO millrace.stopped_table VALUES"
                                                        + " ('%s', 1, 'crm', 'customer', 'why', 0, 5)")
                                                .formatted(users.topics.migration()));
                        case 2 -> users.target.execute("DELETE FROM millrace.stopped_table");
                        default -> {}
                    }
                });

        TableReport table = compare();

        assertThat(table.verdict()).isEqualTo(Verdict.UNDECIDED);
        assertThat(table.cause()).contains("the table is stopped: why");
    }

    @Test
    void aTableThatWasNotEqualIsComparedAsAWhole() {
        users.target.execute("UPDATE crm.customer SET amount = 0 WHERE id = 7");
        assertThat(compare().verdict()).isEqualTo(Verdict.DIFFERENT);

        TableReport table = compare();

        assertThat(keys(table)).containsExactly("different 7");
        assertThat(table.method())
                .isEqualTo("all rows, because the last comparison did not find the table equal");
    }
}
