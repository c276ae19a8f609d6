package dev.millrace.faults.harness;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// One run: one child after the other, each of which ends at its point, while the source is written
/// to. When the last child has caught up, the invariants are checked. Not thread-safe.
final class FaultRun {

    private static final Logger LOG = LoggerFactory.getLogger(FaultRun.class);
    private static final String FIRST_MACHINE = "first";
    private static final String SECOND_MACHINE = "second";

    /// So slow that the kills that must hit the backfill do.
    private static final int ROWS_PER_SECOND = 400;

    private static final Duration REACHED_WITHIN = Duration.ofSeconds(60);
    private static final Duration SHORTEST_STOP = Duration.ofMillis(200);
    private static final int MORE_STOP_MILLIS = 3_000;

    private final FaultPlan plan;
    private final List<String> changedClasses;
    private final RunScene scene;
    private final List<PointFault> reached = new ArrayList<>();
    private final List<PointFault> missed = new ArrayList<>();

    /// @param kills the kills that hit their point
    /// @param missed the faults whose point was not passed in time; such a child was killed
    ///   elsewhere
    /// @param transactions of the application
    /// @param mostRetained bytes of WAL that the source kept for the migration
    record Outcome(
            FaultPlan plan,
            List<PointFault> kills,
            List<PointFault> missed,
            List<Violation> violations,
            long transactions,
            long mostRetained,
            Duration took) {}

    private FaultRun(FaultPlan plan, List<String> changedClasses, RunScene scene) {
        this.plan = plan;
        this.changedClasses = changedClasses;
        this.scene = scene;
    }

    static Outcome of(FaultPlan plan) throws Exception {
        return of(plan, List.of());
    }

    /// @param changedClasses entries of the class path before the product's
    static Outcome of(FaultPlan plan, List<String> changedClasses) throws Exception {
        LOG.info("{}", plan);
        long begun = System.nanoTime();
        Databases databases = Databases.ofSharedServers();
        try (RunScene scene =
                new RunScene(databases, databases.direct(), plan.seed(), ROWS_PER_SECOND)) {
            FaultRun run = new FaultRun(plan, changedClasses, scene);
            try {
                run.faults();
            } catch (IllegalStateException e) {
                scene.stopped(e);
            }
            Outcome outcome =
                    new Outcome(
                            plan,
                            List.copyOf(run.reached),
                            List.copyOf(run.missed),
                            scene.violations(),
                            scene.transactions(),
                            scene.mostRetained(),
                            Duration.ofNanos(System.nanoTime() - begun));
            LOG.info("{}", outcome);
            return outcome;
        }
    }

    private void faults() throws Exception {
        for (PointFault fault : plan.kills()) {
            if (fault.inSync()) {
                scene.endLimitOfBackfill();
            }
            try (MigrationChild child = start(fault)) {
                if (fault.inSync()) {
                    scene.awaitInSync(child);
                    child.arm();
                }
                (child.endsAtItsPoint(REACHED_WITHIN) ? reached : missed).add(fault);
            }
            scene.requireNotFailed();
        }
        scene.endLimitOfBackfill();
        try (MigrationChild child = start(plan.last())) {
            if (child.reachesItsPoint(REACHED_WITHIN)) {
                stop(child);
            } else {
                missed.add(plan.last());
                child.release();
                scene.check(child);
            }
            if (changedClasses.isEmpty()) {
                child.archiveClasses();
            }
        }
    }

    private MigrationChild start(PointFault fault) throws IOException {
        return scene.start(FIRST_MACHINE, fault, changedClasses);
    }

    private void stop(MigrationChild child) throws Exception {
        Duration time =
                SHORTEST_STOP.plusMillis(Math.floorMod(plan.seed() * 7919, MORE_STOP_MILLIS));
        switch (plan.last().act()) {
            case FREEZE -> {
                child.freeze();
                scene.pause(time);
                child.thaw();
                child.release();
                scene.check(child);
            }
            case DELAY -> {
                scene.pause(time);
                child.release();
                scene.check(child);
            }
            case TAKEOVER -> takeOver(child);
            case KILL -> throw new IllegalStateException("The last child is not killed.");
        }
    }

    /// The servers lose a machine that is frozen; another one takes over; the first one wakes and
    /// continues where it was.
    private void takeOver(MigrationChild frozen) throws Exception {
        frozen.freeze();
        scene.endSessions();
        try (MigrationChild successor = scene.start(SECOND_MACHINE, null, changedClasses)) {
            successor.awaitOpen();
            frozen.thaw();
            frozen.release();
            scene.check(successor);
        }
    }

    /// All violations of all runs, each with its seed.
    static List<String> violations(List<Outcome> outcomes) {
        return outcomes.stream()
                .flatMap(
                        outcome ->
                                outcome.violations().stream()
                                        .map(each -> "seed " + outcome.plan().seed() + ": " + each))
                .toList();
    }
}
