package dev.millrace.types;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// A value of 100 MB does not fit in the log: the migration fails and says which column has it.
@Timeout(300)
class LargeValueIT {

    private static final int SIZE = 100_000_000;
    private static final String INSERT =
            "INSERT INTO doc VALUES (1, 'small', repeat('x', " + SIZE + "))";
    private static final String WHY =
            "A row of public.doc has 100000006 bytes, 100000000 of them in column body, and a record"
                    + " of the log can hold at most 66060288. Make the value smaller on the source.";

    private final TestDatabase source = PostgresServer.shared().newDatabase();
    private final TestDatabase target = PostgresServer.shared().newDatabase();

    private void create() {
        for (TestDatabase side : new TestDatabase[] {source, target}) {
            side.execute("CREATE TABLE doc (id int PRIMARY KEY, title text, body text)");
        }
    }

    @Test
    void aChangeIsRefusedByName() throws Exception {
        create();
        try (TypeRun run = TypeRun.start(source, target, Backfill.WINDOWS)) {
            run.awaitInSync();
            source.execute(INSERT);

            assertThat(run.awaitFailed()).anyMatch(blocker -> blocker.contains(WHY));
            assertThat(target.query("SELECT FROM doc")).isEmpty();
        }
    }

    @ParameterizedTest
    @EnumSource(Backfill.class)
    @Tag("matrix")
    void anExistingRowIsRefusedByName(Backfill backfill) throws Exception {
        create();
        source.execute(INSERT);
        try (TypeRun run = TypeRun.start(source, target, backfill)) {
            assertThat(run.awaitFailed()).anyMatch(blocker -> blocker.contains(WHY));
            assertThat(target.query("SELECT FROM doc")).isEmpty();
        }
    }
}
