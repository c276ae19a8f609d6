package dev.millrace.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.awaitility.Awaitility;

/// The `pgbouncer` of this machine with a configuration of the test, which includes a file with the
/// databases. It ends with this JVM, and never runs as root. Not thread-safe.
public final class PgBouncerProcess implements AutoCloseable {

    public static final String MISSING =
            "pgbouncer is not installed (Debian package pgbouncer): tests of the pool are skipped";
    public static final String ADMIN = "millrace";
    public static final String ADMIN_PASSWORD = "console-secret";

    /// Ends PgBouncer when the pipe from this JVM is closed.
    private static final String WATCHDOG = "\"$@\" & read -r _; kill $!; wait";

    private final Process process;
    private final Path folder;
    private final int port;

    private PgBouncerProcess(Process process, Path folder, int port) {
        this.process = process;
        this.folder = folder;
        this.port = port;
    }

    public static boolean isInstalled() {
        return Stream.concat(
                        Arrays.stream(System.getenv("PATH").split(":")), Stream.of("/usr/sbin"))
                .map(folder -> Path.of(folder, "pgbouncer"))
                .anyMatch(Files::isExecutable);
    }

    /// @param databases lines of the included file
    /// @param users passwords of the users by name; the same password is used on the servers
    /// @param settings of `[pgbouncer]` that are not the default of these tests
    public static PgBouncerProcess start(
            List<String> databases, Map<String, String> users, Map<String, String> settings) {
        try {
            // An unprivileged user must be able to read it, wherever the build is.
            Path folder =
                    Files.createTempDirectory(
                            "pgbouncer-",
                            PosixFilePermissions.asFileAttribute(
                                    PosixFilePermissions.fromString("rwx------")));
            int port = freePort();
            Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
            write(folder.resolve("databases.ini"), String.join("\n", databases) + "\n");
            StringBuilder list = new StringBuilder();
            users.forEach((name, password) -> list.append(userLine(name, password)));
            write(
                    folder.resolve("users.txt"),
                    list.append(userLine(ADMIN, ADMIN_PASSWORD)).toString());
            write(folder.resolve("pgbouncer.ini"), configuration(folder, port, settings));
            PgBouncerProcess started = new PgBouncerProcess(launch(folder), folder, port);
            try {
                Awaitility.await()
                        .atMost(Waits.LIMIT)
                        .ignoreExceptions()
                        .until(() -> started.show("VERSION").size() == 1);
            } catch (RuntimeException e) {
                String log = started.log();
                started.close();
                throw new IllegalStateException(log, e);
            }
            return started;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Process launch(Path folder) throws IOException {
        List<String> command = new ArrayList<>(List.of("sh", "-c", WATCHDOG, "sh"));
        if (System.getProperty("user.name", "").equals("root")) {
            command.addAll(
                    List.of("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"));
        }
        command.addAll(List.of("pgbouncer", folder.resolve("pgbouncer.ini").toString()));
        ProcessBuilder builder =
                new ProcessBuilder(command)
                        .directory(folder.toFile())
                        .redirectErrorStream(true)
                        .redirectOutput(folder.resolve("log").toFile());
        builder.environment().merge("PATH", ":/usr/sbin", String::concat);
        return builder.start();
    }

    private static String configuration(Path folder, int port, Map<String, String> settings) {
        StringBuilder text = new StringBuilder("[databases]\n");
        text.append("%include ").append(folder.resolve("databases.ini")).append('\n');
        text.append("[pgbouncer]\n");
        Map<String, String> all =
                new java.util.TreeMap<>(
                        Map.of(
                                "listen_addr", "127.0.0.1",
                                "listen_port", Integer.toString(port),
                                "unix_socket_dir", "",
                                "auth_type", "scram-sha-256",
                                "auth_file", folder.resolve("users.txt").toString(),
                                "admin_users", ADMIN,
                                "pool_mode", "transaction",
                                "ignore_startup_parameters", "extra_float_digits"));
        all.putAll(settings);
        all.forEach((name, value) -> text.append(name + " = " + value + "\n"));
        return text.toString();
    }

    private static String userLine(String name, String password) {
        return "\"" + name + "\" \"" + password + "\"\n";
    }

    private static void write(Path file, String text) throws IOException {
        Files.writeString(file, text);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    /// The line of a database whose server is a test database.
    public static String line(String name, TestDatabase server) {
        return name + " = " + settings(server);
    }

    /// `host=… port=… dbname=…`
    public static String settings(TestDatabase server) {
        URI url = URI.create(server.url().substring("jdbc:".length()));
        return "host="
                + url.getHost()
                + " port="
                + url.getPort()
                + " dbname="
                + url.getPath().substring(1);
    }

    public Path include() {
        return folder.resolve("databases.ini");
    }

    public Path configuration() {
        return folder.resolve("pgbouncer.ini");
    }

    /// The database of a client, or the admin console as `pgbouncer`.
    public TestDatabase database(String name, String username, String password) {
        return new TestDatabase(
                "jdbc:postgresql://127.0.0.1:" + port + "/" + name, username, password);
    }

    /// The admin console.
    public TestDatabase admin() {
        return database("pgbouncer", ADMIN, ADMIN_PASSWORD);
    }

    /// Each row as `name=value` texts.
    public List<List<String>> show(String what) {
        return admin("SHOW " + what);
    }

    /// Runs a command of the admin console.
    public List<List<String>> admin(String command) {
        try (Connection session =
                        DriverManager.getConnection(
                                admin().url() + "?preferQueryMode=simple&replication=true",
                                ADMIN,
                                ADMIN_PASSWORD);
                Statement statement = session.createStatement()) {
            List<List<String>> all = new ArrayList<>();
            if (statement.execute(command)) {
                ResultSet rows = statement.getResultSet();
                while (rows.next()) {
                    List<String> row = new ArrayList<>();
                    for (int i = 1; i <= rows.getMetaData().getColumnCount(); i++) {
                        row.add(rows.getMetaData().getColumnLabel(i) + "=" + rows.getString(i));
                    }
                    all.add(row);
                }
            }
            return all;
        } catch (SQLException e) {
            throw new IllegalStateException(command, e);
        }
    }

    public String log() {
        try {
            return Files.readString(folder.resolve("log"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        try {
            process.getOutputStream().close();
            process.waitFor();
            dev.millrace.sandbox.Folders.delete(folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }
}
