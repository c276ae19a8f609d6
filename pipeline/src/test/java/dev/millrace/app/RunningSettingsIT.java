package dev.millrace.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.cli.Providers.ServiceAddress;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.migration.StartOptions;
import dev.millrace.replication.GenerationStart.LostLog;
import dev.millrace.spec.Secret;
import dev.millrace.spec.SpecReader;
import dev.millrace.spec.SpecResult;
import dev.millrace.testing.KafkaServer;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.TestFolders;
import java.time.InstantSource;
import java.util.Map;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/// What a service says about the file that it runs.
class RunningSettingsIT {

    private final TestDatabase source = PostgresServer.shared().newDatabase();
    private final TestDatabase target = PostgresServer.shared().newDatabase();

    private SpecResult.Valid file() {
        return file("windows");
    }

    private SpecResult.Valid file(String backfill) {
        String name = KafkaServer.newMigrationName();
        String text =
                """
                migration: %s
                source: {url: '%s', username: '%s', password: '%s'}
                target: {url: '%s', username: '%s', password: '%s'}
                kafka: {bootstrap-servers: '%s', partitions: 1}
                data-dir: '%s'
                backfill: %s
                tables:
                  public.item: {select: 'SELECT id, lower(name) AS name FROM public.item WHERE id <> 2', sensitive: [name]}
                  public.note: SELECT id FROM public.note
                  public.part: SELECT id, '${HIDDEN}' AS region FROM public.part
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
                                TestFolders.create("settings"),
                                backfill);
        return switch (SpecReader.read("millrace.yaml", text, Map.of("HIDDEN", "canary-5531"))) {
            case SpecResult.Valid valid -> valid;
            case SpecResult.Invalid invalid -> throw new AssertionError(invalid.problems());
        };
    }

    private static JsonNode one(JsonNode list, String field, String value) {
        for (JsonNode each : list) {
            if (each.path(field).asString().equals(value)) {
                return each;
            }
        }
        throw new AssertionError(list.toString());
    }

    @Test
    void aStartThatWouldReadAllRowsAtOnceIsNotPaused() {
        ServiceAddress address = new ServiceAddress("127.0.0.1", 0, Secret.NONE);

        assertThatThrownBy(
                        () ->
                                new RunVerb(InstantSource.system())
                                        .start(
                                                file("engine"),
                                                address,
                                                new StartOptions(LostLog.REFUSED, true)))
                .hasMessageContaining("'run --paused' is not possible with 'backfill: engine'");
        assertThat(target.query("SELECT FROM pg_namespace WHERE nspname = 'millrace'")).isEmpty();
    }

    @Test
    void theServiceShowsItsSettingsAndWhatComesBackFromTheTarget() throws Exception {
        for (TestDatabase database : new TestDatabase[] {source, target}) {
            database.execute(
                    "CREATE TABLE item (id int PRIMARY KEY, name text)",
                    "CREATE TABLE note (id int PRIMARY KEY)",
                    "CREATE TABLE part (id int PRIMARY KEY, region text)");
        }
        source.execute(
                "INSERT INTO item VALUES (1, 'Ann'), (2, 'Bob'), (3, NULL), (4, repeat('x', 100000))",
                "ALTER TABLE item ALTER name SET STORAGE EXTERNAL",
                "INSERT INTO item VALUES (5, repeat('y', 100000))",
                "INSERT INTO note SELECT generate_series(1, 9)");
        SpecResult.Valid file = file();
        GrantedLogins.granted(file.spec(), source, target);
        try (MillraceService service =
                new RunVerb(InstantSource.system())
                        .start(
                                file,
                                new ServiceAddress(
                                        "127.0.0.1", 0, Secret.of("a-token-of-some-length")),
                                StartOptions.STANDARD)) {
            Http http = new Http(service.port());
            String token = "Authorization: Bearer a-token-of-some-length";
            JsonNode settings = http.get("/api/v1/settings", token).json().path("settings");
            JsonNode tables = http.get("/api/v1/tables", token).json().path("tables");

            assertThat(one(settings, "key", "source.url").path("place").asString())
                    .isEqualTo("millrace.yaml:2");
            assertThat(one(settings, "key", "--port").path("origin").asString())
                    .isEqualTo("option");
            assertThat(one(settings, "key", "--bind").path("origin").asString())
                    .isEqualTo("default");
            assertThat(one(settings, "key", "MILLRACE_TOKEN").path("value").asString())
                    .isEqualTo("***");
            assertThat(settings.toString()).doesNotContain("a-token-of-some-length");
            JsonNode item = one(tables, "target", "public.item");
            assertThat(item.path("select").asString())
                    .isEqualTo("SELECT id, lower(name) AS name FROM public.item WHERE id <> 2");
            assertThat(item.path("key").toString()).isEqualTo("[\"id\"]");
            assertThat(item.path("inverse").path(0).path("message").asString())
                    .contains("with losses: name");
            assertThat(one(tables, "target", "public.note").path("inverse").size()).isZero();
            assertRowsAreShown(http, token);
            assertThat(one(tables, "target", "public.part").path("select").asString())
                    .isEqualTo("SELECT id, '${HIDDEN}' AS region FROM public.part");
            assertThat(tables.toString()).doesNotContain("canary-5531");
        }
    }

    /// Of the rows of the source, one is left out by the WHERE, and one is too large to be read.
    private static void assertRowsAreShown(Http http, String token) {
        String rows = http.get("/api/v1/rows?table=public.item", token).body();
        assertThat(rows)
                .contains(
                        "The WHERE leaves the row out.",
                        "hash:",
                        "{\"column\":\"id\",\"value\":\"4\"}")
                .contains("{\"column\":\"name\",\"value\":null}")
                .doesNotContain("Ann", "ann", "Bob", "xxx", "yyy");
        assertThat(http.get("/api/v1/rows?table=public.item", token).json().path("rows").size())
                .as("without the row that is too large")
                .isEqualTo(4);
        assertThat(http.get("/api/v1/rows?table=public.note", token).json().path("rows").size())
                .isEqualTo(5);
        assertThat(http.get("/api/v1/rows?table=public.none", token).status()).isEqualTo(404);
        assertThat(http.get("/table?name=public.item", token).body())
                .contains("rows=yes")
                .doesNotContain("hash:");
        assertThat(http.get("/table?name=public.item&rows=yes", token).body())
                .contains("The WHERE leaves the row out.", "hash:")
                .doesNotContain("Ann", "Bob");
    }
}
