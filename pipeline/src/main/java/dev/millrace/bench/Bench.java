package dev.millrace.bench;

import dev.millrace.bench.Contestant.ContestantFailed;
import dev.millrace.bench.Contestant.Route;
import dev.millrace.cli.Providers.BenchLauncher.Measure;
import dev.millrace.sandbox.Folders;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/// Runs a benchmark: starts two servers, creates the data once, measures Millrace and its peers in
/// turn, and writes the report. In each run the contestants start in another order. A contestant
/// that fails, or whose target differs in any row, scores zero and makes the benchmark fail. One
/// thread calls [#run].
public final class Bench {

    static final String WORK = "work";
    static final int DONE = 0;
    static final int FAILED = 1;

    private static final String SOURCE = "bench";

    private final InstantSource clock;
    private final Narration narration;
    private final Contestants contestants;
    private final Inspection inspection;
    private int number;

    public Bench(BenchPlan plan, InstantSource clock, PrintWriter out) {
        this(clock, out, Contestants.of(plan), _ -> {});
    }

    Bench(InstantSource clock, PrintWriter out, Contestants contestants, Inspection inspection) {
        this.clock = clock;
        this.narration = new Narration(out);
        this.contestants = contestants;
        this.inspection = inspection;
    }

    /// @return 0, or 1 if a contestant failed or a target differed
    /// @throws dev.millrace.sandbox.LocalServerException if a server cannot be started
    public int run(BenchPlan plan) {
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

    private int runIn(Path work, BenchPlan plan) throws IOException, SQLException {
        narration.say("Starting two PostgreSQL servers under " + work);
        List<Sample> samples = new ArrayList<>();
        try (BenchServers servers = BenchServers.start(work)) {
            Machine machine = Machine.of(servers, clock.instant());
            for (Measure measure : plan.measures()) {
                samples.addAll(measure(measure, plan, servers, work));
            }
            Report report = new Report(plan, machine, contestants.settings(), samples);
            ReportFiles.write(report, plan.out());
            MarkdownReport.summary(report).forEach(narration::say);
        }
        narration.say("Wrote " + plan.out().resolve(ReportFiles.MARKDOWN));
        return samples.stream().allMatch(Sample::isValid) ? DONE : FAILED;
    }

    private List<Sample> measure(Measure measure, BenchPlan plan, BenchServers servers, Path work)
            throws IOException, SQLException {
        List<Contestant> turns = new ArrayList<>(contestants.of(measure));
        for (Contestant contestant : turns) {
            contestant.prepare(narration);
        }
        long rows =
                switch (measure) {
                    case BACKFILL, RECONCILE -> plan.load().rows();
                    case STREAM, LATENCY, CATCHUP -> plan.load().changingRows();
                };
        narration.say(measure + ": creating " + rows + " orders");
        OrdersTable.create(servers.source(), SOURCE, rows);
        boolean changes = measure != Measure.BACKFILL && measure != Measure.RECONCILE;
        List<Sample> samples = new ArrayList<>();
        for (int run = 1; run <= plan.runs(); run++) {
            for (Contestant contestant : turns) {
                Sample sample = turn(measure, contestant, run, rows, plan, servers, work);
                samples.add(sample);
                if (changes) {
                    // Every contestant gets the same rows.
                    BenchServers.dropDatabase(servers.source(), SOURCE);
                    OrdersTable.create(servers.source(), SOURCE, rows);
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
        BenchServers.dropDatabase(servers.source(), SOURCE);
        return samples;
    }

    private Sample turn(
            Measure measure,
            Contestant contestant,
            int run,
            long rows,
            BenchPlan plan,
            BenchServers servers,
            Path work)
            throws IOException, SQLException {
        number++;
        Route route =
                new Route(
                        servers,
                        SOURCE,
                        "target" + number,
                        number,
                        Files.createDirectories(work.resolve("run" + number)));
        BenchServers.createDatabase(servers.target(), route.targetDatabase());
        BenchServers.execute(
                servers.target(), route.targetDatabase(), contestant.form().createTable());
        servers.settle();
        try (Connection source = servers.source().connect(SOURCE);
                Connection target = servers.target().connect(route.targetDatabase())) {
            Turn turn =
                    new Turn(
                            measure,
                            contestant,
                            route,
                            run,
                            rows,
                            plan.load(),
                            source,
                            target,
                            narration,
                            inspection);
            return switch (measure) {
                case BACKFILL -> Backfill.measure(turn);
                case STREAM -> StreamRate.measure(turn);
                case LATENCY -> Latency.measure(turn);
                case CATCHUP -> CatchUp.measure(turn);
                case RECONCILE -> Reconciling.measure(turn);
            };
        } catch (ContestantFailed e) {
            keepLogs(route.folder(), plan.out());
            return new Sample(
                    measure,
                    contestant.name(),
                    run,
                    Map.of(),
                    Optional.empty(),
                    Optional.of(String.valueOf(e.getMessage())));
        } finally {
            servers.removeReplication(SOURCE);
            BenchServers.dropDatabase(servers.target(), route.targetDatabase());
            Folders.delete(route.folder());
        }
    }

    private static void keepLogs(Path folder, Path out) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            for (Path log : files.filter(file -> file.toString().endsWith(".log")).toList()) {
                Files.copy(
                        log,
                        out.resolve(folder.getFileName() + "-" + log.getFileName()),
                        StandardCopyOption.REPLACE_EXISTING);
            }
        }
    }

    /// Sees the target after the contestant has ended its work and before it is compared.
    interface Inspection {
        void inspect(Route route) throws SQLException;
    }
}
