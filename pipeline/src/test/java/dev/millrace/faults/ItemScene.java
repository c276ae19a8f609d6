package dev.millrace.faults;

import dev.millrace.sandbox.LoopbackPort;
import dev.millrace.sandbox.SandboxPostgres;
import dev.millrace.sandbox.SandboxSettings;
import dev.millrace.testing.TestFolders;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.jspecify.annotations.Nullable;

/// One table with many narrow rows on a durable server, its copy on another, and the service
/// between them. The source logs every statement with the process id of its session.
final class ItemScene implements AutoCloseable {

    static final String DATABASE = "items";
    static final String MIGRATION = "faults";

    private static final String TABLE =
            "CREATE TABLE item (id int PRIMARY KEY, n int NOT NULL DEFAULT 0)";

    final SandboxPostgres source;
    final SandboxPostgres target;
    private final Path folder = TestFolders.create("items");
    private final Path spec = folder.resolve("millrace.yaml");
    private final int port = LoopbackPort.free();
    private @Nullable ServiceProcess service;

    /// @param rows with the keys 1 to this number, in the order of their pages
    ItemScene(long rows) throws IOException, SQLException {
        SandboxSettings settings = SandboxSettings.durable(TestFolders.postgresBinaries());
        source =
                SandboxPostgres.start(
                        folder.resolve("source"),
                        settings.with("log_statement", "all").with("log_line_prefix", "%p "));
        target = SandboxPostgres.start(folder.resolve("target"), settings);
        source.createDatabase(DATABASE, "");
        target.createDatabase(DATABASE, "");
        execute(
                source,
                TABLE,
                "INSERT INTO item SELECT g FROM generate_series(1, " + rows + ") g",
                "VACUUM ANALYZE item");
        execute(target, TABLE);
        declare(ShopScene.endpoint("target", target, DATABASE));
    }

    /// Lets the service log in to the target as another role. Before its start.
    void loginToTarget(String role, Path passwordFile) throws IOException {
        declare(
                "target:\n  url: %s\n  username: %s\n  password-file: '%s'\n"
                        .formatted(target.jdbcUrl(DATABASE), role, passwordFile));
    }

    private void declare(String targetEndpoint) throws IOException {
        Files.writeString(
                spec,
                "migration: "
                        + MIGRATION
                        + "\n"
                        + ShopScene.endpoint("source", source, DATABASE)
                        + targetEndpoint
                        + "data-dir: '"
                        + folder.resolve("data")
                        + "'\ntables:\n  public.item: SELECT id, n FROM public.item\n");
    }

    /// A new file in the folder of the scene.
    Path file(String name) {
        return folder.resolve(name);
    }

    static void execute(SandboxPostgres server, String... statements) throws SQLException {
        try (Connection connection = server.connect(DATABASE);
                Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    static long number(SandboxPostgres server, String query) throws SQLException {
        try (Connection connection = server.connect(DATABASE);
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(query)) {
            row.next();
            return row.getLong(1);
        }
    }

    ServiceProcess startService() {
        return started(ServiceProcess.start(spec, port));
    }

    /// @param heap the JVM's option for the largest heap
    ServiceProcess startService(String heap) {
        return started(ServiceProcess.start(spec, port, heap));
    }

    private ServiceProcess started(ServiceProcess started) {
        service = started;
        return started;
    }

    ServiceProcess service() {
        if (service == null) {
            throw new IllegalStateException("The service was not started.");
        }
        return service;
    }

    Path sourceLog() {
        return folder.resolve("source").resolve("server.log");
    }

    @Override
    public void close() {
        if (service != null) {
            service.close();
        }
        target.close();
        source.close();
    }
}
