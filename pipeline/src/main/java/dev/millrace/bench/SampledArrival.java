package dev.millrace.bench;

import dev.millrace.bench.contestant.BenchServers;
import dev.millrace.bench.contestant.OrdersTable;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.LongStream;

/// Looks up a sample of keys. Counting two million rows again and again would load the server, so a
/// random sample of keys is looked up first, a few per question; when all of them have arrived, the
/// totals of the table decide. Not thread-safe.
final class SampledArrival implements Arrival {

    private static final int SAMPLE = 5_000;
    private static final int PER_POLL = 100;

    private static final String HASHES =
            "SELECT %1$s, md5(r::text) FROM %2$s r WHERE %1$s = ANY(?)";

    private final Begun begun;
    private final PreparedStatement lookUp;
    private final PreparedStatement totals;
    private final String expected;
    private final Map<Long, String> wanted;
    private final Deque<List<Long>> missing = new ArrayDeque<>();
    private final int sampled;
    private int left;

    private SampledArrival(Turn turn, Begun begun) throws SQLException {
        OrdersTable.Form form = turn.contestant().form();
        this.begun = begun;
        this.lookUp = turn.target().prepareStatement(onTarget(form));
        this.totals = turn.target().prepareStatement(form.targetTotals());
        this.expected = BenchServers.text(turn.source(), OrdersTable.sourceTotals());
        try (PreparedStatement query =
                turn.source()
                        .prepareStatement(
                                HASHES.formatted(
                                        form.key(), "(" + form.select(OrdersTable.NAME) + ")"))) {
            this.wanted = lookUp(query, keys(turn.rows()));
        }
        List<Long> keys = new ArrayList<>(wanted.keySet());
        Collections.shuffle(keys, new Random(turn.rows()));
        for (int i = 0; i < keys.size(); i += PER_POLL) {
            missing.add(new ArrayList<>(keys.subList(i, Math.min(keys.size(), i + PER_POLL))));
        }
        sampled = keys.size();
        left = sampled;
    }

    static SampledArrival ofRows(Turn turn) throws SQLException {
        return new SampledArrival(turn, new AnyRow(turn));
    }

    static SampledArrival ofChanges(Turn turn, int first) throws SQLException {
        return new SampledArrival(turn, new AnyChange(turn, first));
    }

    @Override
    public boolean isComplete() throws SQLException {
        while (!missing.isEmpty()) {
            List<Long> keys = missing.removeFirst();
            Map<Long, String> found = lookUp(lookUp, keys);
            int before = keys.size();
            keys.removeIf(key -> wanted.getOrDefault(key, "").equals(found.get(key)));
            left -= before - keys.size();
            if (!keys.isEmpty()) {
                missing.addLast(keys);
                return false;
            }
        }
        try (ResultSet row = totals.executeQuery()) {
            return row.next() && expected.equals(row.getString(1));
        }
    }

    @Override
    public boolean hasBegun() throws SQLException {
        return begun.isVisible();
    }

    @Override
    public double share() {
        return sampled == 0 ? 1 : 1 - (double) left / sampled;
    }

    private static Set<Long> keys(long rows) {
        Set<Long> keys = new HashSet<>();
        Random random = new Random(rows);
        for (int i = 0; i < Math.min(rows, SAMPLE); i++) {
            keys.add(1 + random.nextLong(rows));
        }
        return keys;
    }

    private static String onTarget(OrdersTable.Form form) {
        return HASHES.formatted(form.key(), "public." + OrdersTable.NAME);
    }

    private static Map<Long, String> lookUp(PreparedStatement query, Collection<Long> keys)
            throws SQLException {
        query.setArray(1, query.getConnection().createArrayOf("bigint", keys.toArray(Long[]::new)));
        Map<Long, String> found = new HashMap<>();
        try (ResultSet rows = query.executeQuery()) {
            while (rows.next()) {
                found.put(rows.getLong(1), rows.getString(2));
            }
        }
        return found;
    }

    /// Whether anything has arrived.
    private interface Begun {
        boolean isVisible() throws SQLException;
    }

    /// Whether the target has a row. A large uncommitted copy makes the question expensive, and
    /// then it is asked less often.
    private static final class AnyRow implements Begun {

        /// The least pause after a question, in multiples of the time that it took.
        private static final int QUIET = 20;

        private final PreparedStatement any;
        private long next = System.nanoTime();

        AnyRow(Turn turn) throws SQLException {
            any =
                    turn.target()
                            .prepareStatement(
                                    "SELECT FROM public." + OrdersTable.NAME + " LIMIT 1");
        }

        @Override
        public boolean isVisible() throws SQLException {
            long now = System.nanoTime();
            if (now - next < 0) {
                return false;
            }
            try (ResultSet row = any.executeQuery()) {
                boolean found = row.next();
                long end = System.nanoTime();
                next = end + (end - now) * QUIET;
                return found;
            }
        }
    }

    /// Whether the target has a change of one of the first keys.
    private static final class AnyChange implements Begun {

        private final PreparedStatement lookUp;
        private final List<Long> keys;
        private final Map<Long, String> before;

        AnyChange(Turn turn, int first) throws SQLException {
            lookUp = turn.target().prepareStatement(onTarget(turn.contestant().form()));
            keys = LongStream.rangeClosed(1, first).boxed().toList();
            before = SampledArrival.lookUp(lookUp, keys);
        }

        @Override
        public boolean isVisible() throws SQLException {
            return !SampledArrival.lookUp(lookUp, keys).equals(before);
        }
    }
}
