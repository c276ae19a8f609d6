package dev.millrace.preflight;

import dev.millrace.grants.GrantSql;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.Publication;
import dev.millrace.postgres.Server;
import dev.millrace.postgres.TableFacts;
import dev.millrace.preflight.plan.CheckName;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Findings;
import dev.millrace.preflight.plan.Remedy;
import java.util.List;
import java.util.Optional;

/// Checks that the publication exists with exactly the declared tables, or that the role may create
/// it.
final class SourcePublicationCheck {

    private SourcePublicationCheck() {}

    static List<Finding> judge(Facts facts) {
        Findings findings = new Findings(CheckName.SOURCE_PUBLICATION);
        Facts.Source source = facts.source();
        String object = "publication " + source.publicationName();
        if (source.publication().isPresent()) {
            existing(findings, object, source.publication().get(), facts);
            return findings.orOk(object, "exists with exactly the declared tables");
        }
        Server.Role role = source.server().role();
        List<TableFacts> foreign =
                facts.sourceTables().stream().filter(table -> !table.access().owned()).toList();
        if (foreign.isEmpty() && !role.createsInDatabase()) {
            findings.refuse(
                    "database " + source.server().database(),
                    "the role may not create a publication in this database",
                    Remedy.onSource(
                                    GrantSql.onDatabase(
                                            "CREATE", source.server().database(), role.name()))
                            .note("Alternatively, as an owner of the tables: " + creation(facts)));
        }
        // Granting membership in the owner, often a superuser, would allow far more than one
        // statement.
        for (TableFacts table : foreign) {
            findings.refuse(
                    table.id().toString(),
                    "is owned by "
                            + table.access().owner()
                            + ", and only its owner may publish the table; role "
                            + role.name()
                            + " needs no ownership once the publication exists",
                    Remedy.onSource(creation(facts), ownership(facts))
                            .note(
                                    "As a superuser. A role that owns all of these tables may run"
                                            + " the first statement."));
        }
        return findings.orOk(object, "the role may create it");
    }

    private static void existing(
            Findings findings, String object, Publication publication, Facts facts) {
        Optional<Publication.Defect> defect = publication.defect(facts.sources());
        boolean renewed = publication.owned() && mayCreate(facts);
        Remedy again = again(renewed, facts);
        if (defect.isPresent() && facts.target().begun() && renewed) {
            findings.warn(
                    object,
                    "was altered, so changes may not be in the log: the migration cannot continue"
                            + " before its rows are read again",
                    Remedy.byHand(
                            "Start the service, then run millrace rebackfill. It creates the"
                                    + " publication again."));
        } else if (defect.equals(Optional.of(Publication.Defect.TABLES))
                || defect.equals(Optional.of(Publication.Defect.NARROWED))) {
            findings.refuse(
                    object,
                    "exists, but does not publish exactly the declared tables with all rows and"
                            + " columns",
                    again);
        } else if (defect.isPresent()) {
            findings.refuse(
                    object,
                    "exists, but does not publish every operation through the partition root",
                    again);
        } else if (!publication.storedColumns()
                && facts.sourceTables().stream().anyMatch(SourceKeyChecks::logsStoredColumns)) {
            findings.refuse(
                    object,
                    "exists, but does not publish stored generated columns: the source refuses"
                            + " UPDATE and DELETE on a table with such columns and REPLICA"
                            + " IDENTITY FULL",
                    Remedy.onSource(
                            "ALTER PUBLICATION "
                                    + Identifier.quote(facts.source().publicationName())
                                    + " SET (publish_generated_columns = stored);"));
        } else if (!publication.owned()) {
            findings.warn(
                    object,
                    "belongs to another role, and only its owner may drop it: complete and abort"
                            + " would wait for that",
                    facts.target().begun()
                            ? Remedy.byHand(
                                    "Let its owner drop it when the migration ends. Do not change the"
                                            + " owner now: every row would have to be read again.")
                            : Remedy.onSource(ownership(facts)).note("As a superuser."));
        }
    }

    /// Before the start, because the stream ends if the publication is altered.
    private static String ownership(Facts facts) {
        return Publication.ownership(
                facts.source().publicationName(), facts.source().server().role().name());
    }

    private static boolean mayCreate(Facts facts) {
        return facts.source().server().role().createsInDatabase()
                && facts.sourceTables().stream().allMatch(table -> table.access().owned());
    }

    /// The role may not be allowed to create it, so the one who drops it creates it, too.
    private static Remedy again(boolean renewed, Facts facts) {
        String dropped =
                "DROP PUBLICATION " + Identifier.quote(facts.source().publicationName()) + ";";
        Remedy again =
                renewed
                        ? Remedy.onSource(dropped).note("Millrace then creates it again.")
                        : Remedy.onSource(dropped, creation(facts), ownership(facts))
                                .note("As the owner of the publication and the tables.");
        return facts.target().begun()
                ? again.note(
                        "Then start the service and run millrace rebackfill: changes made in"
                                + " between may not be in the log.")
                : again;
    }

    private static String creation(Facts facts) {
        return Publication.creation(
                        facts.source().publicationName(),
                        facts.sources(),
                        facts.source().server().majorVersion())
                + ";";
    }
}
