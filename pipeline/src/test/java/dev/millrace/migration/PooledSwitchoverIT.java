package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.millrace.spec.MigrationSpec.Endpoint;
import dev.millrace.spec.Secret;
import dev.millrace.spec.switchover.Switchover.Route;
import dev.millrace.switchover.Operation;
import dev.millrace.switchover.Operation.Kind;
import dev.millrace.switchover.Operation.State;
import dev.millrace.testing.PgBouncerProcess;
import dev.millrace.testing.TestFolders;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// `pgbench` with 16 clients writes through PgBouncer while the bank is switched over: no
/// transaction fails, and each is on the target.
@Tag("faults")
class PooledSwitchoverIT {

    private static final int SECONDS = 150;

    /// Transfers between two moves.
    private static final int LONG = 20_000;

    private static final int SHORT = 2_000;

    /// Updates in the order of the keys, so that clients do not deadlock.
    private static final String TRANSFER =
            """
            \\set one random(0, 48)
            \\set other random(:one + 1, 49)
            BEGIN;
            UPDATE account SET balance = balance - 1 WHERE id = :one;
            UPDATE account SET balance = balance + 1 WHERE id = :other;
            INSERT INTO ledger (transfer) VALUES (gen_random_uuid());
            COMMIT;
            """;

    private static final Pattern PROCESSED =
            Pattern.compile("number of transactions actually processed: (\\d+)");

    @Test
    void noTransactionOfPgbenchFails() throws Exception {
        assumeTrue(PgBouncerProcess.isInstalled(), PgBouncerProcess.MISSING);
        assumeTrue(
                isPgbenchInstalled(),
                "pgbench is not installed (Debian package postgresql-15): its test is skipped");
        Pool pool = new Pool();
        try (BankScene bank = BankScene.routedBy(pool::start)) {
            bank.assertEqual();
            Path folder = TestFolders.create("pgbench");
            Process clients = pgbench(folder, pool.process(), bank.role);
            awaitTransfers(bank, true, 500);

            List<Long> pauses = new ArrayList<>();
            pauses.add(move(bank, Kind.SWITCHOVER));
            awaitTransfers(bank, false, transfers(bank, false) + LONG);
            pauses.add(move(bank, Kind.ROLLBACK));
            awaitTransfers(bank, true, transfers(bank, true) + SHORT);
            bank.scene.awaitPhase("IN_SYNC");
            bank.assertEqual();
            pauses.add(move(bank, Kind.SWITCHOVER));
            awaitTransfers(bank, false, transfers(bank, false) + SHORT);
            assertThat(clients.waitFor(SECONDS + 30L, TimeUnit.SECONDS)).isTrue();
            String output = Files.readString(folder.resolve("output"));
            assertThat(clients.exitValue()).as(output).isZero();
            assertThat(output).contains("number of failed transactions: 0 ");
            Matcher processed = PROCESSED.matcher(output);
            assertThat(processed.find()).as(output).isTrue();
            assertThat(transfers(bank, false)).isEqualTo(Long.parseLong(processed.group(1)));
            assertThat(bank.scene.target.value("SELECT sum(balance) FROM account"))
                    .isEqualTo(Long.toString(BankTraffic.ACCOUNTS * BankTraffic.BALANCE));
            System.out.printf(
                    "pgbench, 16 clients: %s transactions, 0 failed, 0 lost, longest wait %d ms, pauses %s ms%n",
                    processed.group(1), longest(folder), pauses);
        } finally {
            pool.close();
        }
    }

    /// @return the pause in milliseconds
    private static long move(BankScene bank, Kind kind) {
        bank.awaitOpenGates(kind);
        Operation end = bank.move(kind);
        assertThat(end.state()).as(end.toString()).isEqualTo(State.DONE);
        return Objects.requireNonNull(end.pauseMs());
    }

    private static boolean isPgbenchInstalled() {
        return Stream.of(System.getenv("PATH").split(":"))
                .map(folder -> Path.of(folder, "pgbench"))
                .anyMatch(Files::isExecutable);
    }

    private static Process pgbench(Path folder, PgBouncerProcess pool, String role)
            throws IOException {
        Path script = Files.writeString(folder.resolve("transfer.sql"), TRANSFER);
        String port = pool.admin().url().replaceAll(".*:(\\d+)/.*", "$1");
        ProcessBuilder builder =
                new ProcessBuilder(
                                List.of(
                                        "pgbench",
                                        "--protocol=simple",
                                        "--no-vacuum",
                                        "--client=16",
                                        "--jobs=2",
                                        "--time=" + SECONDS,
                                        "--log",
                                        "--log-prefix=" + folder.resolve("latency"),
                                        "--file=" + script,
                                        "--host=127.0.0.1",
                                        "--port=" + port,
                                        "--username=" + role,
                                        "shop"))
                        .redirectErrorStream(true)
                        .redirectOutput(folder.resolve("output").toFile());
        builder.environment().put("PGPASSWORD", "pw");
        return builder.start();
    }

    private static long transfers(BankScene bank, boolean onSource) {
        return Long.parseLong(
                String.valueOf(
                        (onSource ? bank.scene.source : bank.scene.target)
                                .value("SELECT count(*) FROM ledger")));
    }

    private static void awaitTransfers(BankScene bank, boolean onSource, long count) {
        Awaitility.await()
                .atMost(Duration.ofSeconds(SECONDS))
                .until(() -> transfers(bank, onSource) >= count);
    }

    /// In milliseconds. The third field of a line is the transaction's time in microseconds.
    private static long longest(Path folder) throws IOException {
        long longest = 0;
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file :
                    files.filter(each -> each.getFileName().toString().startsWith("latency"))
                            .toList()) {
                for (String line : Files.readAllLines(file)) {
                    longest = Math.max(longest, Long.parseLong(line.split(" ")[2]) / 1_000);
                }
            }
        }
        return longest;
    }

    /// PgBouncer in front of a bank.
    private static final class Pool {

        private @Nullable PgBouncerProcess started;

        Route start(MigrationScene scene) {
            started =
                    PgBouncerProcess.start(
                            List.of(PgBouncerProcess.line("shop", scene.source)),
                            Map.of("app_" + scene.name, "pw"),
                            Map.of());
            return new Route.PgBouncer(
                    new Endpoint(
                            started.admin().url(),
                            PgBouncerProcess.ADMIN,
                            Secret.of(PgBouncerProcess.ADMIN_PASSWORD)),
                    "shop",
                    started.include(),
                    Route.PgBouncer.Server.parse(PgBouncerProcess.settings(scene.source))
                            .orElseThrow(),
                    Route.PgBouncer.Server.parse(PgBouncerProcess.settings(scene.target))
                            .orElseThrow());
        }

        PgBouncerProcess process() {
            return Objects.requireNonNull(started);
        }

        void close() {
            if (started != null) {
                started.close();
            }
        }
    }
}
