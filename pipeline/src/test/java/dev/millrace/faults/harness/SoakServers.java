package dev.millrace.faults.harness;

import dev.millrace.sandbox.Folders;
import dev.millrace.sandbox.SandboxPostgres;
import dev.millrace.sandbox.SandboxPostgres.StopMode;
import dev.millrace.sandbox.SandboxSettings;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.TestFolders;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Random;

/// Two servers that a run may stop, kill and start again, and the [Edges] before them. Not
/// thread-safe.
final class SoakServers implements AutoCloseable {

    private static final String DATABASE = "soak";

    private final Path folder = TestFolders.createInMemory("soak");
    private final SandboxPostgres source;
    private final SandboxPostgres target;
    private final Edges edges;

    SoakServers() {
        SandboxSettings settings = SandboxSettings.durable(TestFolders.postgresBinaries());
        source = SandboxPostgres.start(folder.resolve("source"), settings);
        target = SandboxPostgres.start(folder.resolve("target"), settings);
        edges = new Edges(new Databases(database(source), database(target)));
    }

    private static TestDatabase database(SandboxPostgres server) {
        server.createDatabase(DATABASE, "ENCODING 'UTF8' LOCALE 'C'");
        return new TestDatabase(server.jdbcUrl(DATABASE), server.username(), server.password());
    }

    Edges edges() {
        return edges;
    }

    /// Ends one of the servers and starts it again.
    ///
    /// @return what was done
    String restart(Random random) throws InterruptedException {
        return switch (random.nextInt(3)) {
            case 0 -> restart("source", source, random.nextBoolean());
            case 1 -> restart("target", target, random.nextBoolean());
            default -> {
                edges.broker().kill();
                edges.broker().restart();
                yield "broker killed";
            }
        };
    }

    private static String restart(String name, SandboxPostgres server, boolean crash) {
        if (crash) {
            server.crash();
        } else {
            server.stop(StopMode.FAST);
        }
        server.restart();
        return name + (crash ? " killed" : " restarted");
    }

    @Override
    public void close() throws IOException {
        edges.close();
        target.close();
        source.close();
        Folders.delete(folder);
    }
}
