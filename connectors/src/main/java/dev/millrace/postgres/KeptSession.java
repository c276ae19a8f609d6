package dev.millrace.postgres;

import java.sql.Connection;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/// A session that a probe keeps open from one round to the next. It is opened by the first [#get],
/// and again by the next one after [#close] or after the connection was found to be broken. Not
/// thread-safe; confined to the probe's thread.
public final class KeptSession implements AutoCloseable {

    /// Opens the session with the settings that it keeps.
    @FunctionalInterface
    public interface Opener {
        Connection open() throws SQLException;
    }

    private final Opener opener;
    private @Nullable Connection session;

    /// Opens no session; [#get] does.
    public KeptSession(Opener opener) {
        this.opener = opener;
    }

    /// @throws SQLException when the server accepts no session. Call [#close] after a failure of a
    ///   statement, so that the next round does not use a session in an unknown state
    public Connection get() throws SQLException {
        Connection open = session;
        if (open == null || open.isClosed()) {
            open = opener.open();
            session = open;
        }
        return open;
    }

    /// Closes the session. The next [#get] opens another.
    @Override
    public void close() {
        Connection open = session;
        session = null;
        if (open != null) {
            try {
                open.close();
            } catch (SQLException _) {
                // The session is broken already.
                return;
            }
        }
    }
}
