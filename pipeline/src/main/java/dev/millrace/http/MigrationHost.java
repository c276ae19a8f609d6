package dev.millrace.http;

import dev.millrace.ending.Ending;
import dev.millrace.ending.MigrationEnd;
import dev.millrace.http.MigrationHost.ServedMigration.Opening;
import dev.millrace.lifecycle.Fault;
import dev.millrace.migration.MigrationControl;
import dev.millrace.preview.RowPreview;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.availability.AvailabilityChangeEvent;
import org.springframework.boot.availability.LivenessState;
import org.springframework.context.ApplicationEventPublisher;
import org.springframework.context.SmartLifecycle;

/// Binds the migration to the life cycle of the application context. It starts last, so that a port
/// in use is found before a slot is created. It stops first, so that the status can be read while
/// it drains. The context's thread calls `start` and `stop`; all other methods are thread-safe.
public final class MigrationHost implements SmartLifecycle {

    private static final Logger LOG = LoggerFactory.getLogger(MigrationHost.class);

    private final Opening opening;
    private final ApplicationEventPublisher events;
    private final CountDownLatch stopped = new CountDownLatch(1);
    private volatile @Nullable ServedMigration served;
    private volatile boolean draining;
    private volatile boolean drained = true;

    public MigrationHost(Opening opening, ApplicationEventPublisher events) {
        this.opening = opening;
        this.events = events;
    }

    @Override
    public int getPhase() {
        return Integer.MAX_VALUE;
    }

    /// Reports liveness first, because opening a migration can take long.
    @Override
    public void start() {
        AvailabilityChangeEvent.publish(events, this, LivenessState.CORRECT);
        try {
            served = opening.open();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new OpeningFailed(e);
        } catch (Exception e) {
            throw new OpeningFailed(e);
        }
    }

    @Override
    public void stop() {
        ServedMigration open = served;
        if (open == null || draining) {
            return;
        }
        draining = true;
        LOG.info("draining");
        try {
            open.close();
            drained = !Thread.currentThread().isInterrupted();
            if (drained) {
                LOG.info("drained");
            } else {
                LOG.error(
                        "interrupted while draining; the next start continues from the stored"
                                + " positions");
            }
        } catch (RuntimeException e) {
            drained = false;
            LOG.atError()
                    .setCause(Fault.of(e))
                    .log("drain failed; the next start continues from the stored positions");
        } finally {
            stopped.countDown();
        }
    }

    @Override
    public boolean isRunning() {
        return served != null && stopped.getCount() > 0;
    }

    /// @throws NotReadyException while the migration is starting
    MigrationControl control() {
        return running()
                .orElseThrow(
                        () ->
                                new NotReadyException(
                                        "starting",
                                        "The migration is starting. Retry in a moment."));
    }

    /// @throws NotReadyException while the migration is starting or draining
    MigrationControl controlForChange() {
        if (draining) {
            throw new NotReadyException(
                    "draining", "The service is draining. Retry when it runs again.");
        }
        return control();
    }

    /// @throws NotReadyException while the migration is starting or draining
    public MigrationEnd endForChange() {
        controlForChange();
        return Objects.requireNonNull(served, "an open migration").end();
    }

    /// What the migration is.
    ///
    /// @throws NotReadyException while the migration is starting
    public MigrationDefinition definition() {
        control();
        return Objects.requireNonNull(served, "an open migration").definition();
    }

    /// Rows of the source with what becomes of them.
    ///
    /// @throws NotReadyException while the migration is starting or draining
    public RowPreview preview() {
        controlForChange();
        return Objects.requireNonNull(served, "an open migration").preview();
    }

    /// The operation with this id that ends the migration.
    public Optional<Ending> ending(UUID id) {
        ServedMigration open = served;
        return open == null ? Optional.empty() : open.end().ending(id);
    }

    /// The open migration, also while it drains.
    public Optional<MigrationControl> running() {
        ServedMigration open = served;
        return open == null ? Optional.empty() : Optional.of(open.control());
    }

    public boolean ready() {
        return !draining && running().map(MigrationControl::ready).orElse(false);
    }

    /// Waits for the drain and returns whether it completed without a failure.
    public boolean awaitDrained() throws InterruptedException {
        stopped.await();
        return drained;
    }

    static final class NotReadyException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        private final String state;

        /// @param state state for programs, such as `starting`
        NotReadyException(String state, String message) {
            super(message);
            this.state = state;
        }

        String state() {
            return state;
        }
    }

    /// Carries the reason why the migration was not opened through the start of the context.
    public static final class OpeningFailed extends RuntimeException {

        private static final long serialVersionUID = 1L;

        private final Exception reason;

        OpeningFailed(Exception reason) {
            super("The migration was not opened.", reason);
            this.reason = reason;
        }

        public Exception reason() {
            return reason;
        }
    }

    /// A running migration with its resources. `close` drains it; the service calls it once, while
    /// the status can still be read.
    public interface ServedMigration extends AutoCloseable {

        MigrationControl control();

        MigrationEnd end();

        MigrationDefinition definition();

        default RowPreview preview() {
            return RowPreview.NONE;
        }

        @Override
        void close();

        /// Builds and starts the migration after the service has bound its port.
        @FunctionalInterface
        interface Opening {

            /// Called once by the thread that starts the service.
            ///
            /// @throws Exception if the migration cannot start; [MillraceService#start] rethrows it
            ServedMigration open() throws Exception;
        }
    }
}
