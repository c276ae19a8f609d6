package dev.millrace.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.cli.Providers.ServiceAddress;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.Grants;
import dev.millrace.migration.StartOptions;
import dev.millrace.spec.Secret;
import dev.millrace.spec.SpecReader;
import dev.millrace.spec.SpecResult;
import dev.millrace.testing.KafkaServer;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.TestFolders;
import dev.millrace.testing.Waits;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestMethod;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerMapping;
import tools.jackson.databind.JsonNode;

/// A value of a sensitive column is in no answer of the API and on no page, wherever its row is
/// shown: in the log, as a sample, as a difference, in the list of a repair, and as a rejected key.
class SensitiveRowsIT {

    private static final String[] SENSITIVE = {"email", "other email", "note", "card", "own"};

    private final TestDatabase source = PostgresServer.shared().newDatabase();
    private final TestDatabase target = PostgresServer.shared().newDatabase();
    private final Leaks leaks = new Leaks();

    /// `person` gives a sensitive value by an expression, `card` has a sensitive key.
    private SpecResult.Valid file() {
        String name = KafkaServer.newMigrationName();
        String text =
                """
                migration: %s
                source: {url: '%s', username: '%s', password: '%s'}
                target: {url: '%s', username: '%s', password: '%s'}
                kafka: {bootstrap-servers: '%s', partitions: 2}
                data-dir: '%s'
                tables:
                  public.person:
                    select: SELECT id, name, lower(email) AS email, CAST(age AS integer) AS age FROM public.users
                    sensitive: [email]
                  public.card: {select: 'SELECT number, owner FROM public.card', sensitive: [number]}
                """
                        .formatted(
                                name,
                                source.url(),
                                "capture_" + name,
                                GrantedLogins.PASSWORD,
                                target.url(),
                                "apply_" + name,
                                GrantedLogins.PASSWORD,
                                KafkaServer.shared().bootstrapServers(),
                                TestFolders.create("sensitive"));
        return switch (SpecReader.read("millrace.yaml", text, Map.of())) {
            case SpecResult.Valid valid -> valid;
            case SpecResult.Invalid invalid -> throw new AssertionError(invalid.problems());
        };
    }

    /// The column `note` is in no SELECT, but in the log.
    private void createTables() {
        source.execute(
                "CREATE TABLE users (id int PRIMARY KEY, name text, email text, age text, note text)",
                "CREATE TABLE card (number text PRIMARY KEY, owner int)",
                "INSERT INTO users VALUES (1, '%s', '%s', '30', '%s'), (2, 'b', '%s', '31', '')"
                        .formatted(
                                leaks.value("name"),
                                leaks.value("email"),
                                leaks.value("note"),
                                leaks.value("other email")),
                "INSERT INTO card VALUES ('%s', 1)".formatted(leaks.value("card")));
        target.execute(
                "CREATE TABLE person (id int PRIMARY KEY, name text, email text, age int)",
                "CREATE TABLE card (number text PRIMARY KEY, owner int CHECK (owner < 9))");
    }

    /// A row that cannot be mapped, and one that the target refuses.
    private void reject() {
        source.execute(
                "INSERT INTO users VALUES (3, '%s', '%s', 'x', '%s')"
                        .formatted(leaks.value("name"), leaks.value("email"), leaks.value("note")),
                "UPDATE card SET owner = 10");
    }

    @Test
    void noAnswerAndNoPageHasASensitiveValue() throws Exception {
        createTables();
        SpecResult.Valid file = file();
        // Without the rights that fence the target: the test writes it, too.
        GrantedLogins.grant(
                file.spec(),
                EnumSet.complementOf(EnumSet.of(Grants.Use.SWITCHOVER)),
                source,
                target);
        try (MillraceService service =
                new RunVerb(InstantSource.system())
                        .start(
                                file,
                                new ServiceAddress("127.0.0.1", 0, Secret.NONE),
                                StartOptions.STANDARD)) {
            Client client = new Client(new Http(service.port()));
            client.await("status", json -> json.path("phase").asString().equals("IN_SYNC"));
            target.execute(
                    "UPDATE person SET email = '%s' WHERE id = 2".formatted(leaks.value("own")),
                    "DELETE FROM card");
            String report = client.post("reconciliations", "{}").path("id").asString();
            JsonNode compared =
                    client.await("reconciliations/" + report, json -> json.has("verdict"));
            assertThat(compared.path("verdict").asString()).isEqualTo("different");
            String repair =
                    client.post("repair", "{\"dryRun\":true,\"reason\":\"r\"}")
                            .at("/operation/id")
                            .asString();
            client.await(
                    "operations/" + repair, json -> json.path("state").asString().equals("dryRun"));
            reject();
            List<String> rejected = new ArrayList<>();
            client.await("rejected", json -> json.path("rejected").size() == 2)
                    .path("rejected")
                    .forEach(key -> rejected.add(key.path("id").asString()));

            Map<String, List<String>> asked = new HashMap<>(requests(report, repair, rejected));
            routes(service).forEach(asked::putIfAbsent);
            asked.values().forEach(addresses -> addresses.forEach(client::search));

            leaks.requireNone();
            assertThat(client.pages).hasSizeGreaterThan(40);
            assertThat(client.with("hash:"))
                    .contains(
                            "/api/v1/log?topic=changes&limit=100",
                            "/api/v1/log?topic=target&limit=100",
                            "/api/v1/rows?table=public.person",
                            "/api/v1/rejected",
                            "/api/v1/rejected/" + rejected.get(0),
                            "/api/v1/rejected/" + rejected.get(1),
                            "/api/v1/operations/" + repair + "/keys",
                            "/api/v1/reconciliations/" + report,
                            "/rejected",
                            "/rejected/" + rejected.get(1),
                            "/log?topic=target",
                            "/log?table=public.person&key=1",
                            "/table?name=public.card&rows=yes");
            assertThat(client.with(leaks.value("name")))
                    .as("what is not sensitive is shown")
                    .contains(
                            "/api/v1/log?topic=changes&limit=100",
                            "/api/v1/log?topic=target&limit=100",
                            "/log?table=public.person&key=1",
                            "/table?name=public.person&rows=yes");
        }
    }

    /// A user who knows a value can search for its key.
    private Map<String, List<String>> requests(
            String report, String repair, List<String> rejected) {
        Map<String, List<String>> requests = new TreeMap<>();
        requests.put(
                "/api/v1/reconciliations/{id}",
                Stream.of("", "?format=json", "?format=html", "?format=md", "?format=junit")
                        .map(format -> "/api/v1/reconciliations/" + report + format)
                        .toList());
        requests.put("/api/v1/operations/{id}", List.of("/api/v1/operations/" + repair));
        requests.put(
                "/api/v1/operations/{id}/keys", List.of("/api/v1/operations/" + repair + "/keys"));
        requests.put(
                "/api/v1/rejected/{id}",
                rejected.stream().map(id -> "/api/v1/rejected/" + id).toList());
        requests.put("/rejected/{id}", rejected.stream().map(id -> "/rejected/" + id).toList());
        requests.put("/api/v1/rejected", List.of("/api/v1/rejected"));
        requests.put("/api/v1/journal", List.of("/api/v1/journal", "/journal"));
        requests.put("/journal", List.of("/journal"));
        requests.put("/login", List.of("/login"));
        requests.put("/end", List.of("/end?kind=abort", "/end?kind=complete"));
        requests.put("/reconciliation", List.of("/reconciliation?id=" + report));
        requests.put("/repair", List.of("/repair?id=" + repair));
        requests.put(
                "/api/v1/log",
                List.of(
                        "/api/v1/log?topic=changes&limit=100",
                        "/api/v1/log?topic=target&limit=100",
                        "/api/v1/log?topic=target&table=public.person&key=3"));
        requests.put(
                "/log",
                List.of(
                        "/log?topic=changes",
                        "/log?topic=target",
                        "/log?table=public.person&key=1",
                        "/log?table=public.person&key=3"));
        requests.put(
                "/api/v1/rows",
                List.of("/api/v1/rows?table=public.person", "/api/v1/rows?table=public.card"));
        requests.put(
                "/table",
                List.of("/table?name=public.person&rows=yes", "/table?name=public.card&rows=yes"));
        return requests;
    }

    /// Each route that only reads, with itself as its address.
    ///
    /// @throws AssertionError for a route that takes parameters and has no request in this test
    private Map<String, List<String>> routes(MillraceService service) {
        Map<String, List<String>> routes = new TreeMap<>();
        List<String> unknown = new ArrayList<>();
        List<String> known = new ArrayList<>(requests("", "", List.of()).keySet());
        service.bean("requestMappingHandlerMapping", RequestMappingHandlerMapping.class)
                .getHandlerMethods()
                .forEach(
                        (route, method) -> {
                            if (!route.getMethodsCondition()
                                    .getMethods()
                                    .contains(RequestMethod.GET)) {
                                return;
                            }
                            for (String path : route.getPatternValues()) {
                                routes.put(path, List.of(path));
                                if (takesParameters(method) && !known.contains(path)) {
                                    unknown.add(path);
                                }
                            }
                        });
        assertThat(unknown).as("routes with parameters that this test does not know").isEmpty();
        assertThat(routes.keySet()).containsAll(known);
        return routes;
    }

    private static boolean takesParameters(HandlerMethod method) {
        return Arrays.stream(method.getMethodParameters())
                .anyMatch(
                        parameter ->
                                parameter.hasParameterAnnotation(PathVariable.class)
                                        || parameter.hasParameterAnnotation(RequestParam.class));
    }

    private final class Client {

        private final Http http;
        private final Map<String, String> pages = new TreeMap<>();

        Client(Http http) {
            this.http = http;
        }

        JsonNode post(String what, String body) {
            Http.Answer answer =
                    http.post(
                            "/api/v1/" + what, body, ServiceScene.JSON, "Idempotency-Key: " + what);
            assertThat(answer.status()).as(answer.body()).isLessThan(300);
            return answer.json();
        }

        JsonNode await(String what, Predicate<JsonNode> expected) {
            return Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .pollInterval(Duration.ofMillis(100))
                    .until(() -> http.get("/api/v1/" + what).json(), expected);
        }

        void search(String address) {
            Http.Answer answer = http.get(address);
            assertThat(answer.status()).as(address).isBetween(200, 404);
            pages.put(address, answer.body());
            leaks.searchRows("GET " + address, answer.body(), SENSITIVE);
        }

        List<String> with(String text) {
            return pages.entrySet().stream()
                    .filter(page -> page.getValue().contains(text))
                    .map(Map.Entry::getKey)
                    .toList();
        }
    }
}
