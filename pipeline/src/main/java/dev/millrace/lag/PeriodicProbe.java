package dev.millrace.lag;

import dev.millrace.lifecycle.Failure;
import dev.millrace.lifecycle.FailureClassifier;
import dev.millrace.lifecycle.Fault;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Does one thing again and again on a thread of its own and remembers when it last succeeded. A
/// server that hangs shows itself by silence, one that refuses by its reason. Any thread may ask.
public final class PeriodicProbe implements AutoCloseable {

    /// One round; whatever it throws is trouble, and the next round begins anew.
    @FunctionalInterface
    public interface Round {
        void run() throws Exception;
    }

    /// @param failure what the server said, or that it says nothing
    public record Trouble(Failure.Recoverable failure, Instant since) {}

    private static final Logger LOG = LoggerFactory.getLogger(PeriodicProbe.class);
    private static final Duration SILENCE = Duration.ofSeconds(5);
    private static final Duration STOP_TIMEOUT = Duration.ofSeconds(2);

    private final InstantSource clock;
    private final Duration interval;
    private final Round round;
    private final Runnable release;
    private final CountDownLatch stop = new CountDownLatch(1);
    private final Thread thread;
    private volatile Instant lastSuccess;
    private volatile @Nullable Trouble trouble;

    private PeriodicProbe(
            String name, Duration interval, InstantSource clock, Round round, Runnable release) {
        this.clock = clock;
        this.interval = interval;
        this.round = round;
        this.release = release;
        this.lastSuccess = clock.instant();
        this.thread = Thread.ofPlatform().daemon(true).name(name).unstarted(this::loop);
    }

    /// @param release lets go of what a failed round may have left, before the next one
    public static PeriodicProbe start(
            String name, Duration interval, InstantSource clock, Round round, Runnable release) {
        PeriodicProbe watch = new PeriodicProbe(name, interval, clock, round, release);
        watch.thread.start();
        return watch;
    }

    /// What is the matter now, if anything. A closed watch knows of nothing.
    public Optional<Trouble> trouble() {
        if (stop.getCount() == 0) {
            return Optional.empty();
        }
        Trouble known = trouble;
        if (known != null) {
            return Optional.of(known);
        }
        Instant success = lastSuccess;
        boolean silent =
                Duration.between(success, clock.instant()).compareTo(SILENCE.plus(interval)) > 0;
        return silent
                ? Optional.of(
                        new Trouble(
                                new Failure.Retry("it has not answered since " + success), success))
                : Optional.empty();
    }

    @Override
    public void close() throws InterruptedException {
        stop.countDown();
        thread.interrupt();
        thread.join(STOP_TIMEOUT);
    }

    private void loop() {
        try {
            do {
                once();
            } while (!stop.await(interval.toMillis(), TimeUnit.MILLISECONDS));
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        } finally {
            release.run();
        }
    }

    private void once() throws InterruptedException {
        try {
            round.run();
            lastSuccess = clock.instant();
            trouble = null;
        } catch (InterruptedException e) {
            throw e;
        } catch (Exception | Error e) {
            Trouble before = trouble;
            Failure failure = FailureClassifier.of(e);
            if (before == null && failure instanceof Failure.Unexplained) {
                LOG.atError().setCause(Fault.of(e)).log("a probe failed unexpectedly");
            }
            trouble =
                    new Trouble(
                            failure.waiting(), before == null ? clock.instant() : before.since());
            release.run();
        }
    }
}
