package dev.millrace.postgres;

import java.sql.SQLException;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/// What kind of failure a SQLSTATE stands for: the one place that knows the codes.
public enum SqlFailure {
    /// Nobody answers there, or the connection broke; may pass by itself.
    UNREACHABLE,
    /// The server answers and takes no session now: starting, stopping, or no connection free.
    BUSY,
    /// The role, the database or the replication sessions have reached their limit.
    LIMIT_REACHED,
    /// User name and password, or the server's rules for this client, don't let us in.
    LOGIN_REFUSED,
    DATABASE_MISSING,
    NO_PRIVILEGE,
    /// Serialization failure or deadlock: the same transaction may be run again.
    RETRY,
    /// Another session uses the object now.
    IN_USE,
    /// The server or the session takes no writes.
    READ_ONLY,
    /// Disk, slots or another limit of the server is used up.
    EXHAUSTED,
    /// A setting of the server rules it out, `wal_level` for example.
    NOT_CONFIGURED,
    /// A timeout or another session ended the statement or the session.
    CANCELLED,
    /// A value that the column or a constraint doesn't take.
    REJECTED_VALUE,
    /// A name that isn't there.
    UNDEFINED,
    OTHER;

    /// Looks through the causes, because a pool wraps what the driver said.
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

    public static SqlFailure of(@Nullable String sqlState) {
        return switch (sqlState == null ? "" : sqlState.toUpperCase(Locale.ROOT)) {
            case "08004", "28000", "28P01" -> LOGIN_REFUSED;
            case "3D000" -> DATABASE_MISSING;
            case "42501" -> NO_PRIVILEGE;
            case "53300", "57P03" -> BUSY;
            case "57P01", "57P02", "57P05" -> UNREACHABLE;
            case "40001", "40P01", "55P03" -> RETRY;
            case "55006" -> IN_USE;
            case "25006" -> READ_ONLY;
            case "53100", "53400" -> EXHAUSTED;
            case "55000", "55P02" -> NOT_CONFIGURED;
            case "57014", "25P03", "25P04" -> CANCELLED;
            case "42P01", "42703", "3F000", "42704", "42883" -> UNDEFINED;
            case String state when state.startsWith("08") -> UNREACHABLE;
            case String state when state.startsWith("22") || state.startsWith("23") ->
                    REJECTED_VALUE;
            default -> OTHER;
        };
    }

    /// Whether a session was refused because of a limit of the role, the database or the
    /// replication sessions. Told by the server's own function or by the setting's name, because
    /// the sentence is translated.
    private static boolean namesFixedLimit(SQLException failure) {
        ServerErrorMessage server =
                failure instanceof PSQLException pg ? pg.getServerErrorMessage() : null;
        return server != null
                && (Set.of("InitializeSessionUserId", "CheckMyDatabase")
                                .contains(String.valueOf(server.getRoutine()))
                        || String.valueOf(server.getMessage()).contains("max_wal_senders"));
    }
}
