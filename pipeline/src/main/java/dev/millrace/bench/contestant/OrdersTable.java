package dev.millrace.bench.contestant;

import dev.millrace.sandbox.SandboxPostgres;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// The table that is measured: orders of seven columns, about 190 bytes each with their key. The
/// rows are the same on every machine and in every run. The orders can be dealt to several tables,
/// which a view of the table's name then shows together. Stateless.
public final class OrdersTable {

    public static final String NAME = "orders";

    private static final String SOURCE_COLUMNS =
            "id bigint PRIMARY KEY, customer_id int NOT NULL, status text NOT NULL, amount"
                    + " numeric(12,2) NOT NULL, note text, created_at timestamptz NOT NULL,"
                    + " attrs jsonb";

    /// Faster than a sum of casts, and equal to it, because amounts have two decimals.
    private static final String SUM = "CAST(sum(amount) * 100 AS bigint)";

    private static final String SEED = "0.42";

    private OrdersTable() {}

    /// How a target stores the orders.
    ///
    /// @param columns definition of the target's columns; the first one is the key
    /// @param select what the target must hold, as a SELECT list over the source
    /// @param cents the sum of all amounts in cents on the target
    public enum Form {
        /// Other names for all columns but one, and two expressions.
        RENAMED(
                "order_id bigint PRIMARY KEY, customer_id int NOT NULL, state text NOT NULL,"
                        + " amount_cents bigint NOT NULL, remark text, placed_at timestamptz NOT"
                        + " NULL, attributes jsonb",
                "id AS order_id, customer_id, lower(status) AS state, CAST(amount * 100 AS bigint)"
                        + " AS amount_cents, note AS remark, created_at AS placed_at, attrs AS"
                        + " attributes",
                "sum(amount_cents)"),
        /// The source's columns, unchanged.
        COPIED(SOURCE_COLUMNS, "id, customer_id, status, amount, note, created_at, attrs", SUM);

        private final String columns;
        private final String select;
        private final String cents;

        Form(String columns, String select, String cents) {
            this.columns = columns;
            this.select = select;
            this.cents = cents;
        }

        public String key() {
            return columns.substring(0, columns.indexOf(' '));
        }

        /// The SELECT over a table of the source whose rows the target must hold.
        public String select(String table) {
            return "SELECT " + select + " FROM public." + table;
        }

        /// Statements that create the tables, and a view of all if there are several.
        public List<String> createTables(int tables) {
            return OrdersTable.createTables(columns, tables);
        }

        /// Number of rows and sum of all amounts, as one text, on the target.
        public String targetTotals() {
            return totals(cents);
        }
    }

    /// Number of rows and sum of all amounts, as one text, on the source.
    public static String sourceTotals() {
        return totals(SUM);
    }

    /// The name of the table with this number, from 1.
    public static String name(int table, int tables) {
        return tables == 1 ? NAME : NAME + "_" + table;
    }

    /// The number of rows of the table with this number: rows are dealt to the tables in turn.
    public static long rowsOf(int table, long rows, int tables) {
        return (rows - table) / tables + 1;
    }

    /// Creates the database and fills its tables.
    public static void create(SandboxPostgres source, String database, long rows, int tables)
            throws SQLException {
        BenchServers.createDatabase(source, database);
        List<String> statements = new ArrayList<>(createTables(SOURCE_COLUMNS, tables));
        statements.add("SELECT setseed(" + SEED + ")");
        for (int table = 1; table <= tables; table++) {
            statements.add(
                    String.format(
                            Locale.ROOT,
                            "INSERT INTO public.%s SELECT g, (random() * 100000)::int,"
                                    + " (array['NEW', 'PAID', 'SHIPPED', 'CLOSED'])[1 + (g %% 4)],"
                                    + " (random() * 10000)::numeric(12,2), md5(g::text) || ' note',"
                                    + " timestamptz '2026-01-01 00:00:00Z' - g * interval '1"
                                    + " second', jsonb_build_object('k', g %% 10, 'v',"
                                    + " md5((g * 2)::text)) FROM generate_series(%d, %d, %d) g",
                            name(table, tables),
                            table,
                            rows,
                            tables));
        }
        statements.add("VACUUM (ANALYZE, FREEZE)");
        statements.add("CHECKPOINT");
        BenchServers.execute(source, database, statements);
    }

    private static List<String> createTables(String columns, int tables) {
        List<String> statements = new ArrayList<>();
        List<String> parts = new ArrayList<>();
        for (int table = 1; table <= tables; table++) {
            statements.add("CREATE TABLE public." + name(table, tables) + " (" + columns + ")");
            parts.add("TABLE public." + name(table, tables));
        }
        if (tables > 1) {
            statements.add(
                    "CREATE VIEW public." + NAME + " AS " + String.join(" UNION ALL ", parts));
        }
        return statements;
    }

    private static String totals(String cents) {
        return "SELECT count(*) || '/' || coalesce(" + cents + ", 0) FROM public." + NAME;
    }
}
