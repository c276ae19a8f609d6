package dev.millrace.demo;

import dev.millrace.sandbox.LocalServerException;
import dev.millrace.sandbox.SandboxPostgres;
import dev.millrace.sandbox.SandboxSettings;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/// The two PostgreSQL servers of the demo. Creates their databases on the first run.
record Servers(SandboxPostgres source, SandboxPostgres target) implements AutoCloseable {

    static final String SHOP = "shop";
    static final String MARKET = "market";

    /// Millrace's role. The fences do not apply to it, so nothing else logs in with it.
    static final String MILLRACE = "millrace";

    private static final String APPLICATION = "shop_app";

    /// Unicode case rules, so that results are the same on every machine.
    private static final String LOCALE = "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'";

    static Servers start(Path folder) {
        SandboxSettings settings = SandboxSettings.durable(folder.resolve("postgres"));
        try (ExecutorService both = Executors.newVirtualThreadPerTaskExecutor()) {
            CompletableFuture<SandboxPostgres> source =
                    CompletableFuture.supplyAsync(
                            () -> SandboxPostgres.start(folder.resolve("source"), settings), both);
            CompletableFuture<SandboxPostgres> target =
                    CompletableFuture.supplyAsync(
                            () -> SandboxPostgres.start(folder.resolve("target"), settings), both);
            try {
                return new Servers(source.join(), target.join());
            } catch (CompletionException e) {
                source.thenAccept(SandboxPostgres::close);
                target.thenAccept(SandboxPostgres::close);
                if (e.getCause() instanceof LocalServerException cause) {
                    throw cause;
                }
                throw e;
            }
        }
    }

    /// Returns whether the shop was created; false if it exists from an earlier run.
    boolean fill(long rows) throws SQLException {
        boolean created = false;
        ensureDatabase(source, SHOP);
        ensureDatabase(target, MARKET);
        try (Connection shop = source.connect(SHOP);
                Connection market = target.connect(MARKET)) {
            if (!Shop.has(shop, "public", "customer")) {
                Shop.create(shop, rows);
                created = true;
            }
            if (!Shop.has(market, "crm", "customer")) {
                Shop.createMarket(market);
            }
            // One generated password for all roles of a server: it is in a private file.
            Shop.createRoles(shop, source.password());
            Shop.createRoles(market, target.password());
        }
        return created;
    }

    /// Where the application writes: to the side that the flag table on the source names.
    Route route() {
        return new Route() {
            @Override
            public Connection connect(Side side) throws SQLException {
                return switch (side) {
                    case SOURCE -> source.connect(SHOP, APPLICATION);
                    case TARGET -> target.connect(MARKET, APPLICATION);
                };
            }

            @Override
            public Side current(Connection shop) throws SQLException {
                try (Statement statement = shop.createStatement();
                        ResultSet flag = statement.executeQuery("SELECT active FROM app.routing")) {
                    flag.next();
                    return Side.of(flag.getString(1));
                }
            }
        };
    }

    @Override
    public void close() {
        try (source) {
            target.close();
        }
    }

    private static void ensureDatabase(SandboxPostgres server, String name) throws SQLException {
        boolean exists;
        try (Connection connection = server.connect("postgres");
                var query =
                        connection.prepareStatement(
                                "SELECT 1 FROM pg_database WHERE datname = ?")) {
            query.setString(1, name);
            try (var found = query.executeQuery()) {
                exists = found.next();
            }
        }
        if (!exists) {
            server.createDatabase(name, LOCALE);
        }
    }
}
