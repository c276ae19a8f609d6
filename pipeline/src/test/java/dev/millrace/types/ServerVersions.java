package dev.millrace.types;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.sandbox.Folders;
import dev.millrace.sandbox.SandboxPostgres;
import dev.millrace.sandbox.SandboxSettings;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.TestFolders;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// PostgreSQL servers of several versions, each started when a test first needs it. The newest one
/// is the server that all tests share; the binaries of the others are copied by Maven, each version
/// into its own folder. Not thread-safe.
final class ServerVersions implements AutoCloseable {

    static final int NEWEST = 18;

    private static final Path COPIED = Path.of("target", "postgres");

    private record Started(SandboxPostgres server, Path folder) {}

    private final Map<Integer, Started> started = new HashMap<>();
    private int databases;

    /// An empty database, encoding UTF-8, collation C.
    TestDatabase newDatabase(int version) throws IOException {
        TestDatabase database =
                version == NEWEST ? PostgresServer.shared().newDatabase() : onOwnServer(version);
        assertThat(database.value("SELECT current_setting('server_version_num')::int / 10000"))
                .as("version of the server")
                .isEqualTo(Integer.toString(version));
        return database;
    }

    private TestDatabase onOwnServer(int version) throws IOException {
        Started running = started.get(version);
        if (running == null) {
            running = start(version);
            started.put(version, running);
        }
        String name = "types" + ++databases;
        SandboxPostgres server = running.server();
        server.createDatabase(name, "ENCODING 'UTF8' LOCALE 'C'");
        return new TestDatabase(server.jdbcUrl(name), server.username(), server.password());
    }

    private static Started start(int version) throws IOException {
        SandboxSettings settings =
                SandboxSettings.fast(TestFolders.postgresBinaries())
                        .from(jar(version))
                        .with("autovacuum", "off")
                        .with("max_connections", "200");
        Path folder = TestFolders.createInMemory("postgres" + version);
        return new Started(SandboxPostgres.start(folder, settings), folder);
    }

    private static Path jar(int version) throws IOException {
        Path folder = COPIED.resolve(Integer.toString(version));
        if (!Files.isDirectory(folder)) {
            throw new IOException(
                    "The binaries of PostgreSQL "
                            + version
                            + " are not in pipeline/"
                            + folder
                            + ". Run the test with Maven; versions 15 to 17 need -Pmatrix.");
        }
        try (var jars = Files.newDirectoryStream(folder, "*.jar")) {
            List<Path> found = new ArrayList<>();
            jars.forEach(found::add);
            assertThat(found).as("one jar in pipeline/" + folder).hasSize(1);
            return found.getFirst();
        }
    }

    @Override
    public void close() {
        for (Started each : started.values()) {
            each.server().close();
            try {
                Folders.delete(each.folder());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
