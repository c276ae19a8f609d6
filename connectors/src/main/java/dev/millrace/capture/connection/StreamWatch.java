package dev.millrace.capture.connection;

import dev.millrace.postgres.Database.DatabaseFailure;
import dev.millrace.postgres.ReplicationSlot;
import dev.millrace.postgres.watch.ConnectionWatch;
import dev.millrace.postgres.watch.ConnectionWatch.Sessions;
import dev.millrace.postgres.watch.ConnectionWatch.Suspicion;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Consumer;
import java.util.function.Supplier;

/// Detects that the source no longer serves the replication connection although no end of it has
/// arrived. The driver waits for changes without a limit. The server ends a lost connection after
/// `wal_sender_timeout`, and then no session streams from the slot, or another session does. A
/// large transaction that the server decodes keeps the slot in use, however long nothing is sent.
///
/// Reads the slot on its own thread until it is closed. Thread-safe.
public final class StreamWatch implements AutoCloseable {

    /// What a run does with its slot.
    public enum Use {
        /// It reads rows in a snapshot: no session uses the slot.
        NONE,

        /// It logs in and looks for its place in the WAL: the slot is in use soon.
        STARTING,

        /// It has received changes: one session uses the slot until the run ends.
        STREAMING
    }

    private static final Duration INTERVAL = Duration.ofSeconds(5);

    /// An end that arrives is seen between two checks, unless a batch is being written.
    private static final int CHECKS = 2;

    /// The engine reads the catalog before it uses the slot, and opens its connection twice.
    private static final int CHECKS_OF_A_START = 24;

    private final Sessions sessions;
    private final String slot;
    private final Supplier<Use> use;
    private OptionalInt streams = OptionalInt.empty();
    private final ConnectionWatch watch;

    private StreamWatch(
            Sessions sessions,
            String slot,
            Duration interval,
            Supplier<Use> use,
            Consumer<SQLException> lost) {
        this.sessions = sessions;
        this.slot = slot;
        this.use = use;
        this.watch =
                ConnectionWatch.start(
                        "stream-watch-" + slot,
                        interval,
                        this::check,
                        found -> lost.accept(found.failure()));
    }

    /// @param lost receives the failure of the run, at most once
    public static StreamWatch start(
            Sessions sessions, String slot, Supplier<Use> use, Consumer<SQLException> lost) {
        return start(sessions, slot, INTERVAL, use, lost);
    }

    static StreamWatch start(
            Sessions sessions,
            String slot,
            Duration interval,
            Supplier<Use> use,
            Consumer<SQLException> lost) {
        return new StreamWatch(sessions, slot, interval, use, lost);
    }

    /// A slot that cannot be read, or that is gone, is for others to report.
    private Optional<Suspicion> check() {
        Use now = use.get();
        if (now == Use.NONE) {
            return Optional.empty();
        }
        try (Connection session = sessions.open()) {
            return ReplicationSlot.find(session, slot)
                    .flatMap(
                            found ->
                                    found.active()
                                            ? inUse(now, found.activePid())
                                            : Optional.of(unused(now)));
        } catch (SQLException | DatabaseFailure _) {
            return Optional.empty();
        }
    }

    private static Suspicion unused(Use now) {
        return new Suspicion(
                "The replication slot is not in use any more, but the capture has not received the"
                        + " end of its connection",
                "",
                now == Use.STREAMING ? CHECKS : CHECKS_OF_A_START);
    }

    /// The session that uses the slot when the first changes have arrived is that of the run.
    private Optional<Suspicion> inUse(Use now, OptionalInt pid) {
        if (now != Use.STREAMING) {
            return Optional.empty();
        }
        if (streams.isEmpty()) {
            streams = pid;
        }
        return streams.equals(pid)
                ? Optional.empty()
                : Optional.of(
                        new Suspicion(
                                "Another session streams from the replication slot, but the capture"
                                        + " has not received the end of its connection",
                                "",
                                CHECKS));
    }

    @Override
    public void close() {
        watch.close();
    }
}
