package dev.millrace.digest;

import dev.millrace.digest.ComparedTable.HashFunction;
import dev.millrace.digest.ComparedTable.KeyColumn;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// Builds the statements that read one side. The text of a row is the text of a composite of its
/// cells' texts: NULL and the empty text differ, and the texts of two columns cannot be confused.
///
/// @param from the FROM item, with the alias `m`
/// @param cells the canonical text of each column of `m`
record SideSql(String from, List<String> cells, List<KeyColumn> key, HashFunction hash) {

    /// Returns bucket, number of rows, first sum, second sum, bytes of the keys.
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

    private String digest(int buckets, String where) {
        return "SELECT bucket, count(*), sum(first), sum(second), sum(width) FROM ("
                + hashed("", buckets)
                + ") AS h"
                + where
                + " GROUP BY bucket";
    }

    /// Returns the key's columns, first hash, second hash. Its parameter is the numbers of the
    /// buckets.
    String sumsOfBuckets(int buckets) {
        return "SELECT "
                + keyNames()
                + ", first, second FROM ("
                + hashed("", buckets)
                + ") AS h WHERE bucket = ANY (?)";
    }

    /// Returns the key's columns, first hash, second hash. Its parameters are the texts of each key
    /// column.
    String sumsOfKeys(boolean withNulls) {
        return "SELECT "
                + keyNames()
                + ", first, second FROM ("
                + hashed(where(withNulls), TableDigest.BUCKETS)
                + ") AS h";
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

    /// Returns the key's columns of rows whose version was written since this moment. Only for a
    /// side whose FROM item is a table.
    String keysWrittenSince(ServerPosition since, long most) {
        return "SELECT "
                + keyCells()
                + " FROM "
                + from
                + " WHERE "
                + since.writtenSince("m.xmin")
                + " LIMIT "
                + most;
    }

    /// OFFSET 0 prevents the texts from being computed once per hash.
    private String hashed(String where, int buckets) {
        String bucket = hash.of("key", HashFunction.BUCKET_SEED);
        return "SELECT "
                + keyNames()
                + ", "
                + "("
                + bucket
                + " & "
                + (buckets - 1)
                + ")::int AS bucket, octet_length(key) AS width, "
                + hash.of("cells", HashFunction.FIRST_SEED)
                + " AS first, "
                + hash.of("cells", HashFunction.SECOND_SEED)
                + " AS second FROM (SELECT "
                + keyCells()
                + ", ROW("
                + key.stream().map(KeyColumn::text).collect(Collectors.joining(", "))
                + ")::text AS key, ROW("
                + String.join(", ", cells)
                + ")::text AS cells FROM "
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
