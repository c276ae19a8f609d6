package dev.millrace.digest;

import dev.millrace.change.RowKey;
import dev.millrace.digest.TableSnapshot.RowSum;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.BiConsumer;

/// The rows of one side in a range of keys, in the snapshot from which it was opened. Only for a
/// table that has ranges. Not thread-safe.
public final class RangeSnapshot {

    /// A range is read in the time of one process. A plan for any list of buckets would search the
    /// list for each row.
    private static final String SETTINGS =
            "SELECT set_config('jit', 'off', true),"
                    + " set_config('max_parallel_workers_per_gather', '0', true),"
                    + " set_config('plan_cache_mode', 'force_custom_plan', true)";

    /// A bitmap visits each page once. The rows of a target are not quite in the order of their
    /// keys, because its partitions are applied side by side, and an index scan would visit a page
    /// for each of its rows: twice the CPU time. The statistics do not show this order. With so
    /// much memory, the bitmap of a chunk is exact even if each row is in another page.
    private static final String BY_BITMAP =
            ", set_config('enable_seqscan', 'off', true),"
                    + " set_config('enable_indexscan', 'off', true),"
                    + " set_config('work_mem', greatest(pg_size_bytes(current_setting('work_mem')),"
                    + " 16777216) / 1024 || 'kB', true)";

    private final SnapshotReader reader;
    private final KeyRange range;

    RangeSnapshot(SnapshotReader reader, KeyRange range) {
        this.reader = reader;
        this.range = range;
        reader.session()
                .read(
                        open -> {
                            try (var statement = open.createStatement()) {
                                return statement.execute(
                                        range.equals(KeyRange.ALL)
                                                ? SETTINGS
                                                : SETTINGS + BY_BITMAP);
                            }
                        });
    }

    /// The sum of all rows.
    public RowSum digest() {
        return reader.session()
                .read(
                        open -> {
                            try (PreparedStatement statement =
                                    open.prepareStatement(reader.sql().digestWithin(range))) {
                                reader.bind(statement, 1, range);
                                try (ResultSet row = statement.executeQuery()) {
                                    row.next();
                                    return SnapshotReader.sum(row, 1);
                                }
                            }
                        });
    }

    /// Whether the server finds the rows of this range, which has a first key, by an index of the
    /// key, without a scan of the table or of a whole index.
    public boolean isIndexed() {
        // As the plan prints it.
        String first =
                String.valueOf(Objects.requireNonNull(range.from()).value(0))
                        .replace("\\", "\\\\")
                        .replace("'", "''");
        return reader.session()
                .read(
                        open -> {
                            try (PreparedStatement statement =
                                    open.prepareStatement(
                                            "EXPLAIN " + reader.sql().digestWithin(range))) {
                                reader.bind(statement, 1, range);
                                boolean found = false;
                                try (ResultSet plan = statement.executeQuery()) {
                                    while (plan.next()) {
                                        String line = plan.getString(1);
                                        found |=
                                                line.contains("Index Cond") && line.contains(first);
                                    }
                                }
                                return found;
                            }
                        });
    }

    /// The sums of the rows of those of these keys that are in the range; a key without a row is
    /// absent.
    public Map<RowKey, RowSum> sums(List<RowKey> keys) {
        return keys.isEmpty() ? Map.of() : reader.sumsOfKeys(keys, range);
    }

    /// Those of these keys that are in the range. Reads no table.
    public Set<RowKey> keysWithin(Collection<RowKey> keys) {
        if (keys.isEmpty() || range.equals(KeyRange.ALL)) {
            return Set.copyOf(keys);
        }
        List<RowKey> listed = List.copyOf(keys);
        return reader.session()
                .read(
                        open -> {
                            try (PreparedStatement statement =
                                    open.prepareStatement(reader.sql().positionsWithin(range))) {
                                reader.bind(open, statement, listed);
                                reader.bind(statement, reader.sql().key().size() + 1, range);
                                Set<RowKey> within = new HashSet<>();
                                try (ResultSet positions = statement.executeQuery()) {
                                    while (positions.next()) {
                                        within.add(listed.get(positions.getInt(1) - 1));
                                    }
                                }
                                return within;
                            }
                        });
    }

    /// The sums of all rows, in [TableDigest#RANGE_BUCKETS] buckets.
    public TableDigest buckets() {
        return reader.session()
                .read(
                        open -> {
                            try (PreparedStatement statement =
                                    open.prepareStatement(
                                            reader.sql()
                                                    .bucketsWithin(
                                                            range, TableDigest.RANGE_BUCKETS))) {
                                reader.bind(statement, 1, range);
                                return SnapshotReader.digest(statement);
                            }
                        });
    }

    /// The same of the rows of those of these keys that are in the range.
    public TableDigest buckets(List<RowKey> keys) {
        if (keys.isEmpty()) {
            return new TableDigest(Map.of(), Map.of());
        }
        return reader.session()
                .read(
                        open -> {
                            try (PreparedStatement statement =
                                    open.prepareStatement(
                                            reader.sql()
                                                    .bucketsOfKeys(
                                                            SnapshotReader.haveNulls(keys),
                                                            range,
                                                            TableDigest.RANGE_BUCKETS))) {
                                reader.bind(open, statement, keys);
                                reader.bind(statement, reader.sql().key().size() + 1, range);
                                return SnapshotReader.digest(statement);
                            }
                        });
    }

    /// Passes each row of some of the [#buckets] to the visitor: its key and its sum. Two rows of
    /// one key come apart.
    public void rows(Set<Integer> buckets, BiConsumer<RowKey, RowSum> visitor) {
        reader.session()
                .read(
                        open -> {
                            try (PreparedStatement statement =
                                    open.prepareStatement(
                                            reader.sql()
                                                    .sumsWithin(
                                                            range, TableDigest.RANGE_BUCKETS))) {
                                int next = reader.bind(statement, 1, range);
                                statement.setArray(next, SnapshotReader.numbers(open, buckets));
                                reader.each(statement, visitor);
                                return true;
                            }
                        });
    }

    /// Keys that divide the range into parts of this many rows, in order.
    public List<RowKey> bounds(long rows) {
        return reader.keys(reader.sql().everyKey(rows, range), range);
    }
}
