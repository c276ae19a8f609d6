package dev.millrace.app;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.PatternLayout;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.sun.net.httpserver.HttpServer;
import dev.millrace.app.SecuredServers.Acl;
import dev.millrace.cli.Millrace;
import dev.millrace.cli.Providers;
import dev.millrace.cli.Providers.ServiceAddress;
import dev.millrace.cli.Terminal;
import dev.millrace.grants.Grants;
import dev.millrace.grants.Grants.RoleGrants;
import dev.millrace.grants.Grants.Side;
import dev.millrace.migration.StartOptions;
import dev.millrace.spec.Secret;
import dev.millrace.spec.SpecReader;
import dev.millrace.spec.SpecResult;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.TestFolders;
import dev.millrace.testing.Waits;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;

/// Secrets and values of rows are nowhere that they do not belong, whatever happens to a migration.
@Tag("faults")
@Timeout(600)
class CanaryIT {

    private static final String NAME = "canary";

    private static final String[] SENSITIVE = {
        "sensitive value", "differing sensitive value", "other sensitive value"
    };

    private final SecuredServers servers = SecuredServers.shared();
    private final Leaks leaks = new Leaks();
    private final Path folder = TestFolders.create("canary");
    private final Path file = folder.resolve("millrace.yaml");
    private final Path dataDir = folder.resolve("data");
    private final TestDatabase source = servers.createDatabase("canary_source");
    private final TestDatabase target = servers.createDatabase("canary_target");
    private final ListAppender<ILoggingEvent> log = new ListAppender<>();
    private final Map<Logger, Level> levels = new HashMap<>();
    private final Map<String, String> environment = new HashMap<>();
    private volatile boolean refusing = true;
    private final HttpServer router = router();

    /// Answers with everything that it was sent, and refuses at first.
    private HttpServer router() {
        try {
            HttpServer server =
                    HttpServer.create(
                            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
            server.createContext(
                    "/",
                    exchange -> {
                        byte[] echo =
                                (exchange.getRequestURI()
                                                + " "
                                                + exchange.getRequestHeaders().entrySet())
                                        .getBytes(StandardCharsets.UTF_8);
                        exchange.sendResponseHeaders(refusing ? 404 : 200, echo.length);
                        exchange.getResponseBody().write(echo);
                        exchange.close();
                    });
            server.start();
            return server;
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /// The levels of the product, which keep loggers silent that print settings, and DEBUG for all
    /// others.
    @BeforeEach
    void listen() {
        level("ROOT", Level.DEBUG);
        level("dev.millrace", Level.TRACE);
        level("org.apache.kafka", Level.WARN);
        level("kafka", Level.WARN);
        level("state", Level.WARN);
        level("io.debezium", Level.WARN);
        level("org.apache.catalina.core", Level.OFF);
        log.start();
        logger("ROOT").addAppender(log);
    }

    private void level(String name, Level level) {
        levels.put(logger(name), logger(name).getLevel());
        logger(name).setLevel(level);
    }

    private static Logger logger(String name) {
        return (Logger) LoggerFactory.getLogger(name);
    }

    @AfterEach
    void stop() {
        logger("ROOT").detachAppender(log);
        levels.forEach(Logger::setLevel);
        router.stop(0);
    }

    @Test
    void secretsAndRowsAreOnlyWhereTheyBelong() throws Exception {
        createTables();
        Files.writeString(file, text());
        grant();
        failToStart();
        leaks.search("plan", cli("--debug", "plan", "-c", file.toString()));
        leaks.search("plan -o json", cli("plan", "-c", file.toString(), "-o", "json"));
        leaks.search("grants", cli("grants", "-c", file.toString()));
        try (MillraceService service =
                new RunVerb(InstantSource.system())
                        .start(
                                valid(),
                                new ServiceAddress(
                                        "127.0.0.1", 0, Secret.of(leaks.secret("API token"))),
                                StartOptions.STANDARD)) {
            Operator operator = new Operator(new Http(service.port()));
            operator.awaitPhase("IN_SYNC");
            operator.reconcile("equal");
            operator.moveThereAndBack();
            source.execute(
                    "INSERT INTO item VALUES (7, 'BAD%s', 'e')"
                            .formatted(leaks.value("rejected value")));
            operator.await("/api/v1/rejected", json -> json.path("rejected").size() == 1);
            differ();
            operator.reconcile("different");
            operator.repair(true);
            rotate(operator);
            operator.searchAll();
            leaks.search("journal verify", cli("journal", "verify", "-c", file.toString()));
            searchControl(target);
            operator.operation(operator.abort(), "done");
            operator.awaitPhase("ABORTED");
            operator.searchAll();
        }
        leaks.searchFiles(dataDir, SENSITIVE);
        searchLog();

        leaks.requireNone();
        assertThat(leaks.places()).hasSizeGreaterThan(40);
    }

    private void createTables() {
        source.execute(
                "CREATE TABLE item (id bigint PRIMARY KEY, name text, email text)",
                "INSERT INTO item SELECT g, 'n' || g, 'e' || g FROM generate_series(10, 50) g",
                "INSERT INTO item VALUES (1, '%s', '%s'), (2, '%s', '%s')"
                        .formatted(
                                leaks.value("value"),
                                leaks.value("sensitive value"),
                                leaks.value("differing value"),
                                leaks.value("differing sensitive value")),
                "ALTER DATABASE canary_source SET app.key = '"
                        + leaks.secret("database setting")
                        + "'");
        target.execute(
                "CREATE TABLE item (id bigint PRIMARY KEY, name text CHECK (name NOT LIKE 'BAD%'),"
                        + " email text)");
    }

    private String text() throws IOException {
        Path script = folder.resolve("route");
        Files.createFile(
                script,
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        Files.writeString(script, "#!/bin/sh\nenv\ntr '\\0' ' ' < /proc/$PPID/cmdline\n");
        environment.put("SOURCE_PASSWORD", leaks.secret("source password"));
        environment.put("SOURCE_READER", leaks.secret("source reader's password"));
        environment.put("TARGET_READER", leaks.secret("target reader's password"));
        environment.put("WEBHOOK_TOKEN", leaks.secret("webhook token"));
        environment.put("WEBHOOK_PATH", leaks.secret("webhook path"));
        environment.put("SALT", leaks.secret("environment value in a SELECT"));
        Files.writeString(folder.resolve("target"), leaks.secret("target password"));
        Files.writeString(folder.resolve("kafka"), leaks.secret("Kafka password"));
        String tls = "?sslmode=verify-full&sslrootcert=" + servers.authority.root();
        return """
        migration: %s
        source:
          url: '%s'
          username: canary_source
          password: ${SOURCE_PASSWORD}
          reconcile: {username: canary_source_reader, password: "${SOURCE_READER}"}
        target:
          url: '%s'
          username: canary_target
          password-file: target
          reconcile: {username: canary_target_reader, password: "${TARGET_READER}"}
        kafka:
          bootstrap-servers: %s
          partitions: 2
          username: canary_kafka
          password-file: kafka
          properties: {ssl.truststore.type: PEM, ssl.truststore.location: '%s'}
        data-dir: data
        tables:
          public.item:
            select: SELECT id, name, email FROM public.item WHERE name <> '${SALT}'
            sensitive: [email]
        switchover:
          route:
          - exec: {switch: [./route, target], rollback: [./route, source]}
          - webhook: {url: "http://127.0.0.1:%d/${WEBHOOK_PATH}", token: "${WEBHOOK_TOKEN}"}
        """
                .formatted(
                        NAME,
                        servers.postgres.jdbcUrl("canary_source") + tls,
                        servers.postgres.jdbcUrl("canary_target") + tls,
                        servers.broker.bootstrapServers(),
                        servers.authority.root(),
                        router.getAddress().getPort());
    }

    private SpecResult.Valid valid() {
        return switch (SpecReader.read(file, environment)) {
            case SpecResult.Valid valid -> valid;
            case SpecResult.Invalid invalid -> throw new AssertionError(invalid.problems());
        };
    }

    private void grant() {
        Map<String, String> passwords =
                Map.of(
                        "canary_source",
                        leaks.secret("source password"),
                        "canary_source_reader",
                        leaks.secret("source reader's password"),
                        "canary_target",
                        leaks.secret("target password"),
                        "canary_target_reader",
                        leaks.secret("target reader's password"));
        source.execute("CREATE ROLE canary_owner", "ALTER TABLE item OWNER TO canary_owner");
        target.execute(
                "CREATE ROLE canary_target_owner", "ALTER TABLE item OWNER TO canary_target_owner");
        for (RoleGrants grants : Grants.of(valid().spec())) {
            TestDatabase side = grants.side() == Side.SOURCE ? source : target;
            grants.statements().forEach(side::execute);
        }
        passwords.forEach(
                (role, password) ->
                        source.execute("ALTER ROLE " + role + " PASSWORD '" + password + "'"));
        servers.broker.user("canary_kafka", leaks.secret("Kafka password"));
        for (Acl acl : SecuredServers.ACLS) {
            for (String prefix : List.of("millrace.canary.", "millrace._reverse_canary.")) {
                servers.broker.allow("canary_kafka", acl.type(), prefix, acl.operations());
            }
        }
    }

    /// Wrong passwords, and files that are not valid.
    private void failToStart() throws IOException {
        Path other = folder.resolve("other.yaml");
        String right = Files.readString(file);
        Map<String, String> wrong =
                Map.of(
                        "a wrong password",
                        right.replace("${SOURCE_PASSWORD}", "${SOURCE_READER}"),
                        "a wrong password of Kafka",
                        right.replace("password-file: kafka", "password-file: target"),
                        "a secret where none belongs",
                        right.replace("partitions: 2", "partitions: ${TARGET_READER}"),
                        "a secret as a key",
                        right + "${TARGET_READER}: 1\n",
                        "a secret in a URL",
                        right.replace("?sslmode", "?password=${TARGET_READER}&sslmode"),
                        "login modules that are none",
                        right.replace("username: canary_kafka", "partitions: 3")
                                .replace("  password-file: kafka\n", "")
                                .replace("partitions: 2\n", "")
                                .replace(
                                        "properties: {",
                                        "properties: {security.protocol: SASL_SSL, sasl.mechanism:"
                                                + " PLAIN, sasl.jaas.config: '${SOURCE_PASSWORD}"
                                                + " ${SOURCE_READER} ${TARGET_READER}', "));
        for (Map.Entry<String, String> each : wrong.entrySet()) {
            Files.writeString(other, each.getValue());
            // Every command reads the file in the same way.
            boolean isValid = SpecReader.read(other, environment) instanceof SpecResult.Valid;
            for (String verb : isValid ? List.of("plan", "run") : List.of("validate")) {
                List<String> line = new ArrayList<>(List.of("--debug", verb, "-c"));
                line.add(other.toString());
                if (verb.equals("run")) {
                    line.addAll(List.of("--port", "0"));
                }
                leaks.search(verb + " with " + each.getKey(), cli(line.toArray(String[]::new)));
            }
        }
    }

    /// What a command prints on both streams.
    private String cli(String... arguments) {
        StringWriter printed = new StringWriter();
        PrintWriter out = new PrintWriter(printed, true);
        Terminal terminal = new Terminal(out, out, environment, InstantSource.system(), false, 200);
        new Millrace(
                        terminal,
                        new Providers(
                                () -> new RunVerb(InstantSource.system()),
                                PreflightPlanner::new,
                                null,
                                null))
                .run(arguments);
        out.flush();
        assertThat(printed.toString()).as(String.join(" ", arguments)).isNotBlank();
        return printed.toString();
    }

    /// Changes a row of the target without the fence.
    private void differ() {
        target.execute(
                "ALTER TABLE item DISABLE TRIGGER USER",
                "UPDATE item SET name = 'x', email = '"
                        + leaks.value("other sensitive value")
                        + "' WHERE id = 2",
                """
                DO $$ DECLARE t name; BEGIN
                FOR t IN SELECT tgname FROM pg_trigger WHERE tgrelid = 'item'::regclass AND NOT tgisinternal
                LOOP EXECUTE format('ALTER TABLE item ENABLE ALWAYS TRIGGER %I', t); END LOOP; END $$
                """);
    }

    /// The server has another password than the file for a while.
    private void rotate(Operator operator) throws IOException {
        target.execute(
                "ALTER ROLE canary_target PASSWORD '" + leaks.secret("new password") + "'",
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename ="
                        + " 'canary_target'");
        source.execute("UPDATE item SET name = 'later' WHERE id = 20");
        operator.await(
                "/api/v1/status", json -> json.path("blockers").toString().contains("28P01"));
        operator.searchAll();
        Files.writeString(folder.resolve("target"), leaks.secret("new password"));
        operator.await(
                "/api/v1/status", json -> !json.path("blockers").toString().contains("28P01"));
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .until(() -> "later".equals(target.value("SELECT name FROM item WHERE id = 20")));
    }

    /// The tables of the control schema; those of keys and waiting changes hold values of rows.
    private void searchControl(TestDatabase database) {
        for (List<?> row :
                database.query(
                        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace ="
                                + " 'millrace'::regnamespace")) {
            String table = String.valueOf(row.getFirst());
            String content =
                    String.valueOf(
                            database.value(
                                    "SELECT string_agg(t::text, ' ') FROM millrace."
                                            + table
                                            + " t"));
            if (table.matches("(parked|rejected|held|waiting|reconciliation|repair|verdict).*")) {
                leaks.searchRows("table millrace." + table, content);
            } else {
                leaks.search("table millrace." + table, content);
            }
        }
    }

    private void searchLog() {
        PatternLayout layout = new PatternLayout();
        layout.setContext((LoggerContext) LoggerFactory.getILoggerFactory());
        layout.getInstanceConverterMap().put("fault", FaultConverter::new);
        layout.setPattern("%level %logger - %msg %kvp%n%fault{full}");
        layout.start();
        EcsEncoder json = new EcsEncoder();
        json.start();
        StringBuilder text = new StringBuilder();
        for (ILoggingEvent event : List.copyOf(log.list)) {
            text.append(layout.doLayout(event))
                    .append(new String(json.encode(event), StandardCharsets.UTF_8));
        }
        assertThat(log.list).hasSizeGreaterThan(100);
        leaks.search("log", text.toString());
    }

    /// A client of the service that searches all that it is told.
    private final class Operator {

        private final Http http;
        private final String token = "Authorization: Bearer " + leaks.secret("API token");
        private final List<String> shown = new ArrayList<>();

        Operator(Http http) {
            this.http = http;
        }

        JsonNode get(String path) {
            return http.get(path, token).json();
        }

        void await(String path, Predicate<JsonNode> expected) {
            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .pollInterval(Duration.ofMillis(100))
                    .untilAsserted(
                            () -> {
                                JsonNode answer = get(path);
                                assertThat(expected.test(answer)).as(answer.toString()).isTrue();
                            });
        }

        void awaitPhase(String phase) {
            await("/api/v1/status", json -> json.path("phase").asString().equals(phase));
        }

        String post(String what, String body) {
            Http.Answer answer =
                    http.post(
                            "/api/v1/" + what,
                            body,
                            token,
                            ServiceScene.JSON,
                            "Idempotency-Key: " + what);
            assertThat(answer.status()).as(answer.body()).isLessThan(300);
            leaks.search("POST " + what, answer.body());
            JsonNode json = answer.json();
            return json.at("/operation/id").asString(json.path("id").asString(""));
        }

        /// Refused until this process is known again to run the migration.
        String abort() {
            return Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .ignoreExceptionsMatching(AssertionError.class::isInstance)
                    .until(() -> post("abort", "{\"reason\":\"r\"}"), id -> !id.isEmpty());
        }

        JsonNode operation(String id, String state) {
            await("/api/v1/operations/" + id, json -> json.path("state").asString().equals(state));
            shown.add("/api/v1/operations/" + id);
            return get("/api/v1/operations/" + id);
        }

        void reconcile(String verdict) {
            String id = post("reconciliations", "{}");
            await(
                    "/api/v1/reconciliations/" + id,
                    json -> json.path("verdict").asString().equals(verdict));
            for (String format : List.of("json", "html", "md", "junit")) {
                leaks.searchRows(
                        "report as " + format,
                        http.get("/api/v1/reconciliations/" + id + "?format=" + format, token)
                                .body(),
                        SENSITIVE);
            }
            leaks.searchRows(
                    "page of a reconciliation",
                    http.get("/reconciliation?id=" + id, token).body(),
                    SENSITIVE);
        }

        /// The webhook refuses at first.
        void moveThereAndBack() {
            String id = post("switchover", "{\"reason\":\"r\"}");
            assertThat(operation(id, "unresolved").toString()).contains("status 404");
            searchAll();
            refusing = false;
            post("resolve", "{\"answer\":\"not-routed\",\"reason\":\"r\"}");
            operation(id, "done");
            awaitPhase("REVERSIBLE");
            searchAll();
            await(
                    "/api/v1/status",
                    json -> json.path("nextActions").toString().contains("rollback"));
            operation(post("rollback", "{\"reason\":\"r\"}"), "done");
            awaitPhase("IN_SYNC");
        }

        void repair(boolean dryRun) {
            String id = post("repair", "{\"dryRun\":" + dryRun + ",\"reason\":\"r\"}");
            operation(id, dryRun ? "dryRun" : "done");
            leaks.searchRows(
                    "keys of a repair",
                    http.get("/api/v1/operations/" + id + "/keys", token).body());
            leaks.searchRows("page of a repair", http.get("/repair?id=" + id, token).body());
        }

        /// Everything that can be asked for.
        void searchAll() {
            List<String> paths =
                    new ArrayList<>(
                            List.of(
                                    "/",
                                    "/tables",
                                    "/table?name=public.item",
                                    "/table?name=public.item&part=progress",
                                    "/settings",
                                    "/reconciliations",
                                    "/switchover",
                                    "/rejected",
                                    "/journal",
                                    "/actuator/prometheus",
                                    "/actuator/health",
                                    "/actuator/info",
                                    "/api/v1/openapi.json",
                                    "/api/v1/status",
                                    "/api/v1/settings",
                                    "/api/v1/tables",
                                    "/api/v1/journal",
                                    "/api/v1/switchover",
                                    "/api/v1/rejected",
                                    "/api/v1/reconciliations",
                                    "/api/v1/reconciliations/unfinished",
                                    "/api/v1/repairs",
                                    "/api/v1/operations/none",
                                    "/api/v1/none"));
            paths.addAll(shown);
            for (String path : paths) {
                leaks.search("GET " + path, http.get(path, token).body());
            }
            leaks.search(
                    "process list",
                    ProcessHandle.allProcesses()
                            .map(process -> process.info().commandLine().orElse(""))
                            .collect(Collectors.joining("\n")));
            for (JsonNode rejected : get("/api/v1/rejected").path("rejected")) {
                String id = rejected.path("id").asString();
                leaks.searchRows("rejected key", http.get("/api/v1/rejected/" + id, token).body());
                leaks.searchRows(
                        "page of a rejected key", http.get("/rejected/" + id, token).body());
            }
        }
    }
}
