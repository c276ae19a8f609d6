package dev.millrace.route;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.millrace.route.TrafficRoute.Attempt;
import dev.millrace.route.TrafficRoute.Direction;
import dev.millrace.route.TrafficRoute.Finding;
import dev.millrace.route.TrafficRoute.Hold;
import dev.millrace.route.TrafficRoute.Outcome;
import dev.millrace.route.TrafficRoute.Release;
import dev.millrace.spec.MigrationSpec.Endpoint;
import dev.millrace.spec.Secret;
import dev.millrace.spec.switchover.Switchover.Route;
import dev.millrace.spec.switchover.Switchover.Route.PgBouncer.Server;
import dev.millrace.testing.CutProxy;
import dev.millrace.testing.PgBouncerProcess;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// A real PgBouncer before two databases.
class PgBouncerRouteIT {

    private static final Attempt SWITCH = new Attempt("shop", "op1", Direction.SWITCH, "op1");
    private static final Attempt ROLLBACK = new Attempt("shop", "op2", Direction.ROLLBACK, "op2");
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    private static TestDatabase old;
    private static TestDatabase replacement;

    private PgBouncerProcess pool;

    @BeforeAll
    static void createDatabases() {
        assumeTrue(PgBouncerProcess.isInstalled(), PgBouncerProcess.MISSING);
        old = PostgresServer.shared().newDatabase();
        replacement = PostgresServer.shared().newDatabase();
        old.execute("CREATE ROLE pooled LOGIN PASSWORD 'p'");
    }

    @AfterAll
    static void dropTheRole() {
        if (old != null) {
            old.execute("DROP ROLE pooled");
        }
    }

    @BeforeEach
    void startPool() {
        pool = startPool(Map.of());
    }

    private static PgBouncerProcess startPool(Map<String, String> settings) {
        return PgBouncerProcess.start(
                List.of(
                        "; kept",
                        "first = host=127.0.0.1 port=1",
                        "  shop  =  " + PgBouncerProcess.settings(old).replace(" ", "   "),
                        "shop2 = host=127.0.0.1 port=1"),
                Map.of("pooled", "p"),
                settings);
    }

    @AfterEach
    void endPool() {
        if (pool != null) {
            pool.close();
        }
    }

    private PgBouncerRoute route() {
        return route(pool.admin().url(), PgBouncerProcess.ADMIN, pool.include());
    }

    private static PgBouncerRoute route(String admin, String user, Path file) {
        return new PgBouncerRoute(
                "shop",
                new Route.PgBouncer(
                        new Endpoint(admin, user, Secret.of(PgBouncerProcess.ADMIN_PASSWORD)),
                        "shop",
                        file,
                        Server.parse(PgBouncerProcess.settings(old)).orElseThrow(),
                        Server.parse(PgBouncerProcess.settings(replacement)).orElseThrow()),
                Duration.ofSeconds(30),
                PATIENCE);
    }

    private Connection client() {
        // A named statement of the driver would exist on one server connection only.
        return pool.database("shop?preferQueryMode=simple", "pooled", "p").connect();
    }

    private static String database(Connection client) throws SQLException {
        try (Statement statement = client.createStatement();
                var row = statement.executeQuery("SELECT current_database()")) {
            row.next();
            return row.getString(1);
        }
    }

    private String used() throws SQLException {
        try (Connection client = client()) {
            return database(client);
        }
    }

    private boolean isPaused() {
        return pool.show("DATABASES").stream()
                .anyMatch(row -> row.contains("name=shop") && row.contains("paused=1"));
    }

    @Test
    void movesADatabaseThereAndBackAndKeepsTheRestOfTheFile() throws Exception {
        Files.setPosixFilePermissions(pool.include(), PosixFilePermissions.fromString("rw-r--r-x"));
        assertThat(route().check(Direction.SWITCH))
                .extracting(Finding::status)
                .containsExactly(Finding.Status.OK);
        assertThat(used()).isEqualTo(old.name());

        assertThat(route().hold(Duration.ofSeconds(5))).isEqualTo(new Hold.Held());
        assertThat(route().route(SWITCH)).isEqualTo(new Outcome.Routed());
        assertThat(isPaused()).isTrue();
        assertThat(route().release()).isEqualTo(new Release.Released());
        assertThat(used()).isEqualTo(replacement.name());
        assertThat(Files.readString(pool.include()))
                .isEqualTo(
                        "; kept\nfirst = host=127.0.0.1 port=1\n  shop  =  "
                                + PgBouncerProcess.settings(replacement)
                                + "\nshop2 = host=127.0.0.1 port=1\n");
        assertThat(Files.getPosixFilePermissions(pool.include()))
                .isEqualTo(PosixFilePermissions.fromString("rw-r--r-x"));
        try (var files = Files.list(pool.include().getParent())) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .noneMatch(name -> name.contains("millrace"));
        }

        assertThat(route().check(Direction.ROLLBACK))
                .extracting(Finding::status)
                .containsExactly(Finding.Status.OK);
        assertThat(route().route(ROLLBACK)).isEqualTo(new Outcome.Routed());
        assertThat(used()).isEqualTo(old.name());
    }

    @Test
    void everyStepCanBeRepeatedAfterAKill() throws Exception {
        assertThat(route().hold(Duration.ofSeconds(5))).isEqualTo(new Hold.Held());
        assertThat(route().hold(Duration.ofSeconds(5))).isEqualTo(new Hold.Held());
        // Killed after the file was replaced and before RELOAD.
        new PoolFile(pool.include(), "shop")
                .write(Server.parse(PgBouncerProcess.settings(replacement)).orElseThrow());
        assertThat(route().route(SWITCH)).isEqualTo(new Outcome.Routed());
        assertThat(route().route(SWITCH)).isEqualTo(new Outcome.Routed());
        assertThat(route().release()).isEqualTo(new Release.Released());
        assertThat(route().release()).isEqualTo(new Release.Released());
        assertThat(used()).isEqualTo(replacement.name());
    }

    @Test
    void clientsWaitWhileTheyAreHeld() throws Exception {
        try (Connection client = client()) {
            assertThat(database(client)).isEqualTo(old.name());
            assertThat(route().hold(Duration.ofSeconds(5))).isEqualTo(new Hold.Held());
            CompletableFuture<String> waiting =
                    CompletableFuture.supplyAsync(
                            () -> {
                                try {
                                    return database(client);
                                } catch (SQLException e) {
                                    throw new IllegalStateException(e);
                                }
                            });
            Awaitility.await()
                    .until(
                            () ->
                                    pool.show("POOLS").stream()
                                            .anyMatch(
                                                    row ->
                                                            row.contains("database=shop")
                                                                    && row.contains(
                                                                            "cl_waiting=1")));
            assertThat(waiting).isNotDone();
            assertThat(route().route(SWITCH)).isEqualTo(new Outcome.Routed());
            assertThat(waiting).isNotDone();
            assertThat(route().release()).isEqualTo(new Release.Released());
            assertThat(waiting.get()).isEqualTo(replacement.name());
        }
    }

    @Test
    void anOpenTransactionIsNotHeldAndClientsContinue() throws Exception {
        try (Connection client = client()) {
            client.setAutoCommit(false);
            assertThat(database(client)).isEqualTo(old.name());

            assertNotHeld();
            assertThat(isPaused()).isFalse();
            client.commit();
            assertThat(used()).isEqualTo(old.name());
        }
    }

    private void assertNotHeld() {
        assertThat(route().hold(Duration.ofMillis(500)))
                .isInstanceOfSatisfying(
                        Hold.NotHeld.class,
                        not -> {
                            assertThat(not.reason()).contains("1 server connection");
                            assertThat(not.release()).isEqualTo(new Release.Released());
                        });
    }

    /// PgBouncer 1.18 answers a later PAUSE at once after a WAIT_CLOSE that had nothing to wait
    /// for.
    @Test
    void aPauseCountsWhenItIsEffectiveNotWhenItIsAnswered() throws Exception {
        pool.admin("WAIT_CLOSE shop");
        try (Connection client = client()) {
            client.setAutoCommit(false);
            assertThat(database(client)).isEqualTo(old.name());

            assertNotHeld();
            client.commit();
            assertThat(route().hold(Duration.ofSeconds(5))).isEqualTo(new Hold.Held());
        }
    }

    @Test
    void withoutAHoldATransactionEndsOnTheOldServer() throws Exception {
        try (Connection client = client()) {
            client.setAutoCommit(false);
            assertThat(database(client)).isEqualTo(old.name());
            CompletableFuture<Outcome> routing =
                    CompletableFuture.supplyAsync(() -> route().route(SWITCH));
            Awaitility.await()
                    .until(
                            () ->
                                    pool.show("SERVERS").stream()
                                            .anyMatch(row -> row.contains("close_needed=1")));
            assertThat(routing).isNotDone();
            assertThat(database(client)).isEqualTo(old.name());
            client.commit();

            assertThat(routing.get()).isEqualTo(new Outcome.Routed());
            assertThat(database(client)).isEqualTo(replacement.name());
            client.commit();
        }
    }

    @Test
    void aTransactionThatDoesNotEndTakesTheRouteBack() throws Exception {
        try (Connection client = client()) {
            client.setAutoCommit(false);
            assertThat(database(client)).isEqualTo(old.name());

            assertThat(route().route(SWITCH))
                    .isInstanceOfSatisfying(
                            Outcome.NotRouted.class,
                            not -> assertThat(not.reason()).contains("did not end in time"));
            assertThat(Files.readString(pool.include())).contains(PgBouncerProcess.settings(old));
            client.commit();
            assertThat(used()).isEqualTo(old.name());
        }
    }

    @Test
    void aFileThatIsNotIncludedIsFoundAndWrittenBack() throws Exception {
        Path elsewhere = pool.include().resolveSibling("elsewhere.ini");
        Files.writeString(elsewhere, PgBouncerProcess.line("shop", old) + "\n");
        PgBouncerRoute route = route(pool.admin().url(), PgBouncerProcess.ADMIN, elsewhere);

        assertThat(route.check(Direction.SWITCH))
                .singleElement()
                .satisfies(finding -> assertThat(finding.message()).contains("is not included"));
        assertThat(route.route(SWITCH))
                .isInstanceOfSatisfying(
                        Outcome.NotRouted.class,
                        not -> assertThat(not.reason()).contains("did not take the new line"));
        assertThat(Files.readString(elsewhere)).contains(PgBouncerProcess.settings(old));
        assertThat(used()).isEqualTo(old.name());
    }

    @Test
    void aFileThatPgBouncerCannotReadIsNoRouting() throws Exception {
        Files.writeString(pool.include(), "broken\n" + Files.readString(pool.include()));

        assertThat(route().route(SWITCH)).isInstanceOf(Outcome.NotRouted.class);
        assertThat(Files.readString(pool.include())).contains(PgBouncerProcess.settings(old));
        assertThat(used()).isEqualTo(old.name());
    }

    @Test
    void aLineOfSomebodyElseIsLeft() throws Exception {
        String line = "shop = host=127.0.0.1 port=1 dbname=x\n";
        Files.writeString(pool.include(), line);

        assertThat(route().check(Direction.SWITCH))
                .extracting(Finding::message)
                .anyMatch(message -> message.contains("neither the old nor the new"));
        assertThat(route().route(SWITCH)).isInstanceOf(Outcome.NotRouted.class);
        assertThat(Files.readString(pool.include())).isEqualTo(line);
        Files.writeString(pool.include(), line + line);
        assertThat(route().check(Direction.SWITCH))
                .extracting(Finding::message)
                .anyMatch(message -> message.contains("exactly one line"));
    }

    @Test
    void aLostConnectionIsTriedAgainAndEachStepCanBeRepeated() throws Exception {
        for (String command : List.of("RELOAD", "RECONNECT", "SHOW DATABASES")) {
            try (CutProxy proxy = CutProxy.before(pool.admin())) {
                proxy.cutAfterSending(command);
                PgBouncerRoute route =
                        route(
                                proxy.through(pool.admin()).url(),
                                PgBouncerProcess.ADMIN,
                                pool.include());

                assertThat(route.route(SWITCH)).isEqualTo(new Outcome.Routed());
                assertThat(proxy.hasCut()).isTrue();
                assertThat(used()).isEqualTo(replacement.name());
                assertThat(route.route(ROLLBACK)).isEqualTo(new Outcome.Routed());
            }
        }
    }

    @Test
    void aLostConsoleIsNoRoutingBeforeTheFileIsWrittenAndAQuestionAfterIt() throws Exception {
        try (CutProxy proxy = CutProxy.before(pool.admin())) {
            PgBouncerRoute route =
                    route(
                            proxy.through(pool.admin()).url(),
                            PgBouncerProcess.ADMIN,
                            pool.include());
            proxy.refuse();

            assertThat(route.route(SWITCH)).isInstanceOf(Outcome.NotRouted.class);
            assertThat(Files.readString(pool.include()))
                    .contains(PgBouncerProcess.settings(old).replace(" ", "   "));
            assertThat(route.hold(Duration.ofMillis(500)))
                    .isInstanceOfSatisfying(
                            Hold.NotHeld.class,
                            not ->
                                    assertThat(not.release())
                                            .isInstanceOf(Release.NotReleased.class));
            new PoolFile(pool.include(), "shop")
                    .write(Server.parse(PgBouncerProcess.settings(replacement)).orElseThrow());
            assertThat(route.route(SWITCH))
                    .isInstanceOfSatisfying(
                            Outcome.Unknown.class,
                            unknown ->
                                    assertThat(unknown.question())
                                            .contains("SHOW DATABASES", "means not-routed")
                                            .doesNotContain(PgBouncerProcess.ADMIN_PASSWORD));
        }
    }

    @Test
    void findsASessionPoolAUserWithoutThePrivilegeAndAShortWait() throws Exception {
        pool.close();
        pool =
                startPool(
                        Map.of(
                                "pool_mode",
                                "session",
                                "query_wait_timeout",
                                "20",
                                "stats_users",
                                "pooled"));
        PgBouncerRoute route =
                new PgBouncerRoute(
                        "shop",
                        new Route.PgBouncer(
                                new Endpoint(pool.admin().url(), "pooled", Secret.of("p")),
                                "shop",
                                pool.include(),
                                Server.parse(PgBouncerProcess.settings(old)).orElseThrow(),
                                Server.parse("host=127.0.0.1 port=1").orElseThrow()),
                        Duration.ofSeconds(30),
                        PATIENCE);

        assertThat(route.check(Direction.SWITCH))
                .extracting(Finding::object, Finding::status)
                .containsExactlyInAnyOrder(
                        org.assertj.core.groups.Tuple.tuple("shop", Finding.Status.REFUSED),
                        org.assertj.core.groups.Tuple.tuple("admin_users", Finding.Status.REFUSED),
                        org.assertj.core.groups.Tuple.tuple(
                                "query_wait_timeout", Finding.Status.WARNING));
        assertThat(route.check(Direction.SWITCH))
                .extracting(Finding::message)
                .anyMatch(message -> message.contains("PAUSE would wait until every client"));
        try (Connection _ = client()) {
            assertThat(route().hold(Duration.ofMillis(500))).isInstanceOf(Hold.NotHeld.class);
        }
    }

    @Test
    void findsAPausedAnUnknownAndAnUnreachablePool() throws IOException {
        pool.admin("PAUSE shop");
        assertThat(route().check(Direction.SWITCH))
                .extracting(Finding::message)
                .anyMatch(message -> message.contains("is paused"));
        pool.admin("RESUME shop");

        assertThat(
                        route("jdbc:postgresql://127.0.0.1:1/pgbouncer", "x", pool.include())
                                .check(Direction.SWITCH))
                .extracting(Finding::status)
                .containsExactly(Finding.Status.UNREACHABLE);

        Files.writeString(pool.include(), "other = host=127.0.0.1 port=1\n");
        pool.admin("RELOAD");
        assertThat(route().check(Direction.SWITCH))
                .extracting(Finding::message)
                .anyMatch(message -> message.contains("is not a database of this PgBouncer"));
        assertThat(route().hold(Duration.ofSeconds(1))).isInstanceOf(Hold.NotHeld.class);
    }
}
