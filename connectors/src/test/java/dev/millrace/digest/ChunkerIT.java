package dev.millrace.digest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.digest.TableSnapshot.Chunk;
import dev.millrace.digest.TableSnapshot.Written;
import dev.millrace.digest.TargetSnapshot.WrittenRows;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.grants.Grants.Side;
import dev.millrace.mapping.Mapping;
import dev.millrace.mapping.RowMapper;
import dev.millrace.sql.Relation;
import dev.millrace.sql.Relation.SqlType;
import dev.millrace.testing.OddNames;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Digests of two real databases differ if and only if a text differs.
class ChunkerIT {

    private static final TableId TABLE = new TableId("public", "T \"odd\"");
    private static final String NAME = "\"T \"\"odd\"\"\"";

    private static final TestDatabase SOURCE = PostgresServer.shared().newDatabase();
    private static final TestDatabase TARGET = PostgresServer.shared().newDatabase();

    private final TestDatabase source = SOURCE;
    private final TestDatabase target = TARGET;
    private final Reader sourceReader = new Reader(Side.SOURCE, source);
    private final Reader targetReader = new Reader(Side.TARGET, target);

    /// To empty a database costs less than to create one.
    @BeforeEach
    void empty() {
        for (TestDatabase each : List.of(source, target)) {
            each.execute(
                    "DROP SCHEMA public CASCADE",
                    "CREATE SCHEMA public",
                    "GRANT USAGE ON SCHEMA public TO PUBLIC");
        }
    }

    private static Mapping mapping(List<String> columns, List<String> types, String... key) {
        return new Mapping(
                TABLE,
                RowSchema.keyed(TABLE, columns, Arrays.asList(key)),
                types.stream().map(ChunkerIT::type).toList(),
                "SELECT * FROM " + NAME + " -- all",
                "",
                new NoMapper());
    }

    private static SqlType type(String formatted) {
        return new SqlType("pg_catalog", formatted, formatted, -1, Optional.empty());
    }

    private static Mapping keyed(String type) {
        return mapping(List.of("id", "v"), List.of("integer", type), "id");
    }

    private Chunker chunker() {
        return new Chunker("m", "topic", sourceReader::open, targetReader::open);
    }

    private TableDigest sourceDigest(Mapping mapping) {
        Chunker chunker = chunker();
        try (SourceSnapshot snapshot = chunker.openSource(chunker.table(mapping))) {
            return snapshot.digest();
        }
    }

    private TableDigest targetDigest(Mapping mapping) {
        Chunker chunker = chunker();
        try (TargetSnapshot snapshot = chunker.openTarget(chunker.table(mapping))) {
            return snapshot.digest();
        }
    }

    private void tables(String definition) {
        source.execute("CREATE TABLE " + NAME + definition);
        target.execute("CREATE TABLE " + NAME + definition);
    }

    @ParameterizedTest(name = "{0}: {1} and {2}")
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '`',
            value = {
                "text; NULL; ''",
                "text; 'a'; 'b'",
                "text; 'a'; 'a '",
                "text; U&'\\00e9'; U&'e\\0301'",
                "text; ','; '\",'",
                "numeric; 1.0; 1.00",
                "double precision; 0; '-0'",
                "interval; '1 mon'; '30 days'",
                "bytea; '\\x00'; '\\x0000'",
                "jsonb; '{}'; NULL",
                "json; '{\"a\":1}'; '{\"a\": 1}'",
                "timestamptz; '2024-01-01 00:00:00+00'; '2024-01-01 00:00:00.000001+00'",
                "text[]; '{NULL}'; '{\"NULL\"}'",
                "boolean; true; NULL"
            })
    void valuesWithDifferentTextsDiffer(String type, String one, String other) {
        tables(" (id int PRIMARY KEY, v " + type + ")");
        String formatted = type.equals("timestamptz") ? "timestamp with time zone" : type;
        source.execute("INSERT INTO " + NAME + " VALUES (1, " + one + ")");
        target.execute("INSERT INTO " + NAME + " VALUES (1, " + one + ")");
        assertThat(targetDigest(keyed(formatted))).isEqualTo(sourceDigest(keyed(formatted)));

        target.execute("UPDATE " + NAME + " SET v = " + other);

        assertThat(targetDigest(keyed(formatted)).differing(sourceDigest(keyed(formatted))))
                .hasSize(1);
    }

    @Test
    void distinguishesTextsOfNeighbouringColumns() {
        tables(" (id int PRIMARY KEY, a text, b text)");
        source.execute("INSERT INTO " + NAME + " VALUES (1, 'a', 'bc'), (2, '', NULL)");
        target.execute("INSERT INTO " + NAME + " VALUES (1, 'ab', 'c'), (2, NULL, '')");
        Mapping mapping =
                mapping(List.of("id", "a", "b"), List.of("integer", "text", "text"), "id");

        assertThat(targetDigest(mapping).differing(sourceDigest(mapping))).hasSize(2);
    }

    @Test
    void digestDependsOnEveryRowAndNotOnTheirOrder() {
        tables(" (id int PRIMARY KEY, v text)");
        long seed = System.nanoTime();
        List<Integer> ids = IntStream.range(0, 2_000).boxed().collect(Collectors.toList());
        insert(source, ids);
        Collections.shuffle(ids, new Random(seed));
        insert(target, ids);
        TableDigest expected = sourceDigest(keyed("text"));
        assertThat(targetDigest(keyed("text"))).as("seed " + seed).isEqualTo(expected);

        // Two neighbours swap their values: the counts and the set of values remain equal.
        target.execute("UPDATE " + NAME + " SET v = 'v' || (7 - id) WHERE id IN (3, 4)");

        TableDigest swapped = targetDigest(keyed("text"));
        assertThat(swapped.total().rows()).isEqualTo(expected.total().rows());
        assertThat(swapped.differing(expected)).hasSizeBetween(1, 2);
        assertThat(swapped.total()).isNotEqualTo(expected.total());
    }

    private static void insert(TestDatabase database, List<Integer> ids) {
        database.execute(
                ids.stream()
                        .map(id -> "(" + id + ", 'v" + id + "')")
                        .collect(Collectors.joining(", ", "INSERT INTO " + NAME + " VALUES ", "")));
    }

    @Test
    void equalRowsDoNotCancelEachOther() {
        tables(" (id int, v text)");
        source.execute("INSERT INTO " + NAME + " VALUES (1, 'a')");
        target.execute("INSERT INTO " + NAME + " VALUES (1, 'a'), (1, 'a'), (1, 'a')");

        TableDigest three = targetDigest(keyed("text"));

        assertThat(three.total().rows()).isEqualTo(3);
        assertThat(three.total().first()).isNotEqualTo(sourceDigest(keyed("text")).total().first());
        assertThat(three.total().first()).isNotEqualTo(three.total().second());
    }

    @Test
    void serversOfTwoEncodingsAgree() {
        TestDatabase latin = PostgresServer.shared().newDatabase("ENCODING 'LATIN1' LOCALE 'C'");
        latin.execute(
                "CREATE TABLE " + NAME + " (id int PRIMARY KEY, v text)",
                "INSERT INTO " + NAME + " VALUES (1, 'é½ÿ'), (2, 'plain')");
        target.execute(
                "CREATE TABLE " + NAME + " (id int PRIMARY KEY, v text)",
                "INSERT INTO " + NAME + " VALUES (1, 'é½ÿ'), (2, 'plain')");
        Chunker chunker =
                new Chunker("m", "topic", new Reader(Side.SOURCE, latin)::open, targetReader::open);
        ComparedTable table = chunker.table(keyed("text"));

        try (SourceSnapshot ofSource = chunker.openSource(table);
                TargetSnapshot ofTarget = chunker.openTarget(table)) {
            assertThat(ofSource.digest()).isEqualTo(ofTarget.digest());
            assertThat(ofSource.digest().total().rows()).isEqualTo(2);
        }
    }

    @Test
    void comparesAColumnOfAnotherTypeAsTheTargetPrintsIt() {
        source.execute(
                "CREATE TYPE mood AS ENUM ('ok', 'sad')",
                "CREATE TABLE "
                        + NAME
                        + " (id int, a numeric, b double precision, c timestamp, d mood, e text)",
                "INSERT INTO "
                        + NAME
                        + " VALUES (1, 1.5, 0.1, '2024-05-06 07:08:09', 'sad', 'abcdef'),"
                        + " (2, NULL, 1e300, NULL, NULL, '')");
        target.execute(
                "CREATE DOMAIN money_ AS numeric(12,2)",
                "CREATE TABLE "
                        + NAME
                        + " (id bigint, a money_, b numeric, c timestamptz, d text, e varchar(3))",
                "SET timezone = 'UTC'",
                "INSERT INTO "
                        + NAME
                        + " VALUES (1, 1.50, 0.1, '2024-05-06 07:08:09+00', 'sad', 'abc'),"
                        + " (2, NULL, 1e300, NULL, NULL, '')");
        Mapping mapping =
                mapping(
                        List.of("id", "a", "b", "c", "d", "e"),
                        List.of(
                                "integer",
                                "numeric",
                                "double precision",
                                "timestamp without time zone",
                                "mood",
                                "text"),
                        "id");

        assertThat(targetDigest(mapping).differing(sourceDigest(mapping)))
                .as("a truncated text is a difference")
                .hasSize(1);
        source.execute("UPDATE " + NAME + " SET e = 'abc' WHERE id = 1");
        assertThat(targetDigest(mapping)).isEqualTo(sourceDigest(mapping));
    }

    @Test
    void findsKeysWithAnyValue() {
        tables(" (a text, b numeric, v text)");
        String rows =
                "INSERT INTO "
                        + NAME
                        + " VALUES ('x', 1.0, '1'), ('x', 1.00, '2'), ('{\",}', 0, '3'),"
                        + " (NULL, 5, '4'), ('', 5, '5')";
        source.execute(rows);
        target.execute(rows);
        Mapping mapping =
                mapping(List.of("a", "b", "v"), List.of("text", "numeric", "text"), "a", "b");
        Chunker chunker = chunker();
        List<RowKey> keys =
                List.of(
                        RowKey.of(TABLE, "x", "1.00"),
                        RowKey.of(TABLE, "{\",}", "0"),
                        RowKey.of(TABLE, null, "5"));

        try (SourceSnapshot ofSource = chunker.openSource(chunker.table(mapping));
                TargetSnapshot ofTarget = chunker.openTarget(chunker.table(mapping))) {
            assertThat(ofSource.sums(Chunk.Keys.of(keys)))
                    .containsKeys(keys.toArray(new RowKey[0]))
                    .isEqualTo(ofTarget.sums(Chunk.Keys.of(keys)));
            assertThat(ofTarget.rows(keys, 1_000))
                    .hasEntrySatisfying(
                            keys.getFirst(), row -> assertThat(row.text(2)).isEqualTo("2"));
            assertThat(ofTarget.rows(keys.subList(0, 2), 1_000))
                    .containsKeys(keys.get(0), keys.get(1));
            Set<Integer> all = ofSource.digest().buckets().keySet();
            assertThat(ofTarget.sums(new Chunk.Buckets(TableDigest.BUCKETS, all))).hasSize(5);
        }
    }

    @Test
    void everyStatementQuotesOddNames() {
        String odd = OddNames.QUOTED;
        for (TestDatabase database : List.of(source, target)) {
            database.execute(
                    "CREATE TYPE \"%s\" AS ENUM ('100%', '?')",
                    "CREATE TABLE " + odd + " (" + odd + " int, \"%d\" \"%s\", v text)",
                    "INSERT INTO " + odd + " VALUES (1, '100%', '{fn x}'), (2, '?', NULL)");
        }
        TableId table = new TableId("public", OddNames.NAME);
        Mapping mapping =
                new Mapping(
                        table,
                        RowSchema.keyed(
                                table,
                                List.of(OddNames.NAME, "%d", "v"),
                                List.of(OddNames.NAME, "%d")),
                        List.of(type("integer"), type("\"%s\""), type("text")),
                        "SELECT " + odd + ", \"%d\", v, '%s ? {fn x}' AS \"?\" FROM " + odd,
                        "",
                        new NoMapper());
        List<RowKey> keys = List.of(RowKey.of(table, "1", "100%"), RowKey.of(table, "2", "?"));
        List<RowKey> withNull = List.of(keys.getFirst(), RowKey.of(table, null, "?"));
        Chunker chunker = chunker();

        try (SourceSnapshot ofSource = chunker.openSource(chunker.table(mapping));
                TargetSnapshot ofTarget = chunker.openTarget(chunker.table(mapping))) {
            TableDigest digest = ofSource.digest();
            assertThat(digest).isEqualTo(ofTarget.digest());
            Chunk all = new Chunk.Buckets(TableDigest.BUCKETS, digest.buckets().keySet());
            assertThat(ofSource.sums(all)).hasSize(2).isEqualTo(ofTarget.sums(all));
            for (List<RowKey> asked : List.of(keys, withNull)) {
                Chunk chunk = Chunk.Keys.of(asked);
                assertThat(ofSource.sums(chunk))
                        .containsKey(keys.getFirst())
                        .isEqualTo(ofTarget.sums(chunk));
                assertThat(ofSource.rows(asked, 1_000))
                        .containsKey(keys.getFirst())
                        .isEqualTo(ofTarget.rows(asked, 1_000));
            }
            Row row = Row.of(mapping.target(), "1", "?", "x");
            assertThat(ofTarget.canonical(row)).isEqualTo(row);
        }
    }

    @Test
    void countsTwoRowsOfOneKey() {
        tables(" (id int, v text)");
        source.execute("INSERT INTO " + NAME + " VALUES (1, 'a'), (1, 'b')");
        target.execute("INSERT INTO " + NAME + " VALUES (1, 'b')");
        Chunker chunker = chunker();

        try (SourceSnapshot snapshot = chunker.openSource(chunker.table(keyed("text")))) {
            RowKey key = RowKey.of(TABLE, "1");
            assertThat(snapshot.sums(Chunk.Keys.of(List.of(key))))
                    .hasEntrySatisfying(key, sum -> assertThat(sum.rows()).isEqualTo(2));
        }
    }

    @Test
    void snapshotSeesOnePointInTimeAndListsRunningTransactions() throws Exception {
        tables(" (id int PRIMARY KEY, v text)");
        Chunker chunker = chunker();
        // The writer's locks would block it.
        sourceReader.login();
        try (var writer = source.connect()) {
            writer.setAutoCommit(false);
            writer.createStatement().execute("INSERT INTO " + NAME + " VALUES (1, 'a')");
            long id =
                    Long.parseLong(
                            source.value(
                                    "SELECT backend_xid::text FROM pg_stat_activity"
                                            + " WHERE backend_xid IS NOT NULL"
                                            + " AND datname = current_database()"));
            try (SourceSnapshot snapshot = chunker.openSource(chunker.table(keyed("text")))) {
                writer.commit();

                assertThat(snapshot.running().hides(id)).isTrue();
                assertThat(snapshot.digest().total().rows()).isZero();
            }
            assertThat(chunker.running().hides(id)).isFalse();
        }
    }

    @Test
    void convertsMappedTextsToTheTargetTypes() {
        source.execute("CREATE TABLE " + NAME + " (id text, v numeric)");
        target.execute("CREATE TABLE " + NAME + " (id numeric(6,2) PRIMARY KEY, v numeric(9,3))");
        Mapping mapping = mapping(List.of("id", "v"), List.of("text", "numeric"), "id");
        Chunker chunker = chunker();

        try (TargetSnapshot snapshot = chunker.openTarget(chunker.table(mapping))) {
            RowKey mapped = RowKey.of(TABLE, "1");
            assertThat(snapshot.canonical(List.of(mapped)))
                    .containsEntry(mapped, RowKey.of(TABLE, "1.00"));
            Row row = new Row.Builder(mapping.target()).text(0, "1").unchanged(1).build();
            assertThat(snapshot.canonical(row).text(0)).isEqualTo("1.00");
            assertThat(snapshot.canonical(row).isUnchanged(1)).isTrue();
        }
    }

    /// A cast to text would keep the XML declaration, which is not in the log.
    @Test
    void bothSidesPrintTheTextOfTheLog() {
        tables(" (id char(3) PRIMARY KEY, b boolean, i inet, m money, x xml)");
        String values = " VALUES ('a', true, '10.0.0.1', 1234.56, '%s<a/>')";
        source.execute("INSERT INTO " + NAME + values.formatted("<?xml version=\"1.0\"?>"));
        target.execute("INSERT INTO " + NAME + values.formatted(""));
        Mapping mapping =
                mapping(
                        List.of("id", "b", "i", "m", "x"),
                        List.of("character(3)", "boolean", "inet", "money", "xml"),
                        "id");
        Row row = Row.of(mapping.target(), "a  ", "t", "10.0.0.1", "$1,234.56", "<a/>");
        Chunker chunker = chunker();

        assertThat(targetDigest(mapping)).isEqualTo(sourceDigest(mapping));
        try (TargetSnapshot snapshot = chunker.openTarget(chunker.table(mapping))) {
            assertThat(snapshot.rows(List.of(row.key()), 1_000)).containsValue(row);
            assertThat(snapshot.canonical(row)).isEqualTo(row);
        }
    }

    @Test
    void reportsAValueThatDoesNotFitWithoutTheValue() {
        source.execute(
                "CREATE TABLE " + NAME + " (id text)",
                "INSERT INTO " + NAME + " VALUES ('secret')");
        target.execute("CREATE TABLE " + NAME + " (id int PRIMARY KEY)");
        Mapping mapping = mapping(List.of("id"), List.of("text"), "id");

        assertThatThrownBy(() -> sourceDigest(mapping))
                .isInstanceOf(ReadFailed.class)
                .hasMessageContaining("22P02")
                .hasMessageNotContaining("secret")
                .hasNoCause();
    }

    /// A mapper that wrongly says so shows which of the two is counted.
    @ParameterizedTest
    @CsvSource({"true, 104", "false, 52"})
    void oneReadFindsTheRowsWrittenSinceAndCountsAll(boolean takesEveryRow, long onSource) {
        for (TestDatabase database : List.of(source, target)) {
            database.execute(
                    "CREATE TABLE " + NAME + " (id int, v text) PARTITION BY RANGE (id)",
                    "CREATE TABLE low PARTITION OF " + NAME + " FOR VALUES FROM (0) TO (60)",
                    "CREATE TABLE high PARTITION OF " + NAME + " FOR VALUES FROM (60) TO (999)",
                    "INSERT INTO " + NAME + " SELECT i, 'old' FROM generate_series(1, 100) i");
        }
        Chunker chunker = chunker();
        ServerPosition sinceSource = chunker.sourcePosition(List.of(TABLE));
        ServerPosition sinceTarget = chunker.targetPosition(List.of(TABLE));
        for (TestDatabase database : List.of(source, target)) {
            database.execute(
                    "INSERT INTO "
                            + NAME
                            + " VALUES (7, 'NULL'), (8, NULL), (70, '{\"a, b\\'), (71, '')");
        }
        RowKey[] written = {
            RowKey.of(TABLE, "7", "NULL"),
            RowKey.of(TABLE, "8", null),
            RowKey.of(TABLE, "70", "{\"a, b\\"),
            RowKey.of(TABLE, "71", "")
        };
        Mapping mapping = filtered(takesEveryRow);
        ComparedTable table = chunker.table(mapping);

        try (SourceSnapshot ofSource = chunker.openSource(table);
                TargetSnapshot ofTarget = chunker.openTarget(table);
                TargetSnapshot share =
                        chunker.openTarget(chunker.table(mapping.within("id > 50")))) {
            Written<Row> sources = ofSource.writtenSince(sinceSource, relation(), 4);
            assertThat(sources.keys()).extracting(Row::key).containsExactlyInAnyOrder(written);
            assertThat(sources.rows()).isEqualTo(onSource);
            assertThat(ofSource.writtenSince(sinceSource, relation(), 3).keys()).hasSize(3);

            WrittenRows targets = ofTarget.writtenSince(sinceTarget, 4);
            assertThat(targets.written().keys()).containsExactlyInAnyOrder(written);
            assertThat(targets.sums())
                    .as("another row can have the key with a NULL")
                    .containsOnlyKeys(written[0], written[2], written[3])
                    .isEqualTo(ofTarget.sums(Chunk.Keys.of(targets.sums().keySet())));
            assertThat(targets.written().rows()).isEqualTo(104);
            assertThat(ofTarget.writtenSince(sinceTarget, 3))
                    .satisfies(few -> assertThat(few.written().keys()).hasSize(3))
                    .satisfies(few -> assertThat(few.written().rows()).isEqualTo(104));

            assertThat(share.writtenSince(sinceTarget, 4))
                    .satisfies(of -> assertThat(of.sums()).containsOnlyKeys(written[2], written[3]))
                    .satisfies(of -> assertThat(of.written().rows()).isEqualTo(52));
            assertThat(ofTarget.writtenSince(chunker.targetPosition(List.of(TABLE)), 4))
                    .isEqualTo(new WrittenRows(new Written<>(List.of(), 104), Map.of()));
        }
    }

    @ParameterizedTest
    @CsvSource({"4GB, 0", "8kB, 7"})
    void aTableThatFitsIntoTheCacheIsReadWithoutIoWorkers(String cache, String concurrency)
            throws SQLException {
        for (TestDatabase database : List.of(source, target)) {
            database.execute(
                    "CREATE TABLE " + NAME + " (id int PRIMARY KEY, v text)",
                    "INSERT INTO " + NAME + " SELECT i, 'old' FROM generate_series(1, 1000) i");
        }
        List<Connection> opened = new ArrayList<>();
        Chunker chunker =
                new Chunker(
                        "m",
                        "topic",
                        sourceReader::open,
                        () -> {
                            Connection session = targetReader.open();
                            try (var statement = session.createStatement()) {
                                statement.execute("SET effective_cache_size = '" + cache + "'");
                                statement.execute("SET effective_io_concurrency = 7");
                            }
                            opened.add(session);
                            return session;
                        });
        ServerPosition since = chunker.targetPosition(List.of(TABLE));
        try (TargetSnapshot snapshot = chunker.openTarget(chunker.table(keyed("text")))) {
            snapshot.writtenSince(since, 1);

            try (var statement = opened.getLast().createStatement();
                    var row = statement.executeQuery("SHOW effective_io_concurrency")) {
                row.next();
                assertThat(row.getString(1)).isEqualTo(concurrency);
            }
        }
    }

    private static Mapping filtered(boolean takesEveryRow) {
        return new Mapping(
                TABLE,
                RowSchema.keyed(TABLE, List.of("id", "v"), List.of("id", "v")),
                List.of(type("integer"), type("text")),
                "SELECT * FROM " + NAME + " WHERE id > 50",
                "",
                new NoMapper() {
                    @Override
                    public boolean takesEveryRow() {
                        return takesEveryRow;
                    }
                });
    }

    private static Relation relation() {
        return new Relation(
                TABLE,
                Stream.of("id", "v")
                        .map(
                                name ->
                                        new Relation.Column(
                                                name,
                                                type(name.equals("id") ? "int4" : "text"),
                                                false,
                                                false,
                                                Relation.Collation.NONE))
                        .toList(),
                List.of("id", "v"));
    }

    @Test
    void namesAColumnThatTheTargetLacks() {
        tables(" (id int)");

        assertThatThrownBy(() -> targetDigest(keyed("text")))
                .isInstanceOf(ReadFailed.class)
                .hasMessageContaining("has no column v");
    }

    /// The login that only compares. It gets what `millrace grants` prints when it opens its first
    /// session, because a test creates its tables before.
    static final class Reader {

        private final Side side;
        private final TestDatabase database;
        private @Nullable Login login;

        Reader(Side side, TestDatabase database) {
            this.side = side;
            this.database = database;
        }

        Connection open() throws SQLException {
            return login().session("chunk");
        }

        synchronized Login login() {
            Login granted = login;
            if (granted == null) {
                granted = GrantedLogins.reader(side, database);
                login = granted;
            }
            return granted;
        }
    }

    static class NoMapper implements RowMapper {
        @Override
        public MappedRow map(Row source) {
            throw new AssertionError();
        }

        @Override
        public Row key(Row source) {
            throw new AssertionError();
        }
    }
}
