package dev.millrace.verdict;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.apply.task.OwnTransactions;
import dev.millrace.change.RowKey;
import dev.millrace.change.TableId;
import dev.millrace.digest.Chunker;
import dev.millrace.digest.ReadFailed;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.grants.Grants.Side;
import dev.millrace.mapping.Mapping;
import dev.millrace.migration.CopyMapping;
import dev.millrace.postgres.Session;
import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.reconcile.ReconciliationReport.TableReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import dev.millrace.verdict.ForeignWrites.Found;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Which rows each round compares, and what it remembers. Every round reads every table, because
/// hours pass between them.
class ForeignWriteRoundsIT {

    private static final TableId FIRST = new TableId("public", "first");
    private static final TableId SECOND = new TableId("public", "second");

    private final TestDatabase source = PostgresServer.shared().newDatabase();
    private final TestDatabase target = PostgresServer.shared().newDatabase();
    private final Login sourceReader = GrantedLogins.reader(Side.SOURCE, source);
    private final Login targetReader = GrantedLogins.reader(Side.TARGET, target);
    private final OwnTransactions own = new OwnTransactions();
    private final List<Mapping> mappings = new ArrayList<>();

    /// The keys of each comparison, by their table.
    private final List<Map<TableId, List<String>>> compared = new ArrayList<>();

    /// Of the tables of the next comparisons.
    private Verdict verdict = Verdict.EQUAL;

    private Instant now = Instant.parse("2026-01-01T00:00:00Z");
    private final ForeignWrites writes =
            new ForeignWrites(1, () -> Optional.of(new Target()), () -> now);

    /// Remembers what it is asked to compare.
    private final class Target implements ForeignWrites.Watched {

        @Override
        public Chunker chunker() {
            return new Chunker(
                    "test", "test.target", () -> sourceReader.session("writers"), this::open);
        }

        private Connection open() throws SQLException {
            Connection connection = targetReader.session("writers");
            try (var statement = connection.createStatement()) {
                statement.execute("SET lock_timeout = '200ms'");
            }
            return connection;
        }

        @Override
        public List<Mapping> mappings() {
            return mappings;
        }

        @Override
        public OwnTransactions own() {
            return own;
        }

        @Override
        public ReconciliationReport compare(Map<Mapping, List<RowKey>> keys) {
            Map<TableId, List<String>> tables = new TreeMap<>();
            keys.forEach(
                    (mapping, each) ->
                            tables.put(
                                    mapping.target().table(),
                                    each.stream()
                                            .map(key -> Objects.requireNonNull(key.value(0)))
                                            .sorted()
                                            .toList()));
            compared.add(tables);
            return new ReconciliationReport(
                    "test",
                    verdict,
                    now,
                    now,
                    null,
                    "hash",
                    keys.entrySet().stream()
                            .map(each -> table(each.getKey(), each.getValue().size()))
                            .toList(),
                    null,
                    null);
        }

        private TableReport table(Mapping mapping, long keys) {
            return new TableReport(
                    mapping.target().table().toString(),
                    verdict,
                    null,
                    null,
                    null,
                    null,
                    0,
                    0,
                    verdict == Verdict.DIFFERENT ? keys : 0,
                    0,
                    0,
                    verdict == Verdict.UNDECIDED ? keys : 0,
                    0,
                    List.of(),
                    verdict == Verdict.UNDECIDED ? "test" : null,
                    true,
                    List.of(),
                    TableReport.ALL_ROWS,
                    List.of());
        }
    }

    @BeforeEach
    void beginTheRounds() {
        for (TableId table : List.of(FIRST, SECOND)) {
            Stream.of(source, target)
                    .forEach(
                            side ->
                                    side.execute(
                                            "CREATE TABLE "
                                                    + table
                                                    + " (id int PRIMARY KEY, name text)"));
            target.execute("INSERT INTO " + table + " VALUES (0, 'before the first round')");
        }
        GrantedLogins.reader(Side.SOURCE, source);
        GrantedLogins.reader(Side.TARGET, target);
        Login login = GrantedLogins.source(source, FIRST.toString(), SECOND.toString());
        try (Session session = login.database("test").session()) {
            Stream.of(FIRST, SECOND)
                    .map(table -> session.sourceCatalog().relation(table).orElseThrow())
                    .map(relation -> CopyMapping.of(relation, relation.id()))
                    .forEach(mappings::add);
        }
        round();
        assertThat(compared).isEmpty();
    }

    /// Without transactions of other tests: the rows of a transaction that is younger than one that
    /// runs are looked at again.
    private void round() {
        Awaitility.await()
                .until(
                        () ->
                                "t"
                                        .equals(
                                                target.value(
                                                        "SELECT pg_snapshot_xmin(s) ="
                                                                + " pg_snapshot_xmax(s) FROM"
                                                                + " pg_current_snapshot() s")));
        now = now.plus(Duration.ofHours(2));
        writes.check();
    }

    /// As apply does: its id is known before its rows are visible.
    private void writeAsApply(String... statements) throws SQLException {
        try (Connection connection = target.connect();
                var statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            try (var id = statement.executeQuery("SELECT pg_current_xact_id()::text")) {
                id.next();
                own.add(Long.parseLong(id.getString(1)));
            }
            for (String sql : statements) {
                statement.execute(sql);
            }
            connection.commit();
        }
    }

    @Test
    void rowsOfItsOwnTransactionsAreNotCompared() throws SQLException {
        writeAsApply("INSERT INTO first VALUES (1, 'own')");
        target.execute("INSERT INTO first VALUES (2, 'foreign')");
        writeAsApply("UPDATE second SET name = 'own'");

        round();
        round();

        assertThat(compared).containsExactly(Map.of(FIRST, List.of("2")));
    }

    @Test
    void aRowThatApplyWroteUnderASavepointIsComparedOnce() throws SQLException {
        writeAsApply(
                "INSERT INTO first VALUES (1, 'own')",
                "SAVEPOINT one",
                "INSERT INTO first VALUES (2, 'own')",
                "RELEASE SAVEPOINT one");

        for (int i = 0; i < 4; i++) {
            round();
        }

        assertThat(compared).containsExactly(Map.of(FIRST, List.of("2")));
        assertThat(writes.found(Optional.empty())).isEmpty();
    }

    @Test
    void rowsOfATableThatIsUndecidedAreComparedAgain() {
        target.execute("INSERT INTO first VALUES (1, 'foreign')");
        verdict = Verdict.UNDECIDED;
        round();
        verdict = Verdict.DIFFERENT;

        for (int i = 0; i < 3; i++) {
            round();
        }

        Map<TableId, List<String>> once = Map.of(FIRST, List.of("1"));
        assertThat(compared).containsExactly(once, once);
        assertThat(writes.found(Optional.empty()).map(Found::rows)).hasValue(1L);
    }

    @Test
    void theOtherTablesAreComparedIfOneCannotBeRead() throws SQLException {
        target.execute(
                "INSERT INTO first VALUES (1, 'foreign')",
                "INSERT INTO second VALUES (2, 'foreign')");
        try (Connection locking = target.connect();
                var statement = locking.createStatement()) {
            locking.setAutoCommit(false);
            statement.execute("LOCK TABLE first IN ACCESS EXCLUSIVE MODE");
            now = now.plus(Duration.ofHours(2));

            assertThatThrownBy(writes::check).isInstanceOf(ReadFailed.class);

            assertThat(compared).containsExactly(Map.of(SECOND, List.of("2")));
            locking.rollback();
        }

        round();
        round();

        assertThat(compared)
                .containsExactly(Map.of(SECOND, List.of("2")), Map.of(FIRST, List.of("1")));
    }

    @Test
    void whatALaterComparisonRefutesIsForgotten() {
        verdict = Verdict.DIFFERENT;
        target.execute("INSERT INTO second VALUES (1, 'foreign')");
        round();
        Instant equal = now.plus(Duration.ofHours(1));
        target.execute("INSERT INTO first VALUES (2, 'foreign'), (3, 'foreign')");
        round();

        assertThat(writes.found(Optional.empty()))
                .hasValue(new Found(3, List.of("public.first", "public.second"), now));
        assertThat(writes.found(Optional.of(equal)))
                .hasValue(new Found(2, List.of("public.first"), now));
        assertThat(writes.found(Optional.of(now)))
                .as("found after the comparison began")
                .hasValue(new Found(2, List.of("public.first"), now));
        assertThat(writes.found(Optional.of(now.plusSeconds(1)))).isEmpty();
    }
}
