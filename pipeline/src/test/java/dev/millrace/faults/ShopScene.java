package dev.millrace.faults;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.demo.Shop;
import dev.millrace.demo.Traffic;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.sandbox.LoopbackPort;
import dev.millrace.sandbox.SandboxPostgres;
import dev.millrace.sandbox.SandboxSettings;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.TestFolders;
import dev.millrace.testing.Waits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// The demo's shop with live traffic on one durable server, its market on another, and the service
/// between them.
final class ShopScene implements AutoCloseable {

    private static final String LOCALE = "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'";

    /// How existing rows are read; `-Dbackfill=engine` runs the same faults over the engine's
    /// snapshot.
    static final String BACKFILL = System.getProperty("backfill", "windows");

    final SandboxPostgres source;
    final SandboxPostgres target;
    private final Path spec;
    private final int port = LoopbackPort.free();
    private final Traffic traffic;
    private @Nullable ServiceProcess service;

    ShopScene(long rows, double transactionsPerSecond, long seed) throws IOException, SQLException {
        this(rows, transactionsPerSecond, seed, "");
    }

    /// @param kafka lines of the migration file that name a broker; empty for an embedded broker
    ShopScene(long rows, double transactionsPerSecond, long seed, String kafka)
            throws IOException, SQLException {
        Path folder = TestFolders.create("shop");
        SandboxSettings settings = SandboxSettings.durable(TestFolders.postgresBinaries());
        source = SandboxPostgres.start(folder.resolve("source"), settings);
        target = SandboxPostgres.start(folder.resolve("target"), settings);
        source.createDatabase("shop", LOCALE);
        target.createDatabase("market", LOCALE);
        try (Connection shop = source.connect("shop");
                Connection market = target.connect("market")) {
            Shop.create(shop, rows);
            Shop.createMarket(market);
        }
        spec = folder.resolve("millrace.yaml");
        Files.writeString(
                spec,
                "migration: faults\n"
                        + endpoint("source", source, "shop")
                        + endpoint("target", target, "market")
                        + "data-dir: '"
                        + folder.resolve("data")
                        + "'\nbackfill: "
                        + BACKFILL
                        + "\n"
                        + kafka
                        + Shop.tables());
        GrantedLogins.granted(spec, administered(source, "shop"), administered(target, "market"));
        traffic =
                Traffic.start(
                        () -> source.connect("shop"),
                        new Traffic.Settings(4, transactionsPerSecond, seed));
    }

    static String endpoint(String side, SandboxPostgres server, String database) {
        return "%s:\n  url: %s\n  username: %s_login\n  password: %s\n"
                .formatted(side, server.jdbcUrl(database), side, GrantedLogins.PASSWORD);
    }

    /// A database as the administrator opens it.
    static TestDatabase administered(SandboxPostgres server, String database) {
        return new TestDatabase(server.jdbcUrl(database), server.username(), server.password());
    }

    ServiceProcess startService() {
        ServiceProcess started = ServiceProcess.start(spec, port);
        service = started;
        return started;
    }

    ServiceProcess service() {
        if (service == null) {
            throw new IllegalStateException("The service was not started.");
        }
        return service;
    }

    Traffic traffic() {
        return traffic;
    }

    /// Requires that the migration is in sync, that source and target are equal under traffic, and
    /// that no change is in the log twice. An existing row may be read twice only if it moved: an
    /// update wrote its new version to a page that was read later.
    void requireComplete() throws IOException {
        service().awaitPhase("IN_SYNC", Waits.LIMIT);
        JsonNode report = service().reconcile();
        assertThat(report.path("verdict").stringValue(""))
                .as(report.toPrettyString())
                .isEqualTo("equal");
        try (Stream<JsonNode> changes = service().changes()) {
            Set<String> seen = new HashSet<>();
            Set<String> twice = new HashSet<>();
            Set<String> changed = new HashSet<>();
            Set<String> readTwice = new HashSet<>();
            changes.filter(change -> change.hasNonNull("key"))
                    .filter(change -> !change.path("kind").stringValue("").equals("truncate"))
                    .forEach(
                            change -> {
                                boolean read = change.path("kind").stringValue("").equals("read");
                                String row = change.path("table") + " " + change.path("key");
                                if (!read) {
                                    changed.add(row);
                                }
                                String identity =
                                        change.path("generation")
                                                + " "
                                                + change.path("kind")
                                                + " "
                                                + row
                                                + " "
                                                + change.path("lsn")
                                                + " "
                                                + change.path("xid");
                                if (!seen.add(identity)) {
                                    (read ? readTwice : twice).add(read ? row : identity);
                                }
                            });
            assertThat(seen).as("changes in the log").isNotEmpty();
            assertThat(twice).as("changes that are in the log twice").isEmpty();
            readTwice.removeAll(changed);
            assertThat(readTwice).as("rows that were read twice and never changed").isEmpty();
        }
    }

    @Override
    public void close() {
        traffic.close();
        if (service != null) {
            service.close();
        }
        target.close();
        source.close();
    }
}
