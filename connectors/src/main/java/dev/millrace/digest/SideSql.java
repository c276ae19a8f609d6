package dev.millrace.digest;

import dev.millrace.digest.ComparedTable.KeyColumn;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// Builds the statements that read one side. The hash of a row is summed and combined by exclusive
/// or: neither depends on the order of the rows.
///
/// @param from the FROM item, with the alias `m`
/// @param cells the canonical text of each column of `m`
/// @param keyHash the hash of the key of `m`
/// @param rowHash the hash of the row `m`
record SideSql(
        String from, List<String> cells, List<KeyColumn> key, String keyHash, String rowHash) {

    /// Returns bucket, number of rows, sum and exclusive or of their hashes, bytes of the keys.
    ///
    /// @param buckets the number of buckets, a power of two
    String digest(int buckets) {
        return digest(buckets, "");
    }

    /// The same for rows in some buckets of a digest with fewer buckets. Its parameter is the
    /// numbers of those buckets.
    String digestWithin(int fewer, int buckets) {
        return digest(buckets, " WHERE bucket & " + (fewer - 1) + " = ANY (?)");
    }

    /// The same for the rows of some keys. Its parameters are the texts of each key column.
    String digestOfKeys(boolean withNulls, int buckets) {
        return digest(hashed(buckets, where(withNulls)), "");
    }

    private String digest(int buckets, String where) {
        return digest(hashed(buckets, ""), where);
    }

    private static String digest(String hashed, String where) {
        return "SELECT bucket, count(*), sum(hash), bit_xor(hash), sum(width) FROM ("
                + hashed
                + ") AS h"
                + where
                + " GROUP BY bucket";
    }

    /// Returns the key's columns and the hash of each row. Its parameter is the numbers of the
    /// buckets.
    String sumsOfBuckets(int buckets) {
        return "SELECT "
                + keyNames()
                + ", hash FROM ("
                + hashed(buckets, "")
                + ") AS h WHERE bucket = ANY (?)";
    }

    /// Returns the key's columns and the hash of each row. Its parameters are the texts of each key
    /// column.
    String sumsOfKeys(boolean withNulls) {
        return sums(where(withNulls));
    }

    /// The same for those of the keys that are in a range. The parameters of the range follow.
    String sumsOfKeys(boolean withNulls, KeyRange range) {
        return sums(where(withNulls) + " AND " + within(range));
    }

    /// The same for those rows of a range that are in some buckets. Its parameters are those of the
    /// range, then the numbers of the buckets.
    String sumsWithin(KeyRange range, int buckets) {
        return sums(" WHERE " + within(range) + " AND " + bucket(buckets) + " = ANY (?)");
    }

    private String sums(String where) {
        return "SELECT " + keyCells() + ", " + rowHash + " AS hash FROM " + from + where;
    }

    /// Returns the number of rows of a range, the sum and the exclusive or of their hashes. OFFSET
    /// 0 prevents the hash from being computed twice.
    String digestWithin(KeyRange range) {
        return "SELECT count(*), coalesce(sum(hash), 0), coalesce(bit_xor(hash), 0) FROM (SELECT "
                + rowHash
                + " AS hash FROM "
                + from
                + " WHERE "
                + within(range)
                + " OFFSET 0) AS h";
    }

    /// Returns what [#digest(int)] returns for the rows of a range, but no bytes of keys. Its
    /// parameters are those of the range.
    String bucketsWithin(KeyRange range, int buckets) {
        return buckets(buckets, " WHERE " + within(range));
    }

    /// The same for those of some keys that are in the range. Its parameters are the texts of each
    /// key column, then those of the range.
    String bucketsOfKeys(boolean withNulls, KeyRange range, int buckets) {
        return buckets(buckets, where(withNulls) + " AND " + within(range));
    }

    private String buckets(int buckets, String where) {
        return "SELECT bucket, count(*), sum(hash), bit_xor(hash), 0 FROM (SELECT "
                + bucket(buckets)
                + " AS bucket, "
                + rowHash
                + " AS hash FROM "
                + from
                + where
                + " OFFSET 0) AS h GROUP BY bucket";
    }

    private String bucket(int buckets) {
        return "(" + keyHash + " & " + (buckets - 1) + ")::int";
    }

    /// Returns the positions, from 1, of those of some keys that are in a range. Its parameters are
    /// the texts of each key column, then those of the range. It reads no table.
    String positionsWithin(KeyRange range) {
        String keys =
                key.stream()
                        .map(column -> "CAST(? AS " + column.orderedType() + "[])")
                        .collect(Collectors.joining(", "));
        return "SELECT ordinal FROM unnest("
                + keys
                + ") WITH ORDINALITY AS w("
                + keyNames()
                + ", ordinal) WHERE "
                + within(range, keyNames());
    }

    /// Returns the key's columns of the first row of every part of the rows except the first part,
    /// in the order of ranges.
    ///
    /// @param parts of about equal size
    String bounds(int parts) {
        return "SELECT "
                + keyNames()
                + " FROM (SELECT DISTINCT ON (part) "
                + keyNames()
                + ", part FROM (SELECT "
                + keyCells()
                + ", ntile("
                + parts
                + ") OVER w AS part, row_number() OVER w AS number FROM "
                + from
                + " WINDOW w AS (ORDER BY "
                + ordered()
                + ")) AS n ORDER BY part, number) AS b WHERE part > 1 ORDER BY part";
    }

    /// Returns the key's columns of every n-th row of a range except the first, in the order of
    /// ranges. Its parameters are those of the range.
    String everyKey(long nth, KeyRange range) {
        return "SELECT "
                + keyNames()
                + " FROM (SELECT "
                + keyCells()
                + ", row_number() OVER (ORDER BY "
                + ordered()
                + ") AS number FROM "
                + from
                + " WHERE "
                + within(range)
                + ") AS n WHERE number > 1 AND (number - 1) % "
                + nth
                + " = 0 ORDER BY number";
    }

    /// Returns whether a row has a NULL in its key.
    String hasNullKey() {
        return key.stream()
                .map(column -> column.ordered() + " IS NULL")
                .collect(
                        Collectors.joining(
                                " OR ", "SELECT EXISTS (SELECT FROM " + from + " WHERE ", ")"));
    }

    /// Returns whether each key column whose order depends on a collation has that of the database.
    /// Reads no row.
    String hasDefaultCollations() {
        return key.stream()
                .filter(KeyColumn::collated)
                .map(
                        column ->
                                "pg_collation_for((SELECT "
                                        + column.ordered()
                                        + " FROM "
                                        + from
                                        + " LIMIT 0)) = '\"default\"'")
                .collect(Collectors.joining(" AND ", "SELECT ", ""));
    }

    private String ordered() {
        return key.stream().map(KeyColumn::ordered).collect(Collectors.joining(", "));
    }

    /// A condition with a parameter for each key column of `from`, then of `to`.
    private String within(KeyRange range) {
        return within(range, ordered());
    }

    private String within(KeyRange range, String columns) {
        String row = "(" + columns + ")";
        String bound =
                key.stream()
                        .map(column -> "CAST(? AS " + column.orderedType() + ")")
                        .collect(Collectors.joining(", ", "(", ")"));
        return Stream.of(
                        range.from() == null ? "" : row + " >= " + bound,
                        range.to() == null ? "" : row + " < " + bound)
                .filter(condition -> !condition.isEmpty())
                .reduce((one, other) -> one + " AND " + other)
                .orElse("true");
    }

    /// Returns every column of as many rows as fit, in any order. Its parameters are the texts of
    /// each key column.
    ///
    /// @param bytes the limit for all rows together; a row that alone exceeds it is left out
    String cellsOfKeys(boolean withNulls, long bytes) {
        String names = each(cells.size(), i -> "c" + i);
        String fits = "width <= " + bytes;
        return "SELECT "
                + names
                + " FROM (SELECT "
                + names
                + ", width, sum(width) FILTER (WHERE "
                + fits
                + ") OVER (ROWS UNBOUNDED PRECEDING) AS so_far FROM (SELECT "
                + names
                + ", octet_length(ROW("
                + names
                + ")::text) AS width FROM (SELECT "
                + each(cells.size(), i -> cells.get(i) + " AS c" + i)
                + " FROM "
                + from
                + where(withNulls)
                + " OFFSET 0) AS t OFFSET 0) AS u) AS v WHERE "
                + fits
                + " AND so_far <= "
                + bytes;
    }

    /// Returns the number of rows.
    String count() {
        return "SELECT count(*) FROM " + from;
    }

    /// What [#writtenSince(ServerPosition, List, String, long)] returns, with the key's columns and
    /// then the hash of the row. Only for a side whose FROM item is a table.
    String writtenSince(ServerPosition since, long most) {
        List<String> texts =
                Stream.concat(
                                key.stream().map(KeyColumn::text),
                                Stream.of("(" + rowHash + ")::text"))
                        .toList();
        return writtenSince(since, texts, from, most);
    }

    /// Returns the number of rows, and the texts of those whose version was written since this
    /// moment, as one array. So a table that is not in memory is read once. An aggregate collects
    /// without a limit, so a setting of the transaction counts what is collected; AND evaluates it
    /// only for a row that was written. [WrittenScan] sets it to 0 before.
    ///
    /// @param texts expressions of type text
    /// @param from a table with the alias `m`
    static String writtenSince(ServerPosition since, List<String> texts, String from, long most) {
        return "SELECT count(*), array_agg(ARRAY["
                + String.join(", ", texts)
                + "]) FILTER (WHERE "
                + since.writtenSince("m.xmin")
                + " AND set_config('millrace.written',"
                + " (current_setting('millrace.written')::bigint + 1)::text, true)::bigint <= "
                + most
                + ") FROM "
                + from;
    }

    /// Returns the key's columns and the writer's transaction id (32 bits) of rows whose version
    /// was written since this moment. Only for a side whose FROM item is a table.
    String writersSince(ServerPosition since) {
        return "SELECT "
                + keyCells()
                + ", m.xmin::text FROM "
                + from
                + " WHERE "
                + since.writtenSince("m.xmin");
    }

    /// OFFSET 0 prevents an expression from being computed for each reference to it.
    private String hashed(int buckets, String where) {
        return "SELECT "
                + keyNames()
                + ", bucket, width, hash FROM (SELECT "
                + keyCells()
                + ", "
                + bucket(buckets)
                + " AS bucket, octet_length(ROW("
                + key.stream().map(KeyColumn::text).collect(Collectors.joining(", "))
                + ")::text) AS width, "
                + rowHash
                + " AS hash FROM "
                + from
                + where
                + " OFFSET 0) AS t";
    }

    private String keyCells() {
        return each(key.size(), i -> key.get(i).text() + " AS k" + i);
    }

    private String keyNames() {
        return each(key.size(), i -> "k" + i);
    }

    private static String each(int count, IntFunction<String> expression) {
        return IntStream.range(0, count).mapToObj(expression).collect(Collectors.joining(", "));
    }

    /// Keys with a NULL need EXISTS with IS NOT DISTINCT FROM, which is slow.
    private String where(boolean withNulls) {
        String arrays =
                key.stream()
                        .map(column -> "CAST(? AS " + column.type() + "[])")
                        .collect(Collectors.joining(", "));
        if (withNulls) {
            return IntStream.range(0, key.size())
                    .mapToObj(i -> key.get(i).value() + " IS NOT DISTINCT FROM w.k" + i)
                    .collect(
                            Collectors.joining(
                                    " AND ",
                                    " WHERE EXISTS (SELECT FROM unnest("
                                            + arrays
                                            + ") AS w("
                                            + keyNames()
                                            + ") WHERE ",
                                    ")"));
        }
        if (key.size() == 1) {
            return " WHERE " + key.getFirst().value() + " = ANY (" + arrays + ")";
        }
        return key.stream().map(KeyColumn::value).collect(Collectors.joining(", ", " WHERE (", ")"))
                + " IN (SELECT * FROM unnest("
                + arrays
                + "))";
    }
}
