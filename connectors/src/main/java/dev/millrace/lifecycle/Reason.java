package dev.millrace.lifecycle;

import dev.millrace.postgres.SqlState.ErrorClass;
import java.io.IOException;
import java.sql.BatchUpdateException;
import java.sql.SQLException;
import java.util.Optional;
import java.util.Set;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.ApiException;
import org.apache.kafka.common.errors.SerializationException;
import org.jspecify.annotations.Nullable;

/// Decides which message of a failure a user may read: in the status, over HTTP, in a report. A
/// message is shown if it is known to name objects and rules only. Every other message may quote
/// row values and is replaced by an [Incident]. Pure.
public final class Reason {

    /// Classes of SQLSTATE whose errors name objects, privileges and the state of the server.
    /// Excluded are errors that quote data (22, 23), that repeat the text of user-defined code (P0,
    /// 38, 39, 2F, 44), and unexpected errors of extensions (XX) and of the driver (99).
    private static final Set<ErrorClass> NAMES_ONLY =
            Set.of(
                    ErrorClass.CONNECTION_EXCEPTION,
                    ErrorClass.FEATURE_NOT_SUPPORTED,
                    ErrorClass.INVALID_TRANSACTION_INITIATION,
                    ErrorClass.INVALID_TRANSACTION_STATE,
                    ErrorClass.INVALID_SQL_STATEMENT_NAME,
                    ErrorClass.INVALID_AUTHORIZATION,
                    ErrorClass.INVALID_TRANSACTION_TERMINATION,
                    ErrorClass.INVALID_CURSOR_NAME,
                    ErrorClass.SAVEPOINT_EXCEPTION,
                    ErrorClass.INVALID_CATALOG_NAME,
                    ErrorClass.INVALID_SCHEMA_NAME,
                    ErrorClass.TRANSACTION_ROLLBACK,
                    ErrorClass.SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION,
                    ErrorClass.INSUFFICIENT_RESOURCES,
                    ErrorClass.PROGRAM_LIMIT_EXCEEDED,
                    ErrorClass.OBJECT_NOT_IN_PREREQUISITE_STATE,
                    ErrorClass.OPERATOR_INTERVENTION,
                    ErrorClass.SYSTEM_ERROR,
                    ErrorClass.CONFIGURATION_FILE_ERROR);

    private Reason() {}

    /// The first message in the chain of causes that Millrace wrote, otherwise the deepest one that
    /// may be shown; empty when there is none.
    public static Optional<String> of(Throwable failure) {
        String reason = null;
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            String shown = shown(cause);
            if (isOurs(cause)) {
                return Optional.ofNullable(shown);
            }
            reason = shown == null ? reason : shown;
        }
        return Optional.ofNullable(reason);
    }

    /// The message of this failure without its causes; `null` when it may not be shown.
    static @Nullable String shown(Throwable failure) {
        if (failure instanceof SQLException sql) {
            return of(sql);
        }
        return isOurs(failure) || mayBeShown(failure) ? failure.getMessage() : null;
    }

    /// The database's message in one line, or a fixed text if the message may quote a value.
    public static String of(SQLException failure) {
        if (failure instanceof BatchUpdateException && failure.getNextException() != null) {
            // The message of a batch repeats the statement with its parameters.
            return of(failure.getNextException());
        }
        return namesOnly(failure.getSQLState())
                ? String.valueOf(failure.getMessage()).lines().findFirst().orElse("")
                : "the server's message is not shown because it may quote a value (SQLSTATE "
                        + failure.getSQLState()
                        + ")";
    }

    /// Whether PostgreSQL's errors with this SQLSTATE contain names and privileges and never quote
    /// a value. The driver sets no state if it did not reach a server.
    public static boolean namesOnly(@Nullable String sqlState) {
        return sqlState == null || NAMES_ONLY.contains(ErrorClass.of(sqlState));
    }

    /// Exceptions of Millrace's types have messages without values, unless one only wraps another
    /// exception and repeats its message.
    private static boolean isOurs(Throwable failure) {
        Throwable cause = failure.getCause();
        return failure.getClass().getName().startsWith("dev.millrace.")
                && (cause == null || !cause.toString().equals(failure.getMessage()));
    }

    /// Messages of Kafka's clients contain topics and settings, but an exception that wraps another
    /// repeats that one's message.
    private static boolean mayBeShown(Throwable failure) {
        String type = failure.getClass().getName();
        return switch (failure) {
            case ApiException _ -> true;
            case SerializationException _ -> false;
            case KafkaException kafka ->
                    kafka.getCause() == null
                            && (type.startsWith("org.apache.kafka.common.")
                                    || type.startsWith("org.apache.kafka.clients."));
            case IOException _ -> type.startsWith("java.");
            default -> false;
        };
    }
}
