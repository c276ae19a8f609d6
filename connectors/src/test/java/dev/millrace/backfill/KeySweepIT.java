package dev.millrace.backfill;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.backfill.KeySweep.Found;
import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.mapping.Mapping;
import dev.millrace.mapping.RowMapper;
import dev.millrace.postgres.Catalog;
import dev.millrace.sql.Relation;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// A row of the target whose key the source does not have is found, also if the source's column
/// cannot have the key at all: it may have been another type before.
class KeySweepIT {

    private static final TableId SOURCE = new TableId("public", "s");
    private static final TableId TARGET = new TableId("public", "t");

    private final TestDatabase database = PostgresServer.shared().newDatabase();
    private Login onSource = GrantedLogins.as("source_" + database.name(), database);
    private Login onTarget = GrantedLogins.as("target_" + database.name(), database);

    private void tables(String... statements) {
        database.execute(statements);
        GrantedLogins.capture("m", database, "public.s");
        GrantedLogins.apply(database, "public.t");
    }

    private Relation source() throws SQLException {
        try (Connection connection = onSource.session("backfill")) {
            return Catalog.ofSource(connection).relation(SOURCE).orElseThrow();
        }
    }

    private Found sweep() throws SQLException {
        return find(true);
    }

    private Found find(boolean missing) throws SQLException {
        Relation source = source();
        RowMapper mapper =
                new RowMapper() {
                    @Override
                    public MappedRow map(Row row) {
                        throw new AssertionError("Only keys are looked up.");
                    }

                    @Override
                    public Row key(Row row) {
                        throw new AssertionError("Only keys are looked up.");
                    }

                    @Override
                    public Optional<KeyOrigin> keyOrigin() {
                        return Optional.of(new KeyOrigin(Map.of("k", "k"), Map.of()));
                    }
                };
        KeySweep sweep =
                new KeySweep(
                        new Mapping(
                                SOURCE,
                                RowSchema.keyed(TARGET, List.of("k"), List.of("k")),
                                List.of(source.columns().getFirst().type()),
                                "",
                                "",
                                mapper),
                        source);
        try (Connection ofSource = onSource.session("backfill");
                Connection ofTarget = onTarget.session("backfill")) {
            return sweep.find(ofSource, sweep.page(ofTarget, Optional.empty()), missing);
        }
    }

    private List<Row> read(RowKey key) throws SQLException {
        try (Connection connection = onSource.session("backfill")) {
            return new KeyReader(connection)
                    .read(
                            source(),
                            TableWork.schema(source()),
                            List.of(key),
                            new RowCopy.Limit(Long.MAX_VALUE, Long.MAX_VALUE, () -> false),
                            _ -> false)
                    .orElseThrow()
                    .rows();
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "varchar(3)    | abc                 | text      | abcd",
                "varchar(3)    | abc                 | text      | abc\\u0020",
                "char(3)       | abc                 | text      | abcd",
                "short         | abc                 | text      | abcd",
                "numeric(5,1)  | 1.3                 | numeric   | 1.25",
                "numeric(5,1)  | 1.3                 | numeric   | 123456.7",
                "bit(3)        | 101                 | varbit    | 1011",
                "timestamp(0)  | 2026-01-01 00:00:01 | timestamp | 2026-01-01 00:00:00.6",
            })
    void aKeyThatACastToTheColumnsTypeWouldChangeIsFound(
            String type, String existing, String targetType, String stale) throws Exception {
        String key = stale.replace("\\u0020", " ");
        tables(
                "CREATE DOMAIN short AS varchar(3) CHECK (value <> 'no')",
                "CREATE TABLE s (k " + type + " PRIMARY KEY)",
                "CREATE TABLE t (k " + targetType + " PRIMARY KEY)",
                "INSERT INTO s VALUES ('" + existing + "')",
                "INSERT INTO t VALUES ('" + existing + "'), ('" + key + "')");

        Found missing = sweep();

        RowKey expected = RowKey.of(SOURCE, key);
        assertThat(missing).isEqualTo(new Found(List.of(expected), 0));
        assertThat(read(expected)).as("the window reads no other row").isEmpty();
    }

    /// What `plan` asks for: see the check `source.type-privilege`.
    @ParameterizedTest
    @CsvSource({
        "domains.mark, kinds, first, second",
        "domains.word, domains, one, two",
        "domains.short, domains, abc, abcd"
    })
    void aKeyOfADomainNeedsTheSchemaOfTheTypeInWhichItIsCompared(
            String type, String schema, String existing, String stale) throws Exception {
        String role = "sweep_" + database.name();
        database.execute(
                "CREATE SCHEMA kinds",
                "CREATE SCHEMA domains",
                "CREATE TYPE kinds.mark AS ENUM ('first', 'second')",
                "CREATE DOMAIN domains.mark AS kinds.mark CHECK (VALUE < 'second')",
                "CREATE DOMAIN domains.word AS text",
                "CREATE DOMAIN domains.short AS varchar(3)",
                "CREATE TABLE s (k " + type + " PRIMARY KEY)",
                "CREATE TABLE t (k text PRIMARY KEY)",
                "INSERT INTO s VALUES ('" + existing + "')",
                "INSERT INTO t VALUES ('" + existing + "'), ('" + stale + "')",
                "CREATE ROLE " + role + " LOGIN PASSWORD 'pw'",
                "GRANT SELECT ON s, t TO " + role,
                "GRANT USAGE ON SCHEMA " + schema + " TO " + role);
        onSource = new Login(new TestDatabase(database.url(), role, "pw"));
        onTarget = onSource;

        RowKey expected = RowKey.of(SOURCE, stale);
        assertThat(sweep()).isEqualTo(new Found(List.of(expected), 0));
        assertThat(read(expected)).isEmpty();
        assertThat(read(RowKey.of(SOURCE, existing))).hasSize(1);
    }

    /// The text of a key selects its partition, so it is the one that the source prints.
    @ParameterizedTest
    @CsvSource({"char(3),text,a,'a  '", "'numeric(5,1)',numeric,7,7.0", "int,text,007,7"})
    void aKeyHasTheTextOfTheSource(String type, String targetType, String gone, String text)
            throws Exception {
        tables(
                "CREATE TABLE s (k " + type + " PRIMARY KEY)",
                "CREATE TABLE t (k " + targetType + " PRIMARY KEY)",
                "INSERT INTO s VALUES ('5')",
                "INSERT INTO t VALUES ('5'), ('" + gone + "')");

        assertThat(sweep()).isEqualTo(new Found(List.of(RowKey.of(SOURCE, text)), 0));
    }

    /// A delete of the key 1.00 and a row with the key 1.0 would have no order.
    @ParameterizedTest
    @CsvSource({"numeric,numeric,1.0,1.00", "'char(3)',text,'a  ',a", "int,text,7,007"})
    void aKeyWithARowHasTheTextOfThisRow(
            String type, String targetType, String text, String targetText) throws Exception {
        tables(
                "CREATE TABLE s (k " + type + " PRIMARY KEY)",
                "CREATE TABLE t (k " + targetType + " PRIMARY KEY)",
                "INSERT INTO s VALUES ('" + text + "')",
                "INSERT INTO t VALUES ('" + targetText + "'), ('9')");

        assertThat(find(false).keys())
                .contains(RowKey.of(SOURCE, text))
                .hasSize(2)
                .allMatch(key -> !targetText.equals(key.value(0)));
        assertThat(sweep().keys()).hasSize(1);
    }

    @Test
    void aTextThatIsNoValueOfTheTypeIsCounted() throws Exception {
        tables(
                "CREATE TABLE s (k int PRIMARY KEY)",
                "CREATE TABLE t (k text PRIMARY KEY)",
                "INSERT INTO t VALUES ('1'), ('2'), ('no number')");

        Found missing = sweep();

        assertThat(missing.unreadable()).isEqualTo(1);
        assertThat(missing.keys())
                .containsExactlyElementsOf(
                        Stream.of("1", "2").map(key -> RowKey.of(SOURCE, key)).toList());
    }
}
