package dev.millrace.faults;

import dev.millrace.grants.GrantedLogins;
import dev.millrace.sandbox.LoopbackPort;
import dev.millrace.sandbox.SandboxPostgres;
import dev.millrace.sandbox.SandboxSettings;
import dev.millrace.testing.TestFolders;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyIn;

/// One table whose rows are as wide as a test needs, its copy on another server, and the service
/// between them with the heap that the test gives it.
final class DocScene implements AutoCloseable {

    private static final String DATABASE = "docs";
    private static final String TABLE =
            "CREATE TABLE doc (id int PRIMARY KEY, n int NOT NULL DEFAULT 0, body text)";

    /// The server must not compress what the test wants to be wide.
    private static final String NOT_COMPRESSED =
            "ALTER TABLE doc ALTER COLUMN body SET STORAGE EXTERNAL";

    final SandboxPostgres source;
    final SandboxPostgres target;
    private final Path spec;
    private final int port = LoopbackPort.free();
    private @Nullable ServiceProcess service;

    DocScene() throws IOException, SQLException {
        Path folder = TestFolders.create("docs");
        SandboxSettings settings =
                SandboxSettings.fast(TestFolders.postgresBinaries()).with("max_wal_size", "4GB");
        source = SandboxPostgres.start(folder.resolve("source"), settings);
        target = SandboxPostgres.start(folder.resolve("target"), settings);
        for (SandboxPostgres server : new SandboxPostgres[] {source, target}) {
            server.createDatabase(DATABASE, "");
            execute(server, TABLE, NOT_COMPRESSED);
        }
        spec = folder.resolve("millrace.yaml");
        Files.writeString(
                spec,
                "migration: memory\n"
                        + ShopScene.endpoint("source", source, DATABASE)
                        + ShopScene.endpoint("target", target, DATABASE)
                        + "data-dir: '"
                        + folder.resolve("data")
                        + "'\ntables:\n  public.doc: SELECT id, n, body FROM public.doc\n");
        GrantedLogins.granted(
                spec,
                ShopScene.administered(source, DATABASE),
                ShopScene.administered(target, DATABASE));
    }

    static void execute(SandboxPostgres server, String... statements) throws SQLException {
        try (Connection connection = server.connect(DATABASE);
                Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    static long rows(SandboxPostgres server) throws SQLException {
        try (Connection connection = server.connect(DATABASE);
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT count(*) FROM doc")) {
            row.next();
            return row.getLong(1);
        }
    }

    /// Inserts rows with these keys into the source, in one transaction. Their bodies differ, and
    /// LZ4 finds no repetition in them.
    void insertWide(int first, int last, int characters) throws SQLException {
        Random random = new Random(first);
        byte[] letters = new byte[2 * characters];
        for (int i = 0; i < letters.length; i++) {
            letters[i] = (byte) ('0' + random.nextInt(43));
        }
        try (Connection connection = source.connect(DATABASE)) {
            CopyIn copy =
                    connection
                            .unwrap(PGConnection.class)
                            .getCopyAPI()
                            .copyIn("COPY doc (id, body) FROM STDIN");
            for (int id = first; id <= last; id++) {
                byte[] key = (id + "\t").getBytes(StandardCharsets.US_ASCII);
                copy.writeToCopy(key, 0, key.length);
                copy.writeToCopy(letters, random.nextInt(characters), characters);
                copy.writeToCopy(new byte[] {'\n'}, 0, 1);
            }
            copy.endCopy();
        }
    }

    ServiceProcess startService(String heap) {
        ServiceProcess started = ServiceProcess.start(spec, port, heap, Map.of());
        service = started;
        return started;
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
