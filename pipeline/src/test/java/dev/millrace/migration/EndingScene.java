package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.ending.Ending;
import dev.millrace.ending.Ending.Kind;
import dev.millrace.ending.EndingStep;
import dev.millrace.ending.MigrationEnd.EndRequest;
import dev.millrace.ending.MigrationLife;
import dev.millrace.ending.MigrationLife.Plan;
import dev.millrace.switchover.Operation.State;
import dev.millrace.testing.Waits;
import java.io.IOException;
import java.nio.file.Files;
import java.time.InstantSource;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.awaitility.Awaitility;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Ends the migration of a scene, and compares what is left.
record EndingScene(MigrationScene scene, Inventory before) {

    /// The gates that the sessions of the test close, and those that need pg_stat_statements.
    static final String[] USED = {"source-unused", "source-reads"};

    /// What [#renaming] makes of the tables of a bank.
    static final List<List<String>> RENAMED =
            List.of(List.of("account_old"), List.of("ledger_old"));

    /// Starts a migration of two rows, and waits until it is in sync.
    static EndingScene inSync(MigrationScene scene) throws Exception {
        scene.declared().table("item", "id int PRIMARY KEY, name text UNIQUE").reversible();
        scene.source.execute("INSERT INTO item VALUES (1, 'one'), (2, 'two')");
        Inventory before = Inventory.beforeStart(scene);
        scene.start();
        scene.awaitPhase("IN_SYNC");
        // As stateful mappings leave it.
        Files.createDirectories(
                scene.dataDir.resolve(scene.name).resolve("state").resolve("store"));
        return new EndingScene(scene, before);
    }

    JsonNode archive() throws IOException {
        return JsonMapper.builder().build().readTree(Files.readString(scene.premises().archive()));
    }

    /// The tables of the source.
    List<List<String>> tables() {
        return scene.source.query(
                "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1");
    }

    /// Takes over the running migration of the scene.
    MigrationLife running(EndingStep.Trace trace) {
        return MigrationLife.of(
                scene.handOver(),
                Plan.of("hash", scene.stream().tables().mappings(), List.of()),
                scene.premises(),
                settings(trace));
    }

    /// The next process.
    MigrationLife next(EndingStep.Trace trace) {
        return MigrationLife.ended(scene.premises(), settings(trace)).orElseThrow();
    }

    private static MigrationLife.Settings settings(EndingStep.Trace trace) {
        return new MigrationLife.Settings("test", InstantSource.system(), trace);
    }

    static EndRequest request(Kind kind, boolean dryRun, String... forced) {
        return new EndRequest(
                kind,
                dryRun,
                Set.of(forced),
                "a test",
                Optional.of("tester"),
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
    }

    /// Lets the migration rename the tables of the source, which `grants` notes and does not print.
    void allowRenames() {
        scene.source.execute("GRANT CREATE ON SCHEMA public TO " + scene.sourceLogin());
    }

    static EndRequest renaming(String suffix, boolean dryRun, String... forced) {
        return new EndRequest(
                Kind.COMPLETE,
                dryRun,
                Set.of(forced),
                "a test",
                Optional.of("tester"),
                Optional.empty(),
                Optional.of(suffix),
                Optional.empty());
    }

    Ending end(MigrationLife life, Kind kind, String... forced) {
        UUID id = Objects.requireNonNull(life.end(request(kind, false, forced)).id());
        return awaitEnd(life, id);
    }

    static Ending awaitEnd(MigrationLife life, UUID id) {
        return Awaitility.await()
                .atMost(Waits.LIMIT)
                .until(() -> life.ending(id).orElseThrow(), ending -> ending.state() == State.DONE);
    }

    /// Everything is as before the migration, but for the archive.
    void assertNothingIsLeft() throws Exception {
        Inventory after = Inventory.of(scene);
        assertThat(after.minus(before)).containsExactly("file " + scene.name + ".archive.json");
        assertThat(before.minus(after)).isEmpty();
    }
}
