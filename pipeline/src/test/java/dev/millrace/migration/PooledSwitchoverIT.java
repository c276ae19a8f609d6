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
import dev.millrace.testing.TestDatabase;
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
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// `pgbench` with 16 clients writes through PgBouncer while the bank is switched over, back and
/// over again: no transaction fails, and each is on the target. One of its two scripts writes a
/// table that the target has under other names and types.
@Tag("faults")
class PooledSwitchoverIT {

    /// How long the clients write between two moves.
    private static final Duration BETWEEN = Duration.ofMinutes(2);

    /// Also the time for four phases and three moves.
    private static final int SECONDS = 360;

    private static final int CUSTOMERS = 200;

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

    /// The application knows by the database which version of its statements it needs.
    private static final String VISIT =
            """
            \\set id random(1, %d)
            BEGIN;
            SELECT CASE WHEN to_regclass('public.client') IS NULL THEN 0 ELSE 1 END AS fresh \\gset
            \\if :fresh
            UPDATE client SET visits = visits + 1, cents = cents + 150 WHERE key = :id;
            INSERT INTO client (key, full_name, cents, visits)
                VALUES (nextval('visitor'), 'fresh', 50, 0);
            \\else
            UPDATE customer SET seen = seen + 1, price = price + 1.5 WHERE id = :id;
            INSERT INTO customer (id, user_name, price, seen)
                VALUES (nextval('visitor'), 'old', 0.5, 0);
            \\endif
            COMMIT;
            """
                    .formatted(CUSTOMERS);

    private static final String SELECT =
            "SELECT CAST(id AS bigint) AS key, CAST(user_name AS text) AS full_name,"
                    + " CAST(price * 100 AS bigint) AS cents, CAST(seen AS bigint) AS visits"
                    + " FROM public.customer";

    private static final Pattern PROCESSED =
            Pattern.compile("number of transactions actually processed: (\\d+)");

    @Test
    void noTransactionOfPgbenchFails() throws Exception {
        assumeTrue(PgBouncerProcess.isInstalled(), PgBouncerProcess.MISSING);
        assumeTrue(
                isPgbenchInstalled(),
                "pgbench is not installed (Debian package postgresql-15): its test is skipped");
        Pool pool = new Pool();
        try (BankScene bank = BankScene.routedBy(pool::start, PooledSwitchoverIT::reshape)) {
            bank.assertEqual();
            Path folder = TestFolders.create("pgbench");
            Process clients = pgbench(folder, pool.process(), bank.role);
            awaitTransfers(bank, true, 500);

            List<Long> pauses = new ArrayList<>();
            pauses.add(move(bank, Kind.SWITCHOVER));
            writeFor(BETWEEN);
            pauses.add(move(bank, Kind.ROLLBACK));
            writeFor(BETWEEN);
            bank.scene.awaitPhase("IN_SYNC");
            bank.assertEqual();
            pauses.add(move(bank, Kind.SWITCHOVER));
            assertThat(clients.waitFor(SECONDS + 30L, TimeUnit.SECONDS)).isTrue();
            String output = Files.readString(folder.resolve("output"));
            assertThat(clients.exitValue()).as(output).isZero();
            assertThat(output).contains("number of failed transactions: 0 ");
            Matcher processed = PROCESSED.matcher(output);
            assertThat(processed.find()).as(output).isTrue();
            long visits = number(bank.scene.target, "SELECT sum(visits) FROM client");
            assertThat(transfers(bank, false) + visits)
                    .isEqualTo(Long.parseLong(processed.group(1)));
            assertThat(visits).isPositive();
            assertThat(number(bank.scene.target, "SELECT sum(cents) FROM client"))
                    .isEqualTo(visits * 200);
            assertThat(number(bank.scene.target, "SELECT count(*) FROM client"))
                    .isEqualTo(visits + CUSTOMERS);
            assertThat(bank.scene.target.value("SELECT sum(balance) FROM account"))
                    .isEqualTo(Long.toString(BankTraffic.ACCOUNTS * BankTraffic.BALANCE));
            System.out.printf(
                    "pgbench, 16 clients: %s transactions (%d of the reshaped table), 0 failed, 0 lost, longest wait %d ms, pauses %s ms%n",
                    processed.group(1), visits, longest(folder), pauses);
        } finally {
            pool.close();
        }
    }

    /// A table that the target has under other names and types.
    private static void reshape(MigrationScene scene) {
        String role = "app_" + scene.name;
        scene.source.execute(
                "CREATE TABLE customer (id int PRIMARY KEY, user_name varchar(40) NOT NULL,"
                        + " price numeric(20, 2) NOT NULL, seen int NOT NULL)",
                "INSERT INTO customer SELECT i, 'customer ' || i, 0, 0 FROM generate_series(1, "
                        + CUSTOMERS
                        + ") i",
                "CREATE SEQUENCE visitor START 1000",
                "GRANT ALL ON customer, visitor TO " + role);
        scene.target.execute(
                "CREATE TABLE client (key bigint PRIMARY KEY, full_name text NOT NULL,"
                        + " cents bigint NOT NULL, visits bigint NOT NULL)",
                "CREATE SEQUENCE visitor START 1000",
                "GRANT ALL ON client, visitor TO " + role);
        scene.select("client", SELECT);
    }

    /// The time is what the test is about: both streams run while the clients write.
    private static void writeFor(Duration time) {
        LockSupport.parkNanos(time.toNanos());
    }

    private static long number(TestDatabase side, String sql) {
        return Long.parseLong(String.valueOf(side.value(sql)));
    }

    /// @return the pause in milliseconds
    private static long move(BankScene bank, Kind kind) {
        bank.awaitOpenGates(kind);
        Operation end = bank.move(kind);
        assertThat(end.state()).as(end.toString()).isEqualTo(State.DONE);
        System.out.printf(
                "%s: pause %d ms; steps in ms: %s%n",
                kind.id(), end.pauseMs(), BankScene.timings(end));
        return Objects.requireNonNull(end.pauseMs());
    }

    private static boolean isPgbenchInstalled() {
        return Stream.of(System.getenv("PATH").split(":"))
                .map(folder -> Path.of(folder, "pgbench"))
                .anyMatch(Files::isExecutable);
    }

    private static Process pgbench(Path folder, PgBouncerProcess pool, String role)
            throws IOException {
        Path transfer = Files.writeString(folder.resolve("transfer.sql"), TRANSFER);
        Path visit = Files.writeString(folder.resolve("visit.sql"), VISIT);
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
                                        "--file=" + transfer,
                                        "--file=" + visit,
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
        return number(
                onSource ? bank.scene.source : bank.scene.target, "SELECT count(*) FROM ledger");
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
