package dev.millrace.bench;

import dev.millrace.bench.contestant.BenchServers;
import dev.millrace.bench.contestant.Contestant.Copying;
import dev.millrace.bench.contestant.CpuTime.Usage;
import dev.millrace.bench.contestant.Deadline;
import dev.millrace.bench.report.Sample;
import dev.millrace.bench.report.Sample.Figure;
import java.io.IOException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/// Measures the time from the return of COMMIT on the source until a query on the target returns
/// the row, at a fixed rate of single-row transactions. The load is an open loop: each change has
/// its time in a schedule and does not wait for earlier ones. One change in ten inserts a row whose
/// arrival is watched; the others update rows. Both times are of the same clock. Stateless.
final class Latency {

    private static final int SESSIONS = 8;
    private static final int WATCHED = 10;
    private static final int LONGEST_WARM_UP = 10;
    private static final Duration POLL = Duration.ofMillis(2);
    private static final Duration DRAIN = Duration.ofMinutes(3);

    private static final String INSERT =
            "INSERT INTO public.orders SELECT ?, 1, 'NEW', 12.34, 'watched', now(), '{\"k\": 1}'";

    private Latency() {}

    static Sample measure(Turn turn) throws IOException, SQLException {
        int rate = turn.load().rate();
        int warmUp = Math.min(LONGEST_WARM_UP, (turn.load().latencySeconds() + 3) / 4);
        BenchServers servers = turn.route().servers();
        try (Copying copying = turn.follow()) {
            servers.settle();
            run(turn, turn.rows(), rate, warmUp);
            Usage before = servers.usage(copying.processes());
            long firstKey = turn.rows() + (long) rate * warmUp;
            Watched watched = run(turn, firstKey, rate, turn.load().latencySeconds());
            Usage usage = servers.usage(copying.processes()).since(before);
            return turn.sample(figures(watched, usage, (long) rate * turn.load().latencySeconds()));
        }
    }

    private static Map<Figure, Double> figures(Watched watched, Usage usage, long changes) {
        List<Long> sorted = watched.latencies();
        Map<Figure, Double> figures = new EnumMap<>(Figure.class);
        figures.put(Figure.P50, percentile(sorted, 0.50));
        figures.put(Figure.P99, percentile(sorted, 0.99));
        figures.put(Figure.MAX, percentile(sorted, 1));
        figures.put(Figure.OFFERED, changes / watched.seconds());
        usage.total().ifPresent(value -> figures.put(Figure.CPU, value * 1e6 / changes));
        return figures;
    }

    /// Milliseconds below which this share of the latencies lies; the nearest rank.
    static double percentile(List<Long> sorted, double share) {
        int rank = (int) Math.ceil(share * sorted.size());
        return sorted.get(Math.max(1, rank) - 1) / 1e6;
    }

    /// Writes at the rate, and watches until everything has arrived.
    private static Watched run(Turn turn, long firstKey, int rate, int seconds)
            throws SQLException {
        long changes = (long) rate * seconds;
        Watched watched = new Watched(turn);
        AtomicLong next = new AtomicLong();
        long begin = System.nanoTime();
        List<Future<?>> sessions = new ArrayList<>();
        try (ExecutorService threads = Executors.newFixedThreadPool(SESSIONS)) {
            for (int i = 0; i < SESSIONS; i++) {
                int session = i;
                sessions.add(
                        threads.submit(
                                () -> {
                                    write(
                                            turn, session, firstKey, begin, rate, changes, next,
                                            watched);
                                    return null;
                                }));
            }
            Deadline deadline = Deadline.in(DRAIN.plusSeconds(seconds));
            while (!sessions.stream().allMatch(Future::isDone) || watched.isWaiting()) {
                watched.poll();
                deadline.pause(POLL, turn.name() + " to bring the watched rows");
            }
        }
        for (Future<?> session : sessions) {
            try {
                session.get();
            } catch (ExecutionException e) {
                throw new SQLException("A session that writes changes failed.", e);
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
                throw new CancellationException();
            }
        }
        watched.written(begin);
        Arrival arrival = Arrival.ofChanges(turn, 1);
        Deadline deadline = Deadline.in(DRAIN);
        while (!arrival.isComplete()) {
            deadline.pause(POLL, turn.name() + " to bring all changes");
        }
        return watched;
    }

    private static void write(
            Turn turn,
            int session,
            long firstKey,
            long begin,
            int rate,
            long changes,
            AtomicLong next,
            Watched watched)
            throws SQLException {
        Random random = new Random(session);
        long interval = 1_000_000_000L / rate;
        try (Connection connection =
                        turn.route().servers().source().connect(turn.route().sourceDatabase());
                PreparedStatement insert = connection.prepareStatement(INSERT);
                PreparedStatement update = connection.prepareStatement(ChangeWriter.UPDATE)) {
            for (long i = next.getAndIncrement(); i < changes; i = next.getAndIncrement()) {
                long wait = begin + i * interval - System.nanoTime();
                while (wait > 0) {
                    LockSupport.parkNanos(wait);
                    requireNotInterrupted();
                    wait = begin + i * interval - System.nanoTime();
                }
                if (i % WATCHED == 0) {
                    long key = firstKey + 1 + i;
                    insert.setLong(1, key);
                    insert.executeUpdate();
                    watched.committed(key, System.nanoTime());
                } else {
                    update.setLong(1, 1 + random.nextLong(turn.rows()));
                    update.executeUpdate();
                }
            }
        }
        watched.lastWrite(System.nanoTime());
    }

    private static void requireNotInterrupted() {
        if (Thread.currentThread().isInterrupted()) {
            throw new CancellationException();
        }
    }

    /// The watched rows. Writers add them; one thread polls.
    private static final class Watched {

        private final Map<Long, Long> waiting = new ConcurrentHashMap<>();
        private final List<Long> nanos = new ArrayList<>();
        private final AtomicLong end = new AtomicLong(Long.MIN_VALUE);
        private final PreparedStatement lookUp;
        private double seconds;

        Watched(Turn turn) throws SQLException {
            String key = turn.contestant().form().key();
            lookUp =
                    turn.target()
                            .prepareStatement(
                                    "SELECT "
                                            + key
                                            + " FROM public.orders WHERE "
                                            + key
                                            + " = ANY(?)");
        }

        void committed(long key, long at) {
            waiting.put(key, at);
        }

        void lastWrite(long at) {
            end.accumulateAndGet(at, Math::max);
        }

        void written(long begin) {
            seconds = Progress.seconds(begin, end.get());
        }

        boolean isWaiting() {
            return !waiting.isEmpty();
        }

        void poll() throws SQLException {
            if (waiting.isEmpty()) {
                return;
            }
            Long[] keys = waiting.keySet().toArray(Long[]::new);
            lookUp.setArray(1, lookUp.getConnection().createArrayOf("bigint", keys));
            try (ResultSet rows = lookUp.executeQuery()) {
                long now = System.nanoTime();
                while (rows.next()) {
                    Long committed = waiting.remove(rows.getLong(1));
                    if (committed != null) {
                        nanos.add(now - committed);
                    }
                }
            }
        }

        /// Sorted.
        List<Long> latencies() {
            List<Long> sorted = new ArrayList<>(nanos);
            Collections.sort(sorted);
            return sorted;
        }

        /// From the begin of the schedule to the last commit.
        double seconds() {
            return seconds;
        }
    }
}
