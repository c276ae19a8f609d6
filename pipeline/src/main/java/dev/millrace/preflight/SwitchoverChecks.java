package dev.millrace.preflight;

import dev.millrace.apply.ApplierSettings;
import dev.millrace.grants.GrantSql;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.Publication;
import dev.millrace.postgres.ReplicationOrigins;
import dev.millrace.postgres.ReplicationSlot;
import dev.millrace.postgres.Server;
import dev.millrace.preflight.plan.CheckName;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Findings;
import dev.millrace.preflight.plan.Findings.Measured;
import dev.millrace.preflight.plan.Remedy;
import dev.millrace.preflight.plan.Remedy.Place;
import java.util.List;
import java.util.Optional;

/// Reports early what a switchover will need of both servers. Only warns: a migration may run
/// without a switchover.
final class SwitchoverChecks {

    static final List<Facts.Check> ALL =
            List.of(
                    SwitchoverChecks::walLevel,
                    SwitchoverChecks::replicationRole,
                    SwitchoverChecks::slots,
                    SwitchoverChecks::senders,
                    SwitchoverChecks::publication,
                    SwitchoverChecks::origins,
                    SwitchoverChecks::originFunctions,
                    SwitchoverChecks::controlSchema,
                    SwitchoverChecks::temporaryTables,
                    SwitchoverChecks::activity);

    private SwitchoverChecks() {}

    private static List<Finding> walLevel(Facts facts) {
        Findings findings = new Findings(CheckName.SWITCHOVER_TARGET_WAL_LEVEL);
        String level = facts.target().server().walLevel();
        if (!level.equals("logical")) {
            findings.warn(
                    "wal_level",
                    new Measured(level, "logical"),
                    "is " + level + " on the target, but the reverse stream decodes its WAL",
                    Remedy.onTarget("ALTER SYSTEM SET wal_level = 'logical';")
                            .note("Then restart the target server."));
        }
        return findings.orOk("wal_level", "is logical on the target");
    }

    private static List<Finding> replicationRole(Facts facts) {
        Findings findings = new Findings(CheckName.SWITCHOVER_TARGET_REPLICATION_ROLE);
        Server.Role role = facts.target().server().role();
        if (!role.replicates()) {
            findings.warn(
                    "role " + role.name(),
                    "has no REPLICATION attribute on the target, which the slot of the reverse"
                            + " stream needs",
                    Remedy.onTarget(GrantSql.replication(role.name()))
                            .note(
                                    "On a managed service: "
                                            + GrantSql.member("rds_replication", role.name())));
        }
        return findings.orOk("role " + role.name(), "may replicate from the target");
    }

    private static List<Finding> slots(Facts facts) {
        boolean exists = facts.switchover().reverseSlot().isPresent();
        boolean forwardToCome = facts.oneServer() && facts.source().slot().isEmpty();
        return quota(
                CheckName.SWITCHOVER_TARGET_SLOTS,
                "max_replication_slots",
                "replication slots",
                facts.target().server().slots(),
                (exists ? 0 : 1) + (forwardToCome ? 1 : 0));
    }

    private static List<Finding> senders(Facts facts) {
        boolean streams =
                facts.switchover().reverseSlot().filter(ReplicationSlot::active).isPresent();
        boolean forwardToCome =
                facts.oneServer()
                        && facts.source().slot().filter(ReplicationSlot::active).isEmpty();
        return quota(
                CheckName.SWITCHOVER_TARGET_SENDERS,
                "max_wal_senders",
                "WAL senders",
                facts.target().server().senders(),
                (streams ? 0 : 1) + (forwardToCome ? 1 : 0));
    }

    private static List<Finding> quota(
            CheckName check, String setting, String noun, Server.Quota quota, int needed) {
        Findings findings = new Findings(check);
        if (quota.limit() - quota.used() < needed) {
            findings.warn(
                    setting,
                    free(quota, needed),
                    "allows "
                            + quota.limit()
                            + " "
                            + noun
                            + " on the target, of which "
                            + quota.used()
                            + " are in use, but the migration needs "
                            + needed
                            + " more for the reverse stream",
                    Remedy.onTarget(
                                    "ALTER SYSTEM SET "
                                            + setting
                                            + " = "
                                            + (quota.used() + needed)
                                            + ";")
                            .note("Then restart the target server."));
        }
        return findings.orOk(
                setting,
                free(quota, needed),
                (quota.limit() - quota.used()) + " of " + quota.limit() + " free");
    }

    private static Measured free(Server.Quota quota, int needed) {
        return new Measured((quota.limit() - quota.used()) + " free", needed + " free");
    }

    private static List<Finding> publication(Facts facts) {
        Findings findings = new Findings(CheckName.SWITCHOVER_TARGET_PUBLICATION);
        Server.Facts target = facts.target().server();
        String role = target.role().name();
        String object = "database " + target.database();
        Optional<Publication> existing = facts.switchover().reversePublication();
        if (existing.isEmpty() && !target.role().createsInDatabase()) {
            findings.warn(
                    object,
                    "the role may not create a publication in the target database, which the"
                            + " reverse stream needs",
                    Remedy.onTarget(GrantSql.onDatabase("CREATE", target.database(), role)));
        }
        if (existing.isPresent() && !existing.get().owned()) {
            String name = facts.switchover().reversePublicationName();
            findings.warn(
                    "publication " + name,
                    "belongs to another role on the target, and only its owner may drop it: the"
                            + " reverse stream could not create it again, and a rollback, complete"
                            + " and abort would wait until its owner drops it",
                    facts.switchover().reverseSlot().isPresent()
                            ? Remedy.byHand(
                                    "Let its owner drop it when the migration ends. Do not change the"
                                            + " owner now: the reverse stream would stop.")
                            : Remedy.onTarget(Publication.ownership(name, role))
                                    .note("As a superuser."));
        }
        return findings.orOk(object, "the role may create and drop the publication");
    }

    /// Each session that writes rows marks them with an origin that no other session uses, also not
    /// that of a process that was killed.
    private static List<Finding> origins(Facts facts) {
        Findings findings = new Findings(CheckName.SWITCHOVER_ORIGINS);
        int needed =
                ReplicationOrigins.most(ApplierSettings.Limits.standard().writers())
                        * (facts.oneServer() ? 2 : 1);
        origins(findings, Place.SOURCE, facts.switchover().sourceOrigins(), needed);
        origins(findings, Place.TARGET, facts.switchover().targetOrigins(), needed);
        return findings.orOk("replication origins", "both servers allow the " + needed + " needed");
    }

    private static void origins(
            Findings findings, Place place, ReplicationOrigins origins, int needed) {
        String side = place.id();
        if (!origins.hasFree(needed)) {
            findings.warn(
                    origins.setting(),
                    new Measured((origins.limit() - origins.used()) + " free", needed + " free"),
                    "allows "
                            + origins.limit()
                            + " replication origins on the "
                            + side
                            + ", of which others may use "
                            + origins.used()
                            + ", but the migration needs "
                            + needed
                            + ": one for each session that applies changes, and as many for sessions"
                            + " of a process that was killed",
                    new Remedy(
                                    place,
                                    "ALTER SYSTEM SET "
                                            + origins.setting()
                                            + " = "
                                            + (origins.used() + needed)
                                            + ";")
                            .note("Then restart the " + side + " server."));
        }
    }

    private static List<Finding> originFunctions(Facts facts) {
        Findings findings = new Findings(CheckName.SWITCHOVER_ORIGIN_FUNCTIONS);
        originFunctions(
                findings,
                Place.SOURCE,
                facts.source().server(),
                facts.switchover().sourceOrigins());
        originFunctions(
                findings,
                Place.TARGET,
                facts.target().server(),
                facts.switchover().targetOrigins());
        return findings.orOk("replication origins", "the role may mark its changes on both sides");
    }

    private static void originFunctions(
            Findings findings, Place place, Server.Facts server, ReplicationOrigins origins) {
        if (!origins.forbidden().isEmpty()) {
            findings.warn(
                    "database " + server.database(),
                    "the role may not execute the functions of replication origins, which mark its"
                            + " changes so that no stream sends them back",
                    new Remedy(
                                    place,
                                    ReplicationOrigins.grant(
                                            origins.forbidden(), server.role().name()))
                            .note("In database " + server.database() + "."));
        }
    }

    private static List<Finding> controlSchema(Facts facts) {
        Findings findings = new Findings(CheckName.SWITCHOVER_CONTROL_SCHEMA);
        Server.Facts source = facts.source().server();
        String role = Identifier.quote(source.role().name());
        switch (facts.switchover().sourceControl()) {
            case OURS -> {}
            case ABSENT -> {
                if (!source.role().createsInDatabase()) {
                    findings.warn(
                            "database " + source.database(),
                            "the role may not create the schema millrace on the source, which"
                                    + " stores the fence and the offsets of the reverse stream",
                            Remedy.onSource(GrantSql.controlSchema(source.role().name())));
                }
            }
            case LOCKED ->
                    findings.warn(
                            "schema millrace",
                            "exists on the source, but the role may not create tables in it",
                            Remedy.onSource("ALTER SCHEMA millrace OWNER TO " + role + ";"));
            case FOREIGN ->
                    findings.warn(
                            "schema millrace",
                            "exists on the source, but contains tables that are not Millrace's",
                            Remedy.onSource("ALTER SCHEMA millrace RENAME TO millrace_other;"));
        }
        return findings.orOk("schema millrace", "exists on the source or can be created");
    }

    private static List<Finding> temporaryTables(Facts facts) {
        Findings findings = new Findings(CheckName.SWITCHOVER_TEMPORARY_TABLES);
        Server.Facts source = facts.source().server();
        if (!source.role().createsTemporary()) {
            findings.warn(
                    "database " + source.database(),
                    "the role may not create temporary tables on the source, which the reverse"
                            + " stream needs to write batches",
                    Remedy.onSource(
                            GrantSql.onDatabase(
                                    "TEMPORARY", source.database(), source.role().name())));
        }
        return findings.orOk(
                "database " + source.database(), "the role may create temporary tables");
    }

    private static List<Finding> activity(Facts facts) {
        Findings findings = new Findings(CheckName.SWITCHOVER_ACTIVITY);
        activity(findings, Place.SOURCE, facts.source().server().role());
        activity(findings, Place.TARGET, facts.target().server().role());
        return findings.orOk("pg_stat_activity", "shows the snapshots of all sessions");
    }

    private static void activity(Findings findings, Place place, Server.Role role) {
        if (!role.seesActivity()) {
            findings.warn(
                    "role " + role.name(),
                    "may not see the snapshots of other sessions on the "
                            + place.id()
                            + ": a fence waits until no session has an older one",
                    new Remedy(place, GrantSql.activity(role.name())));
        }
    }
}
