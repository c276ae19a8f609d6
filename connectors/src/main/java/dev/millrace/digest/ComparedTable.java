package dev.millrace.digest;

import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.change.RowSchema;
import dev.millrace.mapping.Mapping;
import dev.millrace.postgres.Identifier;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A mapping with the types of its target's columns: what is needed to read the same texts on
/// either side. Immutable and thread-safe.
public final class ComparedTable {

    private final Mapping mapping;
    private final List<ColumnText> columns;
    private final HashFunction hash;
    private final long bytes;

    ComparedTable(Mapping mapping, List<ColumnText> columns, HashFunction hash, long bytes) {
        this.mapping = mapping;
        this.columns = List.copyOf(columns);
        this.hash = hash;
        this.bytes = bytes;
    }

    /// The size of the larger side in bytes, including TOASTed values.
    public long bytes() {
        return bytes;
    }

    public Mapping mapping() {
        return mapping;
    }

    /// Whether every text of the mapping is the text that the target's column prints.
    boolean isCanonical(RowSchema schema) {
        return schema.columns().stream().allMatch(name -> column(name).isCanonical());
    }

    ColumnText column(String name) {
        return columns.get(mapping.target().position(name));
    }

    /// The SQL of the source: the user's SELECT, with its columns taken by name.
    SideSql source() {
        List<String> texts = columns.stream().map(column -> column.onSource("m")).toList();
        List<KeyColumn> key = new ArrayList<>();
        for (int position : mapping.target().key()) {
            ColumnText column = columns.get(position);
            key.add(key("m", column, texts.get(position), column.isIndexable()));
        }
        return new SideSql("(\n" + mapping.userText() + "\n) AS m", texts, key, hash);
    }

    /// The SQL of the target: the table, or those of its rows that the mapping gives.
    SideSql target() {
        List<String> texts = columns.stream().map(column -> column.onTarget("m")).toList();
        List<KeyColumn> key = new ArrayList<>();
        for (int position : mapping.target().key()) {
            ColumnText column = columns.get(position);
            key.add(key("m", column, texts.get(position), column.castable() != null));
        }
        String table = Identifier.quote(mapping.target().table());
        String rows =
                mapping.within()
                        .map(
                                condition ->
                                        "(SELECT xmin, * FROM "
                                                + table
                                                + " WHERE "
                                                + condition
                                                + ")")
                        .orElse(table);
        return new SideSql(rows + " AS m", texts, key, hash);
    }

    RowKey key(@Nullable String[] values) {
        return RowKey.of(mapping.target().table(), values);
    }

    Row row(@Nullable String[] cells) {
        return Row.of(mapping.target(), cells);
    }

    private static KeyColumn key(String row, ColumnText column, String text, boolean typed) {
        return new KeyColumn(
                text,
                typed ? row + "." + Identifier.quote(column.name()) : text,
                typed ? column.type() : "text");
    }

    /// @param text the key column's canonical text
    /// @param value the expression that is compared with a key
    /// @param type the type of that expression
    record KeyColumn(String text, String value, String type) {}

    /// Hashes a text to 64 bits inside PostgreSQL. The server's own hash is faster. It is used if
    /// both servers compute the same value for a sample; servers with different encodings or byte
    /// orders do not. MD5 over UTF-8 is the same on all servers.
    enum HashFunction {
        EXTENDED {
            @Override
            String of(String text, int seed) {
                return "hashtextextended(" + text + " COLLATE \"C\", " + seed + ")";
            }
        },
        MD5 {
            @Override
            String of(String text, int seed) {
                return "('x' || substr(md5('"
                        + seed
                        + ":' || md5(convert_to("
                        + text
                        + ", 'UTF8'))), 1, 16))::bit(64)::bigint";
            }
        };

        static final int BUCKET_SEED = 0;
        static final int FIRST_SEED = 1;
        static final int SECOND_SEED = 2;

        /// The query whose result must be equal on both servers for the faster hash.
        static final String SAMPLE =
                "SELECT current_setting('server_encoding') || ' ' || "
                        + EXTENDED.of("'a sample text'", SECOND_SEED);

        /// The SQL of the hash of a text expression that is not NULL.
        abstract String of(String text, int seed);
    }
}
