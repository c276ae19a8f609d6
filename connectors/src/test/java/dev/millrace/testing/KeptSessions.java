package dev.millrace.testing;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.postgresql.core.BaseConnection;
import org.postgresql.core.TransactionState;

/// Sessions of test databases between two statements: to open a session costs more CPU than most
/// statements of a test. A caller cannot tell a kept session from a new one, because a session is
/// closed after a failure and after every statement that may leave something in it. Thread-safe; a
/// session serves one caller at a time.
final class KeptSessions {

    private static final int MOST = 4;

    /// Also statements that change the settings with which a new session starts.
    private static final Pattern LEAVES_STATE =
            Pattern.compile(
                    "(^|;)\\s*(SET(?!\\s+LOCAL)|RESET|LISTEN|LOAD|PREPARE|DECLARE|BEGIN|START)\\b"
                            + "|\\b(CREATE|INTO)\\s+(LOCAL\\s+|GLOBAL\\s+)?TEMP(ORARY)?\\b"
                            + "|set_config|pg_reload_conf|advisory"
                            + "|\\bALTER\\s+(ROLE|USER|DATABASE)\\b.*\\b(SET|RESET)\\b"
                            + "|\\bALTER\\s+SYSTEM\\b",
                    Pattern.CASE_INSENSITIVE | Pattern.DOTALL);

    /// The session that was used last is at the end.
    private static final SequencedMap<TestDatabase, Connection> KEPT = new LinkedHashMap<>();

    interface Work<T> {
        T on(Connection session) throws SQLException;
    }

    private KeptSessions() {}

    static <T> T use(TestDatabase database, List<String> statements, Work<T> work)
            throws SQLException {
        Connection session = take(database);
        if (session == null) {
            session = database.connect();
        }
        boolean keep = false;
        try {
            T result = work.on(session);
            keep =
                    statements.stream().noneMatch(sql -> LEAVES_STATE.matcher(sql).find())
                            && session.unwrap(BaseConnection.class).getTransactionState()
                                    == TransactionState.IDLE;
            return result;
        } finally {
            if (keep) {
                keep(database, session);
            } else {
                session.close();
            }
        }
    }

    /// A kept session that still answers: the test may have ended it or stopped its server.
    private static @Nullable Connection take(TestDatabase database) throws SQLException {
        Connection session;
        synchronized (KEPT) {
            session = KEPT.remove(database);
        }
        if (session != null && !session.isValid(1)) {
            session.close();
            return null;
        }
        return session;
    }

    private static void keep(TestDatabase database, Connection session) throws SQLException {
        Connection other;
        Connection eldest = null;
        synchronized (KEPT) {
            other = KEPT.remove(database);
            KEPT.put(database, session);
            if (KEPT.size() > MOST) {
                eldest = KEPT.pollFirstEntry().getValue();
            }
        }
        if (other != null) {
            other.close();
        }
        if (eldest != null) {
            eldest.close();
        }
    }
}
