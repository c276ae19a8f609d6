package dev.millrace.bench;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.faults.ServiceProcess;
import dev.millrace.sandbox.LoopbackPort;
import dev.millrace.sandbox.SandboxPostgres;
import dev.millrace.sandbox.SandboxSettings;
import dev.millrace.testing.TestFolders;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.postgresql.PGConnection;

/// Measures the backfill of one table of seven columns, with all servers on this machine, and
/// compares it with a COPY out piped into a COPY in between the same servers, which is the physical
/// limit. `-Drows=` sets the number of rows.
@Tag("bench")
class BackfillBenchmark {

    private static final long ROWS = Long.getLong("rows", 2_000_000);
    private static final String COLUMNS =
            "(id bigint PRIMARY KEY, customer_id int NOT NULL, status text NOT NULL, amount"
                    + " numeric(12,2) NOT NULL,"
                    + " note text, created_at timestamptz NOT NULL, attrs jsonb)";

    private final Path folder = TestFolders.create("bench");

    @Test
    void backfillBesideACopyPipe() throws Exception {
        SandboxSettings settings =
                SandboxSettings.durable(TestFolders.postgresBinaries())
                        .with("max_wal_size", "4GB")
                        .with("shared_buffers", "512MB");
        try (SandboxPostgres source = SandboxPostgres.start(folder.resolve("source"), settings);
                SandboxPostgres target =
                        SandboxPostgres.start(folder.resolve("target"), settings)) {
            source.createDatabase("bench", "LOCALE 'C'");
            target.createDatabase("bench", "LOCALE 'C'");
            execute(source, "CREATE TABLE orders " + COLUMNS);
            execute(
                    source,
                    "INSERT INTO orders SELECT g, (random()*100000)::int,"
                            + " (array['NEW','PAID','SHIPPED','CLOSED'])[1+(g%4)],"
                            + " (random()*10000)::numeric(12,2), md5(g::text)||' note',"
                            + " now()-(g||' seconds')::interval,"
                            + " jsonb_build_object('k',g%10,'v',md5((g*2)::text)) FROM"
                            + " generate_series(1, "
                            + ROWS
                            + ") g");
            execute(source, "ANALYZE orders", "CHECKPOINT");
            execute(
                    target,
                    "CREATE TABLE orders " + COLUMNS,
                    "CREATE TABLE pipe_orders " + COLUMNS);

            double pipe = pipe(source, target);
            execute(target, "DROP TABLE pipe_orders", "CHECKPOINT");
            double millrace = backfill(source, target);

            System.out.printf(Locale.ROOT, "ratio to the COPY pipe: %.3f%n", millrace / pipe);
        }
    }

    private static double pipe(SandboxPostgres source, SandboxPostgres target) throws Exception {
        long self = ProcessHandle.current().pid();
        Usage before = new Usage(self, source, target);
        long begun = System.nanoTime();
        try (Connection from = source.connect("bench");
                Connection to = target.connect("bench");
                PipedOutputStream out = new PipedOutputStream();
                PipedInputStream in = new PipedInputStream(out, 1 << 20)) {
            CompletableFuture<Void> reader =
                    CompletableFuture.runAsync(
                            () -> {
                                try (out) {
                                    from.unwrap(PGConnection.class)
                                            .getCopyAPI()
                                            .copyOut("COPY orders TO STDOUT", out);
                                } catch (Exception e) {
                                    throw new IllegalStateException(e);
                                }
                            });
            to.unwrap(PGConnection.class).getCopyAPI().copyIn("COPY pipe_orders FROM STDIN", in);
            reader.join();
        }
        return report("COPY pipe", begun, before, new Usage(self, source, target));
    }

    private double backfill(SandboxPostgres source, SandboxPostgres target) throws Exception {
        Path spec = folder.resolve("millrace.yaml");
        Files.writeString(
                spec,
                "migration: bench\n"
                        + endpoint("source", source)
                        + endpoint("target", target)
                        + "data-dir: '"
                        + folder.resolve("data")
                        + "'\ntables:\n  public.orders: SELECT * FROM public.orders\n");
        try (ServiceProcess service = ServiceProcess.start(spec, LoopbackPort.free())) {
            service.awaitPhase("BACKFILLING", Duration.ofMinutes(1));
            Usage before = new Usage(service.pid(), source, target);
            long begun = System.nanoTime();
            Awaitility.await()
                    .atMost(Duration.ofMinutes(10))
                    .pollInterval(Duration.ofMillis(100))
                    .until(() -> service.phase().equals("IN_SYNC"));
            Usage after = new Usage(service.pid(), source, target);
            double rate = report("millrace", begun, before, after);
            assertThat(service.reconcile().path("verdict").stringValue("")).isEqualTo("equal");
            return rate;
        }
    }

    private static double report(String what, long begun, Usage before, Usage after) {
        double seconds = (System.nanoTime() - begun) / 1e9;
        double millions = ROWS / 1e6;
        System.out.printf(
                Locale.ROOT,
                "%s: %d rows in %.1f s, %.0f rows/s; CPU seconds per million rows: program %.1f,"
                        + " source %.1f, target %.1f%n",
                what,
                ROWS,
                seconds,
                ROWS / seconds,
                (after.program - before.program) / millions,
                (after.source - before.source) / millions,
                (after.target - before.target) / millions);
        return ROWS / seconds;
    }

    private record Usage(double program, double source, double target) {
        Usage(long pid, SandboxPostgres source, SandboxPostgres target) {
            this(
                    CpuTime.seconds(pid),
                    CpuTime.seconds(source.pid()),
                    CpuTime.seconds(target.pid()));
        }
    }

    private static String endpoint(String side, SandboxPostgres server) {
        return "%s:\n  url: %s\n  username: %s\n  password-file: '%s'\n"
                .formatted(side, server.jdbcUrl("bench"), server.username(), server.passwordFile());
    }

    private static void execute(SandboxPostgres server, String... statements) throws SQLException {
        try (Connection connection = server.connect("bench");
                Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }
}
