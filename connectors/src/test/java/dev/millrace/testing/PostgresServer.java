package dev.millrace.testing;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.concurrent.atomic.AtomicInteger;

/// One PostgreSQL for all tests of a module, with logical decoding on; each test takes databases of
/// its own.
public final class PostgresServer {

    private static final AtomicInteger NAMES = new AtomicInteger();

    private static final class Shared {
        static final PostgresServer INSTANCE = new PostgresServer();
    }

    private final EmbeddedPostgres server;

    private PostgresServer() {
        try {
            server =
                    EmbeddedPostgres.builder()
                            .setServerConfig("wal_level", "logical")
                            .setServerConfig("max_replication_slots", "50")
                            .setServerConfig("max_wal_senders", "50")
                            .start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public static PostgresServer shared() {
        return Shared.INSTANCE;
    }

    /// An empty database, encoding UTF-8, collation C.
    public TestDatabase newDatabase() {
        return newDatabase("ENCODING 'UTF8' LOCALE 'C'");
    }

    /// @param options of CREATE DATABASE, for example `LOCALE_PROVIDER icu ICU_LOCALE 'en-US'`
    public TestDatabase newDatabase(String options) {
        String name = "t" + NAMES.incrementAndGet();
        try (Connection connection = server.getPostgresDatabase().getConnection();
                var statement = connection.createStatement()) {
            statement.execute("CREATE DATABASE " + name + " TEMPLATE template0 " + options);
        } catch (SQLException e) {
            throw new IllegalStateException("no database could be made: " + options, e);
        }
        return new TestDatabase(
                "jdbc:postgresql://127.0.0.1:" + server.getPort() + "/" + name,
                "postgres",
                "postgres");
    }
}
