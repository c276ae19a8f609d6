package dev.millrace.route;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.TableId;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.postgres.Database;
import dev.millrace.route.TrafficRoute.Attempt;
import dev.millrace.route.TrafficRoute.Direction;
import dev.millrace.route.TrafficRoute.Finding;
import dev.millrace.route.TrafficRoute.Outcome;
import dev.millrace.spec.switchover.Switchover.Route;
import dev.millrace.spec.switchover.Switchover.Side;
import dev.millrace.testing.CutProxy;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// The routes that are one transaction on a database: a flag and a statement.
class SideRoutesIT {

    private static final Attempt SWITCH = new Attempt("m", "op1", Direction.SWITCH, "op1");
    private static final Attempt ROLLBACK = new Attempt("m", "op2", Direction.ROLLBACK, "op2");

    private final TestDatabase database = PostgresServer.shared().newDatabase();
    private final Login login = GrantedLogins.target(database);
    private final Database target = open(login);

    @BeforeEach
    void createTheFlag() {
        database.execute(
                "CREATE TABLE flag (name text, shard int, value text, changes int DEFAULT 0)",
                "INSERT INTO flag VALUES ('shop', 1, 'legacy'), ('shop', 2, 'legacy'),"
                        + " ('other', 1, 'legacy')",
                "CREATE FUNCTION count_changes() RETURNS trigger LANGUAGE plpgsql AS"
                        + " 'BEGIN NEW.changes := OLD.changes + 1; RETURN NEW; END'",
                "CREATE TRIGGER t BEFORE UPDATE ON flag FOR EACH ROW"
                        + " EXECUTE FUNCTION count_changes()",
                // As it is printed for a flag.
                "GRANT SELECT, UPDATE ON flag TO " + login.name());
    }

    @AfterEach
    void close() {
        target.close();
    }

    private static Database open(Login login) {
        return login.database("m");
    }

    private static FlagRoute flag(Database database, Map<String, String> where, String column) {
        return new FlagRoute(
                new Route.Flag(
                        Side.TARGET, new TableId("public", "flag"), column, where, "legacy", "crm"),
                database);
    }

    private FlagRoute flag() {
        return flag(target, Map.of("name", "shop", "shard", "1"), "value");
    }

    private String flags() {
        return String.valueOf(
                database.value(
                        "SELECT string_agg(concat(name, shard, '=', value, ':', changes), ' '"
                                + " ORDER BY name, shard) FROM flag"));
    }

    @Test
    void aFlagIsSetOnceHoweverOftenTheAttemptIsRepeated() {
        assertThat(flag().check(Direction.SWITCH))
                .extracting(Finding::status)
                .containsExactly(Finding.Status.OK);

        assertThat(flag().route(SWITCH)).isEqualTo(new Outcome.Routed());
        assertThat(flag().route(SWITCH)).isEqualTo(new Outcome.Routed());
        assertThat(flags()).isEqualTo("other1=legacy:0 shop1=crm:1 shop2=legacy:0");
        assertThat(flag().check(Direction.SWITCH).getFirst().message())
                .contains("already has the value");
        assertThat(flag().check(Direction.ROLLBACK).getFirst().status())
                .isEqualTo(Finding.Status.OK);

        assertThat(flag().route(ROLLBACK)).isEqualTo(new Outcome.Routed());
        assertThat(flag().route(ROLLBACK)).isEqualTo(new Outcome.Routed());
        assertThat(flags()).isEqualTo("other1=legacy:0 shop1=legacy:2 shop2=legacy:0");
    }

    @Test
    void aFlagThatIsNotExactlyOneRowWithAKnownValueIsLeft() {
        FlagRoute several = flag(target, Map.of("name", "shop"), "value");
        FlagRoute none = flag(target, Map.of("name", "absent"), "value");
        FlagRoute noColumn = flag(target, Map.of("name", "other"), "absent");
        FlagRoute unselected = flag(target, Map.of(), "value");
        FlagRoute third = flag(target, Map.of("name", "other"), "value");
        database.execute("UPDATE flag SET value = 'somewhere' WHERE name = 'other'");

        assertRefused(several, "where does not match exactly one row");
        assertRefused(none, "where does not match exactly one row");
        assertRefused(unselected, "where is not set");
        assertRefused(noColumn, "42703");
        assertRefused(third, "has neither the old nor the new value");
        database.execute("UPDATE flag SET value = NULL, changes = -1 WHERE name = 'other'");
        assertRefused(third, "has neither the old nor the new value");
        assertThat(flags()).isEqualTo("other1=:2 shop1=legacy:0 shop2=legacy:0");
    }

    private static void assertRefused(TrafficRoute route, String reason) {
        assertThat(route.check(Direction.SWITCH))
                .singleElement()
                .satisfies(
                        finding -> {
                            assertThat(finding.status()).isEqualTo(Finding.Status.REFUSED);
                            assertThat(finding.message()).contains(reason);
                            assertThat(finding.remedy()).isNotBlank();
                        });
        assertThat(route.route(SWITCH))
                .isInstanceOfSatisfying(
                        Outcome.NotRouted.class, not -> assertThat(not.reason()).contains(reason));
    }

    @Test
    void aFlagWithoutThePrivilegeIsFoundBefore() {
        database.execute(
                "DROP ROLE IF EXISTS reads_flag",
                "CREATE ROLE reads_flag LOGIN PASSWORD 'p'",
                "GRANT SELECT ON flag TO reads_flag");
        Login reader = new Login(new TestDatabase(database.url(), "reads_flag", "p"));
        try (Database poor = open(reader)) {
            FlagRoute route = flag(poor, Map.of("name", "other"), "value");

            assertThat(route.check(Direction.SWITCH).getFirst().message())
                    .contains("cannot be updated");
            assertThat(route.route(SWITCH)).isInstanceOf(Outcome.NotRouted.class);
        } finally {
            database.execute("DROP OWNED BY reads_flag", "DROP ROLE reads_flag");
        }
    }

    @Test
    void aLockedFlagIsNotWaitedForWithoutLimit() throws SQLException {
        try (Connection blocker = database.connect();
                Statement statement = blocker.createStatement()) {
            blocker.setAutoCommit(false);
            statement.execute("SELECT FROM flag WHERE shard = 1 AND name = 'shop' FOR UPDATE");

            assertThat(flag().route(SWITCH))
                    .isInstanceOfSatisfying(
                            Outcome.NotRouted.class,
                            not -> assertThat(not.reason()).contains("55P03"));
        }
    }

    @Test
    void aTriggerThatChangesTheValueIsNoRouting() {
        database.execute(
                "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS"
                        + " 'BEGIN NEW.value := OLD.value; RETURN NEW; END'",
                "CREATE TRIGGER z BEFORE UPDATE ON flag FOR EACH ROW EXECUTE FUNCTION keep()");

        assertThat(flag().route(SWITCH))
                .isInstanceOfSatisfying(
                        Outcome.NotRouted.class,
                        not -> assertThat(not.reason()).contains("did not set value of one row"));
        assertThat(flags()).contains("shop1=legacy:0");
    }

    /// Where the reply to COMMIT is lost.
    private enum Lost {
        AFTER_THE_COMMIT,
        BEFORE_THE_COMMIT
    }

    @ParameterizedTest
    @EnumSource
    void aLostReplyToCommitIsSettledByTheTransactionsStatus(Lost lost) {
        try (CutProxy proxy = CutProxy.before(database);
                Database fragile = open(login.through(proxy))) {
            if (lost == Lost.AFTER_THE_COMMIT) {
                proxy.cutAfterSending("COMMIT");
            } else {
                // A deferred constraint makes COMMIT fail, and its reply is lost.
                database.execute(
                        "DELETE FROM flag WHERE name = 'other'",
                        "INSERT INTO flag VALUES ('other', 1, 'crm')",
                        "ALTER TABLE flag ADD CONSTRAINT u UNIQUE (value, shard)"
                                + " DEFERRABLE INITIALLY DEFERRED");
                proxy.cutAfterSending("COMMIT");
            }
            Outcome outcome =
                    flag(fragile, Map.of("name", "shop", "shard", "1"), "value").route(SWITCH);

            assertThat(proxy.hasCut()).isTrue();
            if (lost == Lost.AFTER_THE_COMMIT) {
                assertThat(outcome).isEqualTo(new Outcome.Routed());
                assertThat(flags()).contains("shop1=crm:1");
            } else {
                assertThat(outcome).isInstanceOf(Outcome.NotRouted.class);
                assertThat(flags()).contains("shop1=legacy:0");
            }
        }
    }

    @Test
    void aCommitThatNeverArrivedIsEndedAndIsNoRouting() throws SQLException {
        try (Connection left = login.connect();
                Statement statement = left.createStatement()) {
            left.setAutoCommit(false);
            statement.execute("UPDATE flag SET value = 'crm'");
            var row = statement.executeQuery("SELECT pg_current_xact_id(), pg_backend_pid()");
            row.next();
            SideTransaction.Sent sent = new SideTransaction.Sent(row.getString(1), row.getInt(2));

            assertThat(
                            new SideTransaction(target, "flag", Duration.ofSeconds(20))
                                    .settle(sent, "no answer"))
                    .isEqualTo(
                            new Outcome.NotRouted(
                                    "flag: the transaction was rolled back: no answer"));
            assertThat(flags()).doesNotContain("crm");
        }
    }

    @Test
    void anUnreachableServerAfterCommitIsAQuestion() {
        try (CutProxy proxy = CutProxy.before(database);
                Database fragile = open(login.through(proxy))) {
            Outcome outcome =
                    new SideTransaction(fragile, "flag table f", Duration.ofMillis(300))
                            .run(
                                    statement -> {
                                        statement.execute("UPDATE flag SET value = 'crm'");
                                        proxy.refuse();
                                        return Optional.empty();
                                    });

            assertThat(outcome)
                    .isInstanceOfSatisfying(
                            Outcome.Unknown.class,
                            unknown ->
                                    assertThat(unknown.question())
                                            .startsWith("Did transaction ")
                                            .contains("flag table f", "pg_xact_status"));
        }
    }

    @Test
    void aStatementRunsInATransactionInEachDirection() {
        SqlRoute route =
                new SqlRoute(
                        new Route.Sql(
                                Side.SOURCE,
                                "UPDATE flag SET value = 'crm' WHERE '{\"a\":1}'::jsonb ? 'a'",
                                "UPDATE flag SET value = 'legacy'"),
                        target);

        assertThat(route.check(Direction.SWITCH))
                .extracting(Finding::status)
                .containsExactly(Finding.Status.OK);
        assertThat(route.route(SWITCH)).isEqualTo(new Outcome.Routed());
        assertThat(flags()).isEqualTo("other1=crm:1 shop1=crm:1 shop2=crm:1");
        assertThat(route.route(ROLLBACK)).isEqualTo(new Outcome.Routed());
        assertThat(flags()).isEqualTo("other1=legacy:2 shop1=legacy:2 shop2=legacy:2");
    }

    @Test
    void aStatementThatFailsChangesNothingAndIsNotPrinted() {
        SqlRoute route =
                new SqlRoute(
                        new Route.Sql(
                                Side.SOURCE,
                                "UPDATE flag SET value = 'hunter2' || 1/0",
                                "SELECT hunter2 FROM flag"),
                        target);

        assertThat(route.check(Direction.SWITCH))
                .singleElement()
                .satisfies(
                        finding -> {
                            assertThat(finding.object()).isEqualTo("rollback");
                            assertThat(finding.message()).contains("42703");
                        });
        assertThat(route.route(SWITCH))
                .isInstanceOfSatisfying(
                        Outcome.NotRouted.class,
                        not ->
                                assertThat(not.reason())
                                        .contains("22012")
                                        .doesNotContain("hunter2"));
        assertThat(flags()).doesNotContain("hunter2");
    }

    @Test
    void anUnreachableDatabaseIsNoRouting() {
        try (Database nowhere = new Database("m", "jdbc:postgresql://127.0.0.1:1/x", "u", "p")) {
            assertThat(flag(nowhere, Map.of(), "value").route(SWITCH))
                    .isInstanceOf(Outcome.NotRouted.class);
        }
    }
}
