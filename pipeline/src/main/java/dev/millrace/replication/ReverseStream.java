package dev.millrace.replication;

import dev.millrace.apply.TargetApplier;
import dev.millrace.apply.origin.SessionOrigin.OriginUse;
import dev.millrace.apply.sql.IncompleteRows;
import dev.millrace.capture.SourceCapture;
import dev.millrace.capture.origin.ChangeOrigins.Foreign;
import dev.millrace.control.ControlSchema;
import dev.millrace.control.GenerationStore.Generation;
import dev.millrace.control.SourceUseStore;
import dev.millrace.control.StoredOffsets;
import dev.millrace.lifecycle.ComponentState;
import dev.millrace.lifecycle.Incident;
import dev.millrace.lifecycle.Reason;
import dev.millrace.postgres.StreamObjects;
import dev.millrace.reconcile.StartPosition;
import dev.millrace.reconcile.pass.Reconciler;
import dev.millrace.reconcile.touched.TouchedBasis;
import dev.millrace.spec.SpecResult;
import dev.millrace.stream.ReplicationStream;
import dev.millrace.switchover.StreamProgress;
import dev.millrace.switchover.StreamProgress.Attempt;
import dev.millrace.switchover.StreamProgress.Proof;
import dev.millrace.switchover.SwitchoverOperation.ReturnPath;
import dev.millrace.usage.SourceUse;
import dev.millrace.usage.UseStatistics;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The stream from the target back to the source. Each arming begins a generation with a new slot:
/// both sides have the same rows then, so none is read, and no table is emptied. Its control schema
/// is on the source. Thread-safe.
public final class ReverseStream implements ReturnPath, AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(ReverseStream.class);

    /// How long arming may wait for transactions on the target. The application notices nothing.
    private static final Duration ARM_LIMIT = Duration.ofMinutes(5);

    /// How long the forward stream may need to open sessions that mark what they write.
    private static final Duration MARK_LIMIT = Duration.ofSeconds(30);

    private static final Duration INTERVAL = Duration.ofMillis(50);

    private final LiveStream.Equipment with;
    private final SpecResult.Valid file;
    private final Supplier<LiveStream> forward;
    private final GenerationStart generations;
    private final CountDownLatch closed = new CountDownLatch(1);
    private volatile @Nullable LiveStream running;

    /// Changes of others that the forward stream had captured when the source was closed.
    private volatile long changesBefore;

    /// Since when this process counts the applied rows of each table; empty: since the arming.
    private volatile Optional<Instant> countsSince = Optional.empty();

    private volatile TouchedBasis basis =
            new TouchedBasis.Missing("the service was restarted since the switchover");

    /// @param forward the forward stream, which marks what it writes while this stream is armed
    public ReverseStream(
            LiveStream.Equipment with, SpecResult.Valid file, Supplier<LiveStream> forward) {
        this.with = with;
        this.file = file;
        this.forward = forward;
        this.generations = new GenerationStart(with.stream(), file, with.broker());
    }

    /// The last change of the source that this stream did not write since the source was closed.
    /// Such a change passed the fence.
    public Optional<Foreign> breach() {
        SourceCapture capture = forward.get().stream().capture();
        return capture.changesOfOthers() > changesBefore
                ? capture.lastOfOthers()
                : Optional.empty();
    }

    /// The states of its components, in the order of the data; empty while the stream is not armed.
    public Map<String, ComponentState> components() {
        Map<String, ComponentState> components = new LinkedHashMap<>();
        running()
                .map(LiveStream::stream)
                .ifPresent(
                        now -> {
                            components.put("capture", now.capture().state());
                            components.put("backfill", now.backfillState());
                            components.put("mappings", now.mappings().state());
                            components.put("applier", now.applier().state());
                        });
        return components;
    }

    /// What runs; empty while the stream is not armed.
    public Optional<LiveStream> running() {
        return Optional.ofNullable(running);
    }

    public ReplicationStream stream() {
        return with.stream();
    }

    /// Since when the counts of this process by table hold; empty if no row was applied before.
    public Optional<Instant> countsSince() {
        return countsSince;
    }

    /// Whether a rollback reads all rows of both sides, because the keys that the switchover found
    /// equal are not known any more.
    public boolean comparesAllRows() {
        return basis instanceof TouchedBasis.Missing;
    }

    @Override
    public Optional<String> prepare() {
        try {
            return switch (ControlSchema.migrate(
                    () -> with.stream().control().connect("control"))) {
                case ControlSchema.Outcome.Refused(String reason) -> Optional.of(reason);
                case ControlSchema.Outcome.Ready _ -> Optional.empty();
            };
        } catch (SQLException e) {
            return Optional.of(
                    "The control schema cannot be created on the source: " + Reason.of(e) + ".");
        }
    }

    @Override
    public Optional<String> arm(Attempt attempt) throws InterruptedException {
        Optional<String> unmarked = awaitMarks(attempt);
        if (unmarked.isPresent()) {
            return unmarked;
        }
        stop();
        countsSince = Optional.empty();
        try {
            incomplete().create();
            uses().forget();
            start(generations.beginWithEqualSides());
        } catch (SQLException | RefusedException e) {
            return Optional.of(
                    "The replication back to the source cannot begin: "
                            + Incident.reason(LOG, "the reverse stream cannot begin", e)
                            + ".");
        }
        return awaitCanary(attempt);
    }

    /// The changes that the forward stream writes must not come back.
    private Optional<String> awaitMarks(Attempt attempt) throws InterruptedException {
        TargetApplier applier = forward.get().stream().applier();
        applier.reopenSessions(OriginUse.REQUIRED);
        Instant end = with.clock().instant().plus(MARK_LIMIT);
        while (!applier.marksItsTransactions()) {
            if (attempt.cancelled().getAsBoolean() || !with.clock().instant().isBefore(end)) {
                return Optional.of(
                        "The replication to the target does not mark its rows, so they would come back to the source: "
                                + applier.unmarkedBecause().orElseGet(() -> applier.state().text())
                                + ".");
            }
            if (closed.await(INTERVAL.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new InterruptedException();
            }
        }
        return Optional.empty();
    }

    private IncompleteRows incomplete() {
        ReplicationStream stream = with.stream();
        return new IncompleteRows(stream.control(), stream.tables().rules());
    }

    private void start(Generation generation) {
        running = LiveStream.start(with, generation, _ -> List.of());
    }

    private Optional<String> awaitCanary(Attempt attempt) throws InterruptedException {
        Instant end = with.clock().instant().plus(ARM_LIMIT);
        Attempt limited = new Attempt(attempt.operation(), end, attempt.cancelled());
        while (!isReady()) {
            Optional<String> ended = ended();
            if (ended.isPresent()) {
                return ended;
            }
            if (limited.giveUp(with.clock()).getAsBoolean()) {
                return Optional.of(
                        "The replication back to the source did not begin within %d minutes (%s). If older transactions run on the target, end them, then start the switchover again."
                                .formatted(ARM_LIMIT.toMinutes(), state()));
            }
            if (closed.await(INTERVAL.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new InterruptedException();
            }
        }
        try (StreamProgress progress = progress()) {
            return progress.awaitApplied(progress.emitWatermark(), limited)
                    .map(
                            why ->
                                    "A watermark that was written to the target's WAL did not arrive on the source: "
                                            + why
                                            + ".");
        }
    }

    private boolean isReady() {
        LiveStream now = live();
        return now.stream().capture().state().isRunning(ComponentState.Activity.STREAMING)
                && now.stream().backfill().filter(read -> read.isComplete()).isPresent();
    }

    private String state() {
        return live().stream().capture().state().text();
    }

    /// Why no further change arrives; empty while one may.
    public Optional<String> ended() {
        return components().values().stream()
                .filter(ComponentState.Failed.class::isInstance)
                .map(ComponentState::text)
                .findFirst();
    }

    private LiveStream live() {
        return running()
                .orElseThrow(
                        () ->
                                new IllegalStateException(
                                        "The replication back to the source does not run."));
    }

    /// The stream as a rollback sees it.
    public StreamProgress progress() {
        return new SwitchoverStream(
                with.stream(),
                this::live,
                this::ended,
                with.stream().chunker("reconcile", Duration.ZERO),
                Reconciler.Subject.back(with.stream().name(), file),
                basis,
                with.clock());
    }

    @Override
    public void proved(Proof.Equal equal) {
        LiveStream now = live();
        changesBefore = forward.get().stream().capture().changesOfOthers();
        basis =
                new TouchedBasis.Usable(
                        with.clock().instant(),
                        new StartPosition(
                                now.generation().number(),
                                with.broker()
                                        .ends(
                                                with.stream().topics().changes(),
                                                with.stream().partitions()),
                                equal.to(),
                                equal.from()),
                        with.stream().tables().compared().stream()
                                .map(each -> each.target().table().toString())
                                .collect(Collectors.toSet()));
    }

    /// Without the statistics, nobody knows later whether the source is still used.
    @Override
    public void left() {
        try {
            uses().keep(sourceUse().read().json());
        } catch (SQLException | RuntimeException e) {
            LOG.atWarn()
                    .addKeyValue("migration", with.stream().name())
                    .addKeyValue(
                            "reason", Incident.reason(LOG, "the statistics could not be read", e))
                    .log("Statistics of the source could not be stored: 'complete' will ask.");
        }
    }

    /// What the statistics of the source counted when the application had left it; empty if they
    /// could not be read then.
    public Optional<UseStatistics> useBefore() throws SQLException {
        return uses().read().map(UseStatistics::parse);
    }

    /// What they count now.
    public UseStatistics useNow() {
        return sourceUse().read();
    }

    private SourceUse sourceUse() {
        return new SourceUse(
                with.stream().target().database(),
                with.stream().tables().targetIds(),
                with.stream().target().compared().username());
    }

    private SourceUseStore uses() {
        return new SourceUseStore(with.stream().control(), with.stream().id());
    }

    /// Continues after a restart what was armed before.
    public void resume() throws SQLException {
        if (running == null) {
            long before =
                    new StoredOffsets(with.stream().id(), with.stream().topics().target())
                            .read(with.stream().control())
                            .rowsApplied();
            countsSince = Optional.of(with.clock().instant()).filter(_ -> before > 0);
            start(generations.resume());
        }
    }

    private void stop() {
        LiveStream now = running;
        running = null;
        if (now != null) {
            now.close();
        }
    }

    @Override
    public void disarm() throws SQLException {
        stop();
        forward.get().stream().applier().reopenSessions(OriginUse.IF_PERMITTED);
        incomplete().drop();
        ReplicationStream stream = with.stream();
        new StreamObjects(
                        stream.source().database(),
                        List.of(stream.id()),
                        List.of(stream.slot()),
                        List.of(stream.publication()))
                .dropPublished();
    }

    /// Ends the components. What is armed stays armed.
    @Override
    public void close() {
        closed.countDown();
        stop();
    }
}
