package dev.millrace.apply.gate;

import dev.millrace.control.SessionSource.TargetSessions;
import dev.millrace.control.Statements;
import dev.millrace.lifecycle.Reason;
import dev.millrace.throttle.Throttle;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;

/// Decides whether, and how fast, this process may write to the target tables of one stream. A
/// writer enters the gate before a transaction and leaves it afterwards. While the gate is closed,
/// no writer enters, and [#end] ends what is under way.
///
/// A session is ended on the server, not only on this side: the server notices a closed connection
/// only when it next sends something, and until then a long statement would keep its locks. The
/// server rolls an uncommitted transaction back, and the rows and the stored offset of a committed
/// one are both there, so nothing is lost and nothing is applied twice. Thread-safe.
public final class WriteGate {

    /// How long the server may need to end sessions before they count as not ended.
    private static final Duration SERVER_ENDS = Duration.ofSeconds(5);

    private static final String OURS =
            """
            FROM pg_catalog.pg_stat_activity
            WHERE pid = ANY (?::int[]) AND application_name = ANY (?)
                AND usename = current_user AND datname = pg_catalog.current_database()
            """;

    private static final String END = "SELECT pg_catalog.pg_terminate_backend(pid) " + OURS;

    private static final String AWAIT_END =
            "SELECT pg_catalog.pg_terminate_backend(pid, ?) " + OURS;

    private static final String COUNT = "SELECT pg_catalog.count(*) " + OURS;

    private final TargetSessions sessions;
    private final Lock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final List<Passage> passages = new ArrayList<>();
    private final InstantSource clock;
    private final Throttle throttle;
    private volatile boolean closed;
    private volatile boolean sourceClosed;

    /// @param sessions opens the session that ends others; of the same role as they are
    public WriteGate(TargetSessions sessions, InstantSource clock) {
        this.sessions = sessions;
        this.clock = clock;
        this.throttle = new Throttle(clock);
    }

    /// Limits what writers that wait in [#enter] write, all together.
    public void throttle(Throttle.Limit limit) {
        locked(() -> throttle.limit(limit));
    }

    /// @param share of the time in which transactions run, above 0; 1 for all of it
    public void slow(double share) {
        locked(() -> throttle.slow(share));
    }

    public Throttle.Limit limit() {
        return throttle.limit();
    }

    /// What is written at present.
    public Throttle.Rate rate() {
        return throttle.rate();
    }

    /// How many rows a transaction may have. Transactions that enter together may each have as
    /// many, and the next ones wait longer: the limit is kept on average.
    public long rowsPerTransaction() {
        return throttle.rowsPerStep(1);
    }

    /// The same for bytes.
    public long bytesPerTransaction() {
        return throttle.bytesPerStep(1);
    }

    public boolean isClosed() {
        return closed;
    }

    /// Whether the source is not written either: no watermark is emitted.
    public boolean isSourceClosed() {
        return sourceClosed;
    }

    /// From now on no writer enters; the source may be written. What is under way goes on.
    public void close() {
        sourceClosed = false;
        locked(() -> closed = true);
    }

    /// Closes the gate, and lets nobody write to the source.
    public void closeBothSides() {
        sourceClosed = true;
        locked(() -> closed = true);
    }

    public void open() {
        sourceClosed = false;
        locked(() -> closed = false);
    }

    private void locked(Runnable change) {
        lock.lock();
        try {
            change.run();
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /// Waits while the gate is closed, and until the limit permits another transaction.
    public Passage enter() throws InterruptedException {
        lock.lockInterruptibly();
        try {
            long nanos = throttle.pause().toNanos();
            while (closed || nanos > 0) {
                if (closed) {
                    changed.await();
                } else {
                    changed.awaitNanos(nanos);
                }
                nanos = throttle.pause().toNanos();
            }
            return begin();
        } finally {
            lock.unlock();
        }
    }

    /// Empty while the gate is closed.
    public Optional<Passage> tryEnter() {
        lock.lock();
        try {
            return closed ? Optional.empty() : Optional.of(begin());
        } finally {
            lock.unlock();
        }
    }

    private Passage begin() {
        Passage begun = new Passage();
        passages.add(begun);
        return begun;
    }

    /// Waits until nobody is inside, and ends on the server the sessions of those who stay. Call it
    /// while the gate is closed.
    ///
    /// @param grace how long a transaction may take to commit by itself; the rest is rolled back
    /// @return why a transaction may still be open on the server; empty if none is
    public Optional<String> end(Duration grace) throws InterruptedException {
        List<Session> left = endPassages(grace);
        return left.isEmpty() ? Optional.empty() : endSessions(left);
    }

    private List<Session> endPassages(Duration grace) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            long nanos = grace.toNanos();
            while (closed && !passages.isEmpty() && nanos > 0) {
                nanos = changed.awaitNanos(nanos);
            }
            if (!closed) {
                // Opened meanwhile: the transactions inside may commit.
                return List.of();
            }
            List<Session> left = new ArrayList<>();
            for (Passage passage : passages) {
                passage.ended = true;
                Session used = passage.session;
                if (used != null) {
                    left.add(used);
                }
            }
            return left;
        } finally {
            lock.unlock();
        }
    }

    private Optional<String> endSessions(List<Session> left) {
        try {
            return endOnServer(left);
        } catch (SQLException e) {
            return Optional.of(
                    "The target does not confirm that %d transactions have ended: %s. Their connections are closed; the target rolls them back when it notices"
                            .formatted(left.size(), Reason.of(e)));
        } finally {
            left.forEach(Session::abort);
        }
    }

    private Optional<String> endOnServer(List<Session> left) throws SQLException {
        Integer[] pids = left.stream().map(Session::pid).toArray(Integer[]::new);
        String[] names = left.stream().map(Session::name).distinct().toArray(String[]::new);
        try (Connection connection = sessions.open()) {
            Statements.list(connection, END, row -> row.getBoolean(1), pids, names);
            Statements.list(
                    connection,
                    AWAIT_END,
                    row -> row.getBoolean(1),
                    SERVER_ENDS.toMillis(),
                    pids,
                    names);
            long open = Statements.one(connection, COUNT, row -> row.getLong(1), pids, names);
            return open == 0
                    ? Optional.empty()
                    : Optional.of(
                            "The target has not ended %d transactions within %d s. Look for sessions of Millrace in pg_stat_activity"
                                    .formatted(open, SERVER_ENDS.toSeconds()));
        }
    }

    /// A session on the target. Its process number can be given to a session of another program
    /// when it has ended, so it is never ended by its number alone.
    private record Session(Connection connection, int pid, String name) {

        static Session of(Connection connection) throws SQLException {
            return new Session(
                    connection,
                    connection.unwrap(PGConnection.class).getBackendPID(),
                    String.valueOf(connection.getClientInfo("ApplicationName")));
        }

        void abort() {
            try {
                connection.abort(Runnable::run);
            } catch (SQLException _) {
                // The connection is closed already.
            }
        }
    }

    /// One stay inside the gate. Close it when the transaction has ended. Confined to the thread
    /// that entered, except [#isEnded].
    public final class Passage implements AutoCloseable {

        private final Instant begun = clock.instant();
        private @Nullable Session session;
        private volatile boolean ended;

        private Passage() {}

        /// The transaction has written this, and counts for the limit.
        public void wrote(long rows, long bytes) {
            locked(
                    () ->
                            throttle.done(
                                    rows,
                                    bytes,
                                    Duration.between(begun, clock.instant()),
                                    passages.size()));
        }

        /// Names the session before its transaction begins, so that it can be ended.
        ///
        /// @throws SQLException if the gate was closed since it was entered; [#isEnded] then
        public void uses(Connection connection) throws SQLException {
            Session used = Session.of(connection);
            lock.lock();
            try {
                if (closed) {
                    ended = true;
                    throw new SQLException("Writes to the target are paused.");
                }
                session = used;
            } finally {
                lock.unlock();
            }
        }

        /// Whether the operator ended it, so that a failure of the transaction has this cause.
        public boolean isEnded() {
            return ended;
        }

        @Override
        public void close() {
            locked(() -> passages.remove(this));
        }
    }
}
