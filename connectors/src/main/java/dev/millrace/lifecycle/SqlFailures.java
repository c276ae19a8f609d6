package dev.millrace.lifecycle;

import dev.millrace.fault.Failure;
import dev.millrace.fault.Reason;
import dev.millrace.postgres.SqlFailure;
import java.sql.SQLException;
import java.sql.SQLTransientException;

/// What a failure of PostgreSQL means, by its kind.
final class SqlFailures {

    private SqlFailures() {}

    static Failure of(SQLException failure) {
        String reason = reason(failure);
        return switch (SqlFailure.of(failure)) {
            case UNREACHABLE, BUSY, RETRY, IN_USE -> new Failure.Retry(reason);
            case LIMIT_REACHED ->
                    new Failure.OperatorNeeded(
                            reason,
                            "Raise the limit (plan names the number of connections that are needed), or end other sessions.");
            case LOGIN_REFUSED ->
                    new Failure.OperatorNeeded(
                            reason,
                            "Correct the role's password or pg_hba.conf on the server, or restart Millrace with the right password.");
            case DATABASE_MISSING ->
                    new Failure.OperatorNeeded(
                            reason,
                            "Restore the database, or correct the URL and restart Millrace.");
            case NO_PRIVILEGE ->
                    new Failure.OperatorNeeded(
                            reason, "Grant the privilege; plan names every grant that is needed.");
            case READ_ONLY ->
                    new Failure.OperatorNeeded(
                            reason,
                            "Promote the server or end its read-only mode, or let the URL name the primary.");
            case EXHAUSTED ->
                    new Failure.OperatorNeeded(
                            reason, "Free space on the server, or raise the limit that it names.");
            case NOT_CONFIGURED ->
                    reason.contains("wal_level")
                            ? new Failure.OperatorNeeded(
                                    reason, "Set wal_level = logical and restart the server.")
                            : new Failure.Unexplained(reason);
            case REJECTED_VALUE, UNDEFINED, CANCELLED, OTHER ->
                    failure instanceof SQLTransientException && failure.getSQLState() == null
                            ? new Failure.Retry(reason)
                            : new Failure.Unexplained(reason);
        };
    }

    private static String reason(SQLException failure) {
        String state = failure.getSQLState();
        String said =
                Reason.namesOnly(state)
                        ? Reason.of(failure)
                        : FailureClassifier.unexpected(failure);
        return state == null ? said : said + " (SQLSTATE " + state + ")";
    }
}
