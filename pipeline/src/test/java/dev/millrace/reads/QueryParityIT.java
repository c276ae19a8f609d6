package dev.millrace.reads;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.Topics;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.digest.Chunker;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.grants.Grants.Side;
import dev.millrace.kafka.ChangeLog;
import dev.millrace.parity.QueryReport;
import dev.millrace.parity.QueryReport.Verdict;
import dev.millrace.postgres.Database;
import dev.millrace.reads.QueryComparison.Budget;
import dev.millrace.reconcile.Cancellation;
import dev.millrace.reconcile.ReplicationProgress;
import dev.millrace.retention.LogHolds;
import dev.millrace.spec.queries.QueryPair;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.LongPredicate;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// The kill switch, with a statement that no timeout would end.
class QueryParityIT {

    private static final Budget ENDLESS =
            new Budget(Duration.ofHours(1), Duration.ofHours(1), 5, 1, 2);

    private static final String RUNNING =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query LIKE 'EXECUTE%'";

    private final TestDatabase database = PostgresServer.shared().newDatabase();
    private final Login login = GrantedLogins.reader(Side.SOURCE, database);
    private final Database sessions = login.database("reads");
    private final Cancellation cancellation = new Cancellation();

    @AfterEach
    void close() {
        sessions.close();
    }

    private static final class Unused implements ReplicationProgress {

        @Override
        public Map<Integer, Long> changesEnds() {
            throw new AssertionError();
        }

        @Override
        public Map<Integer, Long> changesBegins() {
            throw new AssertionError();
        }

        @Override
        public LogHolds.Hold holdLog() {
            return new LogHolds().hold();
        }

        @Override
        public Marked emitWatermark() {
            throw new AssertionError();
        }

        @Override
        public Wait awaitApplied(WatermarkNumber watermark, Cancellation until) {
            throw new AssertionError();
        }

        @Override
        public LongPredicate delivered() {
            throw new AssertionError();
        }
    }

    private List<QueryReport> compare(String... statements) {
        Topics topics = new Topics("reads");
        return new QueryParity(
                        sessions,
                        sessions,
                        new Unused(),
                        new Chunker(
                                "reads",
                                topics.target(),
                                () -> login.session("reads"),
                                () -> login.session("reads")),
                        new ChangeLog(Map.of("bootstrap.servers", "127.0.0.1:1"), topics),
                        cancellation,
                        InstantSource.system(),
                        ENDLESS)
                .compare(
                        List.of(statements).stream()
                                .map(
                                        statement ->
                                                new QueryPair(
                                                        statement,
                                                        statement,
                                                        statement,
                                                        Optional.empty(),
                                                        Optional.empty()))
                                .toList());
    }

    @Test
    void aCancellationEndsTheRunningStatementAndLeavesOutTheOthers() throws Exception {
        ExecutorService thread = Executors.newSingleThreadExecutor();
        try {
            Future<List<QueryReport>> running =
                    thread.submit(() -> compare("SELECT 1", "SELECT pg_sleep(3600)", "SELECT 2"));
            Awaitility.await().until(() -> "1".equals(database.value(RUNNING)));

            cancellation.request();

            Awaitility.await().until(running::isDone);
            assertThat(running.get())
                    .extracting(QueryReport::verdict)
                    .containsExactly(Verdict.EQUAL, Verdict.UNDECIDED, Verdict.UNDECIDED);
            assertThat(running.get().getLast().cause()).contains("cancelled");
            assertThat(database.value(RUNNING)).isEqualTo("0");
        } finally {
            database.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'EXECUTE%'");
            thread.close();
        }
    }

    /// One statement that cannot be run does not prevent the comparison of the others.
    @Test
    void aStatementThatIsWrongIsUndecided() {
        assertThat(compare("SELECT nothing FROM nowhere", "SELECT 2"))
                .extracting(QueryReport::verdict)
                .containsExactly(Verdict.UNDECIDED, Verdict.EQUAL);
    }
}
