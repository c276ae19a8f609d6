package dev.millrace.route;

import dev.millrace.postgres.Database;
import dev.millrace.postgres.Identifier;
import dev.millrace.route.TrafficRoute.Finding.Status;
import dev.millrace.spec.switchover.Switchover.Route;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/// Sets one column of one row that the applications read. The row is locked first, so its value
/// decides: an attempt that finds the new value changes nothing.
final class FlagRoute implements TrafficRoute {

    private static final String CHECK = "route.flag";

    private final Route.Flag flag;
    private final Database database;

    FlagRoute(Route.Flag flag, Database database) {
        this.flag = flag;
        this.database = database;
    }

    @Override
    public String name() {
        return "flag table " + flag.table();
    }

    @Override
    public List<Finding> check(Direction next) {
        String object = flag.table() + "." + flag.column();
        try (Connection session = database.pooled();
                Statement statement = session.createStatement()) {
            Optional<Row> row = read(statement, next, "");
            if (row.isEmpty()) {
                return List.of(refused(object, notOneRow(), "Correct where."));
            }
            if (!row.get().isOld()) {
                return List.of(
                        row.get().isNew()
                                ? refused(
                                        object,
                                        "already has the value that this attempt would set",
                                        "Set it back, or exchange old and new.")
                                : refused(
                                        object,
                                        "has neither the old nor the new value",
                                        "Correct old and new, or the row."));
            }
            if (!mayUpdate(statement)) {
                return List.of(
                        refused(
                                object,
                                "cannot be updated by Millrace's role",
                                "GRANT SELECT, UPDATE ON " + Identifier.quote(flag.table()) + "."));
            }
            return List.of(new Finding(Status.OK, CHECK, object, "matches one row", ""));
        } catch (SQLException e) {
            return List.of(
                    refused(
                            object,
                            "cannot be read: " + SideTransaction.reason(e),
                            "Correct table, column and where, or grant SELECT and UPDATE."));
        }
    }

    @Override
    public Outcome route(Attempt attempt) {
        return new SideTransaction(database, name(), SideTransaction.PATIENCE)
                .run(statement -> update(statement, attempt.direction()));
    }

    private Optional<String> update(Statement statement, Direction direction) throws SQLException {
        Optional<Row> row = read(statement, direction, " FOR UPDATE");
        if (row.isEmpty()) {
            return Optional.of(notOneRow());
        }
        if (row.get().isNew()) {
            return Optional.empty();
        }
        if (!row.get().isOld()) {
            return Optional.of(flag.column() + " has neither the old nor the new value");
        }
        String column = Identifier.quote(flag.column());
        String wanted = Identifier.literal(wanted(direction));
        try (ResultSet updated =
                statement.executeQuery(
                        "UPDATE "
                                + Identifier.quote(flag.table())
                                + " SET "
                                + column
                                + " = "
                                + wanted
                                + where()
                                + " RETURNING "
                                + column
                                + " = "
                                + wanted)) {
            boolean done = updated.next() && updated.getBoolean(1) && !updated.next();
            return done
                    ? Optional.empty()
                    : Optional.of("the UPDATE did not set " + flag.column() + " of one row");
        }
    }

    /// Both false when the value is another one or NULL.
    private record Row(boolean isOld, boolean isNew) {}

    /// @return empty unless exactly one row matches
    private Optional<Row> read(Statement statement, Direction direction, String lock)
            throws SQLException {
        String column = Identifier.quote(flag.column());
        try (ResultSet rows =
                statement.executeQuery(
                        "SELECT "
                                + column
                                + " = "
                                + Identifier.literal(wanted(direction.opposite()))
                                + ", "
                                + column
                                + " = "
                                + Identifier.literal(wanted(direction))
                                + " FROM "
                                + Identifier.quote(flag.table())
                                + where()
                                + " LIMIT 2"
                                + lock)) {
            if (!rows.next()) {
                return Optional.empty();
            }
            Row row = new Row(rows.getBoolean(1), rows.getBoolean(2));
            return rows.next() ? Optional.empty() : Optional.of(row);
        }
    }

    private boolean mayUpdate(Statement statement) throws SQLException {
        try (ResultSet row =
                statement.executeQuery(
                        "SELECT pg_catalog.has_column_privilege("
                                + Identifier.literal(Identifier.quote(flag.table()))
                                + ", "
                                + Identifier.literal(flag.column())
                                + ", 'UPDATE')")) {
            return row.next() && row.getBoolean(1);
        }
    }

    private String wanted(Direction direction) {
        return direction == Direction.SWITCH ? flag.after() : flag.before();
    }

    private String where() {
        Map<String, String> sorted = new TreeMap<>(flag.where());
        return sorted.isEmpty()
                ? ""
                : sorted.entrySet().stream()
                        .map(
                                column ->
                                        Identifier.quote(column.getKey())
                                                + " = "
                                                + Identifier.literal(column.getValue()))
                        .collect(Collectors.joining(" AND ", " WHERE ", ""));
    }

    private String notOneRow() {
        return flag.where().isEmpty()
                ? "does not have exactly one row, and where is not set"
                : "where does not match exactly one row";
    }

    private static Finding refused(String object, String message, String remedy) {
        return new Finding(Status.REFUSED, CHECK, object, message, remedy);
    }
}
