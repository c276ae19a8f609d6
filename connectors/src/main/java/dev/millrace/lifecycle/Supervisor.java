package dev.millrace.lifecycle;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Runs a [Component] on its own thread, starts it again after a failure as [RestartPolicy]
/// decides, and publishes its state. Thread-safe.
///
/// While another run begins, the state stays [ComponentState.Waiting] with the reason of the last
/// failure, so that a server that fails slowly does not hide its reason behind "starting".
public final class Supervisor {

    private static final Logger LOG = LoggerFactory.getLogger(Supervisor.class);
    private static final Duration BLOCKED_INTERVAL = Duration.ofSeconds(1);

    private final String name;
    private final Component component;
    private final InstantSource clock;
    private final RestartPolicy policy;
    private final CountDownLatch stop = new CountDownLatch(1);
    private final Thread thread;
    private RestartPolicy.History history = RestartPolicy.History.none();
    private volatile ComponentState state;

    /// @param name of the component and the migration; also the name of the thread
    public Supervisor(String name, Component component, InstantSource clock, RestartPolicy policy) {
        this.name = name;
        this.component = component;
        this.clock = clock;
        this.policy = policy;
        this.state = new ComponentState.Starting(Optional.empty(), clock.instant());
        this.thread = Thread.ofPlatform().daemon(true).name(name).unstarted(this::supervise);
    }

    public void start() {
        thread.start();
    }

    public ComponentState state() {
        return state;
    }

    /// Reports that the run has reached its work.
    public synchronized void running(ComponentState.Activity activity) {
        boolean same =
                state instanceof ComponentState.Running(ComponentState.Activity now, Instant _)
                        && now == activity;
        if (!same && !isFinal()) {
            Instant now = clock.instant();
            history = history.working(now);
            become(new ComponentState.Running(activity, now));
        }
    }

    /// Reports that the run has done some of its work: failures before it no longer count.
    public synchronized void progressed() {
        history = history.progressed();
    }

    /// Reports what the start waits for, empty when it waits for nothing.
    ///
    /// @return whether the run is still starting
    public synchronized boolean startWaitsFor(Optional<String> found) {
        return switch (state) {
            case ComponentState.Starting(Optional<String> before, Instant since) -> {
                if (!before.equals(found)) {
                    become(new ComponentState.Starting(found, since));
                }
                yield true;
            }
            case ComponentState.Waiting _ -> {
                if (found.isPresent()) {
                    become(new ComponentState.Starting(found, clock.instant()));
                }
                yield true;
            }
            case ComponentState.Running _, ComponentState.Failed _, ComponentState.Stopped _ ->
                    false;
        };
    }

    public boolean isStopping() {
        return stop.getCount() == 0;
    }

    /// Waits for a part of a run.
    ///
    /// @return false when the component must stop
    public boolean pause(Duration delay) throws InterruptedException {
        return !stop.await(delay.toMillis(), TimeUnit.MILLISECONDS);
    }

    /// Stops the component and waits for its end. An interrupt ends the wait and stays set.
    public void close(Duration timeout) {
        stop.countDown();
        try {
            component.stop(thread);
            if (thread.getState() == Thread.State.NEW) {
                ended();
            } else {
                thread.join(timeout);
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private void supervise() {
        try {
            while (!isStopping()) {
                Throwable thrown = run();
                if (isStopping() || !mayRunAgain(thrown)) {
                    return;
                }
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException | Error fault) {
            undecided(fault);
        } finally {
            ended();
        }
    }

    /// A fault in the decision itself. The component must not look like one that was closed.
    private synchronized void undecided(Throwable fault) {
        Failure.Fatal failure =
                new Failure.Fatal(
                        FailureClassifier.unexpected(fault)
                                + " while a failure was handled. Remove the cause (the log shows where it occurred), then restart Millrace.");
        become(new ComponentState.Failed(failure, clock.instant()));
        LOG.atError()
                .addKeyValue("component", name)
                .addKeyValue("reason", failure.reason())
                .setCause(Fault.of(fault))
                .log("the component has ended");
    }

    private Throwable run() throws InterruptedException {
        try {
            component.run(this);
            return new IllegalStateException(name + " ended without a reason");
        } catch (InterruptedException e) {
            throw e;
        } catch (Exception | Error e) {
            return e;
        }
    }

    private boolean mayRunAgain(Throwable thrown) throws InterruptedException {
        RestartPolicy.Decision decision = decide(thrown);
        if (decision.state() instanceof ComponentState.Failed) {
            return false;
        }
        Duration shortest = component.shortestDelay();
        Duration delay = decision.delay().compareTo(shortest) < 0 ? shortest : decision.delay();
        return pause(delay) && awaitPermission();
    }

    private RestartPolicy.Decision decide(Throwable thrown) {
        Failure meaning = component.meaning(thrown);
        Failure failure =
                meaning instanceof Failure.Unexplained(String reason) && !component.serversAnswer()
                        ? new Failure.Retry(reason)
                        : meaning;
        synchronized (this) {
            RestartPolicy.Decision decision = policy.after(history, failure, clock.instant());
            history = decision.history();
            become(decision.state());
            log(decision, meaning instanceof Failure.Unexplained ? thrown : null);
            return decision;
        }
    }

    private boolean awaitPermission() throws InterruptedException {
        while (true) {
            Optional<Failure.Recoverable> blocked = component.blocked();
            if (blocked.isEmpty()) {
                return true;
            }
            block(blocked.get());
            if (!pause(BLOCKED_INTERVAL)) {
                return false;
            }
        }
    }

    private synchronized void block(Failure.Recoverable failure) {
        boolean same =
                state instanceof ComponentState.Waiting(Failure.Recoverable now, Instant _)
                        && now.equals(failure);
        if (!same) {
            become(new ComponentState.Waiting(failure, clock.instant()));
            LOG.atWarn()
                    .addKeyValue("component", name)
                    .addKeyValue("reason", failure.reason())
                    .log("the component is blocked");
        }
    }

    private synchronized void ended() {
        if (!isFinal()) {
            become(new ComponentState.Stopped(clock.instant()));
        }
    }

    private boolean isFinal() {
        return state instanceof ComponentState.Failed || state instanceof ComponentState.Stopped;
    }

    private void become(ComponentState next) {
        state = next;
        if (!(next instanceof ComponentState.Waiting || next instanceof ComponentState.Failed)) {
            LOG.atInfo()
                    .addKeyValue("component", name)
                    .addKeyValue("state", next.text())
                    .log("the component changed its state");
        }
    }

    /// @param unexplained whose place the log must show
    private void log(RestartPolicy.Decision decision, @Nullable Throwable unexplained) {
        boolean failed = decision.state() instanceof ComponentState.Failed;
        var event =
                (failed || unexplained != null ? LOG.atError() : LOG.atWarn())
                        .addKeyValue("component", name)
                        .addKeyValue("reason", decision.state().text())
                        .addKeyValue("attempt", decision.history().failures());
        (unexplained == null ? event : event.setCause(Fault.of(unexplained)))
                .log(failed ? "the component has ended" : "the component failed and tries again");
    }
}
