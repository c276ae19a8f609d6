package dev.millrace.faults.harness;

import java.util.List;

/// A target table, the SELECT that declares it, and what identifies its rows.
///
/// @param keys number of leading columns that are the key
record ComparedTable(String name, String ddl, String select, int keys) {

    static final List<ComparedTable> ALL =
            List.of(
                    account("checking"),
                    account("savings"),
                    new ComparedTable(
                            "ledger",
                            "writer int, seq bigint, note text NOT NULL, PRIMARY KEY (writer, seq)",
                            "SELECT writer, seq, upper(note) AS note FROM public.ledger",
                            2),
                    new ComparedTable(
                            "item_state",
                            "id int PRIMARY KEY, version bigint NOT NULL, hidden boolean NOT NULL",
                            "SELECT id, version, hidden FROM public.item",
                            1),
                    new ComparedTable(
                            "item_open",
                            "id int PRIMARY KEY, version bigint NOT NULL, body text NOT NULL",
                            "SELECT id, version, body FROM public.item WHERE NOT hidden",
                            1),
                    new ComparedTable(
                            "bulk",
                            "id bigint PRIMARY KEY, version bigint NOT NULL, payload text NOT NULL",
                            "SELECT id, version, payload FROM public.bulk",
                            1));

    /// Whether the column after the key is a version that never becomes smaller.
    boolean isVersioned() {
        return ddl.contains("version");
    }

    /// Whether a key that was deleted is inserted again.
    boolean keysReturn() {
        return !name.equals("bulk");
    }

    String create() {
        return "CREATE TABLE " + name + " (" + ddl + ")";
    }

    /// The rows that the table must have, as a query of the source.
    String expected() {
        return select;
    }

    String found() {
        return "TABLE public." + name;
    }

    /// The line of the migration file.
    String declared() {
        return "  public." + name + ": " + select + "\n";
    }

    private static ComparedTable account(String table) {
        return new ComparedTable(
                table,
                "id int PRIMARY KEY, version bigint NOT NULL, balance bigint NOT NULL",
                "SELECT id, version, balance FROM public." + table,
                1);
    }
}
