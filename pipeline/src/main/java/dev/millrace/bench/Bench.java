package dev.millrace.bench;

import dev.millrace.bench.contestant.BenchServers;
import dev.millrace.bench.contestant.Contestant;
import dev.millrace.bench.contestant.Contestant.ContestantFailed;
import dev.millrace.bench.contestant.Contestant.Route;
import dev.millrace.bench.contestant.Contestant.Size;
import dev.millrace.bench.contestant.Narration;
import dev.millrace.bench.contestant.Product;
import dev.millrace.bench.report.EarlierReport;
import dev.millrace.bench.report.Growth;
import dev.millrace.bench.report.Machine;
import dev.millrace.bench.report.MarkdownReport;
import dev.millrace.bench.report.Profile;
import dev.millrace.bench.report.Report;
import dev.millrace.bench.report.Report.Load;
import dev.millrace.bench.report.ReportFiles;
import dev.millrace.bench.report.Sample;
import dev.millrace.cli.Providers.BenchLauncher.Measure;
import dev.millrace.sandbox.Folders;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// Runs a benchmark: starts two servers, creates the data once, measures Millrace and its peers in
/// turn, and writes the report. In each run the contestants start in another order. A contestant
/// that fails, or whose target differs in any row, scores zero and makes the benchmark fail. What
/// only an earlier run into the same folder measured is kept in the report, if machine, programs
/// and load are the same. One thread calls [#run].
public final class Bench {

    static final String WORK = "work";
    static final int DONE = 0;
    static final int FAILED = 1;
    static final int INTERRUPTED = 130;

    private static final int TRAINING_ROWS = 50_000;
    private static final Duration LEAVE = Duration.ofMinutes(1);

    /// Measures that leave the rows of the source as they were.
    private static final Set<Measure> READS = Set.of(Measure.BACKFILL, Measure.RECONCILE);

    private static final Set<Measure> PROFILED = Set.of(Measure.BACKFILL, Measure.CATCHUP);

    private final InstantSource clock;
    private final Narration narration;
    private final Contestants contestants;
    private final Inspection inspection;
    private volatile @Nullable Thread caller;
    private volatile boolean interrupted;

    public Bench(BenchPlan plan, InstantSource clock, PrintWriter out) {
        this(clock, out, Contestants.of(plan), _ -> {});
    }

    Bench(InstantSource clock, PrintWriter out, Contestants contestants, Inspection inspection) {
        this.clock = clock;
        this.narration = new Narration(out);
        this.contestants = contestants;
        this.inspection = inspection;
    }

    /// Ctrl-C and SIGTERM end everything that was started and delete the servers.
    ///
    /// @return 0, or 1 if a contestant failed or a target differed, or 130 if interrupted; a
    ///   process that received SIGTERM ends with 143 nevertheless
    /// @throws dev.millrace.sandbox.LocalServerException if a server cannot be started
    public int run(BenchPlan plan) {
        CountDownLatch left = new CountDownLatch(1);
        caller = Thread.currentThread();
        Thread hook = new Thread(() -> interruptAndWait(left), "bench-shutdown");
        Runtime.getRuntime().addShutdownHook(hook);
        try {
            return runInPrivateFolder(plan);
        } catch (CancellationException _) {
            return interrupted();
        } catch (ContestantFailed e) {
            if (interrupted) {
                return interrupted();
            }
            narration.say(String.valueOf(e.getMessage()));
            return FAILED;
        } catch (RuntimeException e) {
            // Whatever the interrupt met failed.
            if (interrupted) {
                return interrupted();
            }
            throw e;
        } finally {
            left.countDown();
            removeHook(hook);
        }
    }

    private int interrupted() {
        narration.say(
                "Interrupted: the servers are stopped and deleted. The report contains the measures"
                        + " that were complete");
        return INTERRUPTED;
    }

    private int runInPrivateFolder(BenchPlan plan) {
        Path work = plan.out().resolve(WORK);
        try {
            Folders.delete(work);
            // Files of contestants contain the servers' passwords.
            Folders.makePrivate(work);
            try {
                return runIn(work, plan);
            } finally {
                Folders.delete(work);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("The benchmark cannot use its folder.", e);
        } catch (SQLException e) {
            throw new IllegalStateException("A server of the benchmark failed.", e);
        }
    }

    /// Asks the benchmark to end. Returns immediately. Thread-safe.
    void interrupt() {
        interrupted = true;
        Thread running = caller;
        if (running != null) {
            running.interrupt();
        }
    }

    private void interruptAndWait(CountDownLatch left) {
        interrupt();
        try {
            boolean _ = left.await(LEAVE.toSeconds(), TimeUnit.SECONDS);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private static void removeHook(Thread hook) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException _) {
            // The JVM is shutting down and runs the hook.
        }
    }

    private int runIn(Path work, BenchPlan plan) throws IOException, SQLException {
        narration.say("Starting two PostgreSQL servers under " + work);
        Optional<Report> earlier = EarlierReport.in(plan.out());
        Results results;
        try (BenchServers servers = BenchServers.start(work)) {
            results = new Results(Machine.of(servers, clock.instant()));
            results.earlier = kept(earlier, report(plan, results));
            Stage stage = new Stage(servers, work, plan.out(), plan.load(), narration, inspection);
            if (plan.startCache()) {
                createStartCache(plan, servers, work);
            }
            for (Measure measure : plan.measures()) {
                results.samples.addAll(measure(measure, plan, stage));
                if (plan.profile() && PROFILED.contains(measure)) {
                    profile(measure, plan, stage, work)
                            .ifPresent(profile -> results.profiles.put(measure, profile));
                }
                results.measures.add(measure);
                results.times.put(measure.toString(), now());
                // What is measured is kept if the benchmark is interrupted later.
                ReportFiles.write(report(plan, results), plan.out());
            }
            if (plan.growth()) {
                Product product = plan.product();
                for (Growth.Axis axis : Growth.Axis.values()) {
                    results.growth.add(
                            GrowthMeasure.measure(axis, product, plan, stage, narration));
                    results.times.put(axis.toString(), now());
                    ReportFiles.write(report(plan, results), plan.out());
                }
            }
        }
        Report report = report(plan, results);
        MarkdownReport.summary(report).forEach(narration::say);
        narration.say("Wrote " + plan.out().resolve(ReportFiles.MARKDOWN));
        return report.isValid() ? DONE : FAILED;
    }

    /// The earlier report, if its figures can stand beside those of this machine and load.
    private Optional<Report> kept(Optional<Report> earlier, Report started) {
        Optional<String> difference = earlier.flatMap(started::differsFrom);
        difference.ifPresent(
                reason ->
                        narration.say(
                                "The report in the folder is of " + reason + ", and is replaced"));
        return difference.isPresent() ? Optional.empty() : earlier;
    }

    private Instant now() {
        return clock.instant().truncatedTo(ChronoUnit.SECONDS);
    }

    private Report report(BenchPlan plan, Results results) {
        Report report =
                new Report(
                        results.measures,
                        plan.load(),
                        plan.runs(),
                        results.machine,
                        contestants.settings(),
                        results.samples,
                        results.growth,
                        results.profiles,
                        results.times);
        return results.earlier.map(report::keeping).orElse(report);
    }

    /// What is measured so far.
    private static final class Results {

        private final Machine machine;
        private final List<Measure> measures = new ArrayList<>();
        private final List<Sample> samples = new ArrayList<>();
        private final List<Growth> growth = new ArrayList<>();
        private final Map<Measure, Profile> profiles = new EnumMap<>(Measure.class);
        private final Map<String, Instant> times = new TreeMap<>();
        private Optional<Report> earlier = Optional.empty();

        Results(Machine machine) {
            this.machine = machine;
        }
    }

    private List<Sample> measure(Measure measure, BenchPlan plan, Stage stage)
            throws IOException, SQLException {
        List<Contestant> turns = new ArrayList<>(contestants.of(measure));
        for (Contestant contestant : turns) {
            contestant.prepare(narration);
        }
        long rows = rows(measure, plan);
        narration.say(measure + ": creating " + rows + " orders");
        stage.createSource(rows, 1);
        List<Sample> samples = new ArrayList<>();
        for (int run = 1; run <= plan.runs(); run++) {
            for (Contestant contestant : turns) {
                Sample sample = stage.play(measure, contestant, run, rows, Size.DEFAULT);
                samples.add(sample);
                if (!READS.contains(measure)) {
                    // Every contestant gets the same rows.
                    stage.dropSource();
                    stage.createSource(rows, 1);
                }
                narration.say(
                        String.format(
                                Locale.ROOT,
                                "%s %d/%d %s: %s",
                                measure,
                                run,
                                plan.runs(),
                                contestant.name(),
                                MarkdownReport.line(sample)));
            }
            Collections.rotate(turns, -1);
        }
        stage.dropSource();
        return samples;
    }

    /// A short turn, as the launcher's first demo would run, so that the service starts as it does
    /// for users.
    private void createStartCache(BenchPlan plan, BenchServers servers, Path work)
            throws IOException, SQLException {
        narration.say("One short run records the start cache");
        Load load = new Load(TRAINING_ROWS, 1, TRAINING_ROWS, 500, 30, TRAINING_ROWS);
        Stage stage = new Stage(servers, work, plan.out(), load, narration, _ -> {});
        stage.createSource(TRAINING_ROWS, 1);
        Sample sample =
                stage.play(
                        Measure.LATENCY,
                        plan.product().recordingStartCache(),
                        0,
                        TRAINING_ROWS,
                        Size.DEFAULT);
        stage.dropSource();
        if (!sample.isValid()) {
            throw new ContestantFailed(
                    "The run for the start cache failed: " + MarkdownReport.line(sample));
        }
        plan.product().createStartCache(plan.out().resolve("start-cache.log"));
    }

    /// One more run of the service, whose figures do not count.
    ///
    /// @return empty if the run failed
    private Optional<Profile> profile(Measure measure, BenchPlan plan, Stage stage, Path work)
            throws IOException, SQLException {
        narration.say(measure + ": one run with Flight Recorder");
        Path recording = work.resolve(measure + ".jfr");
        long rows = rows(measure, plan);
        stage.createSource(rows, 1);
        Sample sample =
                stage.play(measure, plan.product().recordedTo(recording), 0, rows, Size.DEFAULT);
        stage.dropSource();
        narration.say(measure + " with Flight Recorder: " + MarkdownReport.line(sample));
        return sample.isValid() ? Optional.of(Profile.read(recording)) : Optional.empty();
    }

    private static long rows(Measure measure, BenchPlan plan) {
        return switch (measure) {
            case BACKFILL -> plan.load().rows();
            case RECONCILE -> plan.load().reconciledRows();
            case STREAM, LATENCY, CATCHUP -> plan.load().changingRows();
        };
    }

    /// Sees the target after the contestant has ended its work and before it is compared.
    interface Inspection {
        void inspect(Route route) throws SQLException;
    }
}
