package dev.millrace.preflight;

import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.Publication;
import dev.millrace.postgres.Server;
import dev.millrace.postgres.TableFacts;
import dev.millrace.preflight.PreflightCheck.Findings;
import java.util.List;
import java.util.Optional;

/// Whether the publication is there as it has to be, or may be made.
final class SourcePublicationCheck {

    private SourcePublicationCheck() {}

    static List<Finding> judge(Facts facts) {
        Findings findings = new Findings("source.publication");
        Facts.Source source = facts.source();
        String object = "publication " + source.publicationName();
        if (source.publication().isPresent()) {
            existing(findings, object, source.publication().get(), facts);
            return findings.orOk(object, "is there with exactly these tables");
        }
        Server.Role role = source.server().role();
        List<TableFacts> foreign =
                facts.sourceTables().stream().filter(table -> !table.access().owned()).toList();
        if (foreign.isEmpty() && !role.createsInDatabase()) {
            findings.refuse(
                    "database " + source.server().database(),
                    "the role may not create a publication in it",
                    "GRANT CREATE ON DATABASE "
                            + Identifier.quote(source.server().database())
                            + " TO "
                            + Identifier.quote(role.name())
                            + "; or let an owner of the tables run: "
                            + creation(facts));
        }
        // Membership in the owner, often a superuser, would be a far larger grant than one
        // statement.
        for (TableFacts table : foreign) {
            findings.refuse(
                    table.id().toString(),
                    "is owned by "
                            + table.access().owner()
                            + ", and only its owner may publish a table; role "
                            + role.name()
                            + " needs no ownership once the publication exists",
                    "Let a superuser, or a role that owns all of these tables, run: "
                            + creation(facts));
        }
        return findings.orOk(object, "the role may create it");
    }

    private static void existing(
            Findings findings, String object, Publication publication, Facts facts) {
        Optional<Publication.Defect> defect = publication.defect(facts.sources());
        String again =
                "DROP PUBLICATION "
                        + Identifier.quote(facts.source().publicationName())
                        + "; and let "
                        + (publication.owned()
                                ? "the migration make it anew"
                                : "its owner run: " + creation(facts))
                        + (facts.target().begun()
                                ? " What was written meanwhile may not be in the log: begin the"
                                        + " migration anew, under another name."
                                : "");
        if (defect.equals(Optional.of(Publication.Defect.TABLES))
                || defect.equals(Optional.of(Publication.Defect.NARROWED))) {
            findings.refuse(
                    object,
                    "is there and doesn't publish exactly the tables of the mappings, whole",
                    again);
        } else if (defect.isPresent()) {
            findings.refuse(
                    object,
                    "is there and doesn't publish every operation through the partition root",
                    again);
        } else if (!publication.storedColumns()
                && facts.sourceTables().stream().anyMatch(SourceKeyChecks::logsStoredColumns)) {
            findings.refuse(
                    object,
                    "is there and doesn't publish stored generated columns: the source refuses"
                            + " UPDATE and DELETE of a table that has them and REPLICA IDENTITY FULL",
                    "ALTER PUBLICATION "
                            + Identifier.quote(facts.source().publicationName())
                            + " SET (publish_generated_columns = stored);");
        }
    }

    private static String creation(Facts facts) {
        return Publication.creation(
                        facts.source().publicationName(),
                        facts.sources(),
                        facts.source().server().majorVersion())
                + ";";
    }
}
