package dev.millrace.digest;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.RowKey;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.digest.TableSnapshot.RowSum;
import dev.millrace.grants.Grants.Side;
import dev.millrace.mapping.Mapping;
import dev.millrace.sql.Relation.SqlType;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Sums of ranges of keys on two real databases.
class RangesIT {

    private static final TableId TABLE = new TableId("public", "item");

    private static final TestDatabase SOURCE = PostgresServer.shared().newDatabase();
    private static final TestDatabase TARGET = PostgresServer.shared().newDatabase();

    private final TestDatabase source = SOURCE;
    private final TestDatabase target = TARGET;
    private final Chunker chunker =
            new Chunker(
                    "m",
                    "topic",
                    new ChunkerIT.Reader(Side.SOURCE, source)::open,
                    new ChunkerIT.Reader(Side.TARGET, target)::open);

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
                types.stream()
                        .map(type -> new SqlType("pg_catalog", type, type, -1, Optional.empty()))
                        .toList(),
                "SELECT * FROM item -- all",
                "",
                new ChunkerIT.NoMapper());
    }

    private static Mapping keyed(String type) {
        return mapping(List.of("id", "v"), List.of("integer", type), "id");
    }

    private void both(String... statements) {
        source.execute(statements);
        target.execute(statements);
    }

    private RowSum sourceSum(Mapping mapping, KeyRange range) {
        try (SourceSnapshot snapshot = chunker.openSource(chunker.table(mapping))) {
            return snapshot.within(range).digest();
        }
    }

    private RowSum targetSum(Mapping mapping, KeyRange range) {
        try (TargetSnapshot snapshot = chunker.openTarget(chunker.table(mapping))) {
            return snapshot.within(range).digest();
        }
    }

    /// Values that PostgreSQL's own hash functions do not tell apart, or hardly.
    @ParameterizedTest(name = "{0}: {1} and {2}")
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '`',
            value = {
                "bigint; 1; 4294967296",
                "bigint; -1; -4294967298",
                "bigint; 5; 21474836480",
                "timestamp without time zone; '2000-01-01 00:00:00.000001';"
                        + " '2000-01-01 01:11:34.967296'",
                "timestamp with time zone; '2000-01-01 00:00:00.000001Z';"
                        + " '2000-01-01 01:11:34.967296Z'",
                "timestamp with time zone; '2024-01-01 00:00:00Z'; '2024-01-01 00:00:00.000001Z'",
                "numeric; 1.0; 1.00",
                "numeric; 0; 0.0",
                "numeric; 1; -1",
                "numeric; 1e20; 1e24",
                "numeric; 12345678901234567890.000000001; 12345678901234567890.000000002",
                "numeric; 'NaN'; NULL",
                "numeric; 'NaN'; 'Infinity'",
                "numeric; 'Infinity'; '-Infinity'",
                "double precision; 0; '-0'",
                "double precision; 'NaN'; NULL",
                "text; 'a'; 'a '",
                "text; U&'\\00e9'; U&'e\\0301'",
                "character(3); 'a'; NULL",
                "bytea; ''; NULL",
                "bytea; '\\x00'; '\\x0000'",
                "boolean; false; NULL",
                "boolean; false; true",
                "date; '2000-01-01'; '2000-01-02'",
                "jsonb; '{\"a\": 1.0}'; '{\"a\": 1.00}'",
                "jsonb; 'null'; NULL",
                "text; NULL; ''",
                "integer; 0; NULL"
            })
    void valuesWithDifferentTextsHaveDifferentSums(String type, String one, String other) {
        both(
                "CREATE TABLE item (id int PRIMARY KEY, v %s)".formatted(type),
                "INSERT INTO item VALUES (1, %s), (2, NULL)".formatted(one));
        assertThat(targetSum(keyed(type), KeyRange.ALL))
                .isEqualTo(sourceSum(keyed(type), KeyRange.ALL));

        target.execute("UPDATE item SET v = %s WHERE id = 1".formatted(other));

        assertThat(targetSum(keyed(type), KeyRange.ALL))
                .isNotEqualTo(sourceSum(keyed(type), KeyRange.ALL));
    }

    /// A sum of hashes that add the hashes of the columns would be equal.
    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '`',
            value = {"integer, 1, 2", "text, 'a', 'b'", "boolean, true, NULL", "numeric, 1, 2"})
    void rowsThatSwappedTheirValuesHaveAnotherSum(String type, String one, String other) {
        both("CREATE TABLE item (id int PRIMARY KEY, v %s)".formatted(type));
        source.execute("INSERT INTO item VALUES (1, %s), (2, %s)".formatted(one, other));
        target.execute("INSERT INTO item VALUES (1, %s), (2, %s)".formatted(other, one));

        RowSum sum = targetSum(keyed(type), KeyRange.ALL);

        assertThat(sum.rows()).isEqualTo(2);
        assertThat(sum.first()).isNotEqualTo(sourceSum(keyed(type), KeyRange.ALL).first());
    }

    /// A number takes part with its bytes, because equal numbers may have different texts. The same
    /// text must not have other bytes, whatever computed it.
    @Test
    void numericsHaveTheSameBytesIfAndOnlyIfTheyHaveTheSameText() {
        target.execute(
                "CREATE TABLE n AS SELECT n FROM generate_series(-300, 300) i,"
                        + " LATERAL (VALUES (i::numeric), (i * 1.50), (i * 1.5), (i / 8.0),"
                        + " (round(i / 8.0, 2)), (trunc(i / 8.0, 1)), (i * 10000::numeric),"
                        + " (i * 0.0001), (i * 0.0001 * 10000), (i * 1e20), (i * 1e20 / 1e20),"
                        + " ((i || '.000')::numeric), ((i || 'e3')::numeric), ((i || 'e-5')::numeric),"
                        + " (i::float8::numeric), (i::numeric(12, 2)), (trim_scale(i * 1.50)),"
                        + " (i::numeric - i), (i - 0.00 - i)) AS v(n)",
                "INSERT INTO n VALUES ('NaN'), ('Infinity'), ('-Infinity'), ('-0.0'), ('0e5'),"
                        + " ('Infinity'::numeric - 1), ('NaN'::numeric * 2)");

        List<@Nullable String> counts =
                target.query(
                                "SELECT count(DISTINCT n::text), count(DISTINCT numeric_send(n)),"
                                        + " count(DISTINCT (n::text, numeric_send(n))) FROM n")
                        .getFirst();

        assertThat(Integer.parseInt(String.valueOf(counts.getFirst()))).isGreaterThan(2_000);
        assertThat(counts).containsOnly(counts.getFirst());
    }

    /// Without the last hash of a row, the exclusive or of all rows would be equal.
    @ParameterizedTest(name = "{0}: {1} and {2}")
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '`',
            value = {
                "smallint; 1; 2",
                "integer; -1; 0",
                "bigint; 1; 2",
                "bigint; 1; 4294967296",
                "text; 'a'; ''",
                "uuid; '00000000-0000-0000-0000-000000000001'; '00000000-0000-0000-0000-000000000002'",
                "numeric; 1.0; 2.0",
                "date; '2024-01-01'; '2024-01-02'",
                "timestamp without time zone; '2000-01-01 00:00:00.000001'; '2000-01-01 01:11:34.967296'",
                "bytea; '\\x00'; '\\x0000'"
            })
    void rowsThatSwappedTheirValuesHaveAnotherSumWhateverTheirKeys(
            String type, String one, String other) {
        both("CREATE TABLE item (id %s PRIMARY KEY, v int)".formatted(type));
        source.execute("INSERT INTO item VALUES (%s, 7), (%s, 8)".formatted(one, other));
        target.execute("INSERT INTO item VALUES (%s, 8), (%s, 7)".formatted(one, other));
        Mapping mapping = mapping(List.of("id", "v"), List.of(type, "integer"), "id");

        RowSum sum = targetSum(mapping, KeyRange.ALL);

        assertThat(sum.rows()).isEqualTo(2);
        assertThat(sum.first()).isNotEqualTo(sourceSum(mapping, KeyRange.ALL).first());
        assertThat(sum.second()).isNotEqualTo(sourceSum(mapping, KeyRange.ALL).second());
    }

    @ParameterizedTest
    @ValueSource(strings = {"integer", "text", "uuid", "numeric"})
    void rowWithoutAKeyHasAHash(String type) {
        both("CREATE TABLE item (id %s, v text)".formatted(type));
        source.execute("INSERT INTO item VALUES (NULL, 'a')");
        target.execute("INSERT INTO item VALUES (NULL, 'b')");
        Mapping mapping = mapping(List.of("id", "v"), List.of(type, "text"), "id");

        assertThat(targetSum(mapping, KeyRange.ALL).first())
                .isNotZero()
                .isNotEqualTo(sourceSum(mapping, KeyRange.ALL).first());
    }

    /// Small values in several columns of one type, as many tables have them, and NULLs.
    @ParameterizedTest
    @ValueSource(strings = {"smallint", "integer", "bigint", "numeric", "text", "jsonb", "date"})
    void rowsOfSimilarValuesHaveDifferentHashes(String type) {
        String value =
                type.equals("date")
                        ? "date '2000-01-01' + nullif(%s, 0)"
                        : "nullif(%s, 0)::text::" + type;
        target.execute(
                "CREATE TABLE item (id %1$s, a %1$s, b %1$s, c text)".formatted(type),
                "INSERT INTO item SELECT %s, %s, %s, nullif('', repeat('x', j %% 2))"
                                .formatted(
                                        value.formatted("i + 1"),
                                        value.formatted("j"),
                                        value.formatted("k"))
                        + " FROM generate_series(0, 19) i, generate_series(0, 19) j,"
                        + " generate_series(0, 19) k");
        source.execute("CREATE TABLE item (id %1$s, a %1$s, b %1$s, c text)".formatted(type));
        Set<RowSum> sums = new HashSet<>();
        Mapping mapping =
                mapping(List.of("id", "a", "b", "c"), List.of(type, type, type, "text"), "id");

        try (TargetSnapshot snapshot = chunker.openTarget(chunker.table(mapping))) {
            RangeSnapshot all = snapshot.within(KeyRange.ALL);
            all.rows(all.buckets().buckets().keySet(), (_, sum) -> sums.add(sum));
        }

        assertThat(sums).hasSize(8_000);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '`',
            value = {
                "numeric; ('NaN'), ('Infinity'), ('-Infinity'), (0), (-1), (-1.5), (1e30), (-1e30)",
                "bigint; (-9223372036854775808), (-1), (0), (9223372036854775807)",
                "integer; (-2147483648), (-1), (0), (2147483647)",
                "smallint; (-32768), (-1), (0), (32767)",
                "oid; (0), (1), (2147483648), (4294967295)",
                "date; ('-infinity'), ('4713-01-01 BC'), ('1999-12-31'), ('2000-01-01'),"
                        + " ('infinity')",
                "timestamp without time zone; ('-infinity'), ('4713-01-01 BC'),"
                        + " ('1999-12-31 23:59:59.999999'), ('2000-01-01'), ('infinity')",
                "timestamp with time zone; ('-infinity'), ('4713-01-01 00:00Z BC'),"
                        + " ('1999-12-31 23:59:59.999999Z'), ('2000-01-01 00:00Z'), ('infinity')",
                "uuid; ('00000000-0000-0000-0000-000000000000'),"
                        + " ('7fffffff-ffff-ffff-ffff-ffffffffffff'),"
                        + " ('80000000-0000-0000-0000-000000000000'),"
                        + " ('ffffffff-ffff-ffff-ffff-ffffffffffff')",
                "bytea; (''), ('\\x00'), ('\\x0000'), ('\\x7f'), ('\\xff')",
                "text; (''), ('B'), ('a'), ('it''s'), (E'back\\\\slash'), (U&'\\00e9'), (U&'\\+01F600')",
                "character varying(9); (''), ('a'), ('a '), ('9'), ('10')"
            })
    void everyKeyIsInOneRangeOnBothSides(String type, String keys) {
        both(
                "CREATE TABLE item (id %s PRIMARY KEY, v text)".formatted(type),
                "INSERT INTO item (id) VALUES " + keys);
        ComparedTable table =
                chunker.table(mapping(List.of("id", "v"), List.of(type, "text"), "id"));
        int count = keys.split("\\), \\(").length;

        try (SourceSnapshot ofSource = chunker.openSource(table);
                TargetSnapshot ofTarget = chunker.openTarget(table)) {
            RangeSnapshot all = ofTarget.within(KeyRange.ALL);
            List<RowKey> found = new ArrayList<>();
            all.rows(all.buckets().buckets().keySet(), (key, _) -> found.add(key));
            assertThat(found).hasSize(count);
            List<KeyRange> ranges = KeyRange.ALL.split(all.bounds(1));

            assertThat(ranges).hasSize(count);
            RowSum sum = RowSum.NONE;
            for (KeyRange range : ranges) {
                RowSum one = ofSource.within(range).digest();
                assertThat(one.rows()).as(range.toString()).isEqualTo(1);
                assertThat(ofTarget.within(range).digest()).isEqualTo(one);
                assertThat(ofTarget.within(range).keysWithin(found)).hasSize(1);
                sum = sum.plus(one);
            }
            assertThat(sum).isEqualTo(all.digest());
        }
    }

    @Test
    void rowsWithOnlyNullsAreDistinguishedByTheirKeys() {
        both("CREATE TABLE item (id int PRIMARY KEY, v text)");
        source.execute("INSERT INTO item VALUES (1, NULL)");
        target.execute("INSERT INTO item VALUES (2, NULL)");

        assertThat(targetSum(keyed("text"), KeyRange.ALL))
                .isNotEqualTo(sourceSum(keyed("text"), KeyRange.ALL));
    }

    @Test
    void rangesContainEveryKeyOnceOnBothSides() {
        source.execute("CREATE TABLE item (a int, b text, c uuid, PRIMARY KEY (a, c))");
        target.execute("CREATE TABLE item (a bigint, b text, c uuid, PRIMARY KEY (a, c))");
        for (TestDatabase database : List.of(source, target)) {
            database.execute(
                    "INSERT INTO item SELECT i % 7 - 3, 'v' || i, md5(i::text)::uuid"
                            + " FROM generate_series(1, 500) i");
        }
        Mapping mapping =
                mapping(List.of("a", "b", "c"), List.of("integer", "text", "uuid"), "a", "c");
        ComparedTable table = chunker.table(mapping);
        assertThat(table.hasRanges()).isTrue();

        try (SourceSnapshot ofSource = chunker.openSource(table);
                TargetSnapshot ofTarget = chunker.openTarget(table)) {
            List<KeyRange> ranges = KeyRange.ALL.split(ofTarget.sampledBounds(9, 100));
            assertThat(ranges).hasSize(9);
            RowSum all = RowSum.NONE;
            for (KeyRange range : ranges) {
                RowSum sum = ofSource.within(range).digest();
                assertThat(sum).isEqualTo(ofTarget.within(range).digest());
                assertThat(sum.rows()).isBetween(50L, 60L);
                all = all.plus(sum);
            }
            assertThat(all).isEqualTo(ofSource.within(KeyRange.ALL).digest());
            assertThat(all.rows()).isEqualTo(500);
            assertThat(ofSource.hasNullKey()).isFalse();
        }
    }

    @Test
    void rangeIsDividedAndItsRowsAreRead() {
        both(
                "CREATE TABLE item (id int PRIMARY KEY, v text)",
                "INSERT INTO item SELECT i, 'v' FROM generate_series(1, 100) i");
        ComparedTable table = chunker.table(keyed("text"));
        KeyRange range = new KeyRange(RowKey.of(TABLE, "11"), RowKey.of(TABLE, "51"));

        try (TargetSnapshot snapshot = chunker.openTarget(table)) {
            RangeSnapshot within = snapshot.within(range);
            assertThat(within.bounds(10))
                    .extracting(key -> key.value(0))
                    .containsExactly("21", "31", "41");
            assertThat(within.bounds(1)).hasSize(39);
            Map<RowKey, RowSum> rows = new HashMap<>();
            TableDigest buckets = within.buckets();
            assertThat(buckets.total()).isEqualTo(within.digest());
            within.rows(buckets.buckets().keySet(), rows::put);
            assertThat(rows).hasSize(40).doesNotContainKey(RowKey.of(TABLE, "51"));
            assertThat(rows.values().stream().reduce(RowSum.NONE, RowSum::plus))
                    .isEqualTo(within.digest());
            List<RowKey> keys = List.of(RowKey.of(TABLE, "10"), RowKey.of(TABLE, "11"));
            assertThat(within.sums(keys)).containsOnlyKeys(keys.getLast());
            assertThat(within.keysWithin(keys)).containsExactly(keys.getLast());
            TableDigest ofKeys = within.buckets(keys);
            assertThat(ofKeys.total()).isEqualTo(rows.get(keys.getLast()));
            int bucket = ofKeys.buckets().keySet().iterator().next();
            assertThat(buckets.differing(buckets.minus(ofKeys))).containsExactly(bucket);
            Map<RowKey, RowSum> ofBucket = new HashMap<>();
            within.rows(Set.of(bucket), ofBucket::put);
            assertThat(ofBucket).containsKey(keys.getLast()).hasSizeLessThan(10);
            assertThat(within.digest().minus(within.digest())).isEqualTo(RowSum.NONE);
        }
    }

    @Test
    void samplesOnlyTheRowsOfTheMapping() {
        both(
                "CREATE TABLE item (id int PRIMARY KEY, v text)",
                "INSERT INTO item SELECT i, CASE WHEN i > 50 THEN 'x' END"
                        + " FROM generate_series(1, 100) i");
        ComparedTable table = chunker.table(keyed("text").within("v IS NULL"));

        try (TargetSnapshot snapshot = chunker.openTarget(table)) {
            assertThat(snapshot.sampledBounds(5, 100))
                    .extracting(key -> key.value(0))
                    .containsExactly("11", "21", "31", "41");
        }
    }

    @ParameterizedTest
    @CsvSource({
        "text, text, NOT NULL, true",
        "character varying, character varying, NOT NULL, true",
        "character varying, text, NOT NULL, false",
        "character(3), character(3), NOT NULL, false",
        "integer, integer, '', false",
        "integer, integer, NOT NULL, true",
        "integer, bigint, NOT NULL, true",
        "integer, text, NOT NULL, false",
        "date, timestamp, NOT NULL, false"
    })
    void onlyKeysWithOneOrderOnAllServersHaveRanges(
            String ofSource, String ofTarget, String constraint, boolean expected) {
        source.execute("CREATE TABLE item (id %s)".formatted(ofSource));
        target.execute("CREATE TABLE item (id %s %s)".formatted(ofTarget, constraint));

        assertThat(chunker.table(mapping(List.of("id"), List.of(ofSource), "id")).hasRanges())
                .isEqualTo(expected);
    }

    /// The collation of a database, or one of a column, decides the order of texts.
    @ParameterizedTest(name = "{0} {1} and {2} {3}")
    @CsvSource({
        "LOCALE 'C', '', LOCALE 'C', '', true",
        "LOCALE 'C', '', LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C', '', true",
        "LOCALE_PROVIDER icu ICU_LOCALE 'en-US', '', LOCALE_PROVIDER icu ICU_LOCALE 'en-US', '', true",
        "LOCALE_PROVIDER icu ICU_LOCALE 'en-US', '', LOCALE_PROVIDER icu ICU_LOCALE 'sv-SE', '', false",
        "LOCALE_PROVIDER icu ICU_LOCALE 'en-US', '', LOCALE 'C', '', false",
        "LOCALE 'C', '', LOCALE 'C', 'COLLATE \"en-x-icu\"', false",
        "LOCALE 'C', 'COLLATE \"C\"', LOCALE 'C', 'COLLATE \"C\"', false"
    })
    void rangesOfTextsNeedTheSameCollations(
            String ofSource, String sourceColumn, String ofTarget, String column, boolean same) {
        TestDatabase one = PostgresServer.shared().newDatabase("ENCODING 'UTF8' " + ofSource);
        TestDatabase other = PostgresServer.shared().newDatabase("ENCODING 'UTF8' " + ofTarget);
        one.execute("CREATE TABLE item (id text %s PRIMARY KEY, v text)".formatted(sourceColumn));
        other.execute("CREATE TABLE item (id text %s PRIMARY KEY, v text)".formatted(column));
        Chunker both =
                new Chunker(
                        "m",
                        "topic",
                        new ChunkerIT.Reader(Side.SOURCE, one)::open,
                        new ChunkerIT.Reader(Side.TARGET, other)::open);
        ComparedTable table =
                both.table(mapping(List.of("id", "v"), List.of("text", "text"), "id"));

        try (SourceSnapshot source = both.openSource(table);
                TargetSnapshot target = both.openTarget(table)) {
            Optional<String> order = source.keyOrder();
            assertThat(order.isPresent() && order.equals(target.keyOrder())).isEqualTo(same);
        }
    }

    /// The texts of a language are not in the order of their bytes.
    @Test
    void everyTextIsInOneRangeInTheOrderOfALanguage() {
        TestDatabase english =
                PostgresServer.shared()
                        .newDatabase("ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'en-US'");
        english.execute(
                "CREATE TABLE item (id text PRIMARY KEY, v text)",
                "INSERT INTO item SELECT c || i FROM unnest(ARRAY['a', 'B', 'c', U&'\\00e9', '_', '']) c,"
                        + " generate_series(1, 20) i");
        Chunker both =
                new Chunker(
                        "m",
                        "topic",
                        new ChunkerIT.Reader(Side.SOURCE, english)::open,
                        new ChunkerIT.Reader(Side.TARGET, english)::open);
        ComparedTable table =
                both.table(mapping(List.of("id", "v"), List.of("text", "text"), "id"));

        try (TargetSnapshot snapshot = both.openTarget(table)) {
            RangeSnapshot all = snapshot.within(KeyRange.ALL);
            RowSum sum = RowSum.NONE;
            List<KeyRange> ranges = KeyRange.ALL.split(all.bounds(7));
            for (KeyRange range : ranges) {
                RangeSnapshot within = snapshot.within(range);
                List<RowKey> keys = new ArrayList<>();
                within.rows(within.buckets().buckets().keySet(), (key, _) -> keys.add(key));
                assertThat(within.keysWithin(keys)).hasSameSizeAs(keys);
                sum = sum.plus(within.digest());
            }
            assertThat(ranges).hasSize(18);
            assertThat(sum).isEqualTo(all.digest());
            assertThat(snapshot.within(ranges.get(9)).isIndexed()).isTrue();
        }
    }

    @Test
    void sourceRowWithoutAKeyIsReported() {
        source.execute("CREATE TABLE item (id int, v text)", "INSERT INTO item VALUES (NULL, 'a')");
        target.execute("CREATE TABLE item (id int PRIMARY KEY, v text)");

        try (SourceSnapshot snapshot = chunker.openSource(chunker.table(keyed("text")))) {
            assertThat(snapshot.hasNullKey()).isTrue();
        }
    }
}
