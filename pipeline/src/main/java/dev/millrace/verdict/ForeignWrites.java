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
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;
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

    private final double share;
    private final Supplier<Optional<Watched>> watched;
    private final InstantSource clock;
    private @Nullable PeriodicProbe probe;
    private @Nullable Baseline baseline;
    private Instant next = Instant.EPOCH;
    private volatile Found found = new Found(0, List.of(), null);

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

    /// What was found since the start of the process.
    ///
    /// @param rows that differ and that another program wrote
    /// @param tables that have them
    /// @param lastAt when the last one was found; `null` before the first
    public record Found(long rows, List<String> tables, @Nullable Instant lastAt) {

        public Found {
            tables = List.copyOf(tables);
        }

        /// For the status.
        public String blocker() {
            return "Another program wrote "
                    + rows
                    + (rows == 1 ? " row of " : " rows of ")
                    + String.join(", ", tables)
                    + " on the target, and they differ from the source. Stop the program, then run"
                    + " 'millrace reconcile' to see the keys that still differ";
        }

        Found with(ReconciliationReport report, Instant at) {
            List<TableReport> different =
                    report.tables().stream()
                            .filter(table -> table.verdict() == Verdict.DIFFERENT)
                            .toList();
            if (different.isEmpty()) {
                return this;
            }
            TreeSet<String> names = new TreeSet<>(tables);
            different.forEach(table -> names.add(table.target()));
            return new Found(
                    rows + different.stream().mapToLong(TableReport::differences).sum(),
                    List.copyOf(names),
                    at);
        }
    }

    /// What the rounds of one applier know.
    private static final class Baseline {

        private final OwnTransactions own;
        private final ServerPosition begin;
        private final ComparedTables tables;
        private final Map<TableId, Seen> seen = new HashMap<>();

        /// Foreign transactions whose rows were compared.
        private final OwnTransactions compared = new OwnTransactions();

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
            compared.forgetBefore(first);
        }
    }

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

    public Found found() {
        return found;
    }

    /// Runs a round if it is due.
    void check() {
        Optional<Watched> now = watched.get();
        if (now.isEmpty()) {
            // What the backfill or a rewritten table writes is not looked at afterwards.
            baseline = null;
        } else if (!clock.instant().isBefore(next)) {
            Instant began = clock.instant();
            round(now.get());
            Duration took = Duration.between(began, clock.instant());
            Duration rest = Duration.ofNanos((long) (took.toNanos() / share));
            next = clock.instant().plus(rest.compareTo(ROUNDS) > 0 ? rest : ROUNDS);
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
        Map<Mapping, List<RowKey>> foreign = new LinkedHashMap<>();
        Set<Long> writers = new HashSet<>();
        Optional<ReadFailed> failure = Optional.empty();
        for (Mapping mapping : target.mappings()) {
            TableId table = mapping.target().table();
            Long counted = writes.get(table.whole());
            if (known.isIdle(table, counted, clock.instant())) {
                continue;
            }
            try {
                List<RowKey> rows = foreign(chunker, known, mapping, at, writers);
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
            compare(target, foreign, known, writers);
        }
        if (failure.isPresent()) {
            throw failure.get();
        }
    }

    /// Rows that are undecided are compared again in the next round.
    private void compare(
            Watched target, Map<Mapping, List<RowKey>> foreign, Baseline known, Set<Long> writers) {
        ReconciliationReport report = target.compare(foreign);
        found = found.with(report, clock.instant());
        if (report.verdict() != Verdict.UNDECIDED) {
            writers.forEach(known.compared::add);
        }
    }

    /// A table that was altered or a server that was replaced begins from the start.
    private static boolean isSame(ServerPosition then, ServerPosition now) {
        return then.server().equals(now.server()) && then.tables().equals(now.tables());
    }

    private static List<RowKey> foreign(
            Chunker chunker,
            Baseline known,
            Mapping mapping,
            ServerPosition at,
            Set<Long> writers) {
        List<RowKey> keys = new ArrayList<>();
        try (TargetSession target = chunker.openTarget()) {
            target.table(known.tables.table(mapping))
                    .writtenSince(
                            known.since(mapping.target().table()),
                            (key, writer) -> {
                                long id = at.id(writer);
                                if (!known.own.contains(id)
                                        && !known.compared.contains(id)
                                        && keys.size() < MOST_ROWS) {
                                    keys.add(key);
                                    writers.add(id);
                                }
                            });
        }
        return keys;
    }

    @Override
    public void close() {
        if (probe != null) {
            probe.close();
        }
    }
}
