package dev.millrace.types;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import dev.millrace.postgres.Identifier;
import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import dev.millrace.types.Proofs.Sides;
import dev.millrace.types.TypeTable.Type;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Collectors;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Carries every type of `types.txt` from servers of several versions to others, by every way, and
/// compares what the output functions of both servers print. `docs/types.md` is written from what
/// the runs prove, so that a type which is no longer carried exactly changes the file and fails.
@Timeout(900)
class TypesIT {

    private static final Path DOCUMENT = Path.of("..", "docs", "types.md");
    private static final Path WRITTEN = Path.of("target", "types.md");
    private static final int SHOWN = 30;

    private record Pair(int source, int target) {

        int oldest() {
            return Math.min(source, target);
        }

        @Override
        public String toString() {
            return source + " to " + target;
        }
    }

    @Test
    void everyTypeIsCarriedExactly() throws Exception {
        prove(List.of(new Pair(14, 18), new Pair(18, 18)));
    }

    @Test
    @Tag("matrix")
    void everyVersionCarriesEveryTypeExactly() throws Exception {
        prove(
                List.of(
                        new Pair(14, 18),
                        new Pair(15, 18),
                        new Pair(16, 18),
                        new Pair(17, 18),
                        new Pair(18, 18),
                        new Pair(18, 15)));
    }

    /// The plan cannot know the values, so the key waits and all others go on.
    @Test
    @Tag("matrix")
    void aValueThatAnOlderTargetDoesNotKnowSetsItsKeyAside() throws Exception {
        try (ServerVersions servers = new ServerVersions()) {
            TestDatabase source = servers.newDatabase(18);
            TestDatabase target = servers.newDatabase(15);
            for (TestDatabase side : List.of(source, target)) {
                for (String table : List.of("early", "late", "other")) {
                    side.execute("CREATE TABLE " + table + " (id int PRIMARY KEY, v interval)");
                }
            }
            source.execute("INSERT INTO early VALUES (1, 'infinity')");
            try (TypeRun run = TypeRun.start(source, target, Backfill.WINDOWS)) {
                run.awaitBlocker("public.early");
                source.execute(
                        "INSERT INTO late VALUES (1, '-infinity'), (2, '1 mon')",
                        "INSERT INTO other VALUES (1, '1 mon')");

                run.awaitBlocker("public.late");
                assertThat(run.rejectedCauses("public.late"))
                        .singleElement()
                        .asString()
                        .contains("column v");
                for (String table : List.of("late", "other")) {
                    Awaitility.await().until(() -> !target.query("TABLE " + table).isEmpty());
                }
                assertThat(target.query("SELECT id FROM late")).containsExactly(List.of("2"));
            }
        }
    }

    /// Every type that a server has is in the table.
    @Test
    void noBuiltInTypeIsMissing() throws Exception {
        TestDatabase database = PostgresServer.shared().newDatabase();
        String listed =
                TypeTable.TYPES.stream()
                        .map(type -> Identifier.literal(type.withoutCollation()))
                        .collect(Collectors.joining(", "));

        assertThat(
                        database.query(
                                """
                                SELECT t.typname FROM pg_type t
                                WHERE t.typnamespace = 'pg_catalog'::regnamespace
                                    AND t.typtype IN ('b', 'r', 'm') AND t.typcategory <> 'A'
                                    AND t.oid NOT IN (SELECT o FROM unnest(ARRAY[%s]) s, to_regtype(s) o
                                        WHERE o IS NOT NULL)
                                """
                                        .formatted(listed)))
                .isEmpty();
    }

    private static void prove(List<Pair> pairs) throws Exception {
        Proofs proofs = new Proofs();
        try (ServerVersions servers = new ServerVersions()) {
            for (Pair pair : pairs) {
                run(pair, servers, proofs);
                Refusals.prove(
                        servers.newDatabase(pair.source()),
                        servers.newDatabase(pair.target()),
                        pair.oldest(),
                        TypeTable.TYPES,
                        proofs);
                proofs.count(pair.oldest());
            }
        }
        assertThat(proofs.differences().stream().limit(SHOWN)).isEmpty();
        compare(TypeDocument.lines(proofs));
    }

    private static void run(Pair pair, ServerVersions servers, Proofs proofs) throws Exception {
        TestDatabase source = servers.newDatabase(pair.source());
        Map<Backfill, TestDatabase> targets = new EnumMap<>(Backfill.class);
        for (Backfill backfill : Backfill.values()) {
            targets.put(backfill, servers.newDatabase(pair.target()));
        }
        List<TestDatabase> all = new ArrayList<>(targets.values());
        all.add(source);
        try (TypeScene scene = new TypeScene(source, pair.oldest(), TypeTable.TYPES)) {
            for (TestDatabase side : all) {
                TypeScene.create(side, scene.types());
            }
            TypeScene.makeHostile(all);
            scene.fill();
            assertThat(scene.inLine()).as("large values that are stored in line").isEmpty();
            try (Runs runs = Runs.start(source, targets)) {
                runs.awaitInSync();
                Map<Backfill, Sides> atFirst = sides(scene, source, targets);
                scene.change();
                Map<Backfill, ReconciliationReport> reports = runs.reconcile();
                Map<Backfill, Sides> last = sides(scene, source, targets);
                for (Type type : scene.types()) {
                    proofs.judge(pair.toString(), type, atFirst, last);
                }
                proofs.judgeComposite(pair.toString(), last);
                proofs.judgeVerdicts(pair.toString(), reports);
            }
        }
    }

    private static Map<Backfill, Sides> sides(
            TypeScene scene, TestDatabase source, Map<Backfill, TestDatabase> targets)
            throws Exception {
        TypeScene.Rows from = scene.rows(source);
        Map<Backfill, Sides> sides = new EnumMap<>(Backfill.class);
        for (Map.Entry<Backfill, TestDatabase> each : targets.entrySet()) {
            sides.put(each.getKey(), new Sides(from, scene.rows(each.getValue())));
        }
        return sides;
    }

    private static void compare(List<String> lines) throws IOException {
        assertThat(lines)
                .as("there is no third verdict")
                .noneMatch(line -> line.contains("**not "));
        if (System.getProperty("types", "").equals("accept")) {
            Files.write(DOCUMENT, lines);
        }
        List<String> committed = Files.exists(DOCUMENT) ? Files.readAllLines(DOCUMENT) : List.of();
        if (!committed.equals(lines)) {
            Files.write(WRITTEN, lines);
            fail(
                    "docs/types.md differs from what the runs prove; the new file is"
                            + " pipeline/%s.%n- %s%n+ %s%nAccept it with -Dtypes=accept.",
                    WRITTEN,
                    committed.stream().filter(line -> !lines.contains(line)).toList(),
                    lines.stream().filter(line -> !committed.contains(line)).toList());
        }
    }

    /// Two migrations of one source database at once, one with each kind of backfill.
    private record Runs(List<TypeRun> all) implements AutoCloseable {

        static Runs start(TestDatabase source, Map<Backfill, TestDatabase> targets)
                throws Exception {
            Runs runs = new Runs(new ArrayList<>());
            try {
                for (Map.Entry<Backfill, TestDatabase> each : targets.entrySet()) {
                    runs.all.add(TypeRun.start(source, each.getValue(), each.getKey()));
                }
                return runs;
            } catch (Exception | AssertionError e) {
                runs.close();
                throw e;
            }
        }

        void awaitInSync() {
            all.forEach(TypeRun::awaitInSync);
        }

        /// Compares both sides, all at once.
        Map<Backfill, ReconciliationReport> reconcile() {
            List<UUID> comparisons = all.stream().map(TypeRun::compare).toList();
            Map<Backfill, ReconciliationReport> reports = new EnumMap<>(Backfill.class);
            for (int i = 0; i < all.size(); i++) {
                reports.put(all.get(i).backfill, all.get(i).await(comparisons.get(i)));
            }
            return reports;
        }

        @Override
        public void close() {
            all.forEach(TypeRun::close);
        }
    }
}
