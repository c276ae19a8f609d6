package dev.millrace.types;

import dev.millrace.testing.TestDatabase;
import dev.millrace.types.TypeTable.Type;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;

/// A source database with a table for each section of the types, in which each type has a column
/// and one with a default, and a table for each type that a key can have. The first digit of a
/// row's id says what happens to the row. Not thread-safe.
final class TypeScene implements AutoCloseable {

    private static final int KEPT = 1000;
    private static final int INSERTED = 2000;
    private static final int UPDATED = 3000;
    private static final int UNCHANGED = 4000;
    private static final int REKEYED = 5000;
    private static final int DELETED = 6000;

    /// A table whose key has five columns.
    static final String FIVE = "five";

    /// A larger value that may be stored out of line is.
    private static final int OUT_OF_LINE = 2000;

    /// Sessions whose defaults differ from what Millrace sets. None of them affects which values a
    /// session of this test writes, because it sets them itself.
    private static final Map<String, String> HOSTILE =
            Map.of(
                    "TimeZone", "Asia/Kathmandu",
                    "DateStyle", "German, DMY",
                    "IntervalStyle", "iso_8601",
                    "bytea_output", "escape",
                    "extra_float_digits", "-10",
                    "array_nulls", "off",
                    "xmloption", "document",
                    "quote_all_identifiers", "on");

    /// The locales of the operating system that print money in another way, as far as is known.
    private static final String LOCALES =
            "SELECT collcollate FROM pg_collation WHERE collprovider = 'c' AND collcollate !~*"
                    + " '^(C|POSIX)($|[.])' LIMIT 1";

    private static final String PINNED =
            "SET TimeZone = 'UTC'; SET DateStyle = 'ISO, MDY'; SET IntervalStyle = 'postgres';"
                    + " SET bytea_output = 'hex'; SET extra_float_digits = 1; SET array_nulls = on;"
                    + " SET xmloption = 'content'; SET lc_monetary = 'C'";

    private final TestDatabase database;
    private final Connection session;
    private final int version;
    private final List<Type> types;

    /// @param version the oldest version among the servers that the values pass
    TypeScene(TestDatabase database, int version, List<Type> types) throws SQLException {
        this.database = database;
        this.version = version;
        this.types =
                types.stream().filter(type -> type.since() <= version && !type.refused()).toList();
        this.session = pinned(database);
    }

    /// All rows of one side as `COPY` prints them: each value as its type's output function does.
    ///
    /// @param byTable the fields of each row
    record Rows(Map<String, List<List<String>>> byTable) {

        /// What the rows that went one way have of a type: the id, the column that every change
        /// sets, the value, and the value of the column with a default.
        List<List<String>> of(Type type, Way way) {
            if (way == Way.KEY) {
                return byTable.getOrDefault(keys(type), List.of());
            }
            List<List<String>> rows = byTable.getOrDefault(table(type), List.of());
            if (rows.isEmpty()) {
                return rows;
            }
            int column = rows.getFirst().indexOf("v" + type.number());
            return rows.stream()
                    .filter(row -> row.getFirst().charAt(0) == way.thousands)
                    .map(
                            row ->
                                    List.of(
                                            row.getFirst(),
                                            row.get(1),
                                            row.get(column),
                                            row.get(column + 1)))
                    .toList();
        }
    }

    /// How a value comes to the target.
    enum Way {
        BACKFILL("existing row", '1'),
        INSERT("insert", '2'),
        UPDATE("update", '3'),
        UNCHANGED("update of another column", '4'),
        REKEYED("update of the key", '7'),
        DELETE("delete", '6'),
        KEY("key", ' ');

        final String text;
        private final char thousands;

        Way(String text, char thousands) {
            this.text = text;
            this.thousands = thousands;
        }
    }

    List<Type> types() {
        return types;
    }

    /// Creates types and tables on one side.
    static void create(TestDatabase side, List<Type> types) throws SQLException {
        try (Connection session = pinned(side)) {
            createTypes(session, types);
            for (List<Type> section : sections(types)) {
                execute(
                        session,
                        "CREATE TABLE "
                                + table(section.getFirst())
                                + " (id int PRIMARY KEY, n int, "
                                + each(section, TypeScene::columns)
                                + ")");
            }
            for (Type type : keyTypes(types)) {
                execute(
                        session,
                        "CREATE TABLE %s (k %s, m int, n int, b text, PRIMARY KEY (k, m))"
                                .formatted(keys(type), type.sql()));
            }
            execute(
                    session,
                    "CREATE TABLE five (a uuid, b numeric(12,2), c mood, d timestamptz, e bytea,"
                            + " n int, v text, PRIMARY KEY (e, a, d, b, c))");
        }
    }

    /// Creates the types that are not built in.
    static void createTypes(Connection session, List<Type> types) throws SQLException {
        for (String extension :
                types.stream()
                        .flatMap(type -> type.extension().stream())
                        .collect(Collectors.toSet())) {
            execute(session, "CREATE EXTENSION IF NOT EXISTS " + extension);
        }
        for (String statement : TypeTable.SETUP) {
            execute(session, statement);
        }
    }

    /// Gives the sessions of databases other defaults.
    static void makeHostile(List<TestDatabase> sides) {
        boolean printsMoney = true;
        for (TestDatabase side : sides) {
            HOSTILE.forEach((name, value) -> set(side, name, value));
            List<List<@Nullable String>> locales = side.query(LOCALES);
            if (locales.isEmpty()) {
                printsMoney = false;
            } else {
                set(side, "lc_monetary", String.valueOf(locales.getFirst().getFirst()));
            }
        }
        if (!printsMoney) {
            System.out.println(
                    "Skipped: money under another locale, because the operating system has none");
        }
    }

    private static void set(TestDatabase side, String name, String value) {
        side.execute("ALTER DATABASE " + side.name() + " SET " + name + " = '" + value + "'");
    }

    /// The rows that exist when the migration begins.
    void fill() throws SQLException {
        for (List<Type> section : sections(types)) {
            String table = table(section.getFirst());
            List<String> rows = new ArrayList<>();
            rows.add(row(KEPT, section, _ -> "NULL, NULL"));
            rows.add(row(KEPT + 1, section, type -> large(type) + ", NULL"));
            rows.add(row(UPDATED, section, type -> twice(value(type, 0))));
            rows.add(row(UPDATED + 1, section, _ -> "NULL, NULL"));
            rows.add(row(UPDATED + 2, section, type -> large(type) + ", NULL"));
            rows.add(row(UPDATED + 3, section, type -> "NULL, " + large(type)));
            rows.add(row(UNCHANGED, section, type -> large(type) + ", " + value(type, 0)));
            rows.add(row(REKEYED, section, type -> large(type) + ", " + value(type, 0)));
            for (int i = 0; i < most(section); i++) {
                int number = i;
                rows.add(row(KEPT + 10 + i, section, type -> twice(value(type, number))));
                rows.add(
                        row(UPDATED + 10 + i, section, type -> value(type, number + 1) + ", NULL"));
                rows.add(row(DELETED + 10 + i, section, type -> twice(value(type, number))));
            }
            for (Type type : section) {
                if (type.large().isPresent()) {
                    execute(
                            session,
                            "ALTER TABLE "
                                    + table
                                    + " ALTER v"
                                    + type.number()
                                    + " SET STORAGE EXTERNAL");
                }
            }
            execute(session, "INSERT INTO " + table + " VALUES " + String.join(", ", rows));
            execute(session, "INSERT INTO " + table + " (id) VALUES (" + (KEPT + 2) + ")");
        }
        for (Type type : keyTypes(types)) {
            execute(session, "ALTER TABLE " + keys(type) + " ALTER b SET STORAGE EXTERNAL");
            for (String value : type.values(version)) {
                execute(
                        session,
                        "INSERT INTO "
                                + keys(type)
                                + " SELECT "
                                + value
                                + ", m, 0, repeat('b', 3000) FROM generate_series(1, 3) m");
            }
        }
        execute(
                session,
                "INSERT INTO five SELECT gen_random_uuid(), (g - 10) * 99999999.99,"
                        + " (enum_range(NULL::mood))[1 + g % 8],"
                        + " (ARRAY['infinity', '-infinity', '0044-03-15 00:00:00.000001+00 BC']::timestamptz[])[1 + g % 3],"
                        + " decode(repeat('00ff', g), 'hex'), 0, 'v' || g FROM generate_series(0, 20) g");
    }

    /// Changes the rows while they are streamed.
    void change() throws SQLException {
        for (List<Type> section : sections(types)) {
            String table = table(section.getFirst());
            List<String> rows = new ArrayList<>();
            rows.add(row(INSERTED, section, _ -> "NULL, NULL"));
            rows.add(row(INSERTED + 1, section, type -> large(type) + ", NULL"));
            List<String> statements = new ArrayList<>();
            statements.add(update(table, UPDATED, section, _ -> "NULL", _ -> "NULL"));
            statements.add(update(table, UPDATED + 1, section, _ -> "DEFAULT", _ -> "DEFAULT"));
            statements.add(
                    update(table, UPDATED + 2, section, type -> value(type, 0), _ -> "NULL"));
            statements.add(update(table, UPDATED + 3, section, TypeScene::large, _ -> "NULL"));
            statements.add("UPDATE " + table + " SET n = 1 WHERE id = " + UNCHANGED);
            statements.add("UPDATE " + table + " SET id = id + 2000 WHERE id = " + REKEYED);
            for (int i = 0; i < most(section); i++) {
                int number = i;
                rows.add(row(INSERTED + 10 + i, section, type -> twice(value(type, number))));
                statements.add(
                        update(
                                table,
                                UPDATED + 10 + i,
                                section,
                                type -> value(type, number),
                                type -> value(type, number)));
            }
            statements.add("DELETE FROM " + table + " WHERE id >= 6000 AND id < 7000");
            statements.add("INSERT INTO " + table + " VALUES " + String.join(", ", rows));
            statements.add("INSERT INTO " + table + " (id) VALUES (" + (INSERTED + 2) + ")");
            execute(session, String.join("; ", statements));
        }
        for (Type type : keyTypes(types)) {
            List<String> statements = new ArrayList<>();
            statements.add("DELETE FROM " + keys(type) + " WHERE m = 1");
            statements.add("UPDATE " + keys(type) + " SET n = 1 WHERE m = 2");
            statements.add("UPDATE " + keys(type) + " SET m = 4 WHERE m = 3");
            for (String value : type.values(version)) {
                statements.add("INSERT INTO " + keys(type) + " VALUES (" + value + ", 5, 2, 'b')");
            }
            execute(session, String.join("; ", statements));
        }
        execute(
                session,
                "DELETE FROM five WHERE n = 0 AND b < -500000000;"
                        + " UPDATE five SET n = 1 WHERE b > 500000000;"
                        + " UPDATE five SET d = '2024-02-29 00:00:00.000001+00', b = -b WHERE b BETWEEN 0 AND 300000000");
    }

    /// The types whose large value is not stored out of line after all.
    List<String> inLine() {
        List<String> found = new ArrayList<>();
        for (Type type : types) {
            if (type.large().isPresent()) {
                String size = "SELECT pg_column_size(v%d) > %d FROM %s WHERE id = %d";
                String out =
                        database.value(
                                size.formatted(type.number(), OUT_OF_LINE, table(type), UNCHANGED));
                if (!"t".equals(out)) {
                    found.add(type.sql());
                }
            }
        }
        return found;
    }

    /// All rows of one side.
    Rows rows(TestDatabase side) throws SQLException, IOException {
        Map<String, List<List<String>>> rows = new TreeMap<>();
        try (Connection connection = pinned(side)) {
            for (List<Type> section : sections(types)) {
                String table = table(section.getFirst());
                List<List<String>> all = new ArrayList<>();
                List<String> names = new ArrayList<>(List.of("id", "n"));
                section.forEach(type -> names.addAll(names(type)));
                all.add(names);
                all.addAll(copy(connection, "SELECT * FROM " + table + " ORDER BY id"));
                rows.put(table, all);
            }
            for (Type type : keyTypes(types)) {
                rows.put(keys(type), copy(connection, "SELECT * FROM " + keys(type)));
            }
            rows.put(FIVE, copy(connection, "SELECT * FROM five"));
        }
        return new Rows(rows);
    }

    private static List<List<String>> copy(Connection connection, String query)
            throws SQLException, IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        connection
                .unwrap(PGConnection.class)
                .getCopyAPI()
                .copyOut("COPY (" + query + ") TO STDOUT", out);
        return out.toString(StandardCharsets.UTF_8)
                .lines()
                .sorted()
                .map(line -> List.of(line.split("\t", -1)))
                .toList();
    }

    /// The types of each section, which are the columns of one table.
    private static Collection<List<Type>> sections(List<Type> types) {
        return types.stream()
                .collect(Collectors.groupingBy(TypeScene::table, TreeMap::new, Collectors.toList()))
                .values();
    }

    private static List<Type> keyTypes(List<Type> types) {
        return types.stream().filter(Type::key).toList();
    }

    private static String columns(Type type) {
        return "v%1$d %2$s, d%1$d %2$s DEFAULT %3$s"
                .formatted(
                        type.number(),
                        type.sql(),
                        type.value(type.values().getFirst().expression()));
    }

    private static List<String> names(Type type) {
        return List.of("v" + type.number(), "d" + type.number());
    }

    /// How many rows show every value of every type.
    private int most(List<Type> section) {
        return section.stream().mapToInt(type -> type.values(version).size()).max().orElseThrow();
    }

    private String value(Type type, int number) {
        List<String> values = type.values(version);
        return values.get(number % values.size());
    }

    private static String large(Type type) {
        return type.large().map(type::value).orElse("NULL");
    }

    private static String twice(String value) {
        return value + ", " + value;
    }

    static Connection pinned(TestDatabase side) throws SQLException {
        Connection session = side.connect();
        execute(session, PINNED);
        return session;
    }

    private static String row(int id, List<Type> section, Function<Type, String> values) {
        return "(" + id + ", 0, " + each(section, values) + ")";
    }

    private static String update(
            String table,
            int id,
            List<Type> section,
            Function<Type, String> v,
            Function<Type, String> d) {
        return "UPDATE "
                + table
                + " SET "
                + each(
                        section,
                        type ->
                                "v%1$d = %2$s, d%1$d = %3$s"
                                        .formatted(type.number(), v.apply(type), d.apply(type)))
                + " WHERE id = "
                + id;
    }

    private static String each(List<Type> section, Function<Type, String> text) {
        return section.stream().map(text).collect(Collectors.joining(", "));
    }

    /// The table of the type's section.
    static String table(Type type) {
        return type.section().replaceAll("[^A-Za-z]+", "_").toLowerCase(Locale.ROOT);
    }

    static String keys(Type type) {
        return "k" + type.number();
    }

    static void execute(Connection session, String sql) throws SQLException {
        try (Statement statement = session.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new SQLException(sql.substring(0, Math.min(sql.length(), 2000)), e);
        }
    }

    @Override
    public void close() throws SQLException {
        session.close();
    }
}
