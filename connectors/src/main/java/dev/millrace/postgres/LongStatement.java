package dev.millrace.postgres;

import java.sql.Connection;
import java.sql.SQLException;

/// While it is open, statements of one connection may compute for as long as they take: a digest of
/// a large table, the emptying of one. A server that is gone is noticed by TCP's keep-alive. One
/// thread, the connection's.
public final class LongStatement implements AutoCloseable {

    private final Connection connection;
    private final int before;

    private LongStatement(Connection connection, int before) {
        this.connection = connection;
        this.before = before;
    }

    public static LongStatement on(Connection connection) throws SQLException {
        int before = connection.getNetworkTimeout();
        connection.setNetworkTimeout(Runnable::run, 0);
        return new LongStatement(connection, before);
    }

    @Override
    public void close() throws SQLException {
        connection.setNetworkTimeout(Runnable::run, before);
    }
}
