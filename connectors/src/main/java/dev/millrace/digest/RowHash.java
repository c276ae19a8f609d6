package dev.millrace.digest;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/// The SQL of a 64-bit hash of a row, computed inside PostgreSQL. Both sides compute it from the
/// same expressions, so equal rows have equal hashes. Immutable.
///
/// **From values.** `hash_record_extended` hashes the values themselves, which is several times
/// faster than printing them. A column takes part with its value only if it has the same type on
/// both sides, and if *equal to the hash function* means *the same text*: not a float (0 and -0),
/// not `char(n)`. Every other column takes part with its text, so one `jsonb` column does not slow
/// the others. Both servers must hash samples of the type to the same value.
///
/// **What PostgreSQL's functions lack.** `hash_record_extended` adds the hashes of the columns,
/// each with a factor. A sum over rows would be a sum per column, and rows that swapped their
/// values would have the same sum. So the hash of the key is the seed of the hashes of all columns:
/// a value has another hash in another row. `hashint8extended` first folds 64 bits into 32, so that
/// 1 and 4294967296 have the same hash with every seed. So an `int8` takes part with its value and
/// with its upper half, which together determine it, and a timestamp with its eight bytes. To
/// `hash_numeric`, 1.0 and 1.00 are equal. So a `numeric` takes part with the bytes that it is sent
/// as: sign, weight, digits, and the number of decimals that it prints. A stored number has no
/// leading and no trailing zero digits, so the same text has the same bytes.
///
/// **The seed.** A key of one integer is its own seed, and a key of one text or `uuid` has a seed
/// from its hash function. Any other key is hashed as a record.
///
/// **From texts.** If the servers do not hash texts to the same values, as with different encodings
/// or byte orders, the hash is made with MD5 over the texts in UTF-8.
///
/// @param typed the names of the types whose values both servers hash to the same value; without
///   `text`, MD5 is used
record RowHash(Set<String> typed) {

    private static final int SEED = 1;
    private static final int KEY_SEED = 0;

    /// For a key that is NULL: with a NULL as its seed, a row would have no hash.
    private static final int NO_KEY = 1;

    private static final String TEXT = "text";

    /// @param elements what is hashed of a value; `%1$s` is the value
    /// @param seed a seed for the row of a key with this value
    /// @param hash a hash of a key with this value, for its bucket; may have more collisions
    /// @param samples values with a cast on the first
    private record Typed(String elements, String seed, String hash, String samples) {

        /// A type whose values are hashed as a record if they are a key.
        Typed(String elements, String samples) {
            this(elements, "", "", samples);
        }

        static Typed integer(String elements, String samples) {
            return new Typed(
                    elements,
                    "(%1$s)::int8",
                    "pg_catalog.hashint8extended(%1$s, " + KEY_SEED + ")",
                    samples);
        }

        static Typed hashed(String elements, String function, String samples) {
            return new Typed(
                    elements,
                    "pg_catalog." + function + "(" + elements + ", " + SEED + ")",
                    "pg_catalog." + function + "(" + elements + ", " + KEY_SEED + ")",
                    samples);
        }
    }

    /// What is hashed of a cell.
    ///
    /// @param elements expressions for a ROW
    /// @param seed the seed that the cell gives its row, if it is the only one of the key; empty if
    ///   that is the hash of a ROW
    /// @param hash its hash, for the bucket, in the same case
    record Cell(String elements, String seed, String hash) {

        boolean isScalar() {
            return !seed.isEmpty();
        }
    }

    private static final Map<String, Typed> TYPES = types();

    RowHash {
        typed = Set.copyOf(typed);
    }

    private static Map<String, Typed> types() {
        Map<String, Typed> types = new LinkedHashMap<>();
        types.put(
                TEXT,
                Typed.hashed(
                        "%1$s COLLATE \"C\"",
                        "hashtextextended", "('a sample'::text), (''), (repeat('x', 99))"));
        types.put("bool", new Typed("%1$s", "(true), (false)"));
        types.put("int2", Typed.integer("%1$s", "(0::int2), (-1), (32767)"));
        types.put("int4", Typed.integer("%1$s", "(0::int4), (-1), (2147483647)"));
        types.put(
                "int8",
                Typed.integer(
                        "%1$s, (%1$s >> 32)::int4",
                        "(0::int8), (-1), (4294967296), (9223372036854775807)"));
        types.put("oid", new Typed("%1$s", "(0::oid), (4294967295)"));
        types.put(
                "uuid",
                Typed.hashed(
                        "%1$s",
                        "uuid_hash_extended", "('00112233-4455-6677-8899-aabbccddeeff'::uuid)"));
        types.put(
                "bytea", new Typed("%1$s", "('\\x'::bytea), ('\\x00ff'), ('\\x0001020304050607')"));
        types.put(
                "numeric",
                new Typed(
                        "pg_catalog.numeric_send(%1$s)",
                        "(1.0::numeric), (1.00), (0.00), (-98765432109876543210.000123), ('NaN'),"
                                + " ('Infinity'), ('-Infinity')"));
        types.put("date", new Typed("%1$s", "('2000-01-01'::date), ('1999-12-31'), ('infinity')"));
        types.put(
                "timestamp",
                new Typed(
                        "pg_catalog.timestamp_send(%1$s)",
                        "('2000-01-01'::timestamp), ('1999-12-31 23:59:59.999999'), ('infinity')"));
        types.put(
                "timestamptz",
                new Typed(
                        "pg_catalog.timestamptz_send(%1$s)",
                        "('2000-01-01 00:00Z'::timestamptz), ('1999-12-31 23:59:59.999999Z')"));
        return Map.copyOf(types);
    }

    /// The query of a server's samples: the name of a type and a text that is equal on servers that
    /// hash its values to the same values.
    static String samples() {
        return TYPES.entrySet().stream()
                .map(type -> sample(type.getKey(), type.getValue()))
                .collect(Collectors.joining(" UNION ALL "));
    }

    private static String sample(String name, Typed type) {
        return "SELECT '"
                + name
                + "', concat_ws(' ', "
                + (name.equals(TEXT) ? "current_setting('server_encoding'), " : "")
                + "(SELECT string_agg(concat_ws(':', pg_catalog.hash_record_extended(ROW("
                + type.elements().formatted("v")
                + "), 7)"
                + (type.hash().isEmpty() ? "" : ", " + type.hash().formatted("v"))
                + "), ' ') FROM (VALUES "
                + type.samples()
                + ") AS s(v)))";
    }

    /// The hash that two servers with these samples have in common.
    static RowHash of(Map<String, String> source, Map<String, String> target) {
        Set<String> typed = new TreeSet<>(source.keySet());
        typed.removeIf(name -> !Objects.equals(source.get(name), target.get(name)));
        return new RowHash(typed.contains(TEXT) ? typed : Set.of());
    }

    /// What is hashed of a cell.
    ///
    /// @param type name of the column's type if it is built in and the same on both sides, else
    ///   empty
    /// @param value the SQL of the value
    /// @param text the SQL of the text that both sides print
    Cell cell(String type, String value, String text) {
        if (typed.isEmpty()) {
            return new Cell(text, "", "");
        }
        String name = type.equals("varchar") ? TEXT : type;
        Typed known = typed.contains(name) ? TYPES.get(name) : null;
        return known == null
                ? cell(Objects.requireNonNull(TYPES.get(TEXT)), "(" + text + ")")
                : cell(known, value);
    }

    private static Cell cell(Typed type, String value) {
        return new Cell(
                type.elements().formatted(value),
                type.seed().formatted(value),
                type.hash().formatted(value));
    }

    /// The SQL of the hash of a key, which is not NULL.
    String ofKey(List<Cell> key) {
        if (typed.isEmpty()) {
            return md5(key, KEY_SEED);
        }
        return isScalar(key) ? notNull(key.getFirst().hash()) : record(key, "" + KEY_SEED);
    }

    /// The SQL of the hash of a row, which is not NULL.
    ///
    /// @param all all cells, also of the key: other cells may all be NULL
    String ofRow(List<Cell> key, List<Cell> all) {
        if (typed.isEmpty()) {
            return md5(all, SEED);
        }
        return record(all, isScalar(key) ? notNull(key.getFirst().seed()) : record(key, "" + SEED));
    }

    private static boolean isScalar(List<Cell> key) {
        return key.size() == 1 && key.getFirst().isScalar();
    }

    private static String notNull(String number) {
        return "coalesce(" + number + ", " + NO_KEY + ")";
    }

    private static String record(List<Cell> cells, String seed) {
        return "pg_catalog.hash_record_extended(ROW(" + elements(cells) + "), " + seed + ")";
    }

    private static String elements(List<Cell> cells) {
        return cells.stream().map(Cell::elements).collect(Collectors.joining(", "));
    }

    /// The text of a composite: NULL and the empty text differ, and the texts of two columns cannot
    /// be confused.
    private static String md5(List<Cell> cells, int seed) {
        return "('x' || substr(md5('"
                + seed
                + ":' || md5(convert_to(ROW("
                + elements(cells)
                + ")::text, 'UTF8'))), 1, 16))::bit(64)::bigint";
    }
}
