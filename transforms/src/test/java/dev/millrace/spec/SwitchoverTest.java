package dev.millrace.spec;

import static dev.millrace.spec.SpecTexts.VALID;
import static dev.millrace.spec.SpecTexts.problems;
import static dev.millrace.spec.SpecTexts.valid;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.TableId;
import dev.millrace.spec.switchover.Switchover;
import dev.millrace.spec.switchover.Switchover.Fence;
import dev.millrace.spec.switchover.Switchover.Route;
import dev.millrace.spec.switchover.Switchover.Route.Exec.Command;
import dev.millrace.spec.switchover.Switchover.Route.PgBouncer.Server.Setting;
import dev.millrace.spec.switchover.Switchover.Side;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// The `switchover` section: what is read of it, and each problem with its position.
class SwitchoverTest {

    private static final String ROUTES =
            VALID
                    + """
                    switchover:
                      fence: external
                      verdict-max-age: 1h
                      lag-below: 1500ms
                      timeout: 1m
                      reverse-window: 2d
                      route:
                      - flag: {side: target, table: app.flag, column: value, where: {name: shop, id: 7}, old: 'a', new: 'b'}
                      - sql:
                          side: source
                          switch: SELECT routing.use('crm')
                          rollback: SELECT routing.use('shop')
                      - exec: {switch: [./route, crm], rollback: [/opt/route, '', x]}
                      - webhook: {url: 'https://router:8443/B42/secret?key=secret', token: '${TOKEN}'}
                      - pgbouncer:
                          admin: pool:6432
                          username: millrace
                          password: ${TOKEN}
                          database: shop
                          config: pool/databases.ini
                          old: host=db1 port=5432 dbname=shop
                          new: host=db2 dbname='new ''crm''' pool_mode=transaction
                    """;

    private static final Map<String, String> ENVIRONMENT = Map.of("TOKEN", "hunter2");

    @Test
    void readsEveryRoute() {
        Switchover switchover = valid(ROUTES, ENVIRONMENT).spec().switchover();
        Path folder = Path.of("").toAbsolutePath();

        assertThat(switchover.fence()).isEqualTo(Fence.EXTERNAL);
        assertThat(switchover.verdictMaxAge()).isEqualTo(Duration.ofHours(1));
        assertThat(switchover.lagBelow()).isEqualTo(Duration.ofMillis(1500));
        assertThat(switchover.timeout()).isEqualTo(Duration.ofMinutes(1));
        assertThat(switchover.reverseWindow()).isEqualTo(Duration.ofDays(2));
        assertThat(switchover.route())
                .containsExactly(
                        new Route.Flag(
                                Side.TARGET,
                                new TableId("app", "flag"),
                                "value",
                                Map.of("name", "shop", "id", "7"),
                                "a",
                                "b"),
                        new Route.Sql(
                                Side.SOURCE,
                                "SELECT routing.use('crm')",
                                "SELECT routing.use('shop')"),
                        new Route.Exec(
                                new Command(folder.resolve("route"), List.of("crm")),
                                new Command(Path.of("/opt/route"), List.of("", "x")),
                                Duration.ofSeconds(10)),
                        new Route.Webhook(
                                URI.create("https://router:8443/B42/secret?key=secret"),
                                Secret.of("hunter2"),
                                Duration.ofSeconds(5)),
                        new Route.PgBouncer(
                                new MigrationSpec.Endpoint(
                                        "jdbc:postgresql://pool:6432/pgbouncer",
                                        "millrace",
                                        Secret.of("hunter2")),
                                "shop",
                                folder.resolve("pool/databases.ini"),
                                new Route.PgBouncer.Server(
                                        List.of(
                                                new Setting("host", "db1"),
                                                new Setting("port", "5432"),
                                                new Setting("dbname", "shop"))),
                                new Route.PgBouncer.Server(
                                        List.of(
                                                new Setting("host", "db2"),
                                                new Setting("dbname", "new 'crm'"),
                                                new Setting("pool_mode", "transaction")))));
    }

    @Test
    void hasDefaults() {
        assertThat(valid(VALID, Map.of()).spec().switchover()).isEqualTo(Switchover.DEFAULT);
        assertThat(valid(VALID + "switchover: {}\n", Map.of()).spec().switchover())
                .isEqualTo(Switchover.DEFAULT);
        assertThat(valid(VALID + "switchover: {route: []}\n", Map.of()).spec().switchover())
                .isEqualTo(Switchover.DEFAULT);
    }

    @Test
    void editingItLeavesTheHashThatBindsVerdictsAndGenerations() {
        String hash = valid(VALID, Map.of()).hash();

        assertThat(valid(ROUTES, ENVIRONMENT).hash()).isEqualTo(hash);
        assertThat(valid(ROUTES.replace("db2", "db3"), ENVIRONMENT).hash()).isEqualTo(hash);
        assertThat(valid(ROUTES.replace("SELECT id", "SELECT id, name"), ENVIRONMENT).hash())
                .isNotEqualTo(hash);
    }

    @Test
    void printsNoSecretNoStatementAndNoValue() {
        assertThat(valid(ROUTES, ENVIRONMENT).spec().toString())
                .contains("Flag[side=TARGET, table=app.flag, column=value]", "https://router:8443")
                .contains("/route", "***")
                .doesNotContain("hunter2", "secret", "routing.use", "B42", "[crm");
    }

    /// Each limit protects something, which its message says.
    @ParameterizedTest
    @CsvSource({
        "verdict-max-age: 500ms, from 1s to 24h: an older verdict",
        "verdict-max-age: 25h, from 1s to 24h",
        "lag-below: 999ms, from 1s to 5m: lag is measured",
        "lag-below: 6m, from 1s to 5m",
        "timeout: 500ms, from 1s to 10m: writes are refused or held",
        "timeout: 11m, from 1s to 10m",
        "reverse-window: 59s, from 1m to 90d: until it ends",
        "reverse-window: 91d, from 1m to 90d",
        "timeout: 5s, lag-below (5s) must be less than timeout (5s)",
        "lag-below: 30s, lag-below (30s) must be less than timeout (30s)",
        "timeout: soon, must be a number and ms",
        "timeout: 0s, must be a number and ms",
        "timeout: 5, must be a number and ms",
        "fence: none, must be lease or external",
        "route: x, must be a list of routes"
    })
    void refusesValuesOutsideTheirLimits(String line, String message) {
        assertThat(problems(VALID + "switchover:\n  " + line + "\n"))
                .singleElement()
                .asString()
                .startsWith("m.yaml:11:")
                .contains("switchover." + line.substring(0, line.indexOf(':')) + ": ")
                .contains(message);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "x => [0]: must be a mapping",
                "{} => [0]: is empty (set one of flag, sql, exec, webhook, pgbouncer)",
                "{flog: {}} => [0].flog: unknown key (did you mean flag?)",
                "{exec: {switch: [a], rollback: [a]}, sql: {side: source, switch: a, rollback: b}}"
                        + " => [0].exec: cannot be combined with sql (make each an entry of the"
                        + " list)",
                "{flag: {side: both, table: a.b, column: c, old: x, new: y}}"
                        + " => flag.side: must be source or target",
                "{flag: {side: source, table: a, column: c, old: x, new: y}}"
                        + " => flag.table: has no schema",
                "{flag: {side: source, table: a.*, column: c, old: x, new: y}}"
                        + " => flag.table: names every table",
                "{flag: {side: source, table: a.b, column: '', old: x, new: y}}"
                        + " => flag.column: is empty",
                "{flag: {side: source, table: a.b, column: c, where: {c: x}, old: x, new: y}}"
                        + " => flag.column: is also a column of where",
                "{flag: {side: source, table: a.b, column: c, where: {'': x}, old: x, new: y}}"
                        + " => is empty (name a column",
                "{flag: {side: source, table: a.b, column: c, old: x, new: x}}"
                        + " => flag.new: equals old",
                "{flag: {side: source, table: a.b, column: c, old: x}} => flag.new: is missing",
                "{sql: {side: source, switch: ' ', rollback: x}} => sql.switch: is empty",
                "{sql: {side: source, switch: x}} => sql.rollback: is missing",
                "{exec: {switch: [], rollback: [x]}} => exec.switch: is empty (it must be a list",
                "{exec: {switch: x, rollback: [x]}} => exec.switch: must be a list of a program",
                "{exec: {switch: [''], rollback: [x]}} => exec.switch[0]: is empty",
                "{exec: {switch: [\"a\\0\"], rollback: [x]}}"
                        + " => exec.switch[0]: contains a NUL character",
                "{exec: {switch: [x], rollback: [x], timeout: 6m}}"
                        + " => exec.timeout: must be from 1s to 5m",
                "{webhook: {url: 'http://router/x'}} => webhook.url: must be https",
                "{webhook: {url: 'http://127.0.0.1.example.com/x'}}"
                        + " => webhook.url: must be https",
                "{webhook: {url: 'https://me:hunter2@router/x'}}"
                        + " => webhook.url: contains credentials",
                "{webhook: {url: 'https://'}} => webhook.url: is not a URL",
                "{webhook: {url: 'router/hunter2'}} => webhook.url: has no valid scheme",
                "{webhook: {url: 'https://router/#hunter2'}} => webhook.url: has a fragment",
                "{webhook: {url: 'ftp://router/hunter2'}} => webhook.url: must be https",
                "{webhook: {url: 'https://router', token: 'hunter2 x'}}"
                        + " => webhook.token: is not a bearer token",
                "{webhook: {url: 'https://router', token-file: absent}}"
                        + " => webhook.token-file: there is no such file",
                "{webhook: {url: 'https://router', timeout: 2m}}"
                        + " => webhook.timeout: must be from 1s to 1m",
                "{pgbouncer: {admin: 'a:b', username: u, database: d, config: c, old: host=a, new:"
                        + " host=b}} => pgbouncer.admin: has no valid host or port",
                "{pgbouncer: {admin: 'a:1', username: u, database: 'd = x', config: c, old: host=a,"
                        + " new: host=b}} => pgbouncer.database: is not a name",
                "{pgbouncer: {admin: 'a:1', username: u, database: d, config: '', old: host=a, new:"
                        + " host=b}} => pgbouncer.config: is empty",
                "{pgbouncer: {admin: 'a:1', username: u, database: d, config: c, old: host=a, new:"
                        + " host=a}} => pgbouncer.new: equals old",
                "{pgbouncer: {admin: 'a:1', username: u, database: d, config: c, old: hunter2, new:"
                        + " host=a}} => pgbouncer.old: is not a list of name=value",
                "{pgbouncer: {admin: 'a:1', username: u, database: d, config: c, old: port=1, new:"
                        + " host=a}} => pgbouncer.old: names no host",
                "{pgbouncer: {admin: 'a:1', username: u, database: d, config: c, old: host=b"
                        + " password=hunter2, new: host=a}}"
                        + " => pgbouncer.old: contains a password",
                "{pgbouncer: {admin: 'a:1', username: u, database: d, config: c, old: host=b"
                        + " host=c, new: host=a}} => pgbouncer.old: sets host twice",
                "{pgbouncer: {admin: 'a:1', username: u, database: d, config: c, old: host=b"
                        + " prot=c, new: host=a}} => (did you mean port?)",
                "{pgbouncer: {admin: 'a:1', username: u, database: d, config: c, old: host=b"
                        + " pool_mode=session, new: host=a}} => pgbouncer.old: pools sessions",
                "{pgbouncer: {admin: 'a:1', username: u, database: d, config: c, old: \"host=b\\n"
                        + "port=1\", new: \"host='b\\nc=d'\"}}"
                        + " => pgbouncer.new: is not a list"
            })
    void refusesARouteThatCannotBeTaken(String line) {
        String[] parts = line.split(" => ", 2);

        assertThat(problems(VALID + "switchover: {route: [" + parts[0] + "]}\n"))
                .singleElement()
                .asString()
                .startsWith("m.yaml:10:")
                .contains("switchover.route[0]")
                .contains(parts[1])
                .doesNotContain("hunter2");
    }

    @Test
    void refusesSeveralHostsOfOneAdminConsole() {
        assertThat(
                        problems(
                                VALID
                                        + "switchover: {route: [{pgbouncer: {admin: 'a:1,b:1',"
                                        + " username: u, database: d, config: c, old: host=a, new:"
                                        + " host=b}}]}\n"))
                .singleElement()
                .asString()
                .contains("pgbouncer.admin: names several hosts", "add one route per PgBouncer");
    }

    @Test
    void aServerIsWrittenAsItIsRead() {
        Route.PgBouncer.Server server =
                Route.PgBouncer.Server.parse(" host = a  dbname='it''s b' port=1 user='' ")
                        .orElseThrow();

        assertThat(server.line()).isEqualTo("host=a dbname='it''s b' port=1 user=''");
        assertThat(Route.PgBouncer.Server.parse(server.line())).contains(server);
        assertThat(server.value("dbname")).contains("it's b");
        assertThat(server.means(parsed("port=1 host=a user='' dbname='it''s b'"))).isTrue();
        assertThat(server.means(parsed("host=a dbname='it''s b' port=1"))).isFalse();
        assertThat(server.means(parsed("host=a dbname='it''s b' port=1 user=x"))).isFalse();
    }

    private static Route.PgBouncer.Server parsed(String line) {
        return Route.PgBouncer.Server.parse(line).orElseThrow();
    }

    @Test
    void refusesTwoRoutesOfOnePool() {
        String pool =
                "  - pgbouncer: {admin: 'a:1', username: u, database: d, config: c, old: host=a,"
                        + " new: host=b}\n";

        assertThat(problems(VALID + "switchover:\n  route:\n" + pool + pool))
                .singleElement()
                .asString()
                .contains("m.yaml:13:")
                .contains("route[1].pgbouncer.database: is routed twice; the first is in line 12");
    }

    @Test
    void readsATokenFileThatStartsAtTheFolderOfTheFile(@TempDir Path folder) throws IOException {
        Files.writeString(folder.resolve("token"), "hunter2\n");
        Path file =
                Files.writeString(
                        folder.resolve("millrace.yaml"),
                        VALID
                                + "switchover: {route: [{webhook: {url: 'http://localhost:1/',"
                                + " token-file: token}}]}\n");

        assertThat(SpecReader.read(file, Map.of()))
                .isInstanceOfSatisfying(
                        SpecResult.Valid.class,
                        valid ->
                                assertThat(valid.spec().switchover().route())
                                        .singleElement()
                                        .isInstanceOfSatisfying(
                                                Route.Webhook.class,
                                                hook ->
                                                        assertThat(hook.token().reveal())
                                                                .isEqualTo("hunter2")));
    }
}
