package dev.millrace.chunk;

import dev.millrace.chunk.ComparedTable.KeyColumn;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// The statements that read one side. A row's text is that of a composite of its cells' texts, so
/// NULL and the empty text differ and columns can't run together.
///
/// @param from what rows are taken from, as `m`
/// @param cells the canonical text of each column of `m`
record SideSql(String from, List<String> cells, List<KeyColumn> key, HashFunction hash) {

    private static final String BUCKET_OF_KEY = "(%s & " + (TableDigest.BUCKETS - 1) + ")::int";

    /// bucket, rows, first, second
    String digest() {
        return "SELECT bucket, count(*), sum(first), sum(second) FROM ("
                + hashed("")
                + ") AS h GROUP BY bucket";
    }

    /// The key's columns, first, second; one parameter: the buckets.
    String sumsOfBuckets() {
        return "SELECT "
                + keyNames()
                + ", first, second FROM ("
                + hashed("")
                + ") AS h WHERE bucket = ANY (?)";
    }

    /// The key's columns, first, second; one parameter per key column: its texts.
    String sumsOfKeys(boolean withNulls) {
        return "SELECT "
                + keyNames()
                + ", first, second FROM ("
                + hashed(where(withNulls))
                + ") AS h";
    }

    /// Every column; one parameter per key column: its texts.
    String cellsOfKeys(boolean withNulls) {
        return "SELECT " + String.join(", ", cells) + " FROM " + from + where(withNulls);
    }

    /// OFFSET 0 keeps the texts from being made once per hash.
    private String hashed(String where) {
        String bucket = hash.of("key", HashFunction.BUCKET_SEED);
        return "SELECT "
                + keyNames()
                + ", "
                + BUCKET_OF_KEY.formatted(bucket)
                + " AS bucket, "
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
        return IntStream.range(0, key.size())
                .mapToObj(i -> key.get(i).text() + " AS k" + i)
                .collect(Collectors.joining(", "));
    }

    private String keyNames() {
        return IntStream.range(0, key.size())
                .mapToObj(i -> "k" + i)
                .collect(Collectors.joining(", "));
    }

    /// A NULL is found by the second, slow form only.
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
