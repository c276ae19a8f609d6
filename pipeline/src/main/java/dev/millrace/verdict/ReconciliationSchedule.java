package dev.millrace.verdict;

import dev.millrace.lag.PeriodicProbe;
import dev.millrace.reconcile.ReplicationProgress;
import dev.millrace.spec.reconcile.ReconcileSetting;
import dev.millrace.spec.reconcile.Schedule;
import dev.millrace.verdict.Reconciliations.Method;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Begins the reconciliations that need no request: those that were interrupted, and those of the
/// schedule. It begins none while both sides cannot be compared, and none while another one waits
/// or runs; one that was due meanwhile begins afterwards, once. Thread-safe.
public final class ReconciliationSchedule implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(ReconciliationSchedule.class);
    private static final Duration INTERVAL = Duration.ofSeconds(1);

    private final Map<Method, Schedule> schedules = new EnumMap<>(Method.class);
    private final Supplier<Optional<Sides>> ready;
    private final InstantSource clock;
    private final Instant since;
    private @Nullable PeriodicProbe probe;

    /// When this process last requested one. A failed one leaves no report.
    private final Map<Method, Instant> requested = new EnumMap<>(Method.class);

    /// Two sides that can be compared now.
    public interface Sides {

        /// Whether a reconciliation waits or runs.
        boolean isBusy();

        /// When the last reconciliation of all tables began; empty before the first one.
        ///
        /// @param method one of all rows is one of touched keys too
        Optional<Instant> lastBegan(Method method);

        /// Continues the reconciliation that was interrupted, if there is one.
        void continueInterrupted();

        /// @param targets tables of the migration's target; all if empty
        UUID request(List<String> targets, Method method);
    }

    /// The sides of a running stream.
    public record OfStream(Reconciliations of, int generation, ReplicationProgress progress)
            implements Sides {

        @Override
        public boolean isBusy() {
            return of.isBusy();
        }

        @Override
        public Optional<Instant> lastBegan(Method method) {
            return of.lastBegan(generation, method);
        }

        @Override
        public void continueInterrupted() {
            of.continueInterrupted(generation, progress);
        }

        @Override
        public UUID request(List<String> targets, Method method) {
            return of.request(generation, targets, method, progress);
        }
    }

    /// @param ready empty while both sides cannot be compared
    public ReconciliationSchedule(
            ReconcileSetting setting, Supplier<Optional<Sides>> ready, InstantSource clock) {
        schedules.put(Method.ALL_ROWS, setting.schedule());
        schedules.put(Method.TOUCHED_KEYS, setting.incremental());
        this.ready = ready;
        this.clock = clock;
        this.since = clock.instant();
    }

    public void start() {
        probe = PeriodicProbe.start("schedule", INTERVAL, clock, this::check, () -> {});
    }

    /// Begins what is due now.
    synchronized void check() {
        Optional<Sides> sides = ready.get();
        if (sides.isPresent() && !sides.get().isBusy()) {
            sides.get().continueInterrupted();
            schedules.forEach(
                    (method, schedule) -> {
                        if (!sides.get().isBusy() && isDue(sides.get(), method, schedule)) {
                            request(sides.get(), method);
                        }
                    });
        }
    }

    /// One of all rows is one of touched keys too.
    private void request(Sides sides, Method method) {
        Instant now = clock.instant();
        requested.put(Method.TOUCHED_KEYS, now);
        requested.put(method, now);
        LOG.atInfo()
                .addKeyValue("reconciliation", sides.request(List.of(), method))
                .log("A reconciliation of the schedule begins.");
    }

    /// An interval without a last time is over; a calendar counts from the start.
    private boolean isDue(Sides sides, Method method, Schedule schedule) {
        Optional<Instant> last = sides.lastBegan(method);
        Instant asked = requested.get(method);
        if (asked != null && last.filter(began -> began.isAfter(asked)).isEmpty()) {
            last = Optional.of(asked);
        }
        Instant now = clock.instant();
        return switch (schedule) {
            case Schedule.Never _ -> false;
            case Schedule.Every every ->
                    last.flatMap(every::after).map(next -> !now.isBefore(next)).orElse(true);
            case Schedule.Cron cron ->
                    cron.after(last.orElse(since)).filter(next -> !now.isBefore(next)).isPresent();
        };
    }

    @Override
    public void close() {
        if (probe != null) {
            probe.close();
        }
    }
}
