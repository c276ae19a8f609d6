package dev.millrace.faults;

import dev.millrace.sandbox.SandboxPostgres;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Measures the time from the return of COMMIT on the source until a query on the target returns
/// the row. Both times are of the same clock. Thread-safe.
final class Arrivals implements AutoCloseable {

    private static final long POLL = 2_000_000;

    /// A question with the keys of a long backlog would load the target.
    private static final int KEYS_PER_POLL = 300;

    private record Arrival(long committed, long nanos) {}

    private final Map<Integer, Long> waiting = new ConcurrentHashMap<>();
    private final ConcurrentLinkedQueue<Arrival> arrived = new ConcurrentLinkedQueue<>();
    private final Thread thread;
    private volatile boolean closed;
    private volatile @Nullable SQLException failure;

    Arrivals(SandboxPostgres target) {
        thread = Thread.ofPlatform().name("arrivals").start(() -> run(target));
    }

    /// A row with this key was committed. Keys ascend.
    void committed(int id, long at) {
        waiting.put(id, at);
    }

    /// Whether every row that was committed before this time has arrived.
    boolean haveArrived(long before) {
        return waiting.values().stream().noneMatch(committed -> committed - before < 0);
    }

    /// The percentile (nearest rank), in milliseconds, of the rows that were committed in this
    /// time. A row that has not arrived counts with its age.
    double percentile(double share, long from, long to) throws SQLException {
        SQLException failed = failure;
        if (failed != null) {
            throw failed;
        }
        long now = System.nanoTime();
        Stream<Arrival> late =
                waiting.values().stream().map(committed -> new Arrival(committed, now - committed));
        long[] sorted =
                Stream.concat(arrived.stream(), late)
                        .filter(each -> each.committed() - from >= 0 && each.committed() - to < 0)
                        .flatMapToLong(each -> LongStream.of(each.nanos()))
                        .sorted()
                        .toArray();
        if (sorted.length == 0) {
            return Double.POSITIVE_INFINITY;
        }
        return sorted[Math.max(1, (int) Math.ceil(share * sorted.length)) - 1] / 1e6;
    }

    private void run(SandboxPostgres target) {
        try (Connection connection = target.connect(ItemScene.DATABASE);
                PreparedStatement query =
                        connection.prepareStatement("SELECT id FROM item WHERE id = ANY(?)")) {
            while (!closed) {
                poll(connection, query);
                LockSupport.parkNanos(POLL);
            }
        } catch (SQLException e) {
            failure = e;
        }
    }

    private void poll(Connection connection, PreparedStatement query) throws SQLException {
        List<Integer> oldest = new ArrayList<>(waiting.keySet());
        if (oldest.isEmpty()) {
            return;
        }
        oldest.sort(null);
        Integer[] asked =
                oldest.subList(0, Math.min(KEYS_PER_POLL, oldest.size())).toArray(Integer[]::new);
        query.setArray(1, connection.createArrayOf("int", asked));
        try (ResultSet rows = query.executeQuery()) {
            long now = System.nanoTime();
            while (rows.next()) {
                Long committed = waiting.get(rows.getInt(1));
                if (committed != null) {
                    arrived.add(new Arrival(committed, now - committed));
                    waiting.remove(rows.getInt(1));
                }
            }
        }
    }

    @Override
    public void close() {
        closed = true;
        try {
            thread.join();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
