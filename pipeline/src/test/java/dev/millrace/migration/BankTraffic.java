package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.postgres.SqlFailure;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.Waits;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;

/// Clients of a bank that read before each transfer from a flag table which database they use, and
/// possibly one that tries both in turns, because it does not know where the traffic is. A refused
/// transfer is tried again. Records every committed one.
final class BankTraffic implements AutoCloseable {

    static final int ACCOUNTS = 50;
    static final long BALANCE = 1_000;

    private static final int CLIENTS = 4;

    /// A client waits for this time between two transfers, so that the servers are not busy alone
    /// with them. The profile `faults` sets a shorter one.
    private static final Duration PAUSE = Duration.ofMillis(Integer.getInteger("bank.pause", 10));

    /// The server was lost, or starts.
    private static final Set<SqlFailure> LOST = Set.of(SqlFailure.UNREACHABLE, SqlFailure.BUSY);

    private final TestDatabase source;
    private final TestDatabase target;
    private final String role;
    private final List<Thread> clients = new ArrayList<>();
    private final Queue<Transfer> committed = new ConcurrentLinkedQueue<>();
    private final Queue<String> failures = new ConcurrentLinkedQueue<>();

    /// Transfers whose connection was lost before the commit was confirmed.
    private final Set<String> unknown = ConcurrentHashMap.newKeySet();

    private final AtomicInteger refused = new AtomicInteger();
    private volatile boolean stopped;

    /// @param routed whether the client was routed to this side
    /// @param begin when its first write was sent
    /// @param end when its commit was confirmed
    record Transfer(UUID id, String side, boolean routed, long begin, long end) {}

    /// A session of a client, which is opened again after the server was lost.
    private final class Client {

        private final TestDatabase side;
        private @Nullable Connection session;

        Client(TestDatabase side) {
            this.side = side;
        }

        Connection session() throws SQLException {
            Connection open = session;
            if (open == null || open.isClosed()) {
                open = DriverManager.getConnection(side.url(), role, "pw");
                session = open;
            }
            return open;
        }

        void close() throws SQLException {
            if (session != null) {
                session.close();
            }
        }
    }

    private BankTraffic(TestDatabase source, TestDatabase target, String role) {
        this.source = source;
        this.target = target;
        this.role = role;
    }

    /// @param role may write both sides
    static BankTraffic of(TestDatabase source, TestDatabase target, String role) {
        return new BankTraffic(source, target, role);
    }

    void start() {
        startRouted();
        clients.add(Thread.ofPlatform().name("bank-lost").start(() -> run(false)));
    }

    /// Without the client that tries both sides.
    void startRouted() {
        for (int i = 0; i < CLIENTS; i++) {
            clients.add(Thread.ofPlatform().name("bank-" + i).start(() -> run(true)));
        }
    }

    private void run(boolean routed) {
        Client flag = new Client(source);
        Client old = new Client(source);
        Client fresh = new Client(target);
        try {
            for (int turn = 0; !stopped; turn++) {
                String side = routed ? side(flag) : turn % 2 == 0 ? "source" : "target";
                transfer(side, routed, side.equals("source") ? old : fresh);
                LockSupport.parkNanos(PAUSE.toNanos());
            }
            flag.close();
            old.close();
            fresh.close();
        } catch (SQLException e) {
            failures.add(e.toString());
        }
    }

    private static String side(Client flag) throws SQLException {
        try (var statement = flag.session().createStatement();
                var row = statement.executeQuery("SELECT active FROM app.routing")) {
            row.next();
            return row.getString(1);
        }
    }

    private void transfer(String side, boolean routed, Client client) throws SQLException {
        UUID id = UUID.randomUUID();
        int from = ThreadLocalRandom.current().nextInt(ACCOUNTS);
        int to = (from + 1 + ThreadLocalRandom.current().nextInt(ACCOUNTS - 1)) % ACCOUNTS;
        try {
            Connection connection = client.session();
            connection.setAutoCommit(false);
            transfer(connection, new Transfer(id, side, routed, System.nanoTime(), 0), from, to);
        } catch (SQLException e) {
            fail(e, id, side, client);
        }
    }

    private void transfer(Connection connection, Transfer begun, int from, int to)
            throws SQLException {
        try (var statement = connection.createStatement()) {
            // In the order of the keys: no deadlock.
            for (int account : new int[] {Math.min(from, to), Math.max(from, to)}) {
                statement.executeUpdate(
                        "UPDATE account SET balance = balance "
                                + (account == from ? "- 1" : "+ 1")
                                + " WHERE id = "
                                + account);
            }
            statement.executeUpdate("INSERT INTO ledger (transfer) VALUES ('" + begun.id() + "')");
            connection.commit();
            committed.add(
                    new Transfer(
                            begun.id(),
                            begun.side(),
                            begun.routed(),
                            begun.begin(),
                            System.nanoTime()));
        }
    }

    private void fail(SQLException failure, UUID id, String side, Client client)
            throws SQLException {
        if (LOST.contains(SqlFailure.of(failure))) {
            unknown.add(id.toString());
            client.close();
        } else {
            rollback(client);
            if ("25006".equals(failure.getSQLState())) {
                refused.incrementAndGet();
            } else {
                failures.add(side + ": " + failure);
            }
        }
    }

    /// A server that is lost now has rolled back too.
    private static void rollback(Client client) throws SQLException {
        try {
            client.session().rollback();
        } catch (SQLException e) {
            if (!LOST.contains(SqlFailure.of(e))) {
                throw e;
            }
            client.close();
        }
    }

    int refused() {
        return refused.get();
    }

    /// Waits until routed clients have committed on this side, beginning from now.
    void awaitProgress(String side) {
        long now = System.nanoTime();
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .untilAsserted(
                        () -> {
                            assertThat(failures).isEmpty();
                            assertThat(committed)
                                    .anyMatch(
                                            each ->
                                                    each.routed()
                                                            && each.side().equals(side)
                                                            && each.begin() > now);
                        });
    }

    /// Once a write on one side was confirmed, a later write on the other side can only succeed
    /// after a move of the traffic.
    void assertMoves(int most) {
        List<Transfer> ordered =
                committed.stream().sorted(Comparator.comparingLong(Transfer::begin)).toList();
        int moves = 0;
        Transfer first = ordered.getFirst();
        for (Transfer next : ordered) {
            // A write that began before this confirmation may be an earlier one.
            if (!next.side().equals(first.side()) && next.begin() > first.end()) {
                moves++;
                first = next;
            } else if (next.side().equals(first.side()) && moves == 0 && next.end() < first.end()) {
                first = next;
            }
        }
        assertThat(moves).as("moves of the traffic").isLessThanOrEqualTo(most);
    }

    /// Every committed transfer is on this side, and no money is lost. The clients have ended.
    void assertComplete(TestDatabase side) {
        assertThat(failures).isEmpty();
        Map<String, Long> ledger =
                side.query("SELECT transfer FROM ledger").stream()
                        .map(row -> String.valueOf(row.getFirst()))
                        .collect(Collectors.groupingBy(id -> id, Collectors.counting()));
        Set<String> expected =
                committed.stream().map(each -> each.id().toString()).collect(Collectors.toSet());
        ledger.keySet().stream().filter(unknown::contains).forEach(expected::add);
        assertThat(ledger.keySet()).isEqualTo(expected);
        assertThat(ledger.values()).allMatch(count -> count == 1);
        assertThat(side.value("SELECT sum(balance) FROM account"))
                .isEqualTo(Long.toString(ACCOUNTS * BALANCE));
    }

    @Override
    public void close() {
        stopped = true;
        for (Thread client : clients) {
            try {
                client.join();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }
    }
}
