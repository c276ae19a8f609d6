package dev.millrace.http;

import dev.millrace.http.MigrationHost.ServedMigration.Opening;
import dev.millrace.lifecycle.Fault;
import dev.millrace.migration.MigrationControl;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.availability.AvailabilityChangeEvent;
import org.springframework.boot.availability.LivenessState;
import org.springframework.context.ApplicationEventPublisher;
import org.springframework.context.SmartLifecycle;

/// Ties the migration to the application context. It begins last, so that a port in use is found
/// before a slot is made, and ends first, so that the status can be read while it drains. The
/// context's thread starts and stops it; the rest may be called from any thread.
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

    /// Opening may take long; the process is alive all the while.
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
            LOG.info("drained");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            drained = false;
            LOG.error("interrupted while draining; the next start takes up what is durable");
        } catch (Exception e) {
            drained = false;
            LOG.atError()
                    .setCause(Fault.of(e))
                    .log("not drained in full; the next start takes up what is durable");
        } finally {
            stopped.countDown();
        }
    }

    @Override
    public boolean isRunning() {
        return served != null && stopped.getCount() > 0;
    }

    /// @throws NotReadyException when the migration is still being opened
    MigrationControl control() {
        return running()
                .orElseThrow(
                        () ->
                                new NotReadyException(
                                        "starting",
                                        "The migration is being started; ask again in a moment."));
    }

    /// @throws NotReadyException when nothing new may begin
    MigrationControl controlForChange() {
        if (draining) {
            throw new NotReadyException(
                    "draining", "The service is draining; ask again when it runs again.");
        }
        return control();
    }

    /// Also while it drains.
    public Optional<MigrationControl> running() {
        ServedMigration open = served;
        return open == null ? Optional.empty() : Optional.of(open.control());
    }

    public boolean ready() {
        return !draining && running().map(MigrationControl::ready).orElse(false);
    }

    /// Waits, and tells whether all was closed without a fault.
    public boolean awaitDrained() throws InterruptedException {
        stopped.await();
        return drained;
    }

    static final class NotReadyException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        private final String state;

        /// @param state a word for programs
        NotReadyException(String state, String message) {
            super(message);
            this.state = state;
        }

        String state() {
            return state;
        }
    }

    /// Carries what kept the migration from opening through the context's start.
    public static final class OpeningFailed extends RuntimeException {

        private static final long serialVersionUID = 1L;

        private final Exception reason;

        OpeningFailed(Exception reason) {
            super("the migration was not opened", reason);
            this.reason = reason;
        }

        public Exception reason() {
            return reason;
        }
    }

    /// A migration that runs and what runs with it. Closing it drains; that is done once, by the
    /// service, while the status can still be read.
    public interface ServedMigration extends AutoCloseable {

        MigrationControl control();

        @Override
        void close() throws Exception;

        /// Builds and starts what is served, when the port is the service's own.
        @FunctionalInterface
        interface Opening {

            /// Called once, by the thread that starts the service.
            ///
            /// @throws Exception whatever keeps it from starting; [MillraceService#start] hands it
            ///   on
            ServedMigration open() throws Exception;
        }
    }
}
