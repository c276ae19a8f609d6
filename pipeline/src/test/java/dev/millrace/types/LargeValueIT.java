package dev.millrace.types;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.ChangeBlock;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.Waits;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// A row of the largest size arrives. A row that is a byte larger stops its key and nothing else,
/// until its value is smaller.
@Timeout(900)
class LargeValueIT {

    /// The key has a byte, the title five.
    private static final int LARGEST = ChangeBlock.LARGEST - 6;

    private static final String WHY =
            "A row of public.doc has 66060289 bytes, 66060283 of them in column body, and a record"
                    + " of the log can hold at most 66060288. Make the value smaller on the source.";

    private static final String ROWS =
            "SELECT id, title, length(body), md5(body) FROM doc ORDER BY id";

    private final TestDatabase source = PostgresServer.shared().newDatabase();
    private final TestDatabase target = PostgresServer.shared().newDatabase();

    private void create() {
        for (TestDatabase side : List.of(source, target)) {
            side.execute("CREATE TABLE doc (id int PRIMARY KEY, title text, body text)");
        }
    }

    private void insert() {
        source.execute(
                insert(1, LARGEST), insert(2, LARGEST + 1), insert(3, 10), insert(4, 100_000_000));
    }

    private static String insert(int id, int bytes) {
        return "INSERT INTO doc VALUES (%d, 'small', repeat('x', %d))".formatted(id, bytes);
    }

    @Test
    void aChangeStopsItsKeyOnly() throws Exception {
        create();
        try (TypeRun run = TypeRun.start(source, target, Backfill.WINDOWS)) {
            run.awaitInSync();
            insert();

            assertKeysStopUntilTheirValuesAreSmaller(run);
        }
    }

    @ParameterizedTest
    @EnumSource(Backfill.class)
    @Tag("matrix")
    void anExistingRowStopsItsKeyOnly(Backfill backfill) throws Exception {
        create();
        insert();
        try (TypeRun run = TypeRun.start(source, target, backfill)) {
            assertKeysStopUntilTheirValuesAreSmaller(run);
        }
    }

    private void assertKeysStopUntilTheirValuesAreSmaller(TypeRun run) {
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .until(() -> run.rejectedCauses("public.doc").size() == 2);
        assertThat(run.rejectedCauses("public.doc")).anyMatch(cause -> cause.startsWith(WHY));
        source.execute("UPDATE doc SET title = 'later'", "DELETE FROM doc WHERE id = 4");
        awaitRows(
                "SELECT id, title FROM doc ORDER BY id",
                List.of(List.of("1", "later"), List.of("3", "later")));

        source.execute("UPDATE doc SET body = 'smaller' WHERE id = 2");
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .until(() -> run.retryRejected() && run.rejectedCauses("public.doc").isEmpty());

        assertThat(target.query(ROWS)).isEqualTo(source.query(ROWS));
        assertThat(run.await(run.compare()).verdict()).isEqualTo(Verdict.EQUAL);
    }

    private void awaitRows(String query, List<List<String>> rows) {
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .untilAsserted(() -> assertThat(target.query(query)).isEqualTo(rows));
    }
}
