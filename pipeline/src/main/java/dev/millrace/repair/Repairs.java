package dev.millrace.repair;

import dev.millrace.control.OperationStore;
import dev.millrace.control.repair.RepairStore;
import dev.millrace.control.repair.RepairStore.Asked;
import dev.millrace.control.repair.RepairStore.Count;
import dev.millrace.control.repair.RepairStore.StoredKey;
import dev.millrace.control.repair.RepairStore.StoredRepair;
import dev.millrace.lifecycle.ComponentState;
import dev.millrace.lifecycle.RestartPolicy;
import dev.millrace.lifecycle.Supervisor;
import dev.millrace.mapping.Mapping;
import dev.millrace.postgres.Database.DatabaseFailure;
import dev.millrace.reconcile.ShownValues;
import dev.millrace.reconcile.ShownValues.HashKey;
import dev.millrace.reconcile.pass.Reconciler;
import dev.millrace.repair.Repair.Action;
import dev.millrace.repair.Repair.Request;
import dev.millrace.repair.Repair.Step;
import dev.millrace.replication.LiveStream;
import dev.millrace.replication.RefusedException;
import dev.millrace.stream.KnownTables;
import dev.millrace.stream.ReplicationStream;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.locks.Lock;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// The repairs of one migration: at most one runs. A request is journaled before it takes effect,
/// and a restart continues it. Its work runs beside a [LiveStream], from [#begin] to [#end].
/// Thread-safe.
public final class Repairs implements RepairControl, AutoCloseable {

    private static final Duration STOP_TIMEOUT = Duration.ofSeconds(30);
    private static final Set<String> PHASES = Set.of("CATCHING_UP", "IN_SYNC");

    /// @param subject identifies the file, and names the columns whose values are hidden
    /// @param phase the name of the migration's phase
    /// @param reads whether rows are read again by another operation
    /// @param refusal why no comparison may begin now
    /// @param blocked why no further change can arrive on the target
    /// @param comparing held by what compares the rows of the migration
    /// @param owner whether this process has the migration's lock at this moment
    /// @param service who the journal names if a client gives no name
    public record Equipment(
            ReplicationStream stream,
            RepairStore store,
            KnownTables tables,
            Reconciler.Subject subject,
            Supplier<String> phase,
            BooleanSupplier reads,
            Supplier<Optional<String>> refusal,
            Function<LiveStream, Optional<String>> blocked,
            Lock comparing,
            BooleanSupplier owner,
            String service,
            InstantSource clock) {}

    private final Equipment with;
    private final List<Mapping> mappings;

    /// Equal keys have the same hash in all answers of this process.
    private final HashKey hashes = new HashKey();

    private volatile Optional<StoredRepair> current;
    private volatile @Nullable LiveStream live;
    private volatile @Nullable Supervisor supervisor;
    private volatile @Nullable RepairWork work;
    private final Object working = new Object();
    private volatile Optional<String> waitsFor = Optional.empty();

    private Repairs(Equipment with, Optional<StoredRepair> current) {
        this.with = with;
        // The order of the file may change between two starts: stored keys name a place here.
        this.mappings =
                with.stream().tables().compared().stream()
                        .sorted(
                                Comparator.comparing((Mapping mapping) -> mapping.target().table())
                                        .thenComparing(Mapping::source))
                        .toList();
        this.current = current;
    }

    /// Continues what an earlier process has left, from the next [#begin] on.
    public static Repairs resume(Equipment with) throws SQLException {
        return new Repairs(with, with.store().unfinished());
    }

    /// Begins to work beside a stream.
    public void begin(LiveStream stream) {
        RepairWork begun = new RepairWork(stream, this);
        Supervisor started =
                new Supervisor(
                        "repair-" + with.stream().id(),
                        begun,
                        with.clock(),
                        RestartPolicy.standard());
        synchronized (working) {
            live = stream;
            work = begun;
            supervisor = started;
        }
        started.start();
    }

    /// Ends the work beside the stream, which may end afterwards.
    public void end() {
        synchronized (working) {
            Supervisor running = supervisor;
            if (running != null) {
                running.close(STOP_TIMEOUT);
                supervisor = null;
                work = null;
            }
        }
    }

    @Override
    public void close() {
        end();
    }

    @Override
    public synchronized Repair request(Request request) {
        request.tables().forEach(with.tables()::requireTarget);
        try {
            reload();
            Optional<StoredRepair> repeated =
                    request.requestKey().isPresent()
                            ? with.store().requested(request.requestKey().get())
                            : Optional.empty();
            if (repeated.isPresent()) {
                return view(repeated.get());
            }
            RefusedException.ifWrongPhase(with.phase().get(), request.expectedPhase());
            refuseIf(refusal(request));
            return view(begun(request));
        } catch (OperationStore.Superseded _) {
            throw superseded();
        } catch (SQLException e) {
            throw new DatabaseFailure("The repair could not be written to the journal", e);
        }
    }

    /// The journal decides: the answer to the statement that began or ended a repair may be lost.
    synchronized void reload() throws SQLException {
        current = with.store().unfinished();
    }

    private static RefusedException superseded() {
        return new RefusedException(
                "Another process runs the migration now. Run the command against that process");
    }

    private static void refuseIf(Optional<String> reason) {
        reason.ifPresent(
                text -> {
                    throw new RefusedException(text);
                });
    }

    private StoredRepair begun(Request request) throws SQLException {
        UUID id = UUID.randomUUID();
        with.store()
                .begin(
                        id,
                        new Asked(
                                request.tables(),
                                request.only().stream().sorted().map(Action::id).toList(),
                                request.limit(),
                                request.rowsPerSecond(),
                                request.dryRun(),
                                who(request.who()),
                                request.reason()),
                        Objects.requireNonNull(live).generation().number(),
                        with.subject().specHash(),
                        Step.COMPARE.id(),
                        request.requestKey(),
                        with.phase().get());
        current = with.store().find(id);
        return current.orElseThrow();
    }

    private String who(Optional<String> name) {
        return name.orElse(with.service());
    }

    private Optional<String> refusal(Request request) {
        String phase = with.phase().get();
        Optional<String> incomparable = with.refusal().get();
        if (incomparable.isPresent()) {
            return incomparable;
        }
        if (!PHASES.contains(phase)) {
            return Optional.of(
                    "Rows of the target are repaired only while the application writes to the source and no operation moves it; the migration is in the phase %s. Check 'millrace status'"
                            .formatted(phase));
        }
        Optional<Mapping> unknown =
                mappings(request.tables()).stream()
                        .filter(mapping -> mapping.mapper().keyOrigin().isEmpty())
                        .findFirst();
        if (unknown.isPresent()) {
            return Optional.of(
                    "The key of table %s does not say which row of the source it is, so Millrace cannot read single rows of it again. Repair other tables with --table, or run 'millrace reconcile' to see what differs"
                            .formatted(unknown.get().target().table()));
        }
        if (with.reads().getAsBoolean()) {
            return Optional.of(
                    "Rows are read again by another operation. Wait for its end, see 'millrace"
                            + " status', then run this command again");
        }
        Optional<StoredRepair> now = current;
        if (now.isPresent()) {
            return Optional.of(
                    "The operation %s repairs rows and has not ended. Wait for its end, or run 'millrace repair --cancel'"
                            .formatted(now.get().id()));
        }
        if (!with.owner().getAsBoolean()) {
            return Optional.of(
                    "This process does not have the migration's lock at this moment. Run 'millrace"
                            + " status' to see why, and run the command again when the target answers");
        }
        return mappings(request.tables()).stream()
                .map(mapping -> mapping.target().table().whole().toString())
                .filter(this::isStopped)
                .findFirst()
                .map(
                        table ->
                                "Table %1$s is stopped, so its rows would be read again but not applied. Remove the cause, see 'millrace status', and run 'millrace resume --table %1$s', then run this command again"
                                        .formatted(table));
    }

    private boolean isStopped(String table) {
        return Objects.requireNonNull(live).lag().stopped().stream()
                .anyMatch(stopped -> stopped.table().toString().equals(table));
    }

    @Override
    public synchronized Repair cancel(Optional<String> who, String reason) {
        try {
            reload();
            Optional<StoredRepair> now = current;
            if (now.isEmpty()) {
                throw new RefusedException("No repair runs, so none was cancelled");
            }
            with.store().cancel(now.get(), who(who), reason, with.phase().get());
            current = with.store().unfinished();
            RepairWork running = work;
            if (running != null) {
                running.cancel();
            }
            return view(with.store().find(now.get().id()).orElseThrow());
        } catch (OperationStore.Superseded _) {
            throw superseded();
        } catch (SQLException e) {
            throw new DatabaseFailure("The repair could not be cancelled", e);
        }
    }

    @Override
    public Optional<Repair> find(UUID id) {
        try {
            Optional<StoredRepair> found = with.store().find(id);
            return found.isEmpty() ? Optional.empty() : Optional.of(view(found.get()));
        } catch (SQLException e) {
            throw new DatabaseFailure("The journal cannot be read", e);
        }
    }

    @Override
    public List<Repair.Summary> recent() {
        try {
            return with.store().recent(Repair.Summary.LISTED).stream()
                    .map(Repair.Summary::of)
                    .toList();
        } catch (SQLException e) {
            throw new DatabaseFailure("The journal cannot be read", e);
        }
    }

    @Override
    public List<Repair.Key> keys(UUID id, long after, int limit) {
        try {
            return with.store().keys(id, after, limit).stream().map(this::key).toList();
        } catch (SQLException e) {
            throw new DatabaseFailure("The keys of a repair cannot be read", e);
        }
    }

    private Repair.Key key(StoredKey stored) {
        ShownValues shown = shown(stored);
        Map<String, @Nullable String> key = new LinkedHashMap<>();
        IntStream.range(0, stored.keyColumns().size())
                .forEach(
                        i -> {
                            String column = stored.keyColumns().get(i);
                            key.put(column, shown.whole(column, stored.key().get(i)));
                        });
        return new Repair.Key(
                stored.number(),
                stored.target(),
                Action.of(stored.action()).orElseThrow(),
                key,
                stored.columns(),
                stored.written(),
                stored.differs());
    }

    /// Nothing is shown of a table that the file does not name any more.
    private ShownValues shown(StoredKey stored) {
        return mappings(List.of(stored.target())).stream()
                .findFirst()
                .map(mapping -> hashes.of(mapping, with.subject().sensitive()))
                .orElseGet(() -> hashes.hiding(Set.copyOf(stored.keyColumns())));
    }

    private Repair view(StoredRepair stored) throws SQLException {
        List<Count> counts = with.store().counts(stored.id());
        return Repair.of(stored, counts, note(stored, counts));
    }

    private String note(StoredRepair stored, List<Count> counts) {
        if (stored.finishedAt().isPresent()) {
            return "";
        }
        Optional<String> hindrance = hindrance(stored);
        if (hindrance.isPresent()) {
            return hindrance.get();
        }
        return switch (Step.of(stored.step())) {
            case WRITE ->
                    "%d of %d keys are in the log"
                            .formatted(
                                    counts.stream().mapToLong(Count::written).sum(),
                                    counts.stream().mapToLong(Count::keys).sum());
            case COMPARE, VERIFY, DONE -> "";
        };
    }

    /// Whether rows are repaired. A dry run changes nothing.
    public boolean isRunning() {
        return current.filter(now -> !now.asked().dryRun()).isPresent();
    }

    /// Why no switchover begins while rows are repaired.
    public Optional<String> blocker() {
        return current.filter(now -> !now.asked().dryRun())
                .map(
                        now ->
                                "rows are repaired (operation %s, step %s%s): %s"
                                        .formatted(
                                                now.id(),
                                                now.step(),
                                                hindrance(now)
                                                        .map(reason -> ": " + reason)
                                                        .orElse(""),
                                                now.asked().reason()));
    }

    private Optional<String> hindrance(StoredRepair now) {
        Supervisor running = supervisor;
        if (running == null) {
            return Optional.empty();
        }
        return switch (running.state()) {
            case ComponentState.Waiting waiting -> Optional.of(waiting.text());
            case ComponentState.Failed failed -> Optional.of(failed.text());
            case ComponentState.Starting _, ComponentState.Running _, ComponentState.Stopped _ ->
                    waitsFor(now);
        };
    }

    private Optional<String> waitsFor(StoredRepair now) {
        LiveStream stream = live;
        if (isApplyPaused()) {
            return Optional.of(
                    "apply is paused. Run 'millrace status' to see why and how it continues");
        }
        if (!mayWork()) {
            return Optional.of(
                    "continues in the phase CATCHING_UP or IN_SYNC, but the phase is "
                            + with.phase().get());
        }
        return Step.of(now.step()) == Step.WRITE
                        && stream != null
                        && stream.with().pace().isPaused()
                ? Optional.of("the backfill is paused. Run 'millrace resume backfill'")
                : waitsFor.map(found -> "waits for " + found);
    }

    /// In other phases the work waits: what it would read may not arrive, or be too old.
    boolean mayWork() {
        return PHASES.contains(with.phase().get()) && !isApplyPaused();
    }

    private boolean isApplyPaused() {
        LiveStream stream = live;
        return stream != null && stream.with().gate().isClosed();
    }

    /// Why a repair must end now, although it is not done.
    Optional<String> mustEnd(StoredRepair now) {
        if (isCancelled(now)) {
            return Optional.of("Cancelled");
        }
        if (!now.specHash().equals(with.subject().specHash())) {
            return Optional.of(
                    "Ended, because the file has changed since it began. Run 'millrace repair'"
                            + " again");
        }
        LiveStream stream = live;
        return stream != null && stream.generation().number() != now.generation()
                ? Optional.of(
                        "Ended, because a new generation has begun, which reads every row again")
                : Optional.empty();
    }

    boolean isCancelled(StoredRepair begun) {
        return current.filter(now -> now.id().equals(begun.id()))
                .map(StoredRepair::cancelled)
                .orElse(true);
    }

    RepairComparison comparison(LiveStream stream) {
        return new RepairComparison(
                stream, with.subject(), () -> with.blocked().apply(stream), with.clock());
    }

    Optional<StoredRepair> current() {
        return current;
    }

    Lock comparing() {
        return with.comparing();
    }

    /// @param found what must end before the work goes on; empty for nothing
    void waitsFor(Optional<String> found) {
        waitsFor = found;
    }

    RepairStore store() {
        return with.store();
    }

    InstantSource clock() {
        return with.clock();
    }

    /// The mappings that write target tables; all of them without a name.
    List<Mapping> mappings(List<String> tables) {
        return mappings.stream()
                .filter(
                        mapping ->
                                tables.isEmpty()
                                        || tables.contains(
                                                mapping.target().table().whole().toString()))
                .toList();
    }

    Mapping mapping(StoredKey key) {
        return mappings.get(key.mapping());
    }

    /// The place of a mapping in the order of target and source tables.
    int number(Mapping mapping) {
        return mappings.indexOf(mapping);
    }

    /// Stores which keys differ.
    ///
    /// @param wanted those that differ, in the order in which they are repaired
    /// @param others the number of those that differ and are not wanted
    /// @param uncompared what was not compared; empty if everything was
    synchronized void compared(
            StoredRepair now, List<StoredKey> wanted, long others, String uncompared)
            throws SQLException {
        List<StoredKey> listed = new ArrayList<>();
        for (StoredKey key : wanted) {
            if (listed.size() < now.asked().limit().orElse(Long.MAX_VALUE)) {
                listed.add(numbered(key, listed.size() + 1L));
            }
        }
        boolean isAll = now.asked().dryRun() || listed.isEmpty();
        with.store()
                .listed(
                        now,
                        (isAll ? Step.COMPARE : Step.WRITE).id(),
                        listed,
                        others + wanted.size() - listed.size(),
                        uncompared,
                        with.phase().get());
        current = with.store().unfinished();
        if (isAll) {
            finish(current.orElseThrow(), 0);
        }
    }

    private static StoredKey numbered(StoredKey key, long number) {
        return new StoredKey(
                number,
                key.mapping(),
                key.target(),
                key.action(),
                key.keyColumns(),
                key.key(),
                key.columns(),
                key.written(),
                key.differs());
    }

    synchronized void enter(StoredRepair now, Step next) throws SQLException {
        with.store().enter(now, next.id(), with.phase().get());
        current = with.store().unfinished();
    }

    /// Ends a repair whose keys were compared again.
    ///
    /// @param undecided keys of which it is not known whether they are equal
    synchronized void verified(StoredRepair now, long undecided) throws SQLException {
        finish(with.store().find(now.id()).orElseThrow(), undecided);
    }

    private void finish(StoredRepair now, long undecided) throws SQLException {
        RepairOutcome outcome =
                RepairOutcome.of(now, Repair.tables(with.store().counts(now.id())), undecided);
        finish(now, outcome.verdict(), outcome.text());
    }

    /// Ends a repair that is not done.
    synchronized void ended(StoredRepair now, String why) throws SQLException {
        List<Count> counts = with.store().counts(now.id());
        finish(
                now,
                RepairOutcome.UNDECIDED,
                "%s. Keys that were read again and are in the log: %d of %d"
                        .formatted(
                                why,
                                counts.stream().mapToLong(Count::written).sum(),
                                counts.stream().mapToLong(Count::keys).sum()));
    }

    private void finish(StoredRepair now, String verdict, String outcome) throws SQLException {
        with.store().finish(now, Step.DONE.id(), verdict, outcome, with.phase().get());
        current = Optional.empty();
    }
}
