package dev.millrace.faults;

import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/// Changes items at a rate that can be changed, by several sessions. The load is an open loop: each
/// transaction has its time in a schedule and does not wait for earlier ones. A session changes its
/// own keys, so none waits for another. Thread-safe.
final class ChangeLoad implements AutoCloseable {

    static final int SESSIONS = 8;
    private static final long LONGEST_WAIT = 20_000_000;

    /// Times at which transactions are due. Two schedules are never the same.
    private static final class Schedule {
        private final long begin = System.nanoTime();
        private final double interval;
        private final int perTransaction;
        private final int watched;
        private final AtomicLong next = new AtomicLong();

        /// @param interval nanoseconds from one transaction to the next
        /// @param perTransaction number of rows that one statement changes
        /// @param watched one transaction of this many inserts a row whose arrival is watched; 0
        ///   for none
        Schedule(double interval, int perTransaction, int watched) {
            this.interval = interval;
            this.perTransaction = perTransaction;
            this.watched = watched;
        }

        private long due(long index) {
            return begin + (long) (index * interval);
        }
    }

    private static final Schedule IDLE = new Schedule(0, 0, 0);

    private final ItemScene scene;
    private final int rows;
    private final Arrivals arrivals;
    private final AtomicLong committed = new AtomicLong();
    private final AtomicLong inserted;
    private final List<Thread> threads = new ArrayList<>();
    private volatile Schedule schedule = IDLE;
    private volatile boolean closed;
    private volatile @Nullable SQLException failure;

    /// @param rows the keys are 1 to this number
    ChangeLoad(ItemScene scene, int rows, Arrivals arrivals) {
        this.scene = scene;
        this.rows = rows;
        this.arrivals = arrivals;
        this.inserted = new AtomicLong(rows);
        for (int i = 0; i < SESSIONS; i++) {
            int session = i;
            threads.add(Thread.ofPlatform().name("load-" + i).start(() -> run(session)));
        }
    }

    /// Updates this many rows per second from now on.
    void offer(double changesPerSecond, int perTransaction) {
        begin(changesPerSecond, perTransaction, 0);
    }

    /// Writes transactions of one row. One in ten inserts a row whose arrival is watched.
    void offerWatched(double changesPerSecond) {
        begin(changesPerSecond, 1, 10);
    }

    private void begin(double changesPerSecond, int perTransaction, int watched) {
        double interval = 1e9 * perTransaction / changesPerSecond;
        schedule = new Schedule(interval, perTransaction, watched);
    }

    void pause() {
        schedule = IDLE;
    }

    /// The number of changes that were committed, each row of a statement counted.
    long committed() throws SQLException {
        SQLException failed = failure;
        if (failed != null) {
            throw failed;
        }
        return committed.get();
    }

    private void run(int session) {
        try {
            write(session);
        } catch (SQLException e) {
            failure = e;
        }
    }

    private void write(int session) throws SQLException {
        Random random = new Random(session);
        try (Connection connection = scene.source.connect(ItemScene.DATABASE);
                Statement statement = connection.createStatement();
                PreparedStatement insert =
                        connection.prepareStatement("INSERT INTO item VALUES (?, 0)");
                PreparedStatement update =
                        connection.prepareStatement(
                                "UPDATE item SET n = n + 1 WHERE id = ANY(?)")) {
            // The load shall reach a high rate on a small machine; what a commit costs on disk is
            // not measured.
            statement.execute("SET synchronous_commit = off");
            while (!closed) {
                Schedule now = schedule;
                long index = now == IDLE ? 0 : now.next.getAndIncrement();
                if (!await(now, index)) {
                    continue;
                }
                if (now.watched > 0 && index % now.watched == 0) {
                    int id = Math.toIntExact(inserted.incrementAndGet());
                    insert.setInt(1, id);
                    insert.executeUpdate();
                    arrivals.committed(id, System.nanoTime());
                    committed.incrementAndGet();
                } else {
                    Array keys = keys(connection, random, session, now.perTransaction);
                    update.setArray(1, keys);
                    committed.addAndGet(update.executeUpdate());
                }
            }
        }
    }

    /// @return false when the schedule has changed, or nothing is due in it
    private boolean await(Schedule now, long index) {
        while (schedule == now && !closed) {
            long wait = now == IDLE ? LONGEST_WAIT : now.due(index) - System.nanoTime();
            if (wait <= 0) {
                return true;
            }
            LockSupport.parkNanos(Math.min(wait, LONGEST_WAIT));
        }
        return false;
    }

    /// Keys of this session: keys are dealt to the sessions in turn.
    private Array keys(Connection connection, Random random, int session, int count)
            throws SQLException {
        int first = random.nextInt(rows / SESSIONS - count);
        Integer[] keys = new Integer[count];
        for (int i = 0; i < count; i++) {
            keys[i] = 1 + session + SESSIONS * (first + i);
        }
        return connection.createArrayOf("int", keys);
    }

    @Override
    public void close() {
        closed = true;
        for (Thread thread : threads) {
            try {
                thread.join();
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
