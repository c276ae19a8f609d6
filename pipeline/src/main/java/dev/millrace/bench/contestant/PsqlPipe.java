package dev.millrace.bench.contestant;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/// The same limit as [CopyPipe] with two `psql` processes and a pipe of the operating system, as a
/// check that the limit does not depend on the driver.
public final class PsqlPipe implements Contestant {

    private static final Duration CHECK = Duration.ofSeconds(10);

    /// Waits for a line before the copy, and for the end of its input after it, so that the shell
    /// still has the CPU time of its children when it is read.
    private static final String SCRIPT =
            "read -r _; psql -X -q -d \"$1\" -c 'COPY public.orders TO STDOUT' | psql -X -q -d"
                    + " \"$2\" -v ON_ERROR_STOP=1 -c 'COPY public.orders FROM STDIN' || exit 1;"
                    + " read -r _";

    @Override
    public String name() {
        return "psql-pipe";
    }

    @Override
    public OrdersTable.Form form() {
        return OrdersTable.Form.COPIED;
    }

    @Override
    public Map<String, String> settings() {
        return Map.of("processes", "psql | psql", "format", "text", "transaction", "one");
    }

    /// Returns whether this machine has `psql`.
    public static boolean isAvailable() {
        try {
            Process process =
                    new ProcessBuilder("psql", "--version")
                            .redirectErrorStream(true)
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start();
            return process.waitFor(CHECK) && process.exitValue() == 0;
        } catch (IOException _) {
            return false;
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    @Override
    public Copying start(Route route) throws IOException {
        Path passwords = route.folder().resolve("pgpass");
        Files.createFile(
                passwords,
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        BenchServers servers = route.servers();
        Files.writeString(
                passwords,
                "127.0.0.1:%d:*:*:%s%n127.0.0.1:%d:*:*:%s%n"
                        .formatted(
                                servers.source().port(),
                                servers.source().password(),
                                servers.target().port(),
                                servers.target().password()));
        ChildProcess process =
                ChildProcess.start(
                        "psql",
                        List.of(
                                "sh",
                                "-c",
                                SCRIPT,
                                "sh",
                                url(
                                        servers.source().port(),
                                        servers.source().username(),
                                        route.sourceDatabase()),
                                url(
                                        servers.target().port(),
                                        servers.target().username(),
                                        route.targetDatabase())),
                        Map.of("PGPASSFILE", passwords.toString()),
                        route.folder().resolve("psql.log"),
                        ProcessBuilder.Redirect.DISCARD);
        return new CopyPipe.Pipe(process, process.process().getOutputStream());
    }

    private static String url(int port, String user, String database) {
        return "postgresql://" + user + "@127.0.0.1:" + port + "/" + database;
    }
}
