package dev.millrace.parity;

import dev.millrace.postgres.Database;
import dev.millrace.postgres.Database.DatabaseFailure;
import dev.millrace.postgres.query.QuerySession;
import dev.millrace.postgres.query.QuerySession.Described;
import dev.millrace.spec.queries.QueryPair;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Checks that the statements of the section `queries` can be run on their side and only read:
/// Millrace runs them on databases in use. Plans them, and runs none.
public final class QueryCheck {

    private static final Duration TIMEOUT = Duration.ofSeconds(5);

    /// Why a statement cannot be used. Object and message are read as one sentence.
    ///
    /// @param refused the statement does more than read; otherwise the file is wrong
    public record Problem(boolean refused, String object, String message, String remedy) {}

    private final List<Problem> problems = new ArrayList<>();
    private final Database source;
    private final Database target;

    private QueryCheck(Database source, Database target) {
        this.source = source;
        this.target = target;
    }

    /// @throws DatabaseFailure if a server does not answer
    public static List<Problem> problems(List<QueryPair> pairs, Database source, Database target) {
        QueryCheck check = new QueryCheck(source, target);
        pairs.forEach(check::judge);
        return List.copyOf(check.problems);
    }

    private void judge(QueryPair pair) {
        List<Integer> parameters = new ArrayList<>();
        try (QuerySession from = new QuerySession(source, pair.role(), TIMEOUT);
                QuerySession to = new QuerySession(target, pair.role(), TIMEOUT)) {
            describe(pair, "old", from, pair.old())
                    .map(Described::parameters)
                    .ifPresent(parameters::add);
            describe(pair, "new", to, pair.next())
                    .map(Described::parameters)
                    .ifPresent(parameters::add);
            if (pair.parameters().isPresent()) {
                String samples = pair.parameters().get();
                Optional<Described> described = describe(pair, "parameters", from, samples);
                if (described.filter(each -> each.parameters() > 0).isPresent()) {
                    misconfigured(
                            object(pair, "parameters"),
                            "has parameters itself, and nothing gives them a value",
                            "Write a SELECT without $1.");
                } else if (described.filter(each -> !each.writes()).isPresent()) {
                    parameters.add(from.columns(samples));
                }
            } else {
                parameters.add(0);
            }
        } catch (SQLException e) {
            throw new DatabaseFailure("Cannot check the queries", e);
        }
        if (parameters.stream().distinct().count() > 1) {
            misconfigured(
                    object(pair, "parameters"),
                    "old, new and the columns of parameters must be equally many, but are "
                            + parameters,
                    "Let both statements use the same parameters, and let the SELECT of the"
                            + " parameters give one column for each.");
        }
    }

    /// @return empty if the server refuses it
    private Optional<Described> describe(
            QueryPair pair, String key, QuerySession session, String statement)
            throws SQLException {
        try {
            Described described = session.describe(statement);
            judge(described, object(pair, key), key);
            return Optional.of(described);
        } catch (SQLException e) {
            DatabaseFailure refused = new DatabaseFailure("PostgreSQL refuses it", e);
            return switch (refused.kind()) {
                case UNDEFINED, REJECTED_VALUE, NO_PRIVILEGE, CANCELLED, READ_ONLY, OTHER -> {
                    misconfigured(
                            object(pair, key),
                            String.valueOf(refused.getMessage()),
                            "Correct the statement, or grant what it needs"
                                    + pair.role().map(role -> " to " + role).orElse(" to the login")
                                    + ".");
                    yield Optional.empty();
                }
                case UNREACHABLE,
                        BUSY,
                        LIMIT_REACHED,
                        LOGIN_REFUSED,
                        DATABASE_MISSING,
                        RETRY,
                        IN_USE,
                        EXHAUSTED,
                        NOT_CONFIGURED ->
                        throw e;
            };
        }
    }

    private void judge(Described described, String object, String key) {
        if (described.writes()) {
            refuse(
                    object,
                    "changes or locks rows, and it is run on a database in use",
                    "Write a SELECT that only reads.");
        }
        if (!described.volatiles().isEmpty()) {
            refuse(
                    object,
                    "calls volatile functions ("
                            + String.join(", ", described.volatiles())
                            + "), which may do something or give another value each time",
                    "Leave them out, or declare a function STABLE if it only reads.");
        }
        if (described.random() && !key.equals("parameters")) {
            refuse(
                    object,
                    "calls random(), so its result differs each time",
                    "Leave it out; it may be used in parameters.");
        }
    }

    private void refuse(String object, String message, String remedy) {
        problems.add(new Problem(true, object, message, remedy));
    }

    private void misconfigured(String object, String message, String remedy) {
        problems.add(new Problem(false, object, message, remedy));
    }

    private static String object(QueryPair pair, String key) {
        return "query " + pair.name() + ", " + key;
    }
}
