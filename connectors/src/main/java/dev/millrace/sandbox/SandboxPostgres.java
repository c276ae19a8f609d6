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

/// A real PostgreSQL server in a folder of its own, listening on 127.0.0.1 alone, encoding UTF-8,
/// collation C, password authentication. The data stays in the folder between starts; the folder
/// belongs to one process at a time; the server ends with the process that started it, and what an
/// unclean end left is ended by the next start. Safe for any thread; changes of state exclude each
/// other.
public final class SandboxPostgres implements AutoCloseable {

    public static final String SUPERUSER = "postgres";

    private static final Logger LOG = LoggerFactory.getLogger(SandboxPostgres.class);
    private static final String WHAT = "The embedded PostgreSQL";
    private static final Duration UNTIL_READY = Duration.ofSeconds(60);
    private static final int PORTS_TRIED = 5;

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
        this.postmaster = startOnSomePort();
    }

    /// Starts the server of that folder, making it at the first time; returns when it takes
    /// connections.
    ///
    /// @throws LocalServerException with what to do: the folder is in use, the port is taken, the
    ///   machine doesn't let PostgreSQL run
    public static SandboxPostgres start(Path folder, SandboxSettings settings) {
        FolderLock lock = FolderLock.take(folder, WHAT);
        try {
            Folders.makePrivate(folder);
            ServerFolder whole = new ServerFolder(folder.toRealPath());
            PostgresBinaries binaries = PostgresBinaries.unpacked(settings.binaries());
            LeftServer.end(whole.data());
            whole.initialise(binaries, settings.durability());
            return new SandboxPostgres(whole, settings, binaries, lock);
        } catch (IOException e) {
            lock.close();
            throw new LocalServerException(WHAT + " can't use its folder " + folder + ": " + e, e);
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

    /// Holds the password; only its owner may read it.
    public Path passwordFile() {
        return folder.passwordFile();
    }

    /// The process id of the postmaster.
    public synchronized long pid() {
        return postmaster.pid();
    }

    public Connection connect(String database) throws SQLException {
        return DriverManager.getConnection(jdbcUrl(database), username(), password());
    }

    /// An empty database.
    ///
    /// @param options of CREATE DATABASE, for example `LOCALE_PROVIDER icu ICU_LOCALE 'en-US'`
    public void createDatabase(String name, String options) {
        try (Connection connection = connect("postgres");
                Statement statement = connection.createStatement()) {
            statement.execute(
                    "CREATE DATABASE " + Identifier.quote(name) + " TEMPLATE template0 " + options);
        } catch (SQLException e) {
            throw new LocalServerException("database " + name + " can't be made: " + e, e);
        }
    }

    public synchronized void stop(StopMode mode) {
        if (postmaster.lives()) {
            postmaster.stop(mode);
        }
    }

    /// Starts the server again on the same port, ending it first if it runs.
    public synchronized void restart() {
        stop(StopMode.FAST);
        LeftServer.end(folder.data());
        postmaster = startOn(port);
    }

    /// Every process of the server is killed; nothing is written any more.
    public synchronized void crash() {
        postmaster.kill();
    }

    /// Every process of the server stands still: connections stay open and nobody answers.
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

    private Postmaster startOnSomePort() {
        if (settings.port() != 0) {
            return startOn(settings.port());
        }
        int candidate = folder.lastPort().orElseGet(LoopbackPort::free);
        for (int attempt = 1; attempt < PORTS_TRIED; attempt++) {
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

    /// Empty when something else listens on that port.
    private Optional<Postmaster> tryOn(int chosen) {
        long began = System.nanoTime();
        folder.configure(settings, chosen);
        long size = folder.logSize();
        Postmaster started = Postmaster.start(binaries, folder.data(), folder.log());
        if (!started.awaitReady(UNTIL_READY)) {
            started.stop(StopMode.IMMEDIATE);
            String said = folder.saidSince(size).strip();
            if (said.contains("could not create any TCP/IP sockets")) {
                return Optional.empty();
            }
            throw new LocalServerException(
                    WHAT + " did not start; its log " + folder.log() + " says: " + said);
        }
        port = chosen;
        LOG.atInfo()
                .addKeyValue("port", chosen)
                .addKeyValue("pid", started.pid())
                .addKeyValue("milliseconds", (System.nanoTime() - began) / 1_000_000)
                .log("PostgreSQL takes connections");
        return Optional.of(started);
    }

    /// How a running server is told to end.
    public enum StopMode {
        /// Sessions are cut, what is in memory is written, the next start needs no recovery.
        FAST("INT", Duration.ofSeconds(20)),
        /// At once; the next start recovers from the WAL.
        IMMEDIATE("QUIT", Duration.ofSeconds(10));

        private final String signal;
        private final Duration atMost;

        StopMode(String signal, Duration atMost) {
            this.signal = signal;
            this.atMost = atMost;
        }

        String signal() {
            return signal;
        }

        Duration atMost() {
            return atMost;
        }
    }
}
