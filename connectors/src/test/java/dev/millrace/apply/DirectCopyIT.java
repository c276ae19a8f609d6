package dev.millrace.apply;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.apply.copy.DirectCopy;
import dev.millrace.apply.task.TargetTask.PartitionBatch;
import dev.millrace.apply.task.WriteOutcome;
import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TargetChange;
import dev.millrace.change.Token;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.control.BackfilledTables;
import dev.millrace.control.StoredOffset;
import dev.millrace.control.StoredOffsets;
import dev.millrace.control.stopped.StoppedTables.StoppedTable;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Rows of a table that is being backfilled are copied straight into it, and upserted whenever that
/// is refused. The rows of a COPY have the id of the savepoint, which is later than the id of the
/// transaction that moved the stored offset; by that a test knows how they were written.
class DirectCopyIT {

    private static final String MIGRATION = "direct";
    private static final String TOPIC = "topic";
    private static final RowSchema ITEM = ApplierScenario.rowSchema("item", "id", "login");
    private static final int ROWS = DirectCopy.MIN_ROWS;
    private static final String KEYED = "(id int PRIMARY KEY, login text)";

    private final TestDatabase database = PostgresServer.shared().newTarget();
    private StoredOffset stored =
            new StoredOffset(0, "id", 0, Token.none(1), WatermarkNumber.none(1), 0);
    private @Nullable Login granted;
    private @Nullable BatchWriter writer;

    @AfterEach
    void close() {
        if (writer != null) {
            writer.close();
        }
    }

    private void reopen() throws SQLException {
        close();
        writer = ApplierScenario.writer(Objects.requireNonNull(granted), MIGRATION, TOPIC);
    }

    private void create(String definition) throws SQLException {
        database.execute("CREATE TABLE item " + definition);
        granted = GrantedLogins.apply(database);
        try (Connection connection = granted.connect()) {
            new StoredOffsets(MIGRATION, TOPIC).begin(connection, 1, "id", List.of(0L, 0L));
        }
        reopen();
    }

    private static List<Row> rows(int first, int count, String login) {
        return IntStream.range(first, first + count)
                .mapToObj(id -> Row.of(ITEM, "" + id, login + id))
                .toList();
    }

    private static List<Row> with(List<Row> rows, Row... more) {
        return Stream.concat(rows.stream(), Stream.of(more)).toList();
    }

    /// The keys that the last batch set aside.
    private List<WriteOutcome.Parked> parked = List.of();

    /// Writes one batch of upserts and returns the tables that it stopped.
    private List<StoppedTable> write(List<Row> rows) throws SQLException {
        return write(rows, List.of());
    }

    private List<StoppedTable> write(List<Row> rows, List<TargetChange> more) throws SQLException {
        long offset = stored.nextOffset();
        List<TargetChange> changes = new ArrayList<>();
        for (Row row : rows) {
            changes.add(new TargetChange.Upsert(new Token(1, offset, changes.size()), row));
        }
        changes.addAll(more);
        StoredOffset next =
                new StoredOffset(
                        0,
                        "id",
                        offset + 1,
                        new Token(1, offset, changes.size()),
                        WatermarkNumber.none(1),
                        stored.total() + changes.size());
        WriteOutcome outcome =
                Objects.requireNonNull(writer).run(new PartitionBatch(stored, next, changes));
        stored = next;
        assertThat(outcome).isInstanceOf(WriteOutcome.Applied.class);
        parked = ((WriteOutcome.Applied) outcome).parked();
        return ((WriteOutcome.Applied) outcome).newlyStopped();
    }

    /// The number of rows that the last batch copied.
    private int copied() {
        return number(
                "SELECT count(*) FROM item WHERE xmin::text::bigint"
                        + " > (SELECT max(xmin::text::bigint) FROM millrace.stored_offset)");
    }

    private int number(String sql) {
        return Integer.parseInt(String.valueOf(database.value(sql)));
    }

    private int count() {
        return number("SELECT count(*) FROM item");
    }

    @Test
    void copiesNewRows() throws Exception {
        create(KEYED);

        assertThat(write(rows(0, ROWS, "a"))).isEmpty();
        assertThat(copied()).isEqualTo(ROWS);
        assertThat(write(rows(ROWS, 5 * ROWS, "a"))).isEmpty();
        assertThat(copied()).isEqualTo(5 * ROWS);
        assertThat(count()).isEqualTo(6 * ROWS);
    }

    @ParameterizedTest
    @ValueSource(ints = {DirectCopy.MIN_ROWS, 5_000})
    void rowThatExistsSendsItsBatchThroughTheUpsert(int rows) throws Exception {
        create(KEYED);
        database.execute("INSERT INTO item VALUES (7, 'of the stream')");

        assertThat(write(rows(0, rows, "later in the log "))).isEmpty();

        assertThat(copied()).isZero();
        assertThat(count()).isEqualTo(rows);
        assertThat(database.value("SELECT login FROM item WHERE id = 7"))
                .isEqualTo("later in the log 7");
        assertThat(database.value("SELECT next_offset FROM millrace.stored_offset ORDER BY 1 DESC"))
                .isEqualTo("1");
    }

    @Test
    void keyThatABatchWritesTwiceHasItsLastRow() throws Exception {
        create(KEYED);

        assertThat(write(with(rows(0, ROWS, "a"), Row.of(ITEM, "3", "newer")))).isEmpty();

        assertThat(copied()).isZero();
        assertThat(count()).isEqualTo(ROWS);
        assertThat(database.value("SELECT login FROM item WHERE id = 3")).isEqualTo("newer");
    }

    @Test
    void tableStaysWithTheUpsertAfterThreeRefusedBatches() throws Exception {
        create(KEYED);
        write(rows(0, ROWS, "a"));
        for (int i = 0; i < 2; i++) {
            assertThat(write(rows(0, ROWS, "again"))).isEmpty();
        }
        write(rows(ROWS, ROWS, "a"));
        assertThat(copied()).isEqualTo(ROWS);
        assertThat(write(rows(0, ROWS, "again"))).isEmpty();

        write(rows(2 * ROWS, ROWS, "a"));
        assertThat(copied()).isZero();
        reopen();
        write(rows(3 * ROWS, ROWS, "a"));
        assertThat(copied()).isEqualTo(ROWS);
        assertThat(count()).isEqualTo(4 * ROWS);
    }

    @Test
    void tableWhoseBackfillIsCompleteInThePartitionIsUpserted() throws Exception {
        create(KEYED);
        try (Connection connection = Objects.requireNonNull(granted).connect()) {
            new BackfilledTables(MIGRATION).add(connection, 1, ITEM.table(), 1);
        }
        write(
                rows(0, ROWS, "a"),
                List.of(
                        new TargetChange.BackfillComplete(
                                new Token(1, 0, ROWS), List.of(ITEM.table()))));
        assertThat(copied()).as("complete in another partition").isEqualTo(ROWS);

        write(rows(ROWS, ROWS, "a"));
        assertThat(copied()).isZero();
        assertThat(count()).isEqualTo(2 * ROWS);
    }

    @Test
    void fewRowsPartialRowsAndDeletesAreNotCopied() throws Exception {
        create(KEYED);
        write(rows(0, ROWS - 1, "a"));
        assertThat(copied()).isZero();

        Row partial = new Row.Builder(ITEM).text(0, "1").unchanged(1).build();
        write(with(rows(ROWS, ROWS, "a"), partial));
        assertThat(copied()).isZero();

        Row key = ApplierScenario.key(ITEM, "1");
        write(
                rows(2 * ROWS, ROWS, "a"),
                List.of(new TargetChange.Delete(new Token(1, stored.nextOffset(), ROWS), key)));
        assertThat(copied()).isZero();
        assertThat(count()).isEqualTo(3 * ROWS - 2);
    }

    /// A row that is sent again violates the older index first, by its own value.
    @Test
    void rowsThatAreSentAgainDoNotViolateAnOlderUniqueIndex() throws Exception {
        create("(id int NOT NULL, login text)");
        database.execute(
                "CREATE UNIQUE INDEX older ON item (login)",
                "ALTER TABLE item ADD PRIMARY KEY (id)");
        assertThat(write(rows(0, ROWS, "a"))).isEmpty();
        assertThat(copied()).isEqualTo(ROWS);

        assertThat(write(rows(0, 2 * ROWS, "a"))).isEmpty();

        assertThat(count()).isEqualTo(2 * ROWS);
    }

    @ParameterizedTest
    @ValueSource(strings = {"UNIQUE (login)", "EXCLUDE USING btree (login WITH =)"})
    void violationOfAnotherConstraintSetsItsKeyAside(String constraint) throws Exception {
        create("(id int PRIMARY KEY, login text, CONSTRAINT other " + constraint + ")");
        database.execute("INSERT INTO item VALUES (-1, 'a7')");

        assertThat(write(rows(0, ROWS, "a"))).isEmpty();

        assertThat(parked).hasSize(1);
        assertThat(parked.getFirst().cause()).contains("constraint other");
        assertThat(count()).isEqualTo(ROWS);
        assertThat(write(rows(0, ROWS, "b"))).isEmpty();
        assertThat(parked).as("it is parked").isEmpty();
        assertThat(database.value("SELECT count(*) FROM item WHERE id = 7")).isEqualTo("0");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "(id int, login text)",
                "(id int PRIMARY KEY DEFERRABLE, login text)",
                "(id int, login text, PRIMARY KEY (id, login))",
                "(id int, login text); CREATE UNIQUE INDEX ON item (id) WHERE id > 5",
                "(id int, login text); CREATE UNIQUE INDEX ON item ((id + 0))",
                "(id int PRIMARY KEY, login text);"
                        + " CREATE RULE r AS ON INSERT TO item DO INSTEAD NOTHING;"
                        + " ALTER TABLE item ENABLE ALWAYS RULE r",
            })
    void neverCopiesWhatTheUpsertWouldRefuse(String table) throws Exception {
        create(table);

        assertThat(write(rows(0, ROWS, "a"))).hasSize(1);

        assertThat(count()).isZero();
    }

    @Test
    void indexThatIsDroppedMeanwhileStopsTheTable() throws Exception {
        create(KEYED);
        write(rows(0, ROWS, "a"));
        database.execute("ALTER TABLE item DROP CONSTRAINT item_pkey");

        assertThat(write(rows(0, ROWS, "a"))).hasSize(1);

        assertThat(count()).isEqualTo(ROWS);
    }

    @Test
    void rowThatATriggerSkipsStopsTheTable() throws Exception {
        create(KEYED);
        database.execute(
                "CREATE FUNCTION veto() RETURNS trigger LANGUAGE plpgsql"
                        + " AS 'BEGIN RETURN CASE WHEN new.id = 3 THEN NULL ELSE new END; END'",
                "CREATE TRIGGER t BEFORE INSERT ON item FOR EACH ROW EXECUTE FUNCTION veto()",
                "ALTER TABLE item ENABLE ALWAYS TRIGGER t");

        List<StoppedTable> stopped = write(rows(0, ROWS, "a"));

        assertThat(stopped).hasSize(1);
        assertThat(stopped.getFirst().reason()).contains("execute the INSERT");
        assertThat(count()).isZero();
    }

    @Test
    void copiesIntoAPartitionedTableAndFallsBackThere() throws Exception {
        create("(id int PRIMARY KEY, login text) PARTITION BY RANGE (id)");
        database.execute(
                "CREATE TABLE low PARTITION OF item FOR VALUES FROM (0) TO (100)",
                "CREATE TABLE high PARTITION OF item FOR VALUES FROM (100) TO (100000)");
        write(rows(0, ROWS, "a"));
        assertThat(copied()).isEqualTo(ROWS);

        assertThat(write(rows(ROWS - 1, ROWS, "b"))).isEmpty();
        assertThat(copied()).isZero();
        assertThat(count()).isEqualTo(2 * ROWS - 1);
    }

    @Test
    void namesAColumnWhoseTypeRefusesAText() throws Exception {
        create("(id int PRIMARY KEY, login varchar(4))");

        assertThat(write(rows(0, ROWS, "aaaa"))).isEmpty();

        assertThat(parked).hasSize(ROWS);
        assertThat(parked.getFirst().table()).isEqualTo(ITEM.table());
        assertThat(parked.getFirst().cause()).contains("column login").doesNotContain("aaaa");
    }
}
