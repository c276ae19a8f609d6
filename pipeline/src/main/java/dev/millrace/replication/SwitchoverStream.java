package dev.millrace.replication;

import dev.millrace.change.TableId;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.control.StoredOffsets;
import dev.millrace.digest.Chunker;
import dev.millrace.kafka.ChangeLog;
import dev.millrace.lifecycle.Reason;
import dev.millrace.reconcile.Cancellation;
import dev.millrace.reconcile.ReconcileContext.ReconcileLimits;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.reconcile.ReplicationProgress.Wait;
import dev.millrace.reconcile.StartPosition.Servers;
import dev.millrace.reconcile.pass.Reconciler;
import dev.millrace.reconcile.touched.TouchedBasis;
import dev.millrace.reconcile.touched.TouchedReconciliation;
import dev.millrace.reconcile.touched.TouchedReconciliation.Limit;
import dev.millrace.reconcile.touched.TouchedReconciliation.Table;
import dev.millrace.reconcile.touched.TouchedReport;
import dev.millrace.sql.Relation;
import dev.millrace.stream.ReplicationStream;
import dev.millrace.switchover.StreamProgress;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/// A running stream and the comparison of its sides, for one move of the traffic. Not thread-safe;
/// confined to the operation's thread.
public final class SwitchoverStream implements StreamProgress {

    /// Each reading delays the application's first write on the other side by this at most.
    private static final Duration INTERVAL = Duration.ofMillis(10);

    /// How long the comparison in advance may take; the application writes meanwhile.
    private static final Duration PREPARATION = Duration.ofMinutes(30);

    /// What is written meanwhile is compared under the fence in a fraction of this time.
    private static final Duration SHORT_ROUND = Duration.ofSeconds(1);

    private final ReplicationStream stream;
    private final Supplier<LiveStream> live;
    private final Supplier<Optional<String>> blocked;
    private final Chunker chunker;
    private final Reconciler.Subject subject;
    private final InstantSource clock;
    private final StoredOffsets offsets;
    private TouchedBasis basis;

    /// @param live the running stream, asked for at each call
    /// @param blocked why no further change can arrive, as far as that is known
    /// @param basis what the verdict builds on
    public SwitchoverStream(
            ReplicationStream stream,
            Supplier<LiveStream> live,
            Supplier<Optional<String>> blocked,
            Chunker chunker,
            Reconciler.Subject subject,
            TouchedBasis basis,
            InstantSource clock) {
        this.stream = stream;
        this.live = live;
        this.blocked = blocked;
        this.chunker = chunker;
        this.subject = subject;
        this.clock = clock;
        this.offsets = new StoredOffsets(stream.id(), stream.topics().target());
        this.basis = basis;
    }

    private LiveReplicationProgress progress() {
        return live.get().live(blocked);
    }

    @Override
    public WatermarkNumber emitWatermark() {
        return progress().emitWatermark().number();
    }

    @Override
    public long changesOfOthers() {
        return live.get().stream().capture().changesOfOthers();
    }

    @Override
    public Optional<String> awaitApplied(WatermarkNumber watermark, Attempt attempt) {
        LiveReplicationProgress progress = progress();
        BooleanSupplier giveUp = attempt.giveUp(clock);
        Optional<String> waited = awaitStored(progress, watermark, giveUp);
        if (waited.isPresent()
                || !progress.capture().incompleteKeys().isIncompleteAt(watermark.number())) {
            return waited;
        }
        Cancellation cancellation = new Cancellation();
        try (Watch _ = new Watch(giveUp, cancellation)) {
            return switch (progress.awaitApplied(watermark, cancellation)) {
                case Wait.Applied _ -> Optional.empty();
                case Wait.GivenUp(String reason) -> Optional.of(reason);
            };
        }
    }

    /// Reads the stored offsets itself, because the probes of the lag are too rare, and in one
    /// session: to open one takes longer than the interval.
    private Optional<String> awaitStored(
            LiveReplicationProgress progress, WatermarkNumber watermark, BooleanSupplier giveUp) {
        try (StoredOffsets.Reader reader = offsets.reader(stream.control())) {
            while (true) {
                if (reader.read()
                        .appliedWatermark()
                        .filter(number -> number.compareTo(watermark) >= 0)
                        .isPresent()) {
                    return Optional.empty();
                }
                Optional<String> blocked = progress.blocked().get();
                if (blocked.isPresent()) {
                    return blocked;
                }
                if (giveUp.getAsBoolean()) {
                    return Optional.of("the time is over, or the operation was cancelled");
                }
                if (!progress.lag().awaitProbe(INTERVAL)) {
                    return Optional.of("the service is stopping");
                }
            }
        } catch (SQLException e) {
            return Optional.of("the database that is written does not answer: " + Reason.of(e));
        }
    }

    /// Rehearses the comparison under the fence, and repeats the one in advance while that leaves
    /// less for the other: each round compares what was written during the one before.
    @Override
    public Optional<String> prepareVerdict(Attempt attempt) {
        chunker.keepConnections();
        Cancellation cancellation = new Cancellation();
        try (Watch _ = new Watch(attempt.cancelled(), cancellation)) {
            Limit limit = new Limit(cancellation, clock.instant().plus(PREPARATION));
            // Before the rounds: what is written meanwhile is left to them.
            boolean rehearsed = rehearse(limit);
            Duration before = PREPARATION;
            while (true) {
                Instant started = clock.instant();
                TouchedReport report = comparison().prepare(tables(), basis, limit);
                basis = report.next();
                Optional<String> doubt = doubt(report);
                Duration took = Duration.between(started, clock.instant());
                if (doubt.isPresent() || !isWorthARound(took, before)) {
                    if (!rehearsed) {
                        rehearse(limit);
                    }
                    return doubt;
                }
                before = took;
            }
        }
    }

    private boolean rehearse(Limit limit) {
        if (basis instanceof TouchedBasis.Usable usable) {
            comparison().rehearse(tables(), usable, limit);
            return true;
        }
        return false;
    }

    /// Whether another round of the preparation is clearly shorter than the last one, which was
    /// still long. Not for ever: each round must take less than half of the one before.
    static boolean isWorthARound(Duration took, Duration before) {
        return took.compareTo(SHORT_ROUND) > 0 && took.multipliedBy(2).compareTo(before) < 0;
    }

    @Override
    public Proof prove(WatermarkNumber applied, Attempt attempt) {
        Cancellation cancellation = new Cancellation();
        try (Watch _ = new Watch(attempt.cancelled(), cancellation)) {
            Instant deadline = clock.instant().plus(attempt.left(clock));
            TouchedReport report =
                    comparison()
                            .finish(tables(), basis, applied, new Limit(cancellation, deadline));
            return doubt(report)
                    .<Proof>map(Proof.Missing::new)
                    .or(() -> report.servers().map(SwitchoverStream::equal))
                    .orElseGet(() -> new Proof.Missing("a server could not be read"));
        }
    }

    private static Proof equal(Servers servers) {
        return new Proof.Equal(servers.source(), servers.target());
    }

    @Override
    public void close() {
        chunker.releaseConnections();
    }

    private static Optional<String> doubt(TouchedReport report) {
        return report.verdict() == Verdict.EQUAL
                ? Optional.empty()
                : Optional.of(
                        report.tables().stream()
                                .filter(table -> table.report().verdict() != Verdict.EQUAL)
                                .map(
                                        table ->
                                                "table %s is %s (%d rows differ%s)"
                                                        .formatted(
                                                                table.report().target(),
                                                                table.report().verdict().word(),
                                                                table.report().differences(),
                                                                table.report().cause() == null
                                                                        ? ""
                                                                        : "; "
                                                                                + table.report()
                                                                                        .cause()))
                                .collect(Collectors.joining(", ")));
    }

    private TouchedReconciliation comparison() {
        return new TouchedReconciliation(
                subject,
                progress(),
                new Reconciler.Sources(chunker, new ChangeLog(stream.kafka(), stream.topics())),
                ReconcileLimits.DEFAULT,
                clock);
    }

    private List<Table> tables() {
        Map<TableId, Relation> sources =
                stream.tables().sources().stream()
                        .collect(Collectors.toMap(Relation::id, Function.identity()));
        return stream.tables().compared().stream()
                .map(
                        mapping ->
                                new Table(
                                        mapping,
                                        Objects.requireNonNull(sources.get(mapping.source()))))
                .toList();
    }

    /// Requests a cancellation when a condition becomes true.
    private static final class Watch implements AutoCloseable {

        private final CountDownLatch closed = new CountDownLatch(1);

        Watch(BooleanSupplier condition, Cancellation cancellation) {
            Thread.ofVirtual()
                    .name("switchover-cancel")
                    .start(
                            () -> {
                                while (!isClosed()) {
                                    if (condition.getAsBoolean()) {
                                        cancellation.request();
                                        return;
                                    }
                                }
                            });
        }

        private boolean isClosed() {
            try {
                return closed.await(INTERVAL.toMillis(), TimeUnit.MILLISECONDS);
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
                return true;
            }
        }

        @Override
        public void close() {
            closed.countDown();
        }
    }
}
