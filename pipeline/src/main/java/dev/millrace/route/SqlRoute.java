package dev.millrace.route;

import dev.millrace.postgres.Database;
import dev.millrace.route.TrafficRoute.Finding.Status;
import dev.millrace.spec.switchover.Switchover.Route;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Runs one statement of the user in each direction, in a transaction. A repetition after a kill
/// runs it again: the statement must have the same effect then.
final class SqlRoute implements TrafficRoute {

    private static final String CHECK = "route.sql";

    private final Route.Sql sql;
    private final Database database;

    SqlRoute(Route.Sql sql, Database database) {
        this.sql = sql;
        this.database = database;
    }

    @Override
    public String name() {
        return "statement on " + database;
    }

    /// Lets the server parse both statements: a SELECT, INSERT, UPDATE or DELETE must name what
    /// exists. Nothing is executed.
    @Override
    public List<Finding> check(Direction next) {
        List<Finding> findings = new ArrayList<>();
        for (Direction direction : Direction.values()) {
            try (Connection session = database.connect("route");
                    // A question mark of the user is an operator, never a parameter.
                    PreparedStatement statement =
                            session.prepareStatement(statement(direction).replace("?", "??"))) {
                statement.getParameterMetaData();
            } catch (SQLException e) {
                findings.add(
                        new Finding(
                                Status.REFUSED,
                                CHECK,
                                direction.text(),
                                "the statement is not accepted: " + SideTransaction.reason(e),
                                "Correct the statement, or grant the privilege."));
            }
        }
        return findings.isEmpty()
                ? List.of(
                        new Finding(
                                Status.OK,
                                CHECK,
                                database.toString(),
                                "the server accepts both statements",
                                ""))
                : findings;
    }

    @Override
    public Outcome route(Attempt attempt) {
        return new SideTransaction(database, name(), SideTransaction.PATIENCE)
                .run(
                        statement -> {
                            statement.execute(statement(attempt.direction()));
                            return Optional.empty();
                        });
    }

    private String statement(Direction direction) {
        return direction == Direction.SWITCH ? sql.forward() : sql.rollback();
    }
}
