package dev.millrace.preflight.catalog;

import dev.millrace.change.TableId;
import dev.millrace.control.DroppedDefinitions.Definition;
import dev.millrace.grants.GrantSql;
import dev.millrace.indexes.TableObjects;
import dev.millrace.postgres.Session;
import dev.millrace.postgres.TableFacts;
import dev.millrace.preflight.Finding;
import dev.millrace.preflight.Findings;
import dev.millrace.spec.MigrationSpec.IndexSetting;
import dev.millrace.spec.MigrationSpec.Indexes;
import java.util.List;
import java.util.stream.Collectors;

/// Checks that `indexes: after-backfill` can drop indexes and foreign keys and create them again,
/// and names them, with what stays and why.
public final class IndexCheck {

    private IndexCheck() {}

    public static List<Finding> judge(
            IndexSetting setting, Session target, List<TableFacts> tables, String role) {
        Findings findings = new Findings("target.indexes");
        List<TableId> chosen =
                tables.stream()
                        .map(TableFacts::id)
                        .filter(table -> setting.of(table) == Indexes.AFTER_BACKFILL)
                        .distinct()
                        .toList();
        if (!chosen.isEmpty()) {
            TableObjects.of(target.texts(TableObjects.sql(chosen)))
                    .forEach(objects -> judge(objects, role, findings));
        }
        return findings.orOk(
                "target tables",
                chosen.isEmpty() ? "indexes and foreign keys stay" : "there is no index to drop");
    }

    private static void judge(TableObjects objects, String role, Findings findings) {
        String object = objects.table().toString();
        if (!objects.owned()) {
            findings.refuse(
                    object,
                    "the role does not have the rights of the owner "
                            + objects.owner()
                            + ", without which 'indexes: after-backfill' cannot drop and create"
                            + " indexes",
                    GrantSql.member(objects.owner(), role) + " Alternatively, set indexes: keep.");
        } else if (!objects.creates() && !objects.removable().isEmpty()) {
            findings.refuse(
                    object,
                    "the role may not create objects in the schema "
                            + objects.table().schema()
                            + ", without which a dropped index cannot be created again",
                    GrantSql.createIn(objects.table().schema(), role)
                            + " Alternatively, set indexes: keep.");
        } else if (!objects.removable().isEmpty()) {
            findings.warn(object, dropped(objects) + kept(objects), "");
        } else if (!objects.kept().isEmpty()) {
            findings.warn(object, "nothing can be dropped" + kept(objects), "");
        }
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
