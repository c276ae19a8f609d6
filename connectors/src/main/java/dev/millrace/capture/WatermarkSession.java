package dev.millrace.capture;

import dev.millrace.capture.Watermarks.Emitted;
import dev.millrace.postgres.Database;
import dev.millrace.postgres.KeptSession;
import dev.millrace.postgres.SqlState;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.function.BooleanSupplier;

/// Emits the watermarks of a stream: at regular intervals over one session that stays open, and on
/// demand over the pool. [#emit] and [#close] are confined to one thread; [#emitOnDemand] is
/// thread-safe.
public final class WatermarkSession implements AutoCloseable {

    private final Database source;
    private final Watermarks watermarks;
    private final BooleanSupplier mayWrite;
    private final KeptSession session;

    /// Opens no session; [#emit] does.
    ///
    /// @param mayWrite whether the source may be written at this moment
    public WatermarkSession(Database source, Watermarks watermarks, BooleanSupplier mayWrite) {
        this.source = source;
        this.watermarks = watermarks;
        this.mayWrite = mayWrite;
        this.session = new KeptSession(() -> source.connect("watermark"));
    }

    public boolean mayEmit() {
        return mayWrite.getAsBoolean();
    }

    /// @throws SQLException when the source may not be written, or does not answer; call [#close]
    ///   then, so that the next call opens a new session
    public Emitted emit() throws SQLException {
        requireWritable();
        return watermarks.emit(session.get());
    }

    /// Emits a watermark for a caller that waits for it.
    ///
    /// @throws SQLException when the source may not be written, or does not answer
    public Emitted emitOnDemand() throws SQLException {
        requireWritable();
        try (Connection connection = source.pooled()) {
            return watermarks.emit(connection);
        }
    }

    private void requireWritable() throws SQLException {
        if (!mayEmit()) {
            // Whoever needs one waits, as for a server that accepts no session.
            throw new SQLException(
                    "All writes are stopped by 'millrace kill'. Run 'millrace resume all' to"
                            + " continue",
                    SqlState.CANNOT_CONNECT_NOW.code());
        }
    }

    /// Closes the session of [#emit]. The next call opens another.
    @Override
    public void close() {
        session.close();
    }
}
