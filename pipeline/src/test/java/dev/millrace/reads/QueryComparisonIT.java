package dev.millrace.reads;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.grants.Grants.Side;
import dev.millrace.parity.QueryReport;
import dev.millrace.parity.QueryReport.Verdict;
import dev.millrace.postgres.Database;
import dev.millrace.postgres.query.QuerySession;
import dev.millrace.reads.QueryComparison.Budget;
import dev.millrace.reconcile.Cancellation;
import dev.millrace.spec.queries.QueryPair;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// The budget of a comparison, with real servers and statements whose results are equal.
class QueryComparisonIT {

    private static final Budget BUDGET =
            new Budget(Duration.ofMillis(300), Duration.ofMinutes(5), 5, 1, 2);

    private final TestDatabase database = PostgresServer.shared().newDatabase();
    private final Login login = GrantedLogins.reader(Side.SOURCE, database);
    private final Database sessions = login.database("reads");

    @AfterEach
    void close() {
        sessions.close();
    }

    private QueryReport compare(String statement, String parameters, Budget budget)
            throws Exception {
        try (QuerySession source = open(budget);
                QuerySession target = open(budget)) {
            return new QueryComparison(
                            new QueryPair(
                                    "q",
                                    statement,
                                    statement,
                                    Optional.of(parameters),
                                    Optional.empty()),
                            source,
                            target,
                            (_, _) -> {
                                throw new AssertionError("The results are equal.");
                            },
                            budget,
                            new Cancellation())
                    .compare();
        }
    }

    private QuerySession open(Budget budget) throws Exception {
        return new QuerySession(sessions, Optional.empty(), budget.statement());
    }

    @Test
    void usesAtMostTheSamplesOfTheBudget() throws Exception {
        QueryReport report =
                compare("SELECT $1::int", "SELECT * FROM generate_series(1, 9)", BUDGET);

        assertThat(report.verdict()).isEqualTo(Verdict.EQUAL);
        assertThat(report.samples()).isEqualTo(5);
        assertThat(report.equal()).isEqualTo(5);
        assertThat(report.source().plan()).containsExactly("Result");
    }

    @Test
    void runsAStatementNoMoreAfterItsTimeouts() throws Exception {
        database.execute(
                "CREATE FUNCTION slow(int) RETURNS int LANGUAGE plpgsql STABLE AS 'BEGIN PERFORM pg_sleep(600); RETURN 1; END'");

        QueryReport report =
                compare("SELECT slow($1)", "SELECT * FROM generate_series(1, 5)", BUDGET);

        assertThat(report.verdict()).isEqualTo(Verdict.UNDECIDED);
        assertThat(report.samples()).isEqualTo(1);
        assertThat(report.complete()).isFalse();
        assertThat(report.cause()).contains("timeout");
    }

    /// No row was compared. `plan` believes what a function says of itself.
    @Test
    void aStatementThatFailsOnBothSidesIsUndecided() throws Exception {
        database.execute(
                "CREATE TABLE noted (id int)",
                "CREATE FUNCTION notes(int) RETURNS int LANGUAGE plpgsql STABLE AS 'BEGIN INSERT INTO noted VALUES ($1); RETURN 1; END'");

        QueryReport report = compare("SELECT notes($1)", "SELECT 1", BUDGET);

        assertThat(report.verdict()).isEqualTo(Verdict.UNDECIDED);
        assertThat(report.cause()).contains("fails on both sides with SQLSTATE");
    }

    /// The first sample decides about the plan, and the others are compared all the same.
    @Test
    void aSampleThatCannotBePlannedDoesNotEndTheComparison() throws Exception {
        QueryReport report =
                compare("SELECT 100 / $1", "SELECT * FROM generate_series(0, 2)", BUDGET);

        assertThat(report.samples()).isEqualTo(3);
        assertThat(report.equal()).isEqualTo(2);
        assertThat(report.verdict()).isEqualTo(Verdict.UNDECIDED);
    }

    @Test
    void endsWithItsTime() throws Exception {
        QueryReport report =
                compare(
                        "SELECT $1::int",
                        "SELECT 1",
                        new Budget(Duration.ofSeconds(5), Duration.ZERO, 5, 1, 2));

        assertThat(report.samples()).isZero();
        assertThat(report.complete()).isFalse();
        assertThat(report.verdict()).isEqualTo(Verdict.UNDECIDED);
    }

    @Test
    void withoutParametersNothingIsProved() throws Exception {
        assertThat(compare("SELECT $1::int", "SELECT 1 WHERE false", BUDGET).cause())
                .contains("gives no row");
        assertThat(compare("SELECT $1::int", "SELECT 1 / 0", BUDGET).cause())
                .contains("SQLSTATE 22012");
    }
}
