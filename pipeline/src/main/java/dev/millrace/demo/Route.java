package dev.millrace.demo;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Locale;

/// How the application finds the database that it writes to. Thread-safe.
interface Route {

    /// Opens a connection of the application.
    Connection connect(Side side) throws SQLException;

    /// The side that the application uses now.
    ///
    /// @param source a connection to the source
    Side current(Connection source) throws SQLException;

    /// The two databases, which have different schemas.
    enum Side {
        SOURCE,
        TARGET;

        /// @param name as in the flag table
        static Side of(String name) {
            return valueOf(name.toUpperCase(Locale.ROOT));
        }
    }

    /// An application that is not moved.
    static Route toSource(Traffic.Source source) {
        return new Route() {
            @Override
            public Connection connect(Side side) throws SQLException {
                return source.connect();
            }

            @Override
            public Side current(Connection connection) {
                return Side.SOURCE;
            }
        };
    }
}
