package dev.millrace.route;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.millrace.route.TrafficRoute.Attempt;
import dev.millrace.route.TrafficRoute.Direction;
import dev.millrace.route.TrafficRoute.Hold;
import dev.millrace.route.TrafficRoute.Outcome;
import dev.millrace.route.TrafficRoute.Release;
import dev.millrace.sandbox.Folders;
import dev.millrace.sandbox.SandboxPostgres;
import dev.millrace.sandbox.SandboxSettings;
import dev.millrace.spec.MigrationSpec.Endpoint;
import dev.millrace.spec.Secret;
import dev.millrace.spec.switchover.Switchover;
import dev.millrace.spec.switchover.Switchover.Fence;
import dev.millrace.spec.switchover.Switchover.Route;
import dev.millrace.spec.switchover.Switchover.Route.PgBouncer.Server;
import dev.millrace.testing.PgBouncerProcess;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.TestFolders;
import dev.millrace.testing.Waits;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/// Clients of a transaction pool write without a pause while their database moves to another server
/// and back: no transaction fails, and each is on the side that was in use when it committed.
class PooledClientsIT {

    private static final int CLIENTS = 8;
    private static final int BETWEEN_SWITCHES = 2_000;

    private final AtomicBoolean stop = new AtomicBoolean();
    private final AtomicInteger next = new AtomicInteger();
    private final AtomicLong longest = new AtomicLong();
    private final Set<Integer> committed = ConcurrentHashMap.newKeySet();
    private final Queue<Exception> failures = new ConcurrentLinkedQueue<>();

    @Test
    void noTransactionFailsWhileTheServerIsReplaced() throws Exception {
        assumeTrue(PgBouncerProcess.isInstalled(), PgBouncerProcess.MISSING);
        Path folder = TestFolders.create("second-server");
        TestDatabase first = PostgresServer.shared().newDatabase();
        try (SandboxPostgres server =
                SandboxPostgres.start(
                        folder, SandboxSettings.fast(TestFolders.postgresBinaries()))) {
            TestDatabase second =
                    new TestDatabase(
                            server.jdbcUrl("postgres"), server.username(), server.password());
            for (TestDatabase side : List.of(first, second)) {
                side.execute(
                        "CREATE ROLE pooled_client LOGIN PASSWORD 'p'",
                        "CREATE TABLE entry (id int PRIMARY KEY)",
                        "GRANT ALL ON entry TO pooled_client");
            }
            try (PgBouncerProcess pool =
                    PgBouncerProcess.start(
                            List.of(PgBouncerProcess.line("shop", first)),
                            Map.of("pooled_client", "p"),
                            Map.of())) {
                run(pool, first, second);
            } finally {
                first.execute("DROP OWNED BY pooled_client", "DROP ROLE pooled_client");
            }
        } finally {
            Folders.delete(folder);
        }
    }

    private void run(PgBouncerProcess pool, TestDatabase first, TestDatabase second)
            throws InterruptedException {
        Routes routes = routes(pool, first, second);
        List<Thread> clients = new ArrayList<>();
        for (int i = 0; i < CLIENTS; i++) {
            clients.add(
                    Thread.ofPlatform()
                            .start(() -> write(pool.database("shop", "pooled_client", "p"))));
        }
        List<Long> waits = new ArrayList<>();
        TestDatabase from = first;
        TestDatabase to = second;
        for (int turn = 0; turn < 4; turn++) {
            awaitMore();
            longest.set(0);
            move(routes, from, to, turn);
            awaitMore();
            waits.add(longest.get());
            TestDatabase left = from;
            from = to;
            to = left;
        }
        stop.set(true);
        for (Thread client : clients) {
            client.join();
        }

        assertThat(failures).isEmpty();
        assertThat(ids(from)).isEqualTo(new TreeSet<>(committed));
        System.out.printf(
                "PgBouncer, %d clients, 4 moves: %d transactions, 0 failed, longest wait per move"
                        + " %s ms%n",
                CLIENTS, committed.size(), waits.stream().map(wait -> wait / 1_000_000).toList());
    }

    /// What a switchover does, without its fence: while clients wait, the rest of the rows is
    /// brought to the other side.
    private void move(Routes routes, TestDatabase from, TestDatabase to, int turn) {
        Direction direction = turn % 2 == 0 ? Direction.SWITCH : Direction.ROLLBACK;
        assertThat(routes.hold(Duration.ofSeconds(10))).isEqualTo(new Hold.Held());
        Set<Integer> missing = ids(from);
        missing.removeAll(ids(to));
        to.execute(
                "INSERT INTO entry VALUES "
                        + missing.stream()
                                .map(id -> "(" + id + ")")
                                .collect(Collectors.joining(",")));
        assertThat(routes.route(new Attempt("shop", "op" + turn, direction, "op" + turn)).outcome())
                .isEqualTo(new Outcome.Routed());
        assertThat(routes.release()).isEqualTo(new Release.Released());
    }

    private void awaitMore() {
        int wanted = committed.size() + BETWEEN_SWITCHES;
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .until(() -> committed.size() >= wanted || !failures.isEmpty());
    }

    private static Set<Integer> ids(TestDatabase side) {
        return side.query("SELECT id FROM entry").stream()
                .map(row -> Integer.valueOf(String.valueOf(row.getFirst())))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private void write(TestDatabase shop) {
        try (Connection client =
                        DriverManager.getConnection(
                                shop.url() + "?preferQueryMode=simple",
                                shop.username(),
                                shop.password());
                Statement statement = client.createStatement()) {
            client.setAutoCommit(false);
            while (!stop.get()) {
                int id = next.incrementAndGet();
                long begin = System.nanoTime();
                statement.execute("INSERT INTO entry VALUES (" + id + ")");
                client.commit();
                committed.add(id);
                longest.accumulateAndGet(System.nanoTime() - begin, Math::max);
            }
        } catch (SQLException e) {
            failures.add(e);
        }
    }

    private static Routes routes(PgBouncerProcess pool, TestDatabase first, TestDatabase second) {
        Route route =
                new Route.PgBouncer(
                        new Endpoint(
                                pool.admin().url(),
                                PgBouncerProcess.ADMIN,
                                Secret.of(PgBouncerProcess.ADMIN_PASSWORD)),
                        "shop",
                        pool.include(),
                        Server.parse(PgBouncerProcess.settings(first)).orElseThrow(),
                        Server.parse(PgBouncerProcess.settings(second)).orElseThrow());
        return Routes.of(
                "shop",
                new Switchover(
                        Fence.LEASE,
                        Switchover.DEFAULT.verdictMaxAge(),
                        Switchover.DEFAULT.lagBelow(),
                        Switchover.DEFAULT.timeout(),
                        Switchover.DEFAULT.reverseWindow(),
                        List.of(route)),
                side -> {
                    throw new AssertionError("No route uses " + side);
                },
                Path.of("."));
    }
}
