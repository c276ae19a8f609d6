package dev.millrace.postgres.query;

import dev.millrace.postgres.Database;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.SqlFailure;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.SQLWarning;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.postgresql.util.PSQLWarning;
import org.postgresql.util.ServerErrorMessage;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Runs statements of the application in READ ONLY transactions, one transaction each, so that no
/// lock outlives a statement. Not thread-safe, except [#cancel].
public final class QuerySession implements AutoCloseable {

    /// What one result may have; more is not compared.
    private static final int MOST_ROWS = 10_000;

    private static final long MOST_BYTES = 16L << 20;

    /// Rows that the driver holds at a time, so that the limit of bytes ends a large result early.
    private static final int FETCHED_TOGETHER = 100;

    private static final JsonMapper JSON = JsonMapper.builder().build();

    /// Where a plan names a function that it calls.
    private static final Pattern FUNCTION =
            Pattern.compile(":(?:funcid|opfuncid|aggfnoid|winfnoid) (\\d+)");

    private static final String DESCRIBED = "described";

    private static final Pattern WRITES =
            Pattern.compile(":commandType [2-5]\\b|:hasModifyingCTE true|:rowMarks \\(");

    private final Connection connection;
    private final Optional<String> role;
    private final Duration timeout;
    private volatile @Nullable Statement running;

    /// @param role whose privileges the statements have; the login's own if empty
    /// @param timeout of each statement
    public QuerySession(Database database, Optional<String> role, Duration timeout)
            throws SQLException {
        this.connection = database.connect("queries");
        this.role = role;
        this.timeout = timeout;
    }

    /// What a statement would do.
    ///
    /// @param parameters the number of its parameters
    /// @param writes it changes or locks rows
    /// @param volatiles the volatile functions that it calls, except `random()`
    /// @param random it calls `random()`
    public record Described(
            int parameters, boolean writes, List<String> volatiles, boolean random) {}

    @FunctionalInterface
    private interface Work<T> {
        T run() throws SQLException;
    }

    private <T> T reading(Work<T> work) throws SQLException {
        connection.setAutoCommit(false);
        try {
            execute("SET TRANSACTION READ ONLY");
            execute("SET LOCAL statement_timeout = " + timeout.toMillis());
            if (role.isPresent()) {
                execute("SET LOCAL row_security = on");
                execute("SET LOCAL ROLE " + Identifier.quote(role.get()));
            }
            return work.run();
        } finally {
            connection.rollback();
            connection.setAutoCommit(true);
        }
    }

    /// Plans the statement and does not run it. The server prints the plan to this session, and to
    /// its own log: it names every function that would be called, also in views and in functions
    /// that are inlined.
    ///
    /// @throws SQLException if the server refuses the statement
    public Described describe(String sql) throws SQLException {
        prepare(DESCRIBED, sql);
        try {
            int parameters = parameters(DESCRIBED);
            return described(parameters, genericPlan(parameters));
        } finally {
            execute("DEALLOCATE " + Identifier.quote(DESCRIBED));
        }
    }

    private String genericPlan(int parameters) throws SQLException {
        return reading(
                () -> {
                    execute("SET LOCAL plan_cache_mode = force_generic_plan");
                    execute("SET LOCAL debug_pretty_print = off");
                    execute("SET LOCAL client_min_messages = log");
                    execute("SET LOCAL debug_print_plan = on");
                    return printed(
                            "EXPLAIN (COSTS OFF) "
                                    + execution(DESCRIBED, Collections.nCopies(parameters, null)));
                });
    }

    private Described described(int parameters, String plan) throws SQLException {
        if (plan.isEmpty()) {
            throw new IllegalStateException("The server did not print the plan.");
        }
        List<List<String>> volatiles = volatiles(plan);
        return new Described(
                parameters,
                WRITES.matcher(plan).find(),
                volatiles.stream()
                        .filter(each -> each.get(1).equals("f"))
                        .map(List::getFirst)
                        .toList(),
                volatiles.stream().anyMatch(each -> each.get(1).equals("t")));
    }

    private String printed(String sql) throws SQLException {
        StringBuilder plan = new StringBuilder();
        try (Statement statement = statement()) {
            connection.clearWarnings();
            statement.execute(sql);
            details(statement.getWarnings(), plan);
            details(connection.getWarnings(), plan);
        }
        // The server breaks the lines after 78 characters, also between a name and its value.
        return plan.toString().replaceAll("\\s+", " ");
    }

    private static void details(@Nullable SQLWarning first, StringBuilder out) {
        for (SQLWarning each = first; each != null; each = each.getNextWarning()) {
            if (each instanceof PSQLWarning warning) {
                ServerErrorMessage message = warning.getServerErrorMessage();
                String detail = message == null ? null : message.getDetail();
                out.append(detail == null ? "" : detail);
            }
        }
    }

    private List<List<String>> volatiles(String plan) throws SQLException {
        Set<String> functions = new HashSet<>();
        Matcher function = FUNCTION.matcher(plan);
        while (function.find()) {
            functions.add(function.group(1));
        }
        if (functions.isEmpty()) {
            return List.of();
        }
        return texts(
                "SELECT p.oid::regprocedure, p.oid = 'pg_catalog.random()'::regprocedure"
                        + " FROM pg_catalog.pg_proc p WHERE p.provolatile = 'v' AND p.oid IN ("
                        + String.join(", ", functions)
                        + ") ORDER BY 1");
    }

    /// Prepares the statement under a name, for all executions of this session.
    public void prepare(String name, String sql) throws SQLException {
        reading(
                () -> {
                    execute("PREPARE " + Identifier.quote(name) + " AS " + sql);
                    return true;
                });
    }

    private int parameters(String name) throws SQLException {
        return Integer.parseInt(
                texts(
                                "SELECT pg_catalog.cardinality(parameter_types) FROM pg_catalog.pg_prepared_statements WHERE name = "
                                        + Identifier.literal(name))
                        .getFirst()
                        .getFirst());
    }

    /// Runs a prepared statement.
    public QueryResult run(String name, List<@Nullable String> parameters) throws SQLException {
        return rows(execution(name, parameters), MOST_ROWS);
    }

    /// The first rows of a SELECT without parameters.
    public QueryResult first(String sql, int most) throws SQLException {
        return rows("SELECT * FROM (" + sql + "\n) AS q LIMIT " + most, most);
    }

    /// The number of columns of a SELECT without parameters.
    public int columns(String sql) throws SQLException {
        return reading(
                () -> {
                    try (Statement statement = statement();
                            ResultSet none =
                                    statement.executeQuery(
                                            "SELECT * FROM (" + sql + "\n) AS q LIMIT 0")) {
                        return none.getMetaData().getColumnCount();
                    }
                });
    }

    /// The nodes of the plan of a prepared statement, from the top, each with the table or index
    /// that it reads. Contains no condition and no value. Empty if the statement cannot be planned
    /// with these parameters.
    public List<String> plan(String name, List<@Nullable String> parameters) throws SQLException {
        List<String> nodes = new ArrayList<>();
        try {
            String json =
                    reading(
                            () ->
                                    texts(
                                                    "EXPLAIN (COSTS OFF, FORMAT JSON) "
                                                            + execution(name, parameters))
                                            .getFirst()
                                            .getFirst());
            collect(JSON.readTree(json), nodes);
        } catch (SQLException e) {
            if (!isOfStatement(e)) {
                throw e;
            }
        }
        return nodes;
    }

    private static void collect(JsonNode node, List<String> nodes) {
        JsonNode type = node.path("Node Type");
        if (type.isString()) {
            String on = node.path("Index Name").asString(node.path("Relation Name").asString(""));
            nodes.add((type.asString() + " " + on).strip());
        }
        node.forEach(child -> collect(child, nodes));
    }

    private static String execution(String name, Collection<@Nullable String> parameters) {
        return "EXECUTE "
                + Identifier.quote(name)
                + (parameters.isEmpty()
                        ? ""
                        : parameters.stream()
                                .map(each -> each == null ? "NULL" : Identifier.literal(each))
                                .collect(Collectors.joining(", ", "(", ")")));
    }

    private QueryResult rows(String sql, int most) throws SQLException {
        try {
            return reading(() -> read(sql, most));
        } catch (SQLException e) {
            if (!isOfStatement(e)) {
                throw e;
            }
            return SqlFailure.of(e) == SqlFailure.CANCELLED
                    ? new QueryResult.Cancelled()
                    : new QueryResult.Failed(String.valueOf(e.getSQLState()));
        }
    }

    /// Whether the statement is the cause, and not the session or the server.
    private static boolean isOfStatement(SQLException e) {
        return switch (SqlFailure.of(e)) {
            case CANCELLED, REJECTED_VALUE, NO_PRIVILEGE, UNDEFINED, READ_ONLY, OTHER -> true;
            case RETRY,
                    UNREACHABLE,
                    BUSY,
                    LIMIT_REACHED,
                    LOGIN_REFUSED,
                    DATABASE_MISSING,
                    IN_USE,
                    EXHAUSTED,
                    NOT_CONFIGURED ->
                    false;
        };
    }

    private QueryResult read(String sql, int most) throws SQLException {
        Map<List<@Nullable String>, Integer> rows = new HashMap<>();
        long bytes = 0;
        int count = 0;
        long began = System.nanoTime();
        try (Statement statement = statement()) {
            statement.setMaxRows(most + 1);
            statement.setFetchSize(FETCHED_TOGETHER);
            running = statement;
            try (ResultSet result = statement.executeQuery(sql)) {
                int columns = result.getMetaData().getColumnCount();
                while (result.next()) {
                    List<@Nullable String> row = new ArrayList<>();
                    for (int i = 1; i <= columns; i++) {
                        String text = result.getString(i);
                        bytes += text == null ? 1 : text.getBytes(StandardCharsets.UTF_8).length;
                        row.add(text);
                    }
                    if (++count > most || bytes > MOST_BYTES) {
                        return new QueryResult.TooLarge();
                    }
                    rows.merge(row, 1, Integer::sum);
                }
                return new QueryResult.Rows(
                        columns, rows, Duration.ofNanos(System.nanoTime() - began));
            } finally {
                running = null;
            }
        }
    }

    private List<List<String>> texts(String sql) throws SQLException {
        try (Statement statement = statement();
                ResultSet rows = statement.executeQuery(sql)) {
            List<List<String>> result = new ArrayList<>();
            while (rows.next()) {
                List<String> row = new ArrayList<>();
                for (int i = 1; i <= rows.getMetaData().getColumnCount(); i++) {
                    row.add(String.valueOf(rows.getString(i)));
                }
                result.add(row);
            }
            return result;
        }
    }

    private void execute(String sql) throws SQLException {
        try (Statement statement = statement()) {
            statement.execute(sql);
        }
    }

    private Statement statement() throws SQLException {
        Statement statement = connection.createStatement();
        statement.setEscapeProcessing(false);
        return statement;
    }

    /// Cancels the statement that runs. Any thread may call it.
    public void cancel() {
        Statement now = running;
        if (now != null) {
            try {
                now.cancel();
            } catch (SQLException _) {
                // The session is lost or the statement has ended.
            }
        }
    }

    @Override
    public void close() throws SQLException {
        connection.close();
    }
}
