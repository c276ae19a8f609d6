package dev.millrace.digest;

import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.change.RowSchema;
import dev.millrace.mapping.Mapping;
import dev.millrace.postgres.Identifier;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A mapping together with what the target's catalog says of its columns: enough to read either
/// side in the same words. Immutable; safe for any thread.
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

    /// The size of the larger side, its TOASTed values with it.
    public long bytes() {
        return bytes;
    }

    public Mapping mapping() {
        return mapping;
    }

    /// True when texts of the mapping are the target columns' own texts as they are.
    boolean isCanonical(RowSchema schema) {
        return schema.columns().stream().allMatch(name -> column(name).isCanonical());
    }

    ColumnText column(String name) {
        return columns.get(mapping.target().position(name));
    }

    /// The user's own SELECT, its columns taken by name.
    SideSql source() {
        List<String> texts = columns.stream().map(column -> column.onSource("m")).toList();
        List<KeyColumn> key = new ArrayList<>();
        for (int position : mapping.target().key()) {
            ColumnText column = columns.get(position);
            key.add(key("m", column, texts.get(position), column.sameBuiltIn()));
        }
        return new SideSql("(\n" + mapping.userText() + "\n) AS m", texts, key, hash);
    }

    SideSql target() {
        List<String> texts = columns.stream().map(column -> column.onTarget("m")).toList();
        List<KeyColumn> key = new ArrayList<>();
        for (int position : mapping.target().key()) {
            ColumnText column = columns.get(position);
            key.add(key("m", column, texts.get(position), column.castable() != null));
        }
        String table = Identifier.quote(mapping.target().table());
        return new SideSql(table + " AS m", texts, key, hash);
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
    /// @param value what is compared when rows are asked for by key
    /// @param type of that value
    record KeyColumn(String text, String value, String type) {}

    /// How a text becomes 64 bits inside PostgreSQL. The server's own hash is the fast one; it is
    /// used where both servers give the same value for a sample, which they don't between encodings
    /// and byte orders. MD5 over UTF-8 is the same everywhere.
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

        /// What two servers must have in common for the fast hash.
        static final String SAMPLE =
                "SELECT current_setting('server_encoding') || ' ' || "
                        + EXTENDED.of("'Millrace leads the stream to a new wheel'", SECOND_SEED);

        /// SQL for the hash of a text expression that isn't NULL.
        abstract String of(String text, int seed);
    }
}
