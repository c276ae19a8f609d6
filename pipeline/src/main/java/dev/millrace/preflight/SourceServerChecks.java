package dev.millrace.preflight;

import dev.millrace.grants.GrantSql;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.OpenTransaction;
import dev.millrace.postgres.ReplicationSlot;
import dev.millrace.postgres.Server;
import dev.millrace.preflight.Findings.Measured;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// Checks that the source server can stream changes.
final class SourceServerChecks {

    static final List<Facts.Check> ALL =
            List.of(
                    facts -> ServerVersion.judge("source.version", facts.source().server()),
                    SourceServerChecks::primary,
                    SourceServerChecks::encoding,
                    SourceServerChecks::walLevel,
                    SourceServerChecks::role,
                    SourceServerChecks::slot,
                    SourceServerChecks::walSender,
                    SourceServerChecks::openTransactions,
                    SourceServerChecks::keptWal,
                    SourceServerChecks::idleSlot,
                    SourceServerChecks::outputPlugin);

    private SourceServerChecks() {}

    private static List<Finding> primary(Facts facts) {
        Findings findings = new Findings("source.primary");
        if (facts.source().server().inRecovery()) {
            findings.refuse(
                    "source",
                    "is a standby, where no publication can be created",
                    "Set source.url to the primary.");
        }
        return findings.orOk("source", "accepts writes");
    }

    private static List<Finding> encoding(Facts facts) {
        return ServerVersion.encoding("source.encoding", facts.source().server());
    }

    private static List<Finding> walLevel(Facts facts) {
        Findings findings = new Findings("source.wal-level");
        String level = facts.source().server().walLevel();
        Measured measured = new Measured(level, "logical");
        if (!level.equals("logical")) {
            findings.refuse(
                    "wal_level",
                    measured,
                    "is " + level + ", but logical decoding needs the level logical",
                    "ALTER SYSTEM SET wal_level = 'logical'; Then restart the source server.");
        }
        return findings.orOk("wal_level", measured, "is logical");
    }

    private static List<Finding> role(Facts facts) {
        Findings findings = new Findings("source.replication-role");
        Server.Role role = facts.source().server().role();
        if (!role.replicates()) {
            findings.refuse(
                    "role " + role.name(),
                    "has no REPLICATION attribute, which replication slots need",
                    GrantSql.replication(role.name())
                            + " On a managed service: "
                            + GrantSql.member("rds_replication", role.name()));
        }
        return findings.orOk("role " + role.name(), "may replicate");
    }

    private static List<Finding> slot(Facts facts) {
        Findings findings = new Findings("source.slot");
        Facts.Source source = facts.source();
        String object = "slot " + source.slotName();
        if (source.slot().isPresent()) {
            existingSlot(findings, object, source.slot().get(), facts);
            return findings.orOk(object, "exists and can be resumed");
        }
        Server.Quota slots = source.server().slots();
        if (!slots.hasFree()) {
            findings.refuse(
                    "max_replication_slots",
                    free(slots),
                    "all " + slots.limit() + " replication slots are in use",
                    "Drop an unused slot (SELECT slot_name, active FROM pg_replication_slots),"
                            + " or raise max_replication_slots and restart the source server.");
        }
        return findings.orOk("max_replication_slots", free(slots), text(slots));
    }

    private static void existingSlot(
            Findings findings, String object, ReplicationSlot slot, Facts facts) {
        String database = facts.source().server().database();
        Optional<ReplicationSlot.Defect> defect = slot.defect(database);
        if (defect.equals(Optional.of(ReplicationSlot.Defect.FOREIGN))) {
            findings.refuse(
                    object,
                    "belongs to something else (plugin "
                            + slot.plugin().orElse("none")
                            + ", database "
                            + slot.database().orElse("none")
                            + ")",
                    "Choose another migration name, or drop the slot if it is not needed.");
        } else if (defect.isPresent() && facts.target().begun()) {
            findings.warn(
                    object,
                    "was invalidated by the server, which no longer keeps its changes: the migration"
                            + " cannot continue before its rows are read again",
                    "Start the service, then run millrace rebackfill. It makes a new slot.");
        } else if (defect.isPresent()) {
            findings.refuse(
                    object,
                    "was invalidated by the server, which no longer keeps its changes",
                    "SELECT pg_drop_replication_slot("
                            + Identifier.literal(slot.name())
                            + "); Then start a new migration.");
        } else if (!facts.target().begun()) {
            findings.refuse(
                    object,
                    "exists, but no migration of this name has started on this target: the slot"
                            + " is of another target, or left over",
                    "Choose another migration name. If the slot is not needed: SELECT"
                            + " pg_drop_replication_slot("
                            + Identifier.literal(slot.name())
                            + ");");
        } else if (slot.active()) {
            findings.warn(
                    object,
                    "is in use by the migration's service or by a session that it left behind",
                    "Stop that service and run plan again.");
        }
    }

    private static List<Finding> walSender(Facts facts) {
        Findings findings = new Findings("source.wal-sender");
        Server.Quota senders = facts.source().server().senders();
        boolean streaming = facts.source().slot().filter(ReplicationSlot::active).isPresent();
        if (!senders.hasFree() && !streaming) {
            findings.refuse(
                    "max_wal_senders",
                    free(senders),
                    "all " + senders.limit() + " WAL senders are in use",
                    "Stop a replica that is not needed, or raise max_wal_senders and restart the"
                            + " source server.");
        }
        return findings.orOk("max_wal_senders", free(senders), text(senders));
    }

    /// Creating a slot waits for every open transaction of the server, in any database.
    private static List<Finding> openTransactions(Facts facts) {
        Findings findings = new Findings("source.open-transactions");
        if (facts.source().slot().isEmpty()) {
            facts.source().server().transactions().forEach(open -> warn(findings, open));
        }
        return findings.orOk("transactions", "no open transaction delays the snapshot");
    }

    private static void warn(Findings findings, OpenTransaction open) {
        String since =
                "has been open for %d s in database %s; the snapshot waits until it ends"
                        .formatted(open.seconds(), open.database());
        if (open.session().isPresent()) {
            int session = open.session().getAsInt();
            findings.warn(
                    "transaction of session " + session,
                    since,
                    "End the transaction, or: SELECT pg_terminate_backend(" + session + ");");
        } else {
            String name = Identifier.literal(open.name());
            findings.warn(
                    "prepared transaction " + name,
                    since,
                    "In database "
                            + open.database()
                            + ": COMMIT PREPARED "
                            + name
                            + "; or ROLLBACK PREPARED "
                            + name
                            + ";");
        }
    }

    private static Measured free(Server.Quota quota) {
        return new Measured((quota.limit() - quota.used()) + " free", "1 free");
    }

    private static String text(Server.Quota quota) {
        return (quota.limit() - quota.used()) + " of " + quota.limit() + " free";
    }

    private static List<Finding> keptWal(Facts facts) {
        Findings findings = new Findings("source.kept-wal");
        facts.source()
                .server()
                .slotKeepBytes()
                .ifPresent(
                        bytes ->
                                findings.warn(
                                        "max_slot_wal_keep_size",
                                        new Measured(bytes / (1024 * 1024) + " MB", "-1"),
                                        "is "
                                                + bytes / (1024 * 1024)
                                                + " MB: if the service is down while the source"
                                                + " writes more WAL than that, every"
                                                + " row must be read again (millrace rebackfill)",
                                        "Raise max_slot_wal_keep_size during the migration, or"
                                                + " monitor the metric"
                                                + " millrace_slot_safe_wal_bytes."));
        return findings.orOk("max_slot_wal_keep_size", "keeps WAL as long as the slot needs it");
    }

    /// A slot is idle while no WAL sender streams from it.
    private static List<Finding> idleSlot(Facts facts) {
        Findings findings = new Findings("source.idle-slot");
        facts.source()
                .server()
                .slotIdleSeconds()
                .ifPresent(
                        seconds ->
                                findings.warn(
                                        "idle_replication_slot_timeout",
                                        new Measured(seconds + " s", "0"),
                                        "is "
                                                + seconds
                                                + " s: if the service is down for longer, or the"
                                                + " snapshot of 'backfill: engine' takes longer,"
                                                + " the source invalidates the slot, and every"
                                                + " row must be read again (millrace rebackfill)",
                                        "ALTER SYSTEM SET idle_replication_slot_timeout = 0; SELECT"
                                                + " pg_reload_conf(); Set it back after the"
                                                + " migration."));
        return findings.orOk("idle_replication_slot_timeout", "lets a slot stay idle");
    }

    private static List<Finding> outputPlugin(Facts facts) {
        Findings findings = new Findings("source.output-plugin");
        facts.source()
                .server()
                .outputPlugins()
                .filter(
                        list ->
                                Arrays.stream(list.split(","))
                                        .noneMatch(SourceServerChecks::isPgoutput))
                .ifPresent(
                        list ->
                                findings.refuse(
                                        "output_plugin_libraries",
                                        "does not allow pgoutput",
                                        "Add pgoutput to output_plugin_libraries and reload the"
                                                + " source server."));
        return findings.orOk("pgoutput", "is allowed");
    }

    private static boolean isPgoutput(String library) {
        String name = library.strip().replace("\"", "");
        return name.equals("pgoutput") || name.equals("$libdir/pgoutput");
    }
}
