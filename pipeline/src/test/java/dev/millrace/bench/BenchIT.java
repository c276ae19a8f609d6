package dev.millrace.bench;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.bench.Bench.Inspection;
import dev.millrace.bench.contestant.BenchServers;
import dev.millrace.bench.contestant.Contestant;
import dev.millrace.bench.contestant.CopyPipe;
import dev.millrace.bench.contestant.NativeReplication;
import dev.millrace.bench.contestant.OrdersTable;
import dev.millrace.bench.report.Report.Load;
import dev.millrace.cli.Providers.BenchLauncher.Measure;
import dev.millrace.cli.Providers.BenchLauncher.Peer;
import dev.millrace.testing.TestFolders;
import dev.millrace.testing.Waits;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class BenchIT {

    private static final int ROWS = 10_000;

    /// When 10,000 of them differ, others are equal.
    private static final int RECONCILED = 20_000;

    private final StringWriter output = new StringWriter();
    private final Path out = TestFolders.create("bench");

    @Test
    void measuresTheServiceBesideTheCopyPipeAndWritesEveryFile() throws IOException {
        BenchPlan plan = plan(List.of(Measure.BACKFILL));

        int exitCode = new Bench(plan, InstantSource.system(), new PrintWriter(output)).run(plan);

        assertThat(output.toString()).contains("backfill 1/1 millrace", "content equal");
        assertThat(exitCode).isZero();
        JsonNode json = json();
        assertThat(json.path("machine").path("cores").asInt(0)).isPositive();
        assertThat(json.path("versions").path("PostgreSQL").asString("")).startsWith("18.");
        assertThat(json.path("contestants").path("millrace").path("SELECT").asString(""))
                .contains("lower(status)");
        assertThat(json.path("samples"))
                .hasSizeBetween(2, 3)
                .allSatisfy(
                        sample -> {
                            assertThat(sample.path("content").asString("")).isEqualTo("equal");
                            assertThat(sample.path("rows").asInt(0)).isEqualTo(ROWS);
                            assertThat(sample.path("measured").path("rows/s").asDouble(0))
                                    .isPositive();
                        });
        double pipe = result(json, "copy-pipe", "rows/s");
        double own = result(json, "millrace", "rows/s");
        assertThat(json.path("targets").path(0).path("name").asString(""))
                .isEqualTo("backfill against the COPY pipe");
        assertThat(json.path("targets").path(0).path("median").asDouble(0)).isEqualTo(own / pipe);
        assertThat(result(json, "millrace", "CPU µs/row"))
                .isGreaterThan(result(json, "millrace", "CPU µs/row, target"));
        assertThat(Files.readString(out.resolve("performance.md")))
                .contains(
                        "## Targets",
                        "![Backfill](performance-backfill.svg)",
                        "| 1 | millrace | equal |");
        assertThat(out.resolve("performance-backfill.svg"))
                .content()
                .contains("<svg", "copy-pipe", "millrace");
        try (Stream<Path> left = Files.list(out)) {
            assertThat(left.map(file -> file.getFileName().toString()))
                    .containsExactlyInAnyOrder(
                            "performance.json", "performance.md", "performance-backfill.svg");
        }
    }

    /// The target has differences only after it was found equal.
    @Test
    void measuresReconciliationsOfEqualAndOfDifferentRows() throws IOException {
        BenchPlan plan = plan(List.of(Measure.RECONCILE));

        int exitCode = new Bench(plan, InstantSource.system(), new PrintWriter(output)).run(plan);

        assertThat(output.toString()).contains("reconcile 1/1 millrace", "content equal");
        assertThat(exitCode).isZero();
        JsonNode json = json();
        double equal = result(json, "millrace", "s if equal");
        double all = result(json, "millrace", "s with all rows different");
        assertThat(result(json, "millrace", "all rows different to equal, ratio"))
                .isEqualTo(all / equal);
        assertThat(result(json, "millrace", "rows/s")).isEqualTo(RECONCILED / equal);
        for (String figure :
                List.of(
                        "s incremental, 10,000 keys touched",
                        "s with 10 rows different",
                        "s with 10,000 rows different",
                        "s of count(*) on both sides",
                        "s of md5 of each row's text on both sides")) {
            assertThat(result(json, "millrace", figure)).as(figure).isPositive();
        }
        assertThat(json.path("targets"))
                .extracting(target -> target.path("name").asString(""))
                .contains(
                        "reconcile, rows/s per core",
                        "incremental reconcile with 10,000 keys touched, s");
    }

    /// A planted difference makes the first measure score zero; the other measures, of native
    /// replication, are not affected. The first measure is in the report before the second ends.
    @Test
    void aSingleDifferenceOnTheTargetScoresZeroWithExitCodeOne() throws IOException {
        BenchPlan plan =
                plan(List.of(Measure.BACKFILL, Measure.STREAM, Measure.LATENCY, Measure.CATCHUP));
        List<Path> writtenBeforeTheSecondMeasureEnded = new ArrayList<>();
        List<String> originsOfTheFirstTurn = new ArrayList<>();
        Inspection plant =
                route -> {
                    if (route.number() == 2) {
                        Stream.of("performance.json", "performance-backfill.svg")
                                .map(out::resolve)
                                .filter(Files::exists)
                                .forEach(writtenBeforeTheSecondMeasureEnded::add);
                        try (Connection target =
                                route.servers().target().connect(route.targetDatabase())) {
                            originsOfTheFirstTurn.add(
                                    BenchServers.text(
                                            target,
                                            "SELECT count(*) FROM pg_replication_origin"
                                                    + " WHERE roname = 'left'"));
                        }
                    }
                    if (route.number() == 1) {
                        BenchServers.execute(
                                route.servers().target(),
                                route.targetDatabase(),
                                "UPDATE public.orders SET note = note || ' ' WHERE id = 4711",
                                "SELECT pg_replication_origin_create('left')");
                    }
                };

        int exitCode =
                new Bench(
                                InstantSource.system(),
                                new PrintWriter(output),
                                new Contestants(
                                        List.of(new CopyPipe()), List.of(new NativeReplication())),
                                plant)
                        .run(plan);

        assertThat(exitCode).isEqualTo(1);
        assertThat(writtenBeforeTheSecondMeasureEnded).hasSize(2);
        assertThat(originsOfTheFirstTurn).containsExactly("0");
        assertThat(output.toString())
                .contains("scores zero: 1 of 10000 rows differ, the first has key 4711");
        JsonNode json = json();
        JsonNode planted = json.path("samples").path(0);
        assertThat(planted.path("valid").asBoolean(true)).isFalse();
        assertThat(planted.path("measured").path("rows/s").asDouble(0)).isPositive();
        assertThat(result(json, "copy-pipe", "rows/s")).isZero();
        assertThat(json.path("samples")).hasSize(4);
        for (int i = 1; i < 4; i++) {
            assertThat(json.path("samples").path(i).path("valid").asBoolean(false)).isTrue();
        }
        assertThat(result(json, "native", "p99 ms"))
                .isGreaterThanOrEqualTo(result(json, "native", "p50 ms"));
        assertThat(result(json, "native", "rows/s")).isPositive();
    }

    /// Its servers end with the process, perhaps before the statement that uses them.
    @Test
    void anInterruptIsNoInternalError() throws Exception {
        BenchPlan plan = plan(List.of(Measure.BACKFILL));
        CountDownLatch started = new CountDownLatch(1);
        Contestant copies =
                new Contestant() {
                    @Override
                    public String name() {
                        return "endless";
                    }

                    @Override
                    public OrdersTable.Form form() {
                        return new CopyPipe().form();
                    }

                    @Override
                    public Map<String, String> settings() {
                        return Map.of();
                    }

                    @Override
                    public Copying start(Route route) throws SQLException {
                        started.countDown();
                        while (!Thread.interrupted()) {
                            LockSupport.park(this);
                        }
                        throw new SQLException("The server has ended.");
                    }
                };
        Bench bench =
                new Bench(
                        InstantSource.system(),
                        new PrintWriter(output),
                        new Contestants(List.of(copies), List.of()),
                        _ -> {});
        CompletableFuture<Integer> exitCode = CompletableFuture.supplyAsync(() -> bench.run(plan));

        assertThat(started.await(60, TimeUnit.SECONDS)).isTrue();
        bench.interrupt();

        assertThat(exitCode).succeedsWithin(Waits.LIMIT).isEqualTo(Bench.INTERRUPTED);
        assertThat(output.toString()).contains("Interrupted: the servers are stopped and deleted.");
        assertThat(out.resolve(Bench.WORK)).doesNotExist();
    }

    private BenchPlan plan(List<Measure> measures) {
        return new BenchPlan(
                measures,
                List.of(Peer.COPY_PIPE),
                new Load(ROWS, 1_000, 1_000, 200, 2, RECONCILED),
                1,
                out,
                Optional.empty(),
                List.of(
                        "-Xmx512m",
                        "-XX:TieredStopAtLevel=1",
                        "-XX:+UseSerialGC",
                        "-XX:MetaspaceSize=256m"),
                false,
                false,
                false);
    }

    private JsonNode json() throws IOException {
        return JsonMapper.shared().readTree(Files.readString(out.resolve("performance.json")));
    }

    /// The median of a figure.
    private static double result(JsonNode json, String contestant, String figure) {
        for (JsonNode result : json.path("results")) {
            if (result.path("contestant").asString("").equals(contestant)
                    && result.path("figure").asString("").equals(figure)) {
                return result.path("median").asDouble(-1);
            }
        }
        return -1;
    }
}
