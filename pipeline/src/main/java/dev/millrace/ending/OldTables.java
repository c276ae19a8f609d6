package dev.millrace.ending;

import dev.millrace.change.TableId;
import dev.millrace.postgres.Database;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.Session;
import dev.millrace.switchover.Gate;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Renames the source tables of a migration that is complete. Thread-safe.
record OldTables(Database source) {

    private static final String FACTS =
            """
            SELECT c.oid, n.nspname, c.relname, c.relname || %1$s,
                pg_catalog.pg_has_role(c.relowner, 'USAGE'), pg_catalog.has_schema_privilege(n.oid, 'CREATE'),
                octet_length(c.relname || %1$s) <= current_setting('max_identifier_length')::int,
                EXISTS (SELECT FROM pg_catalog.pg_class o WHERE o.relnamespace = n.oid AND o.relname = c.relname || %1$s)
                OR EXISTS (SELECT FROM pg_catalog.pg_type y WHERE y.typnamespace = n.oid AND y.typname = c.relname || %1$s)
            FROM unnest(ARRAY[%2$s]::text[]) name
            JOIN pg_catalog.pg_class c ON c.oid = pg_catalog.to_regclass(name)
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            ORDER BY 2, 3
            """;

    private static final String NAMES =
            "SELECT oid, relname FROM pg_catalog.pg_class WHERE oid = ANY(ARRAY[%s]::oid[])";

    /// One table.
    ///
    /// @param oid finds the table under either name
    /// @param from its name, without the schema
    /// @param to its name afterwards, in the same schema
    record Rename(long oid, String schema, String from, String to) {

        String text() {
            return "%s to %s".formatted(new TableId(schema, from), to);
        }

        private String sql() {
            return "ALTER TABLE %s RENAME TO %s"
                    .formatted(Identifier.quote(new TableId(schema, from)), Identifier.quote(to));
        }
    }

    /// What a rename would do, and what prevents it.
    ///
    /// @param problems each with its remedy
    record Plan(List<Rename> renames, List<String> problems) {

        static final Plan NONE = new Plan(List.of(), List.of());

        Plan {
            renames = List.copyOf(renames);
            problems = List.copyOf(problems);
        }

        Gate gate() {
            String value = renames.size() + " tables";
            String limit = "every new name is free, every table is owned";
            return problems.isEmpty()
                    ? new Gate("rename-old", value, limit, true, false, "")
                    : new Gate(
                            "rename-old", value, limit, false, false, String.join(" ", problems));
        }
    }

    /// Reads whether each table can get its name with a suffix. Changes nothing. A table that does
    /// not exist any more is left out.
    Plan plan(Collection<TableId> tables, String suffix) {
        List<Rename> renames = new ArrayList<>();
        List<String> problems = new ArrayList<>();
        try (Session session = source.session()) {
            for (List<@Nullable String> row :
                    session.texts(
                            FACTS.formatted(
                                    Identifier.literal(suffix),
                                    tables.stream()
                                            .map(Identifier::quote)
                                            .map(Identifier::literal)
                                            .collect(Collectors.joining(", "))))) {
                Rename rename =
                        new Rename(
                                Long.parseLong(text(row, 0)),
                                text(row, 1),
                                text(row, 2),
                                text(row, 3));
                renames.add(rename);
                problems.addAll(problems(rename, row));
            }
        }
        return new Plan(renames, problems);
    }

    private static List<String> problems(Rename rename, List<@Nullable String> row) {
        List<String> problems = new ArrayList<>();
        TableId table = new TableId(rename.schema(), rename.from());
        if (!isTrue(row, 4)) {
            problems.add(
                    "Table %s belongs to another role, so it cannot be renamed. Grant its owner's role to the role of source.username."
                            .formatted(table));
        }
        if (!isTrue(row, 5)) {
            problems.add(
                    "Table %s cannot be renamed without CREATE on its schema. Grant CREATE ON SCHEMA %s to the role of source.username."
                            .formatted(table, Identifier.quote(rename.schema())));
        }
        if (!isTrue(row, 6)) {
            problems.add(
                    "The name %s is too long for PostgreSQL. Use a shorter suffix."
                            .formatted(rename.to()));
        }
        if (isTrue(row, 7)) {
            problems.add(
                    "The name %s is taken. Use another suffix, or rename what has this name."
                            .formatted(new TableId(rename.schema(), rename.to())));
        }
        return problems;
    }

    private static boolean isTrue(List<@Nullable String> row, int column) {
        return text(row, column).equals("t");
    }

    private static String text(List<@Nullable String> row, int column) {
        return String.valueOf(row.get(column));
    }

    /// Renames the tables in one transaction, except those that have their new name already.
    ///
    /// @return what was done
    /// @throws SQLException also if others lock a table for longer than 5 seconds
    String rename(List<Rename> renames) throws SQLException {
        try (Session session = source.session()) {
            Map<Long, String> names = names(session, renames);
            List<Rename> left =
                    renames.stream()
                            .filter(rename -> rename.from().equals(names.get(rename.oid())))
                            .toList();
            session.change(left.stream().map(Rename::sql).toList());
            Map<Long, String> now = names(session, renames);
            String done = text(renames, rename -> rename.to().equals(now.get(rename.oid())));
            String not = text(renames, rename -> !rename.to().equals(now.get(rename.oid())));
            return "Renamed: %s.".formatted(done.isEmpty() ? "no table" : done)
                    + (not.isEmpty()
                            ? ""
                            : " Dropped or renamed by others meanwhile: %s.".formatted(not));
        }
    }

    private static String text(List<Rename> renames, Predicate<Rename> selected) {
        return renames.stream()
                .filter(selected)
                .map(Rename::text)
                .collect(Collectors.joining(", "));
    }

    private static Map<Long, String> names(Session session, List<Rename> renames) {
        return session
                .texts(
                        NAMES.formatted(
                                renames.stream()
                                        .map(rename -> String.valueOf(rename.oid()))
                                        .collect(Collectors.joining(", "))))
                .stream()
                .collect(
                        Collectors.toMap(row -> Long.parseLong(text(row, 0)), row -> text(row, 1)));
    }
}
