package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.TableId;
import dev.millrace.postgres.Session;
import dev.millrace.problem.Position;
import dev.millrace.replication.LaterAdditions;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.spec.MigrationSpec.IndexSetting;
import dev.millrace.spec.MigrationSpec.TableEntry;
import dev.millrace.spec.flow.FlowSetting;
import dev.millrace.spec.reconcile.ReconcileSetting;
import dev.millrace.spec.source.SchemaChange;
import dev.millrace.spec.source.TruncateSetting;
import dev.millrace.spec.switchover.Switchover;
import dev.millrace.sql.SelectParser;
import dev.millrace.sql.SelectParser.ParseResult;
import dev.millrace.stream.ReplicationStream;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class LaterAdditionsIT {

    private static final Position AT = new Position("millrace.yaml", 1, 1);

    @Test
    void reportsOnlyTablesAndColumnsThatAStarDoesNotStandFor() throws Exception {
        try (MigrationScene scene =
                new MigrationScene()
                        .table("known", "id int PRIMARY KEY, later text")
                        .table("listed", "id int PRIMARY KEY, later text")
                        .table("starred", "id int PRIMARY KEY, later text")) {
            scene.source.execute(
                    "CREATE TABLE fresh (id int PRIMARY KEY)",
                    "CREATE TABLE chosen (id int PRIMARY KEY)",
                    "CREATE VIEW seen AS SELECT FROM fresh");
            ReplicationStream stream = scene.stream();
            MigrationSpec spec =
                    new MigrationSpec(
                            "m",
                            scene.file().spec().source(),
                            scene.file().spec().target(),
                            scene.file().spec().kafka(),
                            scene.file().spec().dataDir(),
                            List.of(
                                    new TableEntry.Wildcard("public", "public", AT),
                                    select("chosen", "SELECT id FROM public.listed"),
                                    select("listed", "SELECT id FROM public.listed"),
                                    select("starred", "SELECT s.* FROM public.starred s")),
                            Map.of(),
                            Backfill.ENGINE,
                            IndexSetting.KEEP,
                            MigrationSpec.RejectedLimit.STANDARD,
                            TruncateSetting.STANDARD,
                            SchemaChange.Setting.STANDARD,
                            Switchover.DEFAULT,
                            List.of(),
                            ReconcileSetting.DEFAULT,
                            FlowSetting.NONE,
                            MigrationSpec.SensitiveColumns.NONE);
            Set<String> begun = Set.of("id");
            LaterAdditions additions =
                    new LaterAdditions(
                            spec,
                            stream.tables().mappings(),
                            Map.of(
                                    "\"public\".\"known\"", begun,
                                    "\"public\".\"listed\"", begun,
                                    "\"public\".\"starred\"", begun));

            try (Session session = stream.source().database().session()) {
                assertThat(additions.find(session.sourceCatalog()))
                        .extracting(sentence -> sentence.replaceFirst(" was added.*", ""))
                        .containsExactly(
                                "table public.fresh",
                                "column public.known.later",
                                "column public.starred.later");
            }
        }
    }

    private static TableEntry select(String target, String select) {
        return switch (SelectParser.parse(select)) {
            case ParseResult.Parsed(var statement) ->
                    new TableEntry.Select(new TableId("public", target), statement, AT);
            case ParseResult.Refused(var problems) -> throw new AssertionError(problems);
        };
    }
}
