package dev.millrace.faults.harness;

import dev.millrace.change.Lsn;
import dev.millrace.change.Topics;
import dev.millrace.faults.harness.Violation.Kind;
import dev.millrace.kafka.ChangeLog;
import dev.millrace.kafka.ChangeLog.LogFilter;
import dev.millrace.kafka.ChangeLog.LogTopic;
import dev.millrace.kafka.LogEntry;
import dev.millrace.testing.TestDatabase;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/// What must be true of both databases and the log, read without the product's own comparison. The
/// target's history comes from a replication slot of the test: every row version that was ever
/// committed there, not only those that a look at the table would see.
final class Invariants {

    private static final Pattern CHANGE =
            Pattern.compile("table public\\.(\\w+): (INSERT|UPDATE|DELETE): (.*)");
    private static final Pattern CELL = Pattern.compile("(\\w+)\\[[\\w ]+\\]:('[^']*'|\\S+)");
    private static final String COMMIT = "COMMIT ";
    private static final String HISTORY = "history";
    private static final int HISTORY_AT_ONCE = 20_000;

    private final TestDatabase source;
    private final TestDatabase target;
    private final Map<String, Object> kafka;
    private final String migration;

    /// The largest version of each row that the target ever had.
    private final Map<String, Long> versions = new HashMap<>();

    /// Keys of `bulk`, which never return.
    private final BitSet gone = new BitSet();

    /// The commit that was followed last. A slot that was not written to disk before a crash
    /// returns what it returned before.
    private Lsn followed = Lsn.ZERO;

    Invariants(
            TestDatabase source, TestDatabase target, Map<String, Object> kafka, String migration) {
        this.source = source;
        this.target = target;
        this.kafka = kafka;
        this.migration = migration;
    }

    /// Begins to record the target's history. Before the first row is written.
    void record() {
        target.query(
                "SELECT pg_create_logical_replication_slot('"
                        + historySlot()
                        + "', 'test_decoding')");
    }

    private String historySlot() {
        return HISTORY + "_" + target.name();
    }

    /// Ends the recording, and frees what the migration has on the source.
    void forget() {
        target.query("SELECT pg_drop_replication_slot('" + historySlot() + "')");
        source.query(
                "SELECT pg_terminate_backend(active_pid, 10000) FROM pg_replication_slots WHERE database ="
                        + " current_database() AND active");
        source.query(
                "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database"
                        + " = current_database()");
    }

    /// All of them, when nothing is written any more and the target has applied everything.
    List<Violation> check() {
        List<Violation> found = new ArrayList<>();
        ComparedTable.ALL.forEach(table -> compare(table, found));
        money(found);
        found.addAll(follow());
        duplicates(found);
        return found;
    }

    private void compare(ComparedTable table, List<Violation> found) {
        Map<String, String> expected = rows(source, table.expected(), table.keys());
        Map<String, String> rows = rows(target, table.found(), table.keys());
        expected.forEach(
                (key, row) -> {
                    String other = rows.remove(key);
                    String what = table.name() + " " + key;
                    if (other == null) {
                        found.add(new Violation(Kind.LOST, what));
                    } else if (!other.equals(row)) {
                        found.add(new Violation(Kind.STALE, what + ": " + shown(other, row)));
                    }
                });
        rows.keySet()
                .forEach(
                        key ->
                                found.add(
                                        new Violation(Kind.RESURRECTED, table.name() + " " + key)));
    }

    private static String shown(String row, String expected) {
        return "%.60s instead of %.60s".formatted(row, expected);
    }

    private static Map<String, String> rows(TestDatabase database, String query, int keys) {
        Map<String, String> rows = new TreeMap<>();
        for (List<@Nullable String> row : database.query(query)) {
            rows.put(row.subList(0, keys).toString(), row.subList(keys, row.size()).toString());
        }
        return rows;
    }

    private void money(List<Violation> found) {
        long whole = 2L * Workload.ACCOUNTS * Workload.BALANCE;
        String sum =
                target.value(
                        "SELECT (SELECT sum(balance) FROM checking) + (SELECT sum(balance) FROM savings)");
        if (!Long.toString(whole).equals(sum)) {
            found.add(new Violation(Kind.MONEY, sum + " instead of " + whole));
        }
    }

    /// Reads on in the target's history.
    ///
    /// @return the versions that became smaller
    synchronized List<Violation> follow() {
        List<Violation> found = new ArrayList<>();
        List<List<@Nullable String>> changes;
        do {
            changes =
                    target.query(
                            "SELECT lsn, data FROM pg_logical_slot_get_changes('%s', NULL, %d)"
                                    .formatted(historySlot(), HISTORY_AT_ONCE));
            List<String> transaction = new ArrayList<>();
            for (List<@Nullable String> change : changes) {
                String data = String.valueOf(change.getLast());
                transaction.add(data);
                if (data.startsWith(COMMIT)) {
                    follow(Lsn.parse(String.valueOf(change.getFirst())), transaction, found);
                    transaction.clear();
                }
            }
        } while (!changes.isEmpty());
        return found;
    }

    private void follow(Lsn commit, List<String> transaction, List<Violation> found) {
        if (commit.compareTo(followed) > 0) {
            followed = commit;
            transaction.forEach(change -> follow(change, found));
        }
    }

    private void follow(String change, List<Violation> found) {
        Matcher line = CHANGE.matcher(change);
        if (!line.matches()) {
            return;
        }
        boolean deleted = line.group(2).equals("DELETE");
        for (ComparedTable table : ComparedTable.ALL) {
            if (table.name().equals(line.group(1)) && table.isVersioned()) {
                List<String> cells = cells(table, line.group(3));
                String key = table.name() + " " + cells.subList(0, table.keys());
                if (table.keysReturn()) {
                    if (!deleted) {
                        follow(key, Long.parseLong(cells.getLast()), found);
                    }
                } else {
                    followUnique(key, Integer.parseInt(cells.getFirst()), deleted, cells, found);
                }
            }
        }
    }

    /// Of a deleted row whose key never returns, a bit remains instead of its version.
    private void followUnique(
            String key, int id, boolean deleted, List<String> cells, List<Violation> found) {
        if (deleted) {
            versions.remove(key);
            gone.set(id);
        } else if (gone.get(id)) {
            found.add(new Violation(Kind.RESURRECTED, key + " after its deletion"));
        } else {
            follow(key, Long.parseLong(cells.getLast()), found);
        }
    }

    /// The key and the column after it.
    private static List<String> cells(ComparedTable table, String row) {
        List<String> cells = new ArrayList<>();
        Matcher cell = CELL.matcher(row);
        while (cells.size() <= table.keys() && cell.find()) {
            cells.add(cell.group(2));
        }
        return cells;
    }

    private void follow(String key, long version, List<Violation> found) {
        long newest = versions.merge(key, version, Math::max);
        if (newest > version) {
            found.add(
                    new Violation(
                            Kind.OVERWRITTEN_BY_OLDER, key + ": " + version + " after " + newest));
        }
    }

    /// A row can be read twice by the backfill: an update moved it to a page that was read later,
    /// or a kill came before its range was written. An event of the stream is in the log once.
    private void duplicates(List<Violation> found) {
        // The log of an hour has millions of changes, so the first pass keeps only their hashes.
        LongStream.Builder all = LongStream.builder();
        forEachStreamed(change -> all.add(hash(change)));
        long[] hashes = all.build().sorted().toArray();
        Set<Long> twice = new HashSet<>();
        for (int i = 1; i < hashes.length; i++) {
            if (hashes[i] == hashes[i - 1]) {
                twice.add(hashes[i]);
            }
        }
        if (hashes.length == 0) {
            found.add(new Violation(Kind.STOPPED, "the log contains no change"));
        }
        if (!twice.isEmpty()) {
            Set<String> seen = new HashSet<>();
            forEachStreamed(
                    change -> {
                        if (twice.contains(hash(change)) && !seen.add(change)) {
                            found.add(new Violation(Kind.DUPLICATE_IN_LOG, change));
                        }
                    });
        }
    }

    private void forEachStreamed(Consumer<String> reader) {
        new ChangeLog(kafka, new Topics(migration))
                .entries(
                        LogTopic.CHANGES,
                        LogFilter.ALL,
                        entry -> {
                            if (isStreamed(entry)) {
                                reader.accept(identity(entry));
                            }
                            return true;
                        });
    }

    /// FNV-1a.
    private static long hash(String text) {
        long hash = 0xcbf29ce484222325L;
        for (int i = 0; i < text.length(); i++) {
            hash = (hash ^ text.charAt(i)) * 0x100000001b3L;
        }
        return hash;
    }

    private static boolean isStreamed(LogEntry entry) {
        return entry.key() != null && !entry.kind().equals("read");
    }

    private static String identity(LogEntry entry) {
        return "%s %s %s at %s of %s"
                .formatted(
                        entry.kind(), entry.table(), entry.key(), entry.lsn(), entry.transaction());
    }

    /// How far the source may forget; empty without a slot.
    Optional<Lsn> confirmed() {
        return source
                .query(
                        "SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name ="
                                + " 'millrace_"
                                + migration
                                + "' AND confirmed_flush_lsn IS NOT NULL")
                .stream()
                .map(row -> Lsn.parse(String.valueOf(row.getFirst())))
                .findFirst();
    }

    /// WAL that the source keeps for the migration.
    long retainedBytes() {
        return source
                .query(
                        "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint FROM"
                                + " pg_replication_slots WHERE slot_name = 'millrace_"
                                + migration
                                + "' AND restart_lsn IS NOT NULL")
                .stream()
                .mapToLong(row -> Long.parseLong(String.valueOf(row.getFirst())))
                .findFirst()
                .orElse(0);
    }
}
