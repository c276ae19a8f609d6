package dev.millrace.digest;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// The SQL of a 64-bit hash of a row, computed inside PostgreSQL. Both sides compute the same
/// hashes, so equal rows have equal hashes. Immutable.
///
/// **A row.** Each cell is hashed with the number of its column as the seed, a NULL has the hash 0,
/// and the hashes are combined by exclusive or. The result is the seed of one more hash. Without
/// that, a sum over rows could be equal although rows had exchanged their values. The functions are
/// called directly: `hash_record_extended` of all columns builds and takes apart a record for each
/// row, and needs one and a half times as long.
///
/// **From values.** A cell takes part with its value only if its column has the same type on both
/// sides, and if *equal to the hash function* means *the same text*: not a float (0 and -0), not
/// `char(n)`. Every other column takes part with its text, so one `inet` column does not slow the
/// others. Both servers must hash samples of the type to the same value.
///
/// **What PostgreSQL's functions lack.** `hashint8extended`, also used for timestamps, first folds
/// 64 bits into 32, so that 1 and 4294967296 have the same hash with every seed. To `hash_numeric`,
/// 1.0 and 1.00 are equal, and so are {"a": 1.0} and {"a": 1.00} to `jsonb_hash`. So such a value
/// is hashed as the bytes that it is sent as. A `numeric` is sent as sign, weight, digits and the
/// number of decimals that it prints, and has no leading and no trailing zero digits, so the same
/// text has the same bytes. A `jsonb` is sent as its text.
///
/// **From texts.** If the servers do not hash texts to the same values, as with different encodings
/// or byte orders, the hash is made with MD5 over the texts in UTF-8.
///
/// @param typed the names of the types whose values both servers hash to the same value; without
///   `text`, MD5 is used
/// @param bytes how this side hashes bytes
record RowHash(Set<String> typed, Bytes bytes) {

    /// How a server hashes a `bytea` with a seed. The hashes are the same.
    enum Bytes {
        /// PostgreSQL 18 or newer.
        FUNCTION("pg_catalog.hashbyteaextended(%s, %d)"),
        /// Older servers have no such function. The hash of a record is the hash of its only
        /// column, and 0 for a NULL.
        RECORD("pg_catalog.hash_record_extended(ROW(%s), %d)");

        private static final int FIRST_WITH_FUNCTION = 18;

        private final String sql;

        Bytes(String sql) {
            this.sql = sql;
        }

        static Bytes of(int majorVersion) {
            return majorVersion < FIRST_WITH_FUNCTION ? RECORD : FUNCTION;
        }
    }

    /// The hash of the value that is seeded with the hashes of the cells. Any constant does.
    private static final int ROW = 1;

    private static final int SAMPLE_SEED = 7;

    private static final String TEXT = "text";

    /// How the values of a type are hashed.
    ///
    /// @param function takes the value and a seed; empty if the value's bytes are hashed
    /// @param argument what is hashed of the value, which is `%s`
    /// @param samples values with a cast on the first
    private record Typed(String function, String argument, String samples) {

        static Typed sent(String type, String samples) {
            return new Typed("", "pg_catalog." + type + "send(%s)", samples);
        }

        String hash(String value, int seed, Bytes bytes) {
            String hashed = argument.formatted(value);
            return function.isEmpty()
                    ? bytes.sql.formatted(hashed, seed)
                    : "pg_catalog." + function + "(" + hashed + ", " + seed + ")";
        }
    }

    /// What is hashed of a cell.
    ///
    /// @param type a name in [#TYPES]
    /// @param value the SQL of a value of the type
    record Cell(String type, String value) {}

    private static final Map<String, Typed> TYPES = types();

    RowHash {
        typed = Set.copyOf(typed);
    }

    private static Map<String, Typed> types() {
        Map<String, Typed> types = new LinkedHashMap<>();
        types.put(
                TEXT,
                new Typed(
                        "hashtextextended",
                        "%s COLLATE \"C\"",
                        "('a sample'::text), (''), (repeat('x', 99))"));
        types.put("bool", new Typed("hashint4extended", "(%s)::int4", "(true), (false)"));
        types.put("int2", new Typed("hashint2extended", "%s", "('0'::int2), ('-1'), ('32767')"));
        types.put(
                "int4", new Typed("hashint4extended", "%s", "('0'::int4), ('-1'), ('2147483647')"));
        types.put(
                "int8",
                Typed.sent("int8", "('0'::int8), ('-1'), ('4294967296'), ('9223372036854775807')"));
        types.put("oid", new Typed("hashoidextended", "%s", "('0'::oid), ('4294967295')"));
        types.put(
                "uuid",
                new Typed(
                        "uuid_hash_extended",
                        "%s",
                        "('00112233-4455-6677-8899-aabbccddeeff'::uuid)"));
        types.put(
                "bytea",
                new Typed("", "%s", "('\\x'::bytea), ('\\x00ff'), ('\\x0001020304050607')"));
        types.put(
                "numeric",
                Typed.sent(
                        "numeric_",
                        "('1.0'::numeric), ('1.00'), ('0.00'), ('-98765432109876543210.000123'), ('NaN'),"
                                + " ('Infinity'), ('-Infinity')"));
        types.put(
                "date", Typed.sent("date_", "('2000-01-01'::date), ('1999-12-31'), ('infinity')"));
        types.put(
                "timestamp",
                Typed.sent(
                        "timestamp_",
                        "('2000-01-01'::timestamp), ('1999-12-31 23:59:59.999999'), ('infinity')"));
        types.put(
                "timestamptz",
                Typed.sent(
                        "timestamptz_",
                        "('2000-01-01 00:00Z'::timestamptz), ('1999-12-31 23:59:59.999999Z')"));
        types.put(
                "jsonb",
                Typed.sent(
                        "jsonb_", "('{\"b\": [1.00, null, \"x\"], \"a\": {}}'::jsonb), ('1e2')"));
        return Map.copyOf(types);
    }

    /// The query of a server's samples: the name of a type and a text that is equal on servers that
    /// hash its values to the same values.
    ///
    /// @param bytes how the server hashes bytes
    static String samples(Bytes bytes) {
        return TYPES.entrySet().stream()
                .map(type -> sample(type.getKey(), type.getValue(), bytes))
                .collect(Collectors.joining(" UNION ALL "));
    }

    private static String sample(String name, Typed type, Bytes bytes) {
        return "SELECT '"
                + name
                + "', concat_ws(' ', "
                + (name.equals(TEXT) ? "current_setting('server_encoding'), " : "")
                + "(SELECT string_agg("
                + type.hash("v", SAMPLE_SEED, bytes)
                + "::text, ' ') FROM (VALUES "
                + type.samples()
                + ") AS s(v)))";
    }

    /// The names of the types that two servers with these samples hash to the same values.
    static Set<String> common(Map<String, String> source, Map<String, String> target) {
        Set<String> typed = new TreeSet<>(source.keySet());
        typed.removeIf(name -> !Objects.equals(source.get(name), target.get(name)));
        return typed.contains(TEXT) ? typed : Set.of();
    }

    /// What is hashed of a cell.
    ///
    /// @param type name of the column's type if it is built in and the same on both sides, else
    ///   empty
    /// @param value the SQL of the value
    /// @param text the SQL of the text that both sides print
    Cell cell(String type, String value, String text) {
        String name = type.equals("varchar") ? TEXT : type;
        return typed.contains(name) && TYPES.containsKey(name)
                ? new Cell(name, value)
                : new Cell(TEXT, typed.isEmpty() ? text : "(" + text + ")");
    }

    /// The SQL of the hash of a key, which is not NULL.
    String ofKey(List<Cell> key) {
        return typed.isEmpty() ? md5(key, "key") : combined(key);
    }

    /// The SQL of the hash of a row, which is not NULL.
    ///
    /// @param all all cells, also of the key
    String ofRow(List<Cell> all) {
        return typed.isEmpty()
                ? md5(all, "row")
                : "pg_catalog.hashint4extended(" + ROW + ", " + combined(all) + ")";
    }

    private String combined(List<Cell> cells) {
        return IntStream.range(0, cells.size())
                .mapToObj(i -> "coalesce(" + hash(cells.get(i), i + 1) + ", 0)")
                .collect(Collectors.joining(" # "));
    }

    private String hash(Cell cell, int seed) {
        return Objects.requireNonNull(TYPES.get(cell.type())).hash(cell.value(), seed, bytes);
    }

    /// The text of a composite: NULL and the empty text differ, and the texts of two columns cannot
    /// be confused.
    private static String md5(List<Cell> cells, String kind) {
        return "('x' || substr(md5('"
                + kind
                + ":' || md5(convert_to(ROW("
                + cells.stream().map(Cell::value).collect(Collectors.joining(", "))
                + ")::text, 'UTF8'))), 1, 16))::bit(64)::bigint";
    }
}
