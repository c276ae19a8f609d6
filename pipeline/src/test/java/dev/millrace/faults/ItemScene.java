package dev.millrace.faults;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.grants.GrantedLogins;
import dev.millrace.sandbox.LoopbackPort;
import dev.millrace.sandbox.SandboxPostgres;
import dev.millrace.sandbox.SandboxSettings;
import dev.millrace.testing.TestFolders;
import dev.millrace.testing.Waits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

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
    private Path dataFolder = folder.resolve("data");
    private String sourceLines;
    private String targetLines;
    private String moreLines = "";
    private @Nullable ServiceProcess service;

    /// @param rows with the keys 1 to this number, in the order of their pages
    ItemScene(long rows) throws IOException, SQLException {
        this(rows, Map.of());
    }

    /// @param ofSource more settings of the source
    ItemScene(long rows, Map<String, String> ofSource) throws IOException, SQLException {
        SandboxSettings settings = SandboxSettings.durable(TestFolders.postgresBinaries());
        SandboxSettings logged =
                settings.with("log_statement", "all").with("log_line_prefix", "%p ");
        for (Map.Entry<String, String> setting : ofSource.entrySet()) {
            logged = logged.with(setting.getKey(), setting.getValue());
        }
        source = SandboxPostgres.start(folder.resolve("source"), logged);
        target = SandboxPostgres.start(folder.resolve("target"), settings);
        source.createDatabase(DATABASE, "");
        target.createDatabase(DATABASE, "");
        execute(
                source,
                TABLE,
                "INSERT INTO item SELECT g FROM generate_series(1, " + rows + ") g",
                "VACUUM ANALYZE item");
        execute(target, TABLE);
        sourceLines = ShopScene.endpoint("source", source, DATABASE);
        targetLines = ShopScene.endpoint("target", target, DATABASE);
        declare();
        GrantedLogins.granted(
                spec,
                ShopScene.administered(source, DATABASE),
                ShopScene.administered(target, DATABASE));
    }

    /// Lets the service read the password of its login to the target from a file. Before its start.
    void passwordOfTarget(Path passwordFile) throws IOException {
        targetLines =
                targetLines.replaceFirst("password: .*", "password-file: '" + passwordFile + "'");
        declare();
    }

    /// Adds parameters to the target's URL. Before the start of the service.
    void parametersOfTarget(String parameters) throws IOException {
        targetLines =
                targetLines.replace(
                        "/" + DATABASE + "\n", "/" + DATABASE + "?" + parameters + "\n");
        declare();
    }

    /// Lets the service know a standby of the source, which has its password. Before its start.
    ///
    /// @param more lines of the migration file
    void addStandby(SandboxPostgres standby, String more) throws IOException {
        sourceLines =
                ShopScene.endpoint("source", source, DATABASE)
                        .replace(
                                ":" + source.port() + "/",
                                ":" + source.port() + ",127.0.0.1:" + standby.port() + "/");
        moreLines = more;
        declare();
    }

    private void declare() throws IOException {
        Files.writeString(
                spec,
                "migration: "
                        + MIGRATION
                        + "\n"
                        + sourceLines
                        + targetLines
                        + moreLines
                        + "data-dir: '"
                        + dataFolder
                        + "'\ntables:\n  public.item: SELECT id, n FROM public.item\n");
    }

    /// Sets the retention of the log. Before the start of the service.
    void keepLogFor(String age) throws IOException {
        moreLines = "kafka:\n  retention: " + age + "\n";
        declare();
    }

    /// Gives the service another data folder. Before its start.
    void keepDataIn(Path other) throws IOException {
        dataFolder = other;
        declare();
    }

    /// Where the service keeps its state and the log.
    Path dataFolder() {
        return dataFolder;
    }

    int port() {
        return port;
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

    /// Requires that the service finds both sides equal, and that they are.
    void requireEqual() throws IOException, SQLException {
        requireEqual(source);
    }

    /// @param primary the server that is the source now
    void requireEqual(SandboxPostgres primary) throws IOException, SQLException {
        service().awaitPhase("IN_SYNC", Waits.LIMIT);
        JsonNode report = service().reconcile();
        assertThat(report.path("verdict").asString())
                .as(report.toPrettyString())
                .isEqualTo("equal");
        String rows = "SELECT coalesce(sum(hashint8(id * 31 + n)), 0) + count(*) FROM item";
        assertThat(number(target, rows)).isEqualTo(number(primary, rows));
    }

    ServiceProcess startService() {
        return started(ServiceProcess.start(spec, port));
    }

    /// @param heap the JVM's option for the largest heap
    ServiceProcess startService(String heap) {
        return started(ServiceProcess.start(spec, port, heap, Map.of()));
    }

    /// @param environment more variables than this process has
    ServiceProcess startService(Map<String, String> environment) {
        return started(ServiceProcess.start(spec, port, "-Xmx768m", environment));
    }

    /// Starts the service where the log is lost.
    ServiceProcess startServiceWithoutLog() {
        return started(ServiceProcess.start(spec, port, "-Xmx768m", Map.of(), "--rebackfill"));
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
