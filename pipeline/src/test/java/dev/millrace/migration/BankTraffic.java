package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.testing.TestDatabase;
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
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import org.awaitility.Awaitility;

/// Clients of a bank that read before each transfer from a flag table which database they use. A
/// refused transfer is tried again. Records every committed one.
final class BankTraffic implements AutoCloseable {

    static final int ACCOUNTS = 50;
    static final long BALANCE = 1_000;

    private static final int CLIENTS = 4;

    /// A client that is refused tries again after this time.
    private static final Duration RETRY = Duration.ofMillis(5);

    private final TestDatabase source;
    private final TestDatabase target;
    private final String role;
    private final List<Thread> clients = new ArrayList<>();
    private final Queue<Transfer> committed = new ConcurrentLinkedQueue<>();
    private final Queue<String> failures = new ConcurrentLinkedQueue<>();
    private final AtomicInteger refused = new AtomicInteger();
    private volatile boolean stopped;

    /// @param begin when its first write was sent
    /// @param end when its commit was confirmed
    record Transfer(UUID id, String side, long begin, long end) {}

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
        for (int i = 0; i < CLIENTS; i++) {
            clients.add(Thread.ofPlatform().name("bank-" + i).start(this::run));
        }
    }

    private void run() {
        try (Connection flag = connect(source);
                Connection old = connect(source);
                Connection fresh = connect(target)) {
            old.setAutoCommit(false);
            fresh.setAutoCommit(false);
            while (!stopped) {
                String side = side(flag);
                transfer(side, side.equals("source") ? old : fresh);
            }
        } catch (SQLException e) {
            failures.add(e.toString());
        }
    }

    private Connection connect(TestDatabase database) throws SQLException {
        return DriverManager.getConnection(database.url(), role, "pw");
    }

    private static String side(Connection flag) throws SQLException {
        try (var statement = flag.createStatement();
                var row = statement.executeQuery("SELECT active FROM app.routing")) {
            row.next();
            return row.getString(1);
        }
    }

    private void transfer(String side, Connection connection) throws SQLException {
        UUID id = UUID.randomUUID();
        int from = ThreadLocalRandom.current().nextInt(ACCOUNTS);
        int to = (from + 1 + ThreadLocalRandom.current().nextInt(ACCOUNTS - 1)) % ACCOUNTS;
        try (var statement = connection.createStatement()) {
            long begin = System.nanoTime();
            // In the order of the keys: no deadlock.
            for (int account : new int[] {Math.min(from, to), Math.max(from, to)}) {
                statement.executeUpdate(
                        "UPDATE account SET balance = balance "
                                + (account == from ? "- 1" : "+ 1")
                                + " WHERE id = "
                                + account);
            }
            statement.executeUpdate("INSERT INTO ledger (transfer) VALUES ('" + id + "')");
            connection.commit();
            committed.add(new Transfer(id, side, begin, System.nanoTime()));
        } catch (SQLException e) {
            connection.rollback();
            if ("25006".equals(e.getSQLState())) {
                refused.incrementAndGet();
                LockSupport.parkNanos(RETRY.toNanos());
            } else {
                failures.add(side + ": " + e);
            }
        }
    }

    int refused() {
        return refused.get();
    }

    /// Waits until clients have committed on this side, beginning from now.
    void awaitProgress(String side) {
        long now = System.nanoTime();
        Awaitility.await()
                .atMost(Duration.ofSeconds(30))
                .untilAsserted(
                        () -> {
                            assertThat(failures).isEmpty();
                            assertThat(committed)
                                    .anyMatch(
                                            each -> each.side().equals(side) && each.begin() > now);
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
