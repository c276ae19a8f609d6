package dev.millrace.indexes;

import dev.millrace.apply.gate.WriteGate;
import dev.millrace.change.TableId;
import dev.millrace.control.BackfilledTables;
import dev.millrace.control.DroppedDefinitions;
import dev.millrace.control.DroppedDefinitions.Definition;
import dev.millrace.lifecycle.Component;
import dev.millrace.lifecycle.ComponentState;
import dev.millrace.lifecycle.Failure;
import dev.millrace.lifecycle.FailureClassifier;
import dev.millrace.lifecycle.Supervisor;
import dev.millrace.postgres.Database;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/// Drops the secondary indexes and foreign keys of target tables before the first row of a
/// generation is applied, and creates them again when every existing row of every table is applied.
/// What earlier runs dropped is created again even if the file no longer asks for it. The
/// [Component] runs on its supervisor's thread; [#blocker], [#isRestored] and [#concernsTables] are
/// thread-safe.
public final class TargetIndexes implements Component {

    private static final Duration INTERVAL = Duration.ofSeconds(1);

    /// The standard [Settings#afterFailure]: a failed attempt may have read a whole table.
    public static final Duration AFTER_FAILURE = Duration.ofSeconds(30);

    /// @param migration the identifier of the stream in the control schema
    /// @param partitions of the target topic
    /// @param targets every target table
    /// @param dropped the target tables whose indexes and foreign keys are dropped
    /// @param target also holds the control schema
    /// @param owner whether this process has the migration's lock at this moment
    /// @param afterFailure how long to wait after an object could not be created
    public record Settings(
            String migration,
            int generation,
            int partitions,
            List<TableId> targets,
            SortedSet<TableId> dropped,
            Database target,
            BooleanSupplier owner,
            Duration afterFailure) {

        public Settings {
            targets = List.copyOf(targets);
            dropped = new TreeSet<>(dropped);
        }
    }

    /// What is left to do.
    ///
    /// @param pending number of objects that do not exist yet
    /// @param now the object that is being created, if any
    private record Progress(int pending, Optional<Definition> now) {}

    /// Work in one session.
    @FunctionalInterface
    private interface Work {
        void run(TargetSession session) throws SQLException;
    }

    private final Settings settings;
    private final WriteGate gate;
    private final Runnable prepared;
    private final DroppedDefinitions store;
    private final BackfilledTables backfilled;
    private final Set<TableId> notBackfilled;
    private boolean isPrepared;
    private volatile boolean attemptFailed;
    private volatile @Nullable Progress progress;
    private volatile @Nullable TargetSession session;

    /// @param gate while it is closed, nothing is dropped or created
    /// @param prepared called once, when rows may be applied; on the supervisor's thread
    public TargetIndexes(Settings settings, WriteGate gate, Runnable prepared) {
        this.settings = settings;
        this.gate = gate;
        this.prepared = prepared;
        this.notBackfilled = new HashSet<>(settings.targets());
        this.store = new DroppedDefinitions(settings.migration());
        this.backfilled = new BackfilledTables(settings.migration());
    }

    /// Whether every dropped object exists again; false while that is unknown.
    public boolean isRestored() {
        Progress known = progress;
        return known != null && known.pending() == 0;
    }

    /// Whether there is or was something to drop.
    public boolean concernsTables() {
        Progress known = progress;
        return !settings.dropped().isEmpty() || known != null && known.pending() > 0;
    }

    /// Why the migration cannot be in sync; empty when every dropped object exists again.
    public Optional<String> blocker() {
        Progress known = progress;
        if (known == null) {
            return Optional.of(
                    "it is not known yet whether indexes or foreign keys of target tables are dropped");
        }
        if (known.pending() == 0) {
            return Optional.empty();
        }
        return Optional.of(
                "indexes and foreign keys of target tables are dropped (%d left)%s"
                        .formatted(
                                known.pending(),
                                known.now()
                                        .map(
                                                definition ->
                                                        "; Millrace is creating "
                                                                + definition.described())
                                        .orElse(
                                                "; Millrace creates them again when the backfill is complete")));
    }

    @Override
    public void run(Supervisor supervisor) throws Exception {
        if (!isPrepared) {
            if (!prepare(supervisor)) {
                return;
            }
            isPrepared = true;
            prepared.run();
        }
        supervisor.running(ComponentState.Activity.INDEXING);
        while (!isRestored() && supervisor.pause(INTERVAL)) {
            if (settings.owner().getAsBoolean() && !gate.isClosed() && isBackfilled()) {
                restore(supervisor);
            }
        }
        while (supervisor.pause(INTERVAL.multipliedBy(60))) {
            // Everything is restored.
        }
    }

    /// @return false when the component must stop
    private boolean prepare(Supervisor supervisor) throws SQLException, InterruptedException {
        while (!settings.owner().getAsBoolean() || !isDone(supervisor, this::prepare)) {
            if (!supervisor.pause(INTERVAL)) {
                return false;
            }
        }
        return true;
    }

    private void prepare(TargetSession open) throws SQLException {
        new Preparation(settings).run(open);
        readProgress(open, Optional.empty());
    }

    /// @return false if the gate is closed, or was closed before the work had ended: it is to be
    ///   done again
    private boolean isDone(Supervisor supervisor, Work work) throws SQLException {
        Optional<WriteGate.Passage> entered = gate.tryEnter();
        if (entered.isEmpty()) {
            return false;
        }
        try (WriteGate.Passage passage = entered.get();
                TargetSession open = open(supervisor)) {
            try {
                passage.uses(open.connection());
                work.run(open);
                return true;
            } catch (SQLException | RuntimeException e) {
                if (!passage.isEnded()) {
                    throw e;
                }
                return false;
            }
        } finally {
            session = null;
        }
    }

    private TargetSession open(Supervisor supervisor) throws SQLException {
        TargetSession open = new TargetSession(settings.target(), supervisor::isStopping);
        session = open;
        return open;
    }

    private List<Definition> readProgress(TargetSession open, Optional<Definition> now)
            throws SQLException {
        List<Definition> pending = open.inTransaction(store::pending);
        progress = new Progress(pending.size(), pending.isEmpty() ? Optional.empty() : now);
        return pending;
    }

    private boolean isBackfilled() throws SQLException {
        try (Connection connection = settings.target().pooled()) {
            Iterator<TableId> tables = notBackfilled.iterator();
            while (tables.hasNext()) {
                if (!backfilled.isComplete(
                        connection, settings.generation(), tables.next(), settings.partitions())) {
                    return false;
                }
                tables.remove();
            }
            return true;
        }
    }

    private void restore(Supervisor supervisor) throws SQLException {
        if (!isDone(supervisor, open -> restore(open, supervisor))) {
            Progress known = progress;
            if (known != null) {
                progress = new Progress(known.pending(), Optional.empty());
            }
        }
    }

    private void restore(TargetSession open, Supervisor supervisor) throws SQLException {
        List<Definition> pending = readProgress(open, Optional.empty());
        int before = pending.size();
        Optional<IndexFailure> failure =
                new Restoration(open, store, now -> began(now)).run(pending);
        int left = readProgress(open, Optional.empty()).size();
        if (left < before) {
            supervisor.progressed();
        }
        if (failure.isPresent()) {
            throw failure.get();
        }
    }

    private void began(Definition definition) {
        Progress known = progress;
        progress = new Progress(known == null ? 1 : known.pending(), Optional.of(definition));
    }

    @Override
    public Failure meaning(Throwable thrown) {
        attemptFailed = thrown instanceof IndexFailure;
        return thrown instanceof IndexFailure own ? own.failure() : FailureClassifier.of(thrown);
    }

    @Override
    public Duration shortestDelay() {
        return attemptFailed ? settings.afterFailure() : Duration.ZERO;
    }

    /// Cancels a statement that may take hours. An index that is not complete is found invalid and
    /// created again by the next start.
    @Override
    public void stop(Thread thread) {
        TargetSession open = session;
        if (open != null) {
            open.cancel();
        }
    }

    /// Creates what a migration has dropped and that does not exist again, for a migration that
    /// ends without it. No component of the migration may run. Tries each object once.
    ///
    /// @param target also holds the control schema, which must exist
    /// @param migration the identifier of the stream in the control schema
    /// @return one description per object that could not be created, because of the rows or a lock
    public static List<String> restoreAll(Database target, String migration) throws SQLException {
        DroppedDefinitions store = new DroppedDefinitions(migration);
        try (TargetSession session = new TargetSession(target, () -> false)) {
            List<Definition> pending = session.inTransaction(store::pending);
            if (pending.isEmpty()) {
                return List.of();
            }
            new Restoration(session, store, _ -> {}).run(pending);
            return session.inTransaction(store::pending).stream()
                    .map(Definition::described)
                    .toList();
        }
    }
}
