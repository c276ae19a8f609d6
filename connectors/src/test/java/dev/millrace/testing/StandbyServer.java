package dev.millrace.testing;

import dev.millrace.sandbox.SandboxPostgres;
import dev.millrace.sandbox.SandboxPostgres.StopMode;
import dev.millrace.sandbox.SandboxSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/// Starts physical standbys of a test's own servers.
public final class StandbyServer {

    /// The replication slot of the standby.
    public static final String SLOT = "standby";

    private StandbyServer() {}

    /// A copy of the primary that follows it. The primary is stopped while it is copied.
    ///
    /// @param database which `primary_conninfo` names
    /// @param more settings of the standby
    public static SandboxPostgres of(
            SandboxPostgres primary, String database, UnaryOperator<SandboxSettings> more)
            throws IOException, SQLException {
        try (Connection connection = primary.connect("postgres");
                Statement statement = connection.createStatement()) {
            statement.execute("SELECT pg_create_physical_replication_slot('" + SLOT + "', true)");
        }
        Path from = primary.passwordFile().toAbsolutePath().resolveSibling("data");
        Path folder = TestFolders.create(SLOT);
        primary.stop(StopMode.FAST);
        copy(from, folder.resolve("data"));
        Files.copy(primary.passwordFile(), folder.resolve("password"));
        Files.createFile(folder.resolve("data").resolve("standby.signal"));
        primary.restart();
        return SandboxPostgres.start(
                folder,
                more.apply(
                        SandboxSettings.durable(TestFolders.postgresBinaries())
                                .with(
                                        "primary_conninfo",
                                        "host=127.0.0.1 port=%d user=%s password=%s dbname=%s"
                                                .formatted(
                                                        primary.port(),
                                                        primary.username(),
                                                        primary.password(),
                                                        database))
                                .with("primary_slot_name", SLOT)));
    }

    private static void copy(Path from, Path to) throws IOException {
        List<Path> files;
        try (Stream<Path> walked = Files.walk(from)) {
            files = walked.toList();
        }
        for (Path file : files) {
            Files.copy(
                    file,
                    to.resolve(from.relativize(file).toString()),
                    StandardCopyOption.COPY_ATTRIBUTES);
        }
    }
}
