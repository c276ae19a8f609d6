package dev.millrace.digest;

import java.util.Collection;
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
/// both sides, and if *equal to the hash function* means *the same text*: not a number with a scale
/// (1.0 and 1.00), not a float (0 and -0), not `char(n)`. Every other column takes part with its
/// text, so one `jsonb` column does not slow the others. Both servers must hash samples of the type
/// to the same value.
///
/// **What PostgreSQL's functions lack.** `hash_record_extended` adds the hashes of the columns,
/// each with a factor. A sum over rows would be a sum per column, and rows that swapped their
/// values would have the same sum. So the hash of the key is the seed of the hashes of all columns:
/// a value has another hash in another row. `hashint8extended` first folds 64 bits into 32, so that
/// 1 and 4294967296 have the same hash with every seed. So an `int8` takes part with its value and
/// with its upper half, which together determine it, and a timestamp with its eight bytes.
///
/// **From texts.** If the servers do not hash texts to the same values, as with different encodings
/// or byte orders, the hash is made with MD5 over the texts in UTF-8.
///
/// @param typed the names of the types whose values both servers hash to the same value; without
///   `text`, MD5 is used
record RowHash(Set<String> typed) {

    private static final int SEED = 1;
    private static final int KEY_SEED = 0;

    private static final String TEXT = "text";

    /// @param elements what is hashed of a value; `%1$s` is the value
    /// @param samples values with a cast on the first
    private record Typed(String elements, String samples) {}

    private static final Map<String, Typed> TYPES = types();

    RowHash {
        typed = Set.copyOf(typed);
    }

    private static Map<String, Typed> types() {
        Map<String, Typed> types = new LinkedHashMap<>();
        types.put(
                TEXT,
                new Typed("%1$s COLLATE \"C\"", "('a sample'::text), (''), (repeat('x', 99))"));
        types.put("bool", new Typed("%1$s", "(true), (false)"));
        types.put("int2", new Typed("%1$s", "(0::int2), (-1), (32767)"));
        types.put("int4", new Typed("%1$s", "(0::int4), (-1), (2147483647)"));
        types.put(
                "int8",
                new Typed(
                        "%1$s, (%1$s >> 32)::int4",
                        "(0::int8), (-1), (4294967296), (9223372036854775807)"));
        types.put("oid", new Typed("%1$s", "(0::oid), (4294967295)"));
        types.put("uuid", new Typed("%1$s", "('00112233-4455-6677-8899-aabbccddeeff'::uuid)"));
        types.put(
                "bytea", new Typed("%1$s", "('\\x'::bytea), ('\\x00ff'), ('\\x0001020304050607')"));
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
                + "(SELECT string_agg(pg_catalog.hash_record_extended(ROW("
                + type.elements().formatted("v")
                + "), 7)::text, ' ') FROM (VALUES "
                + type.samples()
                + ") AS s(v)))";
    }

    /// The hash that two servers with these samples have in common.
    static RowHash of(Map<String, String> source, Map<String, String> target) {
        Set<String> typed = new TreeSet<>(source.keySet());
        typed.removeIf(name -> !Objects.equals(source.get(name), target.get(name)));
        return new RowHash(typed.contains(TEXT) ? typed : Set.of());
    }

    /// What is hashed of a cell: expressions for a ROW.
    ///
    /// @param type name of the column's type if it is built in and the same on both sides, else
    ///   empty
    /// @param value the SQL of the value
    /// @param text the SQL of the text that both sides print
    String elements(String type, String value, String text) {
        String name = type.equals("varchar") ? TEXT : type;
        Typed typedType = typed.contains(name) ? TYPES.get(name) : null;
        if (typedType != null) {
            return typedType.elements().formatted(value);
        }
        return typed.isEmpty() ? text : "(" + text + ") COLLATE \"C\"";
    }

    /// The SQL of the hash of a key, which is not NULL.
    ///
    /// @param elements of the key's cells
    String ofKey(List<String> elements) {
        return typed.isEmpty() ? md5(elements, KEY_SEED) : record(elements, "" + KEY_SEED);
    }

    /// The SQL of the hash of a row, which is not NULL.
    ///
    /// @param key elements of the key's cells
    /// @param all elements of all cells, also of the key: other cells may all be NULL
    String ofRow(List<String> key, Collection<String> all) {
        return typed.isEmpty() ? md5(all, SEED) : record(all, record(key, "" + SEED));
    }

    private static String record(Collection<String> elements, String seed) {
        return "pg_catalog.hash_record_extended(ROW("
                + String.join(", ", elements)
                + "), "
                + seed
                + ")";
    }

    /// The text of a composite: NULL and the empty text differ, and the texts of two columns cannot
    /// be confused.
    private static String md5(Collection<String> texts, int seed) {
        return "('x' || substr(md5('"
                + seed
                + ":' || md5(convert_to(ROW("
                + String.join(", ", texts)
                + ")::text, 'UTF8'))), 1, 16))::bit(64)::bigint";
    }
}
