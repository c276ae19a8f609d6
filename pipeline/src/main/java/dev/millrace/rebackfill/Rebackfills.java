package dev.millrace.rebackfill;

import dev.millrace.change.TableId;
import dev.millrace.control.OperationStore;
import dev.millrace.control.RebackfillStore;
import dev.millrace.control.RebackfillStore.Beginning;
import dev.millrace.control.RebackfillStore.Reached;
import dev.millrace.control.RebackfillStore.StoredRebackfill;
import dev.millrace.control.RebackfillStore.Sweep;
import dev.millrace.control.stopped.LostChanges.Lost;
import dev.millrace.lifecycle.ComponentState;
import dev.millrace.lifecycle.RestartPolicy;
import dev.millrace.lifecycle.Supervisor;
import dev.millrace.mapping.Mapping;
import dev.millrace.postgres.Database.DatabaseFailure;
import dev.millrace.rebackfill.Rebackfill.Request;
import dev.millrace.rebackfill.Rebackfill.Step;
import dev.millrace.replication.LiveStream;
import dev.millrace.replication.RefusedException;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.stream.ReplicationStream;
import dev.millrace.stream.TablesToRead;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.UUID;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// The re-backfills of one migration: at most one runs. A request is journaled before it takes
/// effect, and a restart continues at the step that was reached. Its work runs beside a
/// [LiveStream], from [#begin] to [#end]. Thread-safe.
public final class Rebackfills implements AutoCloseable {

    private static final Duration STOP_TIMEOUT = Duration.ofSeconds(30);
    private static final Set<String> PHASES =
            Set.of("BACKFILLING", "CATCHING_UP", "IN_SYNC", "FAILED");

    /// @param phase the name of the migration's phase
    /// @param owner whether this process has the migration's lock at this moment
    /// @param service who the journal names if a client gives no name
    public record Equipment(
            ReplicationStream stream,
            RebackfillStore store,
            Supplier<String> phase,
            BooleanSupplier owner,
            String service,
            InstantSource clock) {}

    private final Equipment with;
    private volatile Optional<StoredRebackfill> current;
    private volatile Sweep swept = Sweep.NOTHING;
    private volatile Optional<String> waitsFor = Optional.empty();
    private volatile @Nullable LiveStream live;
    private volatile @Nullable Supervisor work;
    private final Object working = new Object();

    private Rebackfills(Equipment with, Optional<StoredRebackfill> current) {
        this.with = with;
        this.current = current;
    }

    /// Continues what an earlier process has left, from the next [#begin] on.
    public static Rebackfills resume(Equipment with) throws SQLException {
        return new Rebackfills(with, with.store().unfinished());
    }

    /// Begins to work beside a stream.
    public void begin(LiveStream stream) {
        Supervisor started =
                new Supervisor(
                        "rebackfill-" + with.stream().id(),
                        new RebackfillWork(stream, this),
                        with.clock(),
                        RestartPolicy.standard());
        synchronized (working) {
            live = stream;
            work = started;
        }
        started.start();
    }

    /// Ends the work beside the stream, which may end afterwards.
    public void end() {
        synchronized (working) {
            Supervisor running = work;
            if (running != null) {
                running.close(STOP_TIMEOUT);
                work = null;
            }
        }
    }

    @Override
    public void close() {
        end();
    }

    /// Begins to read rows again, or says what would be done.
    ///
    /// @throws RefusedException when that is not possible now; nothing was changed
    public synchronized Rebackfill request(Request request) {
        try {
            reload();
            Optional<StoredRebackfill> repeated =
                    request.requestKey().isPresent()
                            ? with.store().requested(request.requestKey().get())
                            : Optional.empty();
            if (repeated.isPresent()) {
                return view(repeated.get());
            }
            RefusedException.ifWrongPhase(with.phase().get(), request.expectedPhase());
            refusal(request, isFailed())
                    .ifPresent(
                            reason -> {
                                throw new RefusedException(reason);
                            });
            if (request.dryRun()) {
                return Rebackfill.planned(request.table());
            }
            return view(begun(request, true, generation()));
        } catch (OperationStore.Superseded _) {
            throw new RefusedException(
                    "Another process runs the migration now. Run the command against that process");
        } catch (SQLException e) {
            throw new DatabaseFailure("The re-backfill could not be written to the journal", e);
        }
    }

    /// Begins to read every row again before the stream runs, because its log is lost. The caller
    /// begins the next generation.
    ///
    /// @param latest the generation whose log is lost
    /// @throws RefusedException when that is not possible now; nothing was changed
    public synchronized void beginWithoutLog(int latest) throws SQLException {
        Request request =
                new Request(
                        Optional.empty(),
                        "The log is lost",
                        Optional.empty(),
                        Optional.empty(),
                        Optional.empty(),
                        false);
        if (!PHASES.contains(with.phase().get())) {
            throw new RefusedException(
                    "The log is lost, and rows are read again only while the application writes to the source and no operation moves it. Restore the migration's topics from a backup of Kafka, then start the service without --rebackfill.");
        }
        Optional<String> refusal = refusal(request, true);
        if (refusal.isPresent()) {
            throw new RefusedException(refusal.get() + ".");
        }
        begun(request, true, latest);
    }

    /// Begins to read a table again of which the stream lacks changes. While that is not possible,
    /// the table waits, and [#blocker] says so.
    synchronized void beginOfLost() throws SQLException {
        List<Lost> waiting = toRead().read();
        endOfPaused(waiting);
        for (Lost lost : waiting) {
            Request request =
                    new Request(
                            Optional.of(lost.target().toString()),
                            lost.reason(),
                            Optional.empty(),
                            Optional.empty(),
                            Optional.empty(),
                            false);
            if (!isPaused(request.table()) && refusal(request, isFailed()).isEmpty()) {
                reload();
                if (current.isEmpty()) {
                    begun(request, false, generation());
                }
                return;
            }
        }
    }

    /// A table that is paused may stay so for days, and others wait to be read again. What it has
    /// lost is still recorded, so another operation reads it when it continues.
    private void endOfPaused(List<Lost> waiting) throws SQLException {
        Optional<StoredRebackfill> now = current;
        boolean isPaused =
                now.flatMap(StoredRebackfill::target)
                        .filter(
                                target ->
                                        waiting.stream()
                                                .map(lost -> lost.target().toString())
                                                .anyMatch(target::equals))
                        .filter(target -> isPaused(Optional.of(target)))
                        .isPresent();
        if (isPaused) {
            finish(
                    now.orElseThrow(),
                    "The definition of the source table has changed; the rows are read again when the table continues",
                    with.phase().get());
        }
    }

    /// The journal decides: the answer to the statement that began or ended an operation may be
    /// lost.
    synchronized void reload() throws SQLException {
        current = with.store().unfinished();
    }

    /// The capture pauses the table a moment before it is shown as stopped.
    private boolean isPaused(Optional<String> table) {
        Set<TableId> paused =
                Objects.requireNonNull(live).stream().capture().paused().changes().keySet();
        return sources(table).stream().anyMatch(paused::contains);
    }

    private TablesToRead toRead() {
        return Objects.requireNonNull(live).stream().toRead();
    }

    private boolean isFailed() {
        return with.phase().get().equals("FAILED");
    }

    /// @param everyRow whether every row is read, whatever the stream lacks
    private StoredRebackfill begun(Request request, boolean everyRow, int generation)
            throws SQLException {
        boolean whole = request.table().isEmpty();
        String phase = with.phase().get();
        Optional<StoredRebackfill> before = current;
        if (before.isPresent()) {
            finish(before.get(), "The whole migration is read again instead", phase);
        }
        UUID id = UUID.randomUUID();
        if (request.table().isPresent()) {
            // Before the operation exists: one without its loss would read every row, and again.
            toRead().cover(request.table().get(), id, everyRow);
        }
        with.store()
                .begin(
                        new Beginning(
                                id,
                                request.table(),
                                whole ? generation + 1 : generation,
                                Step.of(whole).getFirst().id(),
                                request.who().orElse(with.service()),
                                request.reason(),
                                request.requestKey()),
                        phase);
        swept = Sweep.NOTHING;
        current = with.store().find(id);
        return current.orElseThrow();
    }

    private int generation() {
        return Objects.requireNonNull(live).generation().number();
    }

    /// @param isLost whether the stream cannot continue
    private Optional<String> refusal(Request request, boolean isLost) {
        String phase = with.phase().get();
        if (!PHASES.contains(phase)) {
            return Optional.of(
                    "Rows are read again only while the application writes to the source and no operation moves it; the migration is in the phase %s. Check 'millrace status'"
                            .formatted(phase));
        }
        if (with.stream().settings().backfill() == Backfill.ENGINE) {
            return Optional.of(
                    "Rows are read again in windows, but the file says 'backfill: engine'. Set 'backfill: windows', which may change during a migration, check it with 'millrace plan', and start the service again");
        }
        Optional<Mapping> unknown =
                mappings(request.table()).stream()
                        .filter(mapping -> mapping.mapper().keyOrigin().isEmpty())
                        .findFirst();
        if (unknown.isPresent()) {
            return Optional.of(
                    "The key of table %s does not say which row of the source it is, so Millrace cannot find rows that the source does not have. Empty the target and begin a new migration"
                            .formatted(unknown.get().target().table()));
        }
        if (request.table().isPresent() && isLost) {
            return Optional.of(
                    "The migration has failed, so one table alone cannot be read again. See the cause with 'millrace status'; 'millrace rebackfill' without --table reads every table again");
        }
        if (request.table().filter(this::isStopped).isPresent()) {
            return Optional.of(
                    "Table %s is stopped, so its rows would be read again but not applied. Remove the cause, see 'millrace status', run 'millrace resume --table %s', then run this command again. If its rows must be read again, run 'millrace rebackfill' without --table"
                            .formatted(request.table().get(), request.table().get()));
        }
        Optional<StoredRebackfill> now = current;
        // The stream can be lost again meanwhile: then every table is read again from the
        // beginning.
        if (now.isPresent()
                && (request.table().isPresent() || now.get().target().isEmpty() && !isLost)) {
            return Optional.of(
                    "The operation %s reads %s again and has not ended. Wait for its end, see 'millrace status'"
                            .formatted(now.get().id(), now.get().target().orElse("every table")));
        }
        return with.owner().getAsBoolean()
                ? Optional.empty()
                : Optional.of(
                        "This process does not have the migration's lock at this moment. Run 'millrace status' to see why, and run the command again when the target answers");
    }

    private boolean isStopped(String table) {
        return Objects.requireNonNull(live).lag().stopped().stream()
                .anyMatch(stopped -> stopped.table().toString().equals(table));
    }

    /// An operation that was begun at any time; empty for an unknown id.
    public Optional<Rebackfill> find(UUID id) {
        try {
            return with.store().find(id).map(this::view);
        } catch (SQLException e) {
            throw new DatabaseFailure("The journal cannot be read", e);
        }
    }

    /// Whether rows are read again, or are to be read again.
    public boolean isRunning() {
        LiveStream now = live;
        return current.isPresent() || now != null && !now.stream().toRead().isEmpty();
    }

    /// What the status shows.
    ///
    /// @param lost why the migration cannot continue before rows are read again
    public Optional<Rebackfill.Summary> summary(Optional<String> lost) {
        Optional<StoredRebackfill> now = current;
        return lost.isEmpty() && now.isEmpty()
                ? Optional.empty()
                : Optional.of(
                        new Rebackfill.Summary(
                                lost.orElse(null),
                                now.map(each -> each.id().toString()).orElse(null),
                                now.flatMap(StoredRebackfill::target).orElse(null),
                                now.map(StoredRebackfill::step).orElse(null)));
    }

    /// The generation that must begin, while that is the next step.
    public OptionalInt wantedGeneration() {
        return current.filter(now -> Step.of(now.step()) == Step.GENERATION)
                .map(now -> OptionalInt.of(now.generation()))
                .orElse(OptionalInt.empty());
    }

    /// Whether the backfill must not read yet. Rows that the source does not have are removed
    /// first: they may have the unique values of rows that are to be read.
    public boolean holdsReading() {
        return current.filter(now -> now.target().isEmpty())
                .map(now -> Step.of(now.step()))
                .filter(step -> step != Step.READ && step != Step.RETRY)
                .isPresent();
    }

    /// Why the migration is not in sync while rows are read again, or before.
    ///
    /// @param lost as for [#summary]
    public Optional<String> blocker(Optional<String> lost) {
        return current.map(this::blocker)
                .or(this::waiting)
                .or(
                        () ->
                                lost.map(
                                        _ ->
                                                "changes of the source are lost. Run 'millrace rebackfill', which reads every row again and empties no table"));
    }

    /// The first table that waits to be read again.
    private Optional<String> waiting() {
        LiveStream now = live;
        return now == null
                ? Optional.empty()
                : now.stream().toRead().known().stream()
                        .findFirst()
                        .map(
                                lost ->
                                        "rows of table %s are to be read again, because the stream lacks changes of them: %s"
                                                .formatted(lost.target(), lost.reason()));
    }

    private String blocker(StoredRebackfill now) {
        return "%s is read again (operation %s, step %s%s)%s"
                .formatted(
                        now.target().map(table -> "table " + table).orElse("every table"),
                        now.id(),
                        now.step(),
                        hindrance().map(reason -> ": " + reason).orElse(""),
                        now.reason().isBlank() ? "" : ": " + now.reason());
    }

    private Optional<String> hindrance() {
        Supervisor running = work;
        return running == null
                ? Optional.empty()
                : switch (running.state()) {
                    case ComponentState.Waiting waiting -> Optional.of(waiting.text());
                    case ComponentState.Failed failed -> Optional.of(failed.text());
                    case ComponentState.Starting _,
                            ComponentState.Running _,
                            ComponentState.Stopped _ ->
                            waitsFor.map(found -> "waits for " + found);
                };
    }

    private Rebackfill view(StoredRebackfill stored) {
        boolean isCurrent = current.filter(now -> now.id().equals(stored.id())).isPresent();
        Sweep now = isCurrent ? swept : Sweep.NOTHING;
        String note =
                switch (Step.of(stored.step())) {
                    case SWEEP -> Rebackfill.found(now);
                    case START -> waitsFor.map(found -> "waits for " + found).orElse("");
                    case GENERATION, BEGIN, READ, RETRY, DONE -> "";
                };
        return Rebackfill.of(stored, note);
    }

    /// The mappings that write a target table; all of them without one.
    List<Mapping> mappings(Optional<String> table) {
        return with.stream().tables().mappings().stream()
                .filter(
                        mapping ->
                                table.isEmpty()
                                        || table.get()
                                                .equals(
                                                        mapping.target()
                                                                .table()
                                                                .whole()
                                                                .toString()))
                .toList();
    }

    List<TableId> sources(Optional<String> table) {
        return mappings(table).stream().map(Mapping::source).distinct().sorted().toList();
    }

    Optional<StoredRebackfill> current() {
        return current;
    }

    void waitsFor(Optional<String> found) {
        waitsFor = found;
    }

    /// Adds to the sweep that runs, or begins another.
    void swept(Sweep now) {
        swept = now;
    }

    /// Journals that a step is done.
    synchronized void reached(StoredRebackfill done) throws SQLException {
        if (!current.equals(Optional.of(done))) {
            // Another request took its place.
            return;
        }
        Step next = Step.of(done.step()).next(done.target().isEmpty());
        if (next == Step.DONE) {
            toRead().done(done.id());
            finish(
                    done,
                    "%s was read again; %s"
                            .formatted(
                                    done.target().orElse("Every table"),
                                    Rebackfill.found(done.sweep())),
                    with.phase().get());
        } else {
            boolean sweeps = Step.of(done.step()) == Step.SWEEP;
            with.store()
                    .enter(
                            done,
                            new Reached(next.id(), sweeps ? swept : done.sweep(), "", false),
                            with.phase().get());
            current = with.store().find(done.id());
        }
    }

    private void finish(StoredRebackfill done, String outcome, String phase) throws SQLException {
        with.store().enter(done, new Reached(Step.DONE.id(), done.sweep(), outcome, true), phase);
        current = Optional.empty();
    }
}
