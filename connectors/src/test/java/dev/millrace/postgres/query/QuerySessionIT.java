package dev.millrace.postgres.query;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.grants.GrantSql;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.postgres.Database;
import dev.millrace.postgres.query.QuerySession.Described;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What statements of the application may do, and what their results say.
class QuerySessionIT {

    private static final Duration TIMEOUT = Duration.ofSeconds(30);

    private final TestDatabase database = PostgresServer.shared().newDatabase();

    /// Comparisons without their own login have this one, which may write.
    private Login login;

    private Database sessions;

    @BeforeEach
    void tables() {
        database.execute(
                "CREATE TABLE t (id int PRIMARY KEY, v text)",
                "INSERT INTO t VALUES (1, 'a'), (2, ''), (3, NULL), (4, 'a')",
                "CREATE SEQUENCE s",
                "CREATE VIEW clock AS SELECT id, clock_timestamp() AS now FROM t",
                "CREATE FUNCTION noisy(int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN $1; END'",
                "CREATE FUNCTION liar() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT nextval(''s'')'",
                "CREATE FUNCTION slow() RETURNS int LANGUAGE plpgsql STABLE AS 'BEGIN PERFORM pg_sleep(600); RETURN 1; END'");
        login = GrantedLogins.apply(database);
        sessions = login.database("query");
        // What else a statement without a role reads, the operator grants.
        database.execute("GRANT USAGE ON SEQUENCE s TO " + login.name());
    }

    @AfterEach
    void close() {
        sessions.close();
    }

    private QuerySession open(Duration timeout) throws SQLException {
        return new QuerySession(sessions, Optional.empty(), timeout);
    }

    private Described describe(String sql) throws SQLException {
        try (QuerySession session = open(TIMEOUT)) {
            return session.describe(sql);
        }
    }

    private QueryResult run(String sql, @Nullable String... parameters) throws SQLException {
        try (QuerySession session = open(TIMEOUT)) {
            session.prepare("q", sql);
            return session.run("q", Arrays.asList(parameters));
        }
    }

    @Test
    void aSelectThatReadsIsAccepted() throws Exception {
        assertThat(describe("SELECT id, lower(v), now() FROM t WHERE id = $1 AND v LIKE $2"))
                .isEqualTo(new Described(2, false, List.of(), false));
        assertThat(describe("SELECT id FROM t ORDER BY random() LIMIT 3"))
                .isEqualTo(new Described(0, false, List.of(), true));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT nextval('s')",
                "SELECT id FROM t WHERE noisy(id) = 1",
                "SELECT id FROM t WHERE id = (SELECT noisy($1))",
                "SELECT noisy(id) FROM t GROUP BY id HAVING count(noisy(id)) > 0",
                "SELECT * FROM clock",
                "SELECT pg_sleep($1)",
                "SELECT pg_terminate_backend(id) FROM t",
                "SELECT set_config('transaction_read_only', 'off', true)",
                "SELECT x FROM generate_series(1, 3) x, LATERAL noisy(x) y ORDER BY noisy(y)"
            })
    void aVolatileFunctionIsFound(String sql) throws Exception {
        assertThat(describe(sql).volatiles()).isNotEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "INSERT INTO t VALUES (9)",
                "UPDATE t SET v = 'x'",
                "DELETE FROM t",
                "WITH d AS (DELETE FROM t RETURNING id) SELECT * FROM d",
                "SELECT id FROM t FOR UPDATE",
                "SELECT id FROM t FOR KEY SHARE"
            })
    void aStatementThatWritesIsFound(String sql) throws Exception {
        assertThat(describe(sql).writes()).isTrue();
        assertThat(run(sql)).isEqualTo(new QueryResult.Failed("25006"));
    }

    /// A function that is declared wrongly is not found; the transaction refuses what it does.
    @Test
    void aTransactionOnlyReads() throws Exception {
        assertThat(describe("SELECT liar()").volatiles()).isEmpty();
        assertThat(run("SELECT liar()")).isEqualTo(new QueryResult.Failed("25006"));
        assertThat(database.value("SELECT is_called FROM s")).isEqualTo("f");
    }

    @Test
    void aSessionServesManyStatementsAlsoAfterOneThatFails() throws Exception {
        try (QuerySession session = open(TIMEOUT)) {
            assertThatThrownBy(() -> session.describe("SELECT nothing FROM t"))
                    .hasMessageContaining("nothing");
            assertThat(session.describe("SELECT id FROM t WHERE id = $1").parameters())
                    .isEqualTo(1);
            assertThat(session.describe("SELECT 1").parameters()).isZero();
            assertThat(session.columns("SELECT id, v FROM t")).isEqualTo(2);
        }
    }

    @Test
    void resultsAreComparedWithoutTheirOrder() throws Exception {
        QueryResult.Rows up = (QueryResult.Rows) run("SELECT id, v FROM t ORDER BY id");
        QueryResult.Rows down =
                (QueryResult.Rows) run("SELECT id::bigint, v FROM t ORDER BY id DESC");

        assertThat(up.count()).isEqualTo(4);
        assertThat(up.isSame(down)).isTrue();
        for (String other :
                List.of(
                        "SELECT id, v FROM t WHERE id <> 4",
                        "SELECT id, v FROM t UNION ALL SELECT 1, 'a'",
                        "SELECT id, coalesce(v, '') FROM t",
                        "SELECT id, nullif(v, '') FROM t",
                        "SELECT id, v || CASE id WHEN 4 THEN ' ' ELSE '' END FROM t",
                        "SELECT id, v, 1 FROM t")) {
            assertThat(up.isSame((QueryResult.Rows) run(other))).as(other).isFalse();
        }
        QueryResult.Rows once = (QueryResult.Rows) run("SELECT 'a'");
        assertThat(once.isSame((QueryResult.Rows) run("SELECT v FROM t WHERE v = 'a'"))).isFalse();
    }

    @Test
    void parametersAreTextsOfTheirType() throws Exception {
        assertThat(((QueryResult.Rows) run("SELECT v FROM t WHERE id = $1", "2")).rows())
                .containsOnlyKeys(List.of(""));
        assertThat(
                        ((QueryResult.Rows)
                                        run(
                                                "SELECT id FROM t WHERE v IS NOT DISTINCT FROM $1",
                                                (String) null))
                                .rows())
                .containsOnlyKeys(List.of("3"));
        assertThat(((QueryResult.Rows) run("SELECT $1::text", "it's \\ $1")).rows())
                .containsOnlyKeys(List.of("it's \\ $1"));
        assertThat(run("SELECT id FROM t WHERE id = $1", "x"))
                .isEqualTo(new QueryResult.Failed("22P02"));
    }

    @Test
    void aResultHasALimit() throws Exception {
        assertThat(run("SELECT * FROM generate_series(1, 10000)"))
                .isInstanceOf(QueryResult.Rows.class);
        assertThat(run("SELECT * FROM generate_series(1, 10001)"))
                .isEqualTo(new QueryResult.TooLarge());
        assertThat(run("SELECT repeat('x', 9000000) FROM generate_series(1, 2)"))
                .isEqualTo(new QueryResult.TooLarge());
    }

    @Test
    void aStatementHasATimeout() throws Exception {
        try (QuerySession session = open(Duration.ofMillis(50))) {
            session.prepare("q", "SELECT slow()");
            assertThat(session.run("q", List.of())).isEqualTo(new QueryResult.Cancelled());
        }
    }

    @Test
    void aStatementIsCancelled() throws Exception {
        try (QuerySession session = open(TIMEOUT);
                ExecutorService thread = Executors.newSingleThreadExecutor()) {
            session.prepare("q", "SELECT slow()");
            CompletableFuture<QueryResult> running =
                    CompletableFuture.supplyAsync(
                            () -> {
                                try {
                                    return session.run("q", List.of());
                                } catch (SQLException e) {
                                    throw new IllegalStateException(e);
                                }
                            },
                            thread);

            Awaitility.await()
                    .until(
                            () -> {
                                session.cancel();
                                return running.isDone();
                            });
            assertThat(running.get()).isEqualTo(new QueryResult.Cancelled());
        }
    }

    @Test
    void aRoleHasItsOwnPrivileges() throws Exception {
        String role = "reads_" + Long.toString(System.nanoTime(), 36);
        database.execute("CREATE ROLE " + role, GrantSql.member(role, login.name()));
        try (QuerySession session = new QuerySession(sessions, Optional.of(role), TIMEOUT)) {
            session.prepare("q", "SELECT id FROM t");
            assertThat(session.run("q", List.of())).isEqualTo(new QueryResult.Failed("42501"));
            database.execute("GRANT SELECT ON t TO " + role);
            assertThat(session.run("q", List.of())).isInstanceOf(QueryResult.Rows.class);
        } finally {
            database.execute("DROP OWNED BY " + role, "DROP ROLE " + role);
        }
        try (QuerySession session =
                new QuerySession(sessions, Optional.of("nobody_" + role), TIMEOUT)) {
            assertThatThrownBy(() -> session.describe("SELECT 1")).hasMessageContaining("nobody_");
        }
    }

    @Test
    void aPlanNamesNodesAndTablesOnly() throws Exception {
        try (QuerySession session = open(TIMEOUT)) {
            session.prepare("q", "SELECT v FROM t WHERE v = $1");
            assertThat(session.plan("q", List.of("secret"))).containsExactly("Seq Scan t");
        }
    }
}
