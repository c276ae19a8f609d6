package dev.millrace.postgres;

import dev.millrace.postgres.SqlState.ErrorClass;
import java.sql.SQLException;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/// The kind of a PostgreSQL failure, derived from its SQLSTATE. The only place that assigns kinds;
/// [SqlState] names the codes. Thread-safe.
public enum SqlFailure {
    /// The server does not respond, or the connection broke. May pass without intervention.
    UNREACHABLE,
    /// The server responds but accepts no session now: it starts, stops, or has no free connection.
    BUSY,
    /// The role, the database or the replication sessions have reached their limit.
    LIMIT_REACHED,
    /// The server rejects the user name, the password or the client's address.
    LOGIN_REFUSED,
    DATABASE_MISSING,
    NO_PRIVILEGE,
    /// Serialization failure, deadlock or lock timeout: the same transaction can be retried.
    RETRY,
    /// Another session uses the object.
    IN_USE,
    /// The server or the session rejects writes.
    READ_ONLY,
    /// Disk space, replication slots or another resource of the server is exhausted.
    EXHAUSTED,
    /// A setting of the server prevents it, for example `wal_level`.
    NOT_CONFIGURED,
    /// A timeout or another session cancelled the statement or ended the session.
    CANCELLED,
    /// The column's type or a constraint rejects a value.
    REJECTED_VALUE,
    /// An object of the name does not exist.
    UNDEFINED,
    OTHER;

    /// The kind of the first failure in the chain of causes that has one: a pool wraps the driver's
    /// exception.
    public static SqlFailure of(SQLException failure) {
        Throwable current = failure;
        for (int depth = 0; current != null && depth < 10; depth++) {
            if (current instanceof SQLException sql && of(sql.getSQLState()) != OTHER) {
                SqlFailure kind = of(sql.getSQLState());
                return kind == BUSY && namesFixedLimit(sql) ? LIMIT_REACHED : kind;
            }
            current = current.getCause();
        }
        return OTHER;
    }

    private static SqlFailure of(@Nullable String sqlState) {
        return switch (SqlState.of(sqlState)) {
            case CONNECTION_REJECTED, INVALID_AUTHORIZATION, INVALID_PASSWORD -> LOGIN_REFUSED;
            case INVALID_CATALOG_NAME -> DATABASE_MISSING;
            case INSUFFICIENT_PRIVILEGE -> NO_PRIVILEGE;
            case TOO_MANY_CONNECTIONS, CANNOT_CONNECT_NOW -> BUSY;
            case ADMIN_SHUTDOWN,
                    CRASH_SHUTDOWN,
                    IDLE_SESSION_TIMEOUT,
                    UNABLE_TO_CONNECT,
                    CONNECTION_DOES_NOT_EXIST ->
                    UNREACHABLE;
            case SERIALIZATION_FAILURE, DEADLOCK_DETECTED, LOCK_NOT_AVAILABLE -> RETRY;
            case OBJECT_IN_USE, DEPENDENT_OBJECTS_STILL_EXIST -> IN_USE;
            case READ_ONLY_TRANSACTION -> READ_ONLY;
            case DISK_FULL, CONFIGURATION_LIMIT_EXCEEDED -> EXHAUSTED;
            case OBJECT_NOT_IN_PREREQUISITE_STATE, CANT_CHANGE_RUNTIME_PARAM -> NOT_CONFIGURED;
            case QUERY_CANCELED, IDLE_IN_TRANSACTION_SESSION_TIMEOUT, TRANSACTION_TIMEOUT ->
                    CANCELLED;
            case UNDEFINED_TABLE,
                    UNDEFINED_COLUMN,
                    INVALID_SCHEMA_NAME,
                    UNDEFINED_OBJECT,
                    UNDEFINED_FUNCTION ->
                    UNDEFINED;
            case STRING_DATA_RIGHT_TRUNCATION,
                    NUMERIC_VALUE_OUT_OF_RANGE,
                    INVALID_DATETIME_FORMAT,
                    DATETIME_FIELD_OVERFLOW,
                    CHARACTER_NOT_IN_REPERTOIRE,
                    STRING_DATA_LENGTH_MISMATCH,
                    INVALID_TEXT_REPRESENTATION,
                    NOT_NULL_VIOLATION,
                    FOREIGN_KEY_VIOLATION,
                    UNIQUE_VIOLATION,
                    CHECK_VIOLATION,
                    EXCLUSION_VIOLATION ->
                    REJECTED_VALUE;
            case OTHER -> ofClass(ErrorClass.of(sqlState));
        };
    }

    private static SqlFailure ofClass(ErrorClass errors) {
        if (errors == ErrorClass.CONNECTION_EXCEPTION) {
            return UNREACHABLE;
        }
        return errors.isAboutValues() ? REJECTED_VALUE : OTHER;
    }

    /// Whether a limit of the role, the database or the replication sessions rejected the session.
    /// Detected by the server's function or the setting's name, because the message is translated.
    private static boolean namesFixedLimit(SQLException failure) {
        ServerErrorMessage server =
                failure instanceof PSQLException pg ? pg.getServerErrorMessage() : null;
        return server != null
                && (Set.of("InitializeSessionUserId", "CheckMyDatabase")
                                .contains(String.valueOf(server.getRoutine()))
                        || String.valueOf(server.getMessage()).contains("max_wal_senders"));
    }
}
