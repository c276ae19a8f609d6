package dev.millrace.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.app.MigrationAssembly.Outcome;
import dev.millrace.ending.Ending;
import dev.millrace.ending.MigrationEnd.EndRequest;
import dev.millrace.ending.MigrationLife;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.migration.StartOptions;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.spec.SpecReader;
import dev.millrace.spec.SpecResult;
import dev.millrace.testing.KafkaServer;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.TestFolders;
import dev.millrace.testing.Waits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/// Aborts a migration with an embedded broker, as the service assembles it from the file.
class EndedServiceIT {

    private static final String OBJECTS =
            """
            SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname = 'millrace'
            UNION ALL SELECT 'publication ' || pubname FROM pg_publication
            UNION ALL SELECT 'slot ' || slot_name FROM pg_replication_slots WHERE database = current_database()
            UNION ALL SELECT 'trigger ' || tgname FROM pg_trigger WHERE NOT tgisinternal
            """;

    private final String name = KafkaServer.newMigrationName();
    private final Path dataDir = TestFolders.create("ended");
    private final TestDatabase source = PostgresServer.shared().newDatabase();
    private final TestDatabase target = PostgresServer.shared().newDatabase();

    @Test
    void theDataDirHasOnlyTheArchiveAndTheNextStartCreatesNothing() throws Exception {
        source.execute("CREATE TABLE item (id int PRIMARY KEY)", "INSERT INTO item VALUES (1)");
        target.execute("CREATE TABLE item (id int PRIMARY KEY)");
        GrantedLogins.granted(spec(), source, target);
        try (MigrationAssembly assembly = open()) {
            awaitPhase(assembly.migration(), "IN_SYNC");
            assertThat(dataDir.resolve("kafka")).exists();

            assembly.migration().end(request());

            awaitPhase(assembly.migration(), "ABORTED");
            assertThat(files()).containsExactly(name + ".archive.json");
        }

        try (MigrationAssembly next = open()) {
            assertThat(next.migration().status().phase()).isEqualTo("ABORTED");
            assertThat(files()).containsExactly(name + ".archive.json");
        }
        assertThat(source.query(OBJECTS)).isEmpty();
        assertThat(target.query(OBJECTS)).isEmpty();
        assertThat(target.value("SELECT count(*) FROM item")).isEqualTo("1");
    }

    private static EndRequest request() {
        return new EndRequest(
                Ending.Kind.ABORT,
                false,
                Set.of(),
                "",
                Optional.empty(),
                Optional.of("IN_SYNC"),
                Optional.empty(),
                Optional.empty());
    }

    private static void awaitPhase(MigrationLife migration, String phase) {
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .untilAsserted(
                        () ->
                                assertThat(migration.status().phase())
                                        .as(() -> migration.status().toString())
                                        .isEqualTo(phase));
    }

    private List<String> files() throws IOException {
        try (Stream<Path> files = Files.list(dataDir)) {
            return files.map(file -> file.getFileName().toString()).toList();
        }
    }

    private MigrationAssembly open() throws Exception {
        return switch (MigrationAssembly.open(
                spec(), "hash", InstantSource.system(), "test", StartOptions.STANDARD)) {
            case Outcome.Started(MigrationAssembly assembly) -> assembly;
            case Outcome.Refused(var report) -> throw new AssertionError(report.findings());
        };
    }

    private MigrationSpec spec() {
        String text =
                """
                migration: %s
                source: {url: '%s', username: '%s', password: '%s'}
                target: {url: '%s', username: '%s', password: '%s'}
                data-dir: '%s'
                tables:
                  public.item: SELECT id FROM public.item
                """
                        .formatted(
                                name,
                                source.url(),
                                "capture_" + name,
                                GrantedLogins.PASSWORD,
                                target.url(),
                                "apply_" + name,
                                GrantedLogins.PASSWORD,
                                dataDir);
        return switch (SpecReader.read("millrace.yaml", text, Map.of())) {
            case SpecResult.Valid valid -> valid.spec();
            case SpecResult.Invalid invalid ->
                    throw new IllegalArgumentException(invalid.problems().toString());
        };
    }
}
