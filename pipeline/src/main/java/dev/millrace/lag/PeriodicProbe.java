package dev.millrace.lag;

import dev.millrace.lifecycle.Component;
import dev.millrace.lifecycle.ComponentState;
import dev.millrace.lifecycle.RestartPolicy;
import dev.millrace.lifecycle.Supervisor;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;

/// Repeats one action on its own thread and publishes whether its server answers. A server that
/// refuses is shown with its reason, a server that does not answer with the time of its last
/// answer. Never ends by itself: see [RestartPolicy#endless]. Thread-safe.
public final class PeriodicProbe implements AutoCloseable {

    /// One round; an exception is trouble of the server, and the next round starts from scratch.
    @FunctionalInterface
    public interface Round {
        void run() throws Exception;
    }

    private static final Duration SILENCE = Duration.ofSeconds(5);
    private static final Duration STOP_TIMEOUT = Duration.ofSeconds(2);

    private final InstantSource clock;
    private final Duration interval;
    private final Supervisor supervisor;
    private volatile Instant lastSuccess;

    private PeriodicProbe(
            String name, Duration interval, InstantSource clock, Round round, Runnable release) {
        this.clock = clock;
        this.interval = interval;
        this.lastSuccess = clock.instant();
        this.supervisor =
                new Supervisor(name, new Rounds(round, release), clock, RestartPolicy.endless());
    }

    /// @param release frees what a failed round may have left, before the next round
    public static PeriodicProbe start(
            String name, Duration interval, InstantSource clock, Round round, Runnable release) {
        PeriodicProbe probe = new PeriodicProbe(name, interval, clock, round, release);
        probe.supervisor.start();
        return probe;
    }

    /// [ComponentState.Running] while the server answers.
    public ComponentState state() {
        ComponentState state = supervisor.state();
        return switch (state) {
            case ComponentState.Starting _ -> silence(state);
            case ComponentState.Running _ -> silence(state);
            // A thread that ended without being closed must not be taken for one that was.
            case ComponentState.Stopped _ -> supervisor.isStopping() ? state : silence(state);
            case ComponentState.Waiting _, ComponentState.Failed _ -> state;
        };
    }

    private ComponentState silence(ComponentState state) {
        Instant success = lastSuccess;
        boolean silent =
                Duration.between(success, clock.instant()).compareTo(SILENCE.plus(interval)) > 0;
        return silent ? new ComponentState.Waiting("no answer since " + success, success) : state;
    }

    @Override
    public void close() {
        supervisor.close(STOP_TIMEOUT);
    }

    private final class Rounds implements Component {

        private final Round round;
        private final Runnable release;

        Rounds(Round round, Runnable release) {
            this.round = round;
            this.release = release;
        }

        @Override
        public void run(Supervisor supervisor) throws Exception {
            try {
                do {
                    round.run();
                    lastSuccess = clock.instant();
                    supervisor.running(ComponentState.Activity.PROBING);
                    supervisor.progressed();
                } while (supervisor.pause(interval));
            } finally {
                release.run();
            }
        }

        @Override
        public void stop(Thread thread) {
            thread.interrupt();
        }
    }
}
