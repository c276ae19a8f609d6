package dev.millrace.preflight.catalog;

import dev.millrace.change.TableId;
import dev.millrace.control.DroppedDefinitions.Definition;
import dev.millrace.grants.GrantSql;
import dev.millrace.indexes.TableObjects;
import dev.millrace.postgres.Server;
import dev.millrace.postgres.Session;
import dev.millrace.postgres.TableFacts;
import dev.millrace.postgres.TableFacts.Foreign;
import dev.millrace.preflight.plan.CheckName;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Findings;
import dev.millrace.preflight.plan.Remedy;
import dev.millrace.spec.MigrationSpec.IndexSetting;
import dev.millrace.spec.MigrationSpec.Indexes;
import java.util.List;
import java.util.stream.Collectors;

/// Checks that `indexes: after-backfill` can drop indexes and foreign keys and create them again,
/// and names them, with what stays and why.
public final class IndexCheck {

    private static final Remedy KEEP =
            Remedy.inFile("indexes: keep")
                    .note("If its indexes must stay. Otherwise nothing is to be done.");

    private IndexCheck() {}

    public static List<Finding> judge(
            IndexSetting setting, Session target, List<TableFacts> tables, Server.Facts server) {
        Findings findings = new Findings(CheckName.TARGET_INDEXES);
        List<TableId> chosen =
                tables.stream()
                        .map(TableFacts::id)
                        .filter(table -> setting.of(table) == Indexes.AFTER_BACKFILL)
                        .distinct()
                        .toList();
        if (!chosen.isEmpty()) {
            TableObjects.of(target.texts(TableObjects.sql(chosen)))
                    .forEach(objects -> judge(objects, owned(objects, tables), server, findings));
        }
        return findings.orOk(
                "target tables",
                chosen.isEmpty() ? "indexes and foreign keys stay" : "there is no index to drop");
    }

    private static void judge(
            TableObjects objects, List<Foreign> foreign, Server.Facts server, Findings findings) {
        String object = objects.table().toString();
        if (!objects.owned()) {
            findings.refuse(
                    object,
                    "the role does not have the rights of the owner "
                            + objects.owner()
                            + ", without which 'indexes: after-backfill' cannot drop and create"
                            + " indexes",
                    Remedy.onTarget(Ownership.rights(foreign, server))
                            .note("Alternatively, set indexes: keep."));
        } else if (!objects.creates() && !objects.removable().isEmpty()) {
            findings.refuse(
                    object,
                    "the role may not create objects in the schema "
                            + objects.table().schema()
                            + ", without which a dropped index cannot be created again",
                    Remedy.onTarget(
                                    GrantSql.createIn(
                                            objects.table().schema(), server.role().name()))
                            .note("Alternatively, set indexes: keep."));
        } else if (!objects.removable().isEmpty()) {
            findings.warn(object, dropped(objects) + kept(objects), KEEP);
        } else if (!objects.kept().isEmpty()) {
            findings.warn(object, "nothing can be dropped" + kept(objects), KEEP);
        }
    }

    private static List<Foreign> owned(TableObjects objects, List<TableFacts> tables) {
        return tables.stream()
                .filter(table -> table.id().equals(objects.table()))
                .flatMap(table -> table.access().foreign().stream())
                .filter(foreign -> foreign.owner().equals(objects.owner()))
                .toList();
    }

    private static String dropped(TableObjects objects) {
        return "dropped before the backfill and created again when it is complete: "
                + objects.removable().stream()
                        .map(IndexCheck::named)
                        .collect(Collectors.joining(", "))
                + ". Queries that use them are slow until then";
    }

    private static String named(Definition definition) {
        return definition.kind().text() + " " + definition.name();
    }

    private static String kept(TableObjects objects) {
        return objects.kept().stream()
                .map(
                        kept ->
                                kept.kind().text()
                                        + " "
                                        + kept.name()
                                        + " stays, because "
                                        + kept.reason())
                .map("; "::concat)
                .collect(Collectors.joining());
    }
}
