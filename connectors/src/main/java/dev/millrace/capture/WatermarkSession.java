package dev.millrace.capture;

import dev.millrace.capture.Watermarks.Emitted;
import dev.millrace.postgres.Database;
import java.sql.Connection;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/// Emits the watermarks of a stream: at regular intervals over one session that stays open, and on
/// demand over the pool. [#emit] and [#close] are confined to one thread; [#emitOnDemand] is
/// thread-safe.
public final class WatermarkSession implements AutoCloseable {

    private final Database source;
    private final Watermarks watermarks;
    private @Nullable Connection session;

    /// Opens no session; [#emit] does.
    public WatermarkSession(Database source, Watermarks watermarks) {
        this.source = source;
        this.watermarks = watermarks;
    }

    /// @throws SQLException when the source does not answer; call [#close] then, so that the next
    ///   call opens a new session
    public Emitted emit() throws SQLException {
        Connection open = session;
        if (open == null) {
            open = source.connect("watermark");
            session = open;
        }
        return watermarks.emit(open);
    }

    /// Emits a watermark for a caller that waits for it.
    public Emitted emitOnDemand() throws SQLException {
        try (Connection connection = source.pooled()) {
            return watermarks.emit(connection);
        }
    }

    /// Closes the session of [#emit]. The next call opens another.
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
