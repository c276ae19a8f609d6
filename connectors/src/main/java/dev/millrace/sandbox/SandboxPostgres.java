package dev.millrace.sandbox;

import dev.millrace.postgres.Identifier;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Runs a PostgreSQL server in a folder, for the demo and for tests: on 127.0.0.1 only, with
/// encoding UTF-8, collation C and password authentication. The data remains in the folder between
/// starts, and one process at a time uses the folder. The server ends when the process that started
/// it ends; the next start ends a server that remained after an unclean end. Thread-safe; state
/// changes are serialised.
public final class SandboxPostgres implements AutoCloseable {

    public static final String SUPERUSER = "postgres";

    private static final Logger LOG = LoggerFactory.getLogger(SandboxPostgres.class);
    private static final String WHAT = "The embedded PostgreSQL";
    private static final Duration START_TIMEOUT = Duration.ofSeconds(60);
    private static final int PORT_ATTEMPTS = 5;

    private final ServerFolder folder;
    private final SandboxSettings settings;
    private final PostgresBinaries binaries;
    private final FolderLock lock;
    private Postmaster postmaster;
    private int port;

    private SandboxPostgres(
            ServerFolder folder,
            SandboxSettings settings,
            PostgresBinaries binaries,
            FolderLock lock) {
        this.folder = folder;
        this.settings = settings;
        this.binaries = binaries;
        this.lock = lock;
        this.postmaster = startOnFreePort();
    }

    /// Starts the server of the folder, and creates it at the first start. Returns when the server
    /// accepts connections.
    ///
    /// @throws LocalServerException when the folder or the port is in use, or when the machine
    ///   cannot run PostgreSQL
    public static SandboxPostgres start(Path folder, SandboxSettings settings) {
        FolderLock lock = FolderLock.take(folder, WHAT);
        try {
            Folders.makePrivate(folder);
            ServerFolder server = new ServerFolder(folder.toRealPath());
            PostgresBinaries binaries =
                    PostgresBinaries.unpacked(settings.binaries(), settings.archive());
            LeftServer.end(server.data());
            server.initialise(binaries, settings.durability());
            return new SandboxPostgres(server, settings, binaries, lock);
        } catch (IOException e) {
            lock.close();
            throw new LocalServerException(WHAT + " cannot use its folder " + folder + ": " + e, e);
        } catch (RuntimeException e) {
            lock.close();
            throw e;
        }
    }

    public String jdbcUrl(String database) {
        return "jdbc:postgresql://127.0.0.1:" + port() + "/" + database;
    }

    public synchronized int port() {
        return port;
    }

    public String username() {
        return SUPERUSER;
    }

    public String password() {
        return folder.password();
    }

    /// The file that contains the password. Only its owner can read it.
    public Path passwordFile() {
        return folder.passwordFile();
    }

    /// The process id of the postmaster.
    public synchronized long pid() {
        return postmaster.pid();
    }

    public Connection connect(String database) throws SQLException {
        return connect(database, username());
    }

    /// @param role has the password of the superuser
    public Connection connect(String database, String role) throws SQLException {
        return DriverManager.getConnection(jdbcUrl(database), role, password());
    }

    /// Creates an empty database.
    ///
    /// @param options for CREATE DATABASE, for example `LOCALE_PROVIDER icu ICU_LOCALE 'en-US'`
    public void createDatabase(String name, String options) {
        try (Connection connection = connect("postgres");
                Statement statement = connection.createStatement()) {
            statement.execute(
                    "CREATE DATABASE " + Identifier.quote(name) + " TEMPLATE template0 " + options);
        } catch (SQLException e) {
            throw new LocalServerException("Database " + name + " cannot be created: " + e, e);
        }
    }

    public synchronized void stop(StopMode mode) {
        if (postmaster.isAlive()) {
            postmaster.stop(mode);
        }
    }

    /// Stops the server if it runs, and starts it again on the same port.
    public synchronized void restart() {
        stop(StopMode.FAST);
        LeftServer.end(folder.data());
        postmaster = startOn(port);
    }

    /// Kills every process of the server, so that it writes nothing more.
    public synchronized void crash() {
        postmaster.kill();
    }

    /// Suspends every process of the server: connections remain open and get no reply.
    public synchronized void suspend() {
        postmaster.suspend();
    }

    public synchronized void resume() {
        postmaster.resume();
    }

    @Override
    public synchronized void close() {
        stop(StopMode.FAST);
        lock.close();
    }

    private Postmaster startOnFreePort() {
        if (settings.port() != 0) {
            return startOn(settings.port());
        }
        int candidate = folder.lastPort().orElseGet(LoopbackPort::free);
        for (int attempt = 1; attempt < PORT_ATTEMPTS; attempt++) {
            Optional<Postmaster> started = tryOn(candidate);
            if (started.isPresent()) {
                return started.get();
            }
            candidate = LoopbackPort.free();
        }
        return startOn(candidate);
    }

    private Postmaster startOn(int chosen) {
        return tryOn(chosen).orElseThrow(() -> LoopbackPort.inUse(chosen, WHAT));
    }

    /// Starts the server; empty when another program listens on the port.
    private Optional<Postmaster> tryOn(int chosen) {
        long began = System.nanoTime();
        folder.configure(settings, chosen);
        long size = folder.logSize();
        Postmaster started = Postmaster.start(binaries, folder.data(), folder.log());
        if (!started.awaitReady(START_TIMEOUT)) {
            started.stop(StopMode.IMMEDIATE);
            String output = folder.logSince(size).strip();
            if (output.contains("could not create any TCP/IP sockets")) {
                return Optional.empty();
            }
            throw new LocalServerException(
                    WHAT + " did not start. Its log " + folder.log() + " contains: " + output);
        }
        port = chosen;
        LOG.atInfo()
                .addKeyValue("port", chosen)
                .addKeyValue("pid", started.pid())
                .addKeyValue("milliseconds", (System.nanoTime() - began) / 1_000_000)
                .log("PostgreSQL accepts connections");
        return Optional.of(started);
    }

    /// How a running server is stopped.
    public enum StopMode {
        /// Sessions end, buffers are written, and the next start needs no recovery.
        FAST("INT", Duration.ofSeconds(20)),
        /// The server ends at once, and the next start recovers from the WAL.
        IMMEDIATE("QUIT", Duration.ofSeconds(10));

        private final String signal;
        private final Duration timeout;

        StopMode(String signal, Duration timeout) {
            this.signal = signal;
            this.timeout = timeout;
        }

        String signal() {
            return signal;
        }

        Duration timeout() {
            return timeout;
        }
    }
}
