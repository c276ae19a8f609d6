package dev.millrace.verdict;

import dev.millrace.apply.task.OwnTransactions;
import dev.millrace.change.RowKey;
import dev.millrace.change.TableId;
import dev.millrace.digest.Chunker;
import dev.millrace.digest.Chunker.TargetSession;
import dev.millrace.digest.ComparedTables;
import dev.millrace.digest.ReadFailed;
import dev.millrace.digest.ServerPosition;
import dev.millrace.lag.PeriodicProbe;
import dev.millrace.mapping.Mapping;
import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.reconcile.ReconciliationReport.TableReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.reconcile.ReplicationProgress;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Looks every few seconds for rows of the target that another program wrote, while the target is
/// in sync. Thread-safe; the rounds are confined to the probe's thread.
///
/// **How.** A row version contains the id of the transaction that wrote it. [OwnTransactions] has
/// the ids of apply before their rows are visible. A row of any other transaction that began after
/// the last round is compared with the source, as in a reconciliation: apply also writes rows under
/// savepoints, which have other ids, and these rows are equal. Only a row that differs counts.
///
/// **Cost.** A table is read only if the server has counted writes to it, or after an hour; each
/// read scans the table without its large values. The rounds take at most a tenth of the time, or
/// the share of reconciliations if that is smaller.
///
/// **What is not seen.** Rows that were deleted, rows that were written while the target was not in
/// sync, and rows that apply overwrote before a round. Reconciliations find the first two.
public final class ForeignWrites implements AutoCloseable {

    private static final Duration INTERVAL = Duration.ofSeconds(1);
    private static final Duration ROUNDS = Duration.ofSeconds(3);
    private static final Duration LONGEST_UNREAD = Duration.ofHours(1);
    private static final double MOST_SHARE = 0.1;

    /// Rows of a table that are compared at a time.
    private static final int MOST_ROWS = 1_000;

    /// Rounds whose findings are kept apart. The oldest ones are combined.
    private static final int MOST_FOUND = 1_000;

    private final double share;
    private final Supplier<Optional<Watched>> watched;
    private final InstantSource clock;
    private @Nullable PeriodicProbe probe;
    private @Nullable Baseline baseline;
    private Instant next = Instant.EPOCH;

    /// What the rounds found, the oldest first. Guarded by itself.
    private final Deque<Found> found = new ArrayDeque<>();

    /// The target of a stream that is in sync.
    public interface Watched {

        /// Opens its own sessions.
        Chunker chunker();

        List<Mapping> mappings();

        OwnTransactions own();

        /// Compares these keys with the source. A difference counts as the last verdict.
        ReconciliationReport compare(Map<Mapping, List<RowKey>> keys);
    }

    /// The target of a running stream.
    public record OfStream(
            Reconciliations of,
            int generation,
            List<Mapping> mappings,
            OwnTransactions own,
            ReplicationProgress progress)
            implements Watched {

        @Override
        public Chunker chunker() {
            return of.chunker(Reconciliations.WRITERS);
        }

        @Override
        public ReconciliationReport compare(Map<Mapping, List<RowKey>> keys) {
            return of.check(generation, keys, progress);
        }
    }

    /// Rows that another program wrote and that differ.
    ///
    /// @param tables that have them, sorted
    /// @param lastAt when the last one was found
    public record Found(long rows, List<String> tables, Instant lastAt) {

        public Found {
            tables = List.copyOf(new TreeSet<>(tables));
        }

        /// @return empty if no table differs
        static Optional<Found> in(ReconciliationReport report, Instant at) {
            List<TableReport> different =
                    report.tables().stream()
                            .filter(table -> table.verdict() == Verdict.DIFFERENT)
                            .toList();
            return different.isEmpty()
                    ? Optional.empty()
                    : Optional.of(
                            new Found(
                                    different.stream().mapToLong(TableReport::differences).sum(),
                                    different.stream().map(TableReport::target).toList(),
                                    at));
        }

        /// @param later what was found later
        Found and(Found later) {
            List<String> both = new ArrayList<>(tables);
            both.addAll(later.tables);
            return new Found(rows + later.rows, both, later.lastAt);
        }

        /// For the status.
        public String blocker() {
            return "Another program wrote "
                    + rows
                    + (rows == 1 ? " row of " : " rows of ")
                    + String.join(", ", tables)
                    + " on the target, and they differ from the source. Stop the program, run"
                    + " 'millrace repair', then 'millrace reconcile'";
        }
    }

    /// What the rounds of one applier know.
    private static final class Baseline {

        private final OwnTransactions own;
        private final ServerPosition begin;
        private final ComparedTables tables;
        private final Map<TableId, Seen> seen = new HashMap<>();

        /// Compared since the moment of [#since].
        private final Map<TableId, Set<Version>> compared = new HashMap<>();

        Baseline(OwnTransactions own, ServerPosition begin, ComparedTables tables) {
            this.own = own;
            this.begin = begin;
            this.tables = tables;
        }

        /// Rows of transactions before this moment were looked at, or are not looked at.
        ServerPosition since(TableId table) {
            Seen last = seen.get(table);
            return last == null ? begin.from(begin.next()) : last.position();
        }

        /// The ids of transactions that had not ended are looked at again.
        void saw(TableId table, ServerPosition at, @Nullable Long writes, Instant when) {
            compared.remove(table);
            seen.put(
                    table,
                    new Seen(at.from(Math.max(at.transaction(), begin.next())), writes, when));
        }

        boolean isIdle(TableId table, @Nullable Long writes, Instant now) {
            Seen last = seen.get(table);
            return last != null
                    && writes != null
                    && writes.equals(last.writes())
                    && now.isBefore(last.at().plus(LONGEST_UNREAD));
        }

        void forget(Collection<TableId> all) {
            long first = all.stream().mapToLong(each -> since(each).transaction()).min().orElse(0);
            own.forgetBefore(first);
        }
    }

    /// A row version of another transaction.
    private record Version(RowKey key, long writer) {}

    /// @param writes that the server had counted before the read; `null` if it counts none
    private record Seen(ServerPosition position, @Nullable Long writes, Instant at) {}

    /// @param share of the time in which reconciliations read
    /// @param watched empty while the target is not in sync
    public ForeignWrites(double share, Supplier<Optional<Watched>> watched, InstantSource clock) {
        this.share = Math.min(share, MOST_SHARE);
        this.watched = watched;
        this.clock = clock;
    }

    public void start() {
        probe = PeriodicProbe.start("foreign-writes", INTERVAL, clock, this::check, () -> {});
    }

    /// What was found from this moment on, in this process.
    ///
    /// @param since an earlier finding is refuted and is forgotten; empty for none
    public Optional<Found> found(Optional<Instant> since) {
        synchronized (found) {
            since.ifPresent(moment -> found.removeIf(each -> each.lastAt().isBefore(moment)));
            return found.stream().reduce(Found::and);
        }
    }

    private void add(Found more) {
        synchronized (found) {
            found.addLast(more);
            if (found.size() > MOST_FOUND) {
                found.addFirst(found.removeFirst().and(found.removeFirst()));
            }
        }
    }

    /// Runs a round if it is due.
    void check() {
        Optional<Watched> now = watched.get();
        if (now.isEmpty()) {
            // What the backfill or a rewritten table writes is not looked at afterwards.
            baseline = null;
        } else if (!clock.instant().isBefore(next)) {
            Instant began = clock.instant();
            try {
                round(now.get());
            } finally {
                Duration took = Duration.between(began, clock.instant());
                Duration rest = Duration.ofNanos((long) (took.toNanos() / share));
                next = clock.instant().plus(rest.compareTo(ROUNDS) > 0 ? rest : ROUNDS);
            }
        }
    }

    /// @throws ReadFailed if a table could not be read; the others were
    private void round(Watched target) {
        Chunker chunker = target.chunker();
        List<TableId> tables =
                target.mappings().stream().map(each -> each.target().table()).distinct().toList();
        ServerPosition at = chunker.targetPosition(tables);
        Baseline known = baseline;
        if (known == null || known.own != target.own() || !isSame(known.begin, at)) {
            target.own().forgetBefore(at.transaction());
            baseline = new Baseline(target.own(), at, chunker.tables(target.mappings()));
            return;
        }
        Map<TableId, Long> writes = chunker.targetWrites(tables);
        Map<Mapping, List<Version>> foreign = new LinkedHashMap<>();
        Optional<ReadFailed> failure = Optional.empty();
        for (Mapping mapping : target.mappings()) {
            TableId table = mapping.target().table();
            Long counted = writes.get(table.whole());
            if (known.isIdle(table, counted, clock.instant())) {
                continue;
            }
            try {
                List<Version> rows = foreign(chunker, known, mapping, at);
                if (rows.isEmpty()) {
                    known.saw(table, at, counted, clock.instant());
                } else {
                    foreign.put(mapping, rows);
                }
            } catch (ReadFailed e) {
                failure = Optional.of(e);
            }
        }
        known.forget(tables);
        if (!foreign.isEmpty()) {
            compare(target, foreign, known);
        }
        if (failure.isPresent()) {
            throw failure.get();
        }
    }

    /// Rows of a table that is undecided are compared again in the next round.
    private void compare(Watched target, Map<Mapping, List<Version>> foreign, Baseline known) {
        Map<Mapping, List<RowKey>> keys = new LinkedHashMap<>();
        foreign.forEach(
                (mapping, rows) -> keys.put(mapping, rows.stream().map(Version::key).toList()));
        ReconciliationReport report = target.compare(keys);
        Found.in(report, clock.instant()).ifPresent(this::add);
        Set<String> undecided =
                report.tables().stream()
                        .filter(table -> table.verdict() == Verdict.UNDECIDED)
                        .map(TableReport::target)
                        .collect(Collectors.toSet());
        foreign.forEach(
                (mapping, rows) -> {
                    TableId table = mapping.target().table();
                    if (!undecided.contains(table.toString())) {
                        known.compared.computeIfAbsent(table, _ -> new HashSet<>()).addAll(rows);
                    }
                });
    }

    /// A table that was altered or a server that was replaced begins from the start.
    private static boolean isSame(ServerPosition then, ServerPosition now) {
        return then.server().equals(now.server()) && then.tables().equals(now.tables());
    }

    private static List<Version> foreign(
            Chunker chunker, Baseline known, Mapping mapping, ServerPosition at) {
        TableId table = mapping.target().table();
        Set<Version> compared = known.compared.getOrDefault(table, Set.of());
        List<Version> rows = new ArrayList<>();
        try (TargetSession target = chunker.openTarget()) {
            target.table(known.tables.table(mapping))
                    .writtenSince(
                            known.since(table),
                            (key, writer) -> {
                                Version row = new Version(key, at.id(writer));
                                if (rows.size() < MOST_ROWS
                                        && !known.own.contains(row.writer())
                                        && !compared.contains(row)) {
                                    rows.add(row);
                                }
                            });
        }
        return rows;
    }

    @Override
    public void close() {
        if (probe != null) {
            probe.close();
        }
    }
}
