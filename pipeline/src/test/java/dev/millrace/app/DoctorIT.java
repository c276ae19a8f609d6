package dev.millrace.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.cli.Millrace;
import dev.millrace.cli.Providers;
import dev.millrace.cli.Providers.ServiceAddress;
import dev.millrace.cli.Terminal;
import dev.millrace.migration.StartOptions;
import dev.millrace.spec.Secret;
import dev.millrace.spec.SpecReader;
import dev.millrace.spec.SpecResult;
import dev.millrace.testing.KafkaServer;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.TestFolders;
import dev.millrace.testing.Waits;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.Statement;
import java.time.InstantSource;
import java.util.Enumeration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// `doctor` over a running migration whose secrets and rows are sentinels.
class DoctorIT {

    private static final String SECRET = "sentinel-secret-4711";
    private static final String ROW = "sentinel-row-4711";
    private static final String TOKEN = SECRET + "-of-the-service";
    private static final TestDatabase SOURCE = PostgresServer.shared().newDatabase();
    private static final TestDatabase TARGET = PostgresServer.shared().newDatabase();
    private static final String NAME = KafkaServer.newMigrationName();
    private static final Path FOLDER = TestFolders.create("doctor");
    private static final Path FILE = FOLDER.resolve("millrace.yaml");
    private static final Map<String, String> ENVIRONMENT =
            Map.of(
                    "MILLRACE_TOKEN",
                    TOKEN,
                    "SOURCE_URL",
                    SOURCE.url(),
                    "SOURCE_PASSWORD",
                    SECRET + "-of-the-source");

    private static MillraceService service;
    private static Connection stranger;

    private record Run(int exitCode, String out, String err) {}

    @BeforeAll
    static void start() throws Exception {
        role(SOURCE, "_source", SECRET + "-of-the-source");
        role(TARGET, "_target", SECRET + "-of-the-target");
        SOURCE.execute(
                "CREATE TABLE item (id int PRIMARY KEY, name text)",
                "INSERT INTO item SELECT n, '" + ROW + "' FROM generate_series(1, 100) n");
        TARGET.execute(
                "CREATE TABLE item (id int PRIMARY KEY, name text CHECK (name NOT LIKE '%refused'))");
        Files.writeString(FILE, file());
        service =
                new RunVerb(InstantSource.system())
                        .start(
                                (SpecResult.Valid) SpecReader.read(FILE, ENVIRONMENT),
                                new ServiceAddress("127.0.0.1", 0, Secret.of(TOKEN)),
                                StartOptions.STANDARD);
        awaitPhase("IN_SYNC");
        SOURCE.execute("INSERT INTO item VALUES (1000, '" + ROW + "-refused')");
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .until(() -> status().path("tables").path(0).path("rejectedKeys").asInt() == 1);
        stranger = SOURCE.connect();
        try (Statement statement = stranger.createStatement()) {
            statement.execute("SELECT '" + ROW + "-in-a-statement'");
        }
    }

    @AfterAll
    static void stop() throws Exception {
        stranger.close();
        service.close();
    }

    private static void role(TestDatabase database, String side, String password) {
        database.execute(
                "CREATE ROLE " + NAME + side + " SUPERUSER LOGIN PASSWORD '" + password + "'");
    }

    private static String file() {
        return """
        migration: %s
        source: {url: '${SOURCE_URL}', username: %s_source, password: '${SOURCE_PASSWORD}'}
        target: {url: '%s', username: %s_target, password: %s-of-the-target}
        kafka: {bootstrap-servers: '%s', partitions: 2}
        data-dir: '%s'
        tables:
          public.item: SELECT id, name FROM public.item
        switchover:
          route:
          - webhook: {url: 'http://127.0.0.1:1/%s', token: %s-of-the-router}
        """
                .formatted(
                        NAME,
                        NAME,
                        TARGET.url(),
                        NAME,
                        SECRET,
                        KafkaServer.shared().bootstrapServers(),
                        FOLDER.resolve("data"),
                        SECRET,
                        SECRET);
    }

    private static JsonNode status() {
        return new Http(service.port())
                .get("/api/v1/status", "Authorization: Bearer " + TOKEN)
                .json();
    }

    private static void awaitPhase(String phase) {
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .until(() -> status().path("phase").asString().equals(phase));
    }

    private static Run doctor(String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        Terminal terminal =
                new Terminal(
                        new PrintWriter(out, true),
                        new PrintWriter(err, true),
                        ENVIRONMENT,
                        InstantSource.system(),
                        false,
                        100);
        Providers providers = new Providers(null, PreflightPlanner::new, null, null);
        int exitCode = new Millrace(terminal, providers).run(arguments);
        return new Run(exitCode, out.toString(), err.toString());
    }

    private static Map<String, String> entries(Path bundle) throws IOException {
        Map<String, String> entries = new LinkedHashMap<>();
        try (ZipFile zip = new ZipFile(bundle.toFile())) {
            Enumeration<? extends ZipEntry> all = zip.entries();
            while (all.hasMoreElements()) {
                ZipEntry entry = all.nextElement();
                entries.put(
                        entry.getName(),
                        new String(
                                zip.getInputStream(entry).readAllBytes(), StandardCharsets.UTF_8));
            }
        }
        return entries;
    }

    private static Map<String, String> states(Map<String, String> entries) {
        Map<String, String> states = new LinkedHashMap<>();
        for (JsonNode part :
                JsonMapper.shared().readTree(entries.get("manifest.json")).path("parts")) {
            states.put(part.path("file").asString(), part.path("state").asString());
        }
        return states;
    }

    @Test
    void bundlesEverythingWithoutASecretOrAValueOfARow() throws Exception {
        Path bundle = FOLDER.resolve("all.zip");
        Path log = FOLDER.resolve("service.log");
        Files.writeString(log, "a line\nconnecting with " + SECRET + "-of-the-target\n");

        Run run =
                doctor(
                        "doctor",
                        "-c",
                        FILE.toString(),
                        "--url",
                        service.url().toString(),
                        "--log",
                        log.toString(),
                        "--out",
                        bundle.toString());
        Map<String, String> entries = entries(bundle);

        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(states(entries))
                .allSatisfy((_, state) -> assertThat(state).isEqualTo("included"));
        entries.forEach(
                (name, text) -> assertThat(text).as(name).doesNotContain("sentinel", SOURCE.url()));
        assertThat(run.out() + run.err()).doesNotContain("sentinel");
        assertThat(entries.get("service/status.json")).contains("IN_SYNC");
        assertThat(entries.get("service/metrics.txt")).contains("millrace_rejected_keys");
        assertThat(entries.get("service/threads.txt")).contains("dev.millrace.");
        assertThat(entries.get("service/journal.json")).contains("IN_SYNC");
        assertThat(entries.get("settings.json")).contains("switchover.route[0].webhook.token");
        assertThat(entries.get("plan.json")).contains("source.wal-level");
        assertThat(entries.get("source/slots.json")).contains("millrace_" + NAME);
        assertThat(entries.get("target/sessions.json")).contains(NAME + "_target");
        assertThat(entries.get("kafka.json"))
                .contains("millrace." + NAME + ".changes", "committed");
        assertThat(entries.get("log.txt")).isEqualTo("a line\nconnecting with ***\n");
        assertThat(Files.getPosixFilePermissions(bundle))
                .isEqualTo(PosixFilePermissions.fromString("rw-------"));
    }

    @Test
    void withoutAServiceTheManifestSaysWhatIsMissing() throws Exception {
        Path bundle = FOLDER.resolve("alone.zip");

        Run run =
                doctor(
                        "doctor",
                        "-c",
                        FILE.toString(),
                        "--url",
                        "http://127.0.0.1:1",
                        "--out",
                        bundle.toString());
        Map<String, String> entries = entries(bundle);

        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out()).contains("service/status.json", "failed", "No Millrace service at");
        assertThat(states(entries))
                .containsEntry("service/status.json", "failed")
                .containsEntry("service/threads.txt", "failed")
                .containsEntry("log.txt", "left out")
                .containsEntry("source/slots.json", "included")
                .containsEntry("kafka.json", "included");
        assertThat(entries).doesNotContainKey("service/status.json");
    }

    @Test
    void unreachableServersAndABrokenFileAreRecorded() throws Exception {
        Path nowhere = FOLDER.resolve("nowhere.yaml");
        Files.writeString(
                nowhere,
                """
                migration: nowhere
                source: {url: 'jdbc:postgresql://127.0.0.1:1/a', username: u, password: p}
                target: {url: 'jdbc:postgresql://127.0.0.1:1/b', username: u, password: p}
                tables: {public.t: SELECT * FROM t}
                """);
        Path log = FOLDER.resolve("secret.log");
        Files.writeString(log, "connecting\n");
        Path broken = FOLDER.resolve("broken.yaml");
        Files.writeString(broken, "migration: [");

        for (Path file : List.of(nowhere, broken)) {
            Path bundle = FOLDER.resolve(file.getFileName() + ".zip");
            Run run =
                    doctor(
                            "doctor",
                            "-c",
                            file.toString(),
                            "--url",
                            "http://127.0.0.1:1",
                            "--log",
                            log.toString(),
                            "--out",
                            bundle.toString());

            assertThat(run.exitCode()).as(run.err()).isZero();
            assertThat(states(entries(bundle)))
                    .containsEntry("environment.json", "included")
                    // The secrets of a file that cannot be read are not known.
                    .containsEntry("log.txt", file == nowhere ? "included" : "left out")
                    .containsEntry(
                            file == nowhere ? "target/sessions.json" : "settings.json", "failed");
        }
    }

    @Test
    void aWrongAuthorityOnlyLeavesOutWhatTheServiceShows() throws Exception {
        Path bundle = FOLDER.resolve("authority.zip");

        Run run =
                doctor(
                        "doctor",
                        "-c",
                        FILE.toString(),
                        "--url",
                        "https://127.0.0.1:" + service.port(),
                        "--ca",
                        FILE.toString(),
                        "--out",
                        bundle.toString());

        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out()).contains("cannot be read as PEM certificates");
        assertThat(states(entries(bundle)))
                .containsEntry("service/status.json", "failed")
                .containsEntry("service/metrics.txt", "failed")
                .containsEntry("environment.json", "included")
                .containsEntry("settings.json", "included")
                .containsEntry("source/slots.json", "included");
    }

    @Test
    void writesOverNoFile() throws Exception {
        Path taken = FOLDER.resolve("taken.zip");
        Files.writeString(taken, "mine");

        Run run = doctor("doctor", "--url", "http://127.0.0.1:1", "--out", taken.toString());

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).contains("exists already");
        assertThat(taken).hasContent("mine");
    }
}
