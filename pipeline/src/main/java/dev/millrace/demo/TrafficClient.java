package dev.millrace.demo;

import dev.millrace.demo.Route.Side;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.EnumMap;
import java.util.Map;
import java.util.Random;
import java.util.UUID;

/// One client of the application. It opens a connection to each side when it needs one, and asks
/// the route before each transaction. Not thread-safe; confined to its writer's thread.
final class TrafficClient implements AutoCloseable {

    private final Route route;
    private final ShopWork work;
    private final Map<Side, Connection> connections = new EnumMap<>(Side.class);

    TrafficClient(Route route, ShopWork work) {
        this.route = route;
        this.work = work;
    }

    /// @param rows inserted, updated and deleted
    record Committed(Side side, long rows) {}

    /// Runs a random transaction on the current side and commits it.
    ///
    /// @param receipt the id of the row that proves the commit
    /// @throws SQLException also after a refused write; [#rollBack] is the next call then
    Committed transact(UUID receipt, Random random) throws SQLException {
        Connection source = on(Side.SOURCE);
        Side side = route.current(source);
        if (side != Side.SOURCE) {
            source.commit();
        }
        Connection connection = on(side);
        long rows = work.next(side, connection, random);
        leave(receipt, side, connection);
        connection.commit();
        return new Committed(side, rows + 1);
    }

    private static void leave(UUID receipt, Side side, Connection connection) throws SQLException {
        String table =
                switch (side) {
                    case SOURCE -> "receipt (id, at)";
                    case TARGET -> "audit.receipt (id, received_at)";
                };
        try (PreparedStatement insert =
                connection.prepareStatement(
                        "INSERT INTO " + table + " VALUES (?, clock_timestamp())")) {
            insert.setObject(1, receipt);
            insert.executeUpdate();
        }
    }

    /// @throws SQLException if a connection is lost
    void rollBack() throws SQLException {
        for (Connection connection : connections.values()) {
            connection.rollback();
        }
    }

    private Connection on(Side side) throws SQLException {
        Connection open = connections.get(side);
        if (open == null) {
            open = route.connect(side);
            connections.put(side, open);
            open.setAutoCommit(false);
        }
        return open;
    }

    @Override
    public void close() throws SQLException {
        SQLException failure = null;
        for (Connection connection : connections.values()) {
            try {
                connection.close();
            } catch (SQLException e) {
                failure = e;
            }
        }
        if (failure != null) {
            throw failure;
        }
    }
}
