package dev.millrace.preflight;

import dev.millrace.grants.GrantSql;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.OpenTransaction;
import dev.millrace.postgres.ReplicationSlot;
import dev.millrace.postgres.Server;
import dev.millrace.preflight.plan.CheckName;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Findings;
import dev.millrace.preflight.plan.Findings.Measured;
import dev.millrace.preflight.plan.Remedy;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Checks that the source server can stream changes.
final class SourceServerChecks {

    static final List<Facts.Check> ALL =
            List.of(
                    facts -> ServerVersion.judge(CheckName.SOURCE_VERSION, facts.source().server()),
                    SourceServerChecks::primary,
                    SourceServerChecks::encoding,
                    SourceServerChecks::walLevel,
                    SourceServerChecks::role,
                    SourceServerChecks::slot,
                    SourceServerChecks::walSender,
                    SourceServerChecks::openTransactions,
                    SourceServerChecks::idleSlot,
                    SourceServerChecks::outputPlugin);

    private SourceServerChecks() {}

    private static List<Finding> primary(Facts facts) {
        Findings findings = new Findings(CheckName.SOURCE_PRIMARY);
        if (facts.source().server().inRecovery()) {
            findings.refuse(
                    "source",
                    "is a standby, where no publication can be created",
                    Remedy.byHand("Set source.url to the primary."));
        }
        return findings.orOk("source", "accepts writes");
    }

    private static List<Finding> encoding(Facts facts) {
        return ServerVersion.encoding(CheckName.SOURCE_ENCODING, facts.source().server());
    }

    private static List<Finding> walLevel(Facts facts) {
        Findings findings = new Findings(CheckName.SOURCE_WAL_LEVEL);
        String level = facts.source().server().walLevel();
        Measured measured = new Measured(level, "logical");
        if (!level.equals("logical")) {
            findings.refuse(
                    "wal_level",
                    measured,
                    "is " + level + ", but logical decoding needs the level logical",
                    Remedy.onSource("ALTER SYSTEM SET wal_level = 'logical';")
                            .note("Then restart the source server."));
        }
        return findings.orOk("wal_level", measured, "is logical");
    }

    private static List<Finding> role(Facts facts) {
        Findings findings = new Findings(CheckName.SOURCE_REPLICATION_ROLE);
        Server.Role role = facts.source().server().role();
        if (!role.replicates()) {
            findings.refuse(
                    "role " + role.name(),
                    "has no REPLICATION attribute, which replication slots need",
                    Remedy.onSource(GrantSql.replication(role.name()))
                            .note(
                                    "On a managed service: "
                                            + GrantSql.member("rds_replication", role.name())));
        }
        return findings.orOk("role " + role.name(), "may replicate");
    }

    private static List<Finding> slot(Facts facts) {
        Findings findings = new Findings(CheckName.SOURCE_SLOT);
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
                    Remedy.onSource(
                                    "ALTER SYSTEM SET max_replication_slots = "
                                            + (slots.used() + 1)
                                            + ";")
                            .note(
                                    "Then restart the source server. Alternatively, drop an unused"
                                            + " slot: SELECT slot_name, active FROM"
                                            + " pg_replication_slots;"));
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
                    Remedy.onSource(drop(slot))
                            .note(
                                    "If the slot is not needed. Otherwise choose another migration"
                                            + " name."));
        } else if (defect.isPresent() && facts.target().begun()) {
            findings.warn(
                    object,
                    "was invalidated by the server, which no longer keeps its changes: the migration"
                            + " cannot continue before its rows are read again",
                    Remedy.byHand(
                            "Start the service, then run millrace rebackfill. It makes a new slot."));
        } else if (defect.isPresent()) {
            findings.refuse(
                    object,
                    "was invalidated by the server, which no longer keeps its changes",
                    Remedy.onSource(drop(slot)).note("Then start a new migration."));
        } else if (!facts.target().begun()) {
            findings.refuse(
                    object,
                    "exists, but no migration of this name has started on this target: the slot"
                            + " is of another target, or left over",
                    Remedy.onSource(drop(slot))
                            .note(
                                    "If the slot is not needed. Otherwise choose another migration"
                                            + " name."));
        } else if (slot.active()) {
            findings.warn(
                    object,
                    "is in use by the migration's service or by a session that it left behind",
                    Remedy.byHand("Stop that service and run plan again."));
        }
    }

    private static String drop(ReplicationSlot slot) {
        return "SELECT pg_drop_replication_slot(" + Identifier.literal(slot.name()).strip() + ");";
    }

    private static List<Finding> walSender(Facts facts) {
        Findings findings = new Findings(CheckName.SOURCE_WAL_SENDER);
        Server.Quota senders = facts.source().server().senders();
        boolean streaming = facts.source().slot().filter(ReplicationSlot::active).isPresent();
        if (!senders.hasFree() && !streaming) {
            findings.refuse(
                    "max_wal_senders",
                    free(senders),
                    "all " + senders.limit() + " WAL senders are in use",
                    Remedy.onSource(
                                    "ALTER SYSTEM SET max_wal_senders = "
                                            + (senders.used() + 1)
                                            + ";")
                            .note(
                                    "Then restart the source server. Alternatively, stop a replica"
                                            + " that is not needed."));
        }
        return findings.orOk("max_wal_senders", free(senders), text(senders));
    }

    /// Creating a slot waits for every open transaction of the server, in any database.
    private static List<Finding> openTransactions(Facts facts) {
        Findings findings = new Findings(CheckName.SOURCE_OPEN_TRANSACTIONS);
        if (facts.source().slot().isEmpty()) {
            facts.source().server().transactions().forEach(open -> warn(findings, open));
            Server.Role role = facts.source().server().role();
            if (!role.seesActivity()) {
                findings.warn(
                        "role " + role.name(),
                        "may not see since when transactions of other roles are open: it is not"
                                + " known whether one delays the snapshot",
                        Remedy.onSource(GrantSql.activity(role.name())));
            }
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
                    Remedy.onSource("SELECT pg_terminate_backend(" + session + ");")
                            .note("Alternatively, let its program end it."));
        } else {
            String name = Identifier.literal(open.name()).strip();
            findings.warn(
                    "prepared transaction " + name,
                    since,
                    Remedy.onSource("ROLLBACK PREPARED " + name + ";")
                            .note(
                                    "In database "
                                            + open.database()
                                            + ". Alternatively: COMMIT PREPARED "
                                            + name
                                            + ";"));
        }
    }

    private static Measured free(Server.Quota quota) {
        return new Measured((quota.limit() - quota.used()) + " free", "1 free");
    }

    private static String text(Server.Quota quota) {
        return (quota.limit() - quota.used()) + " of " + quota.limit() + " free";
    }

    /// A slot is idle while no WAL sender streams from it.
    private static List<Finding> idleSlot(Facts facts) {
        Findings findings = new Findings(CheckName.SOURCE_IDLE_SLOT);
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
                                        Remedy.onSource(
                                                        "ALTER SYSTEM SET"
                                                                + " idle_replication_slot_timeout = 0;",
                                                        "SELECT pg_reload_conf();")
                                                .note("Set it back after the migration.")));
        return findings.orOk("idle_replication_slot_timeout", "lets a slot stay idle");
    }

    private static List<Finding> outputPlugin(Facts facts) {
        Findings findings = new Findings(CheckName.SOURCE_OUTPUT_PLUGIN);
        Optional<String> list = facts.source().server().outputPlugins();
        if (list.isEmpty()) {
            return findings.orOk("pgoutput", "the role sees no list of allowed output plugins");
        }
        if (Arrays.stream(list.get().split(",")).noneMatch(SourceServerChecks::isPgoutput)) {
            findings.refuse(
                    "output_plugin_libraries",
                    new Measured(list.get(), "pgoutput"),
                    "does not allow pgoutput",
                    Remedy.onSource(
                            "ALTER SYSTEM SET output_plugin_libraries = "
                                    + withPgoutput(list.get())
                                    + ";",
                            "SELECT pg_reload_conf();"));
        }
        return findings.orOk("pgoutput", new Measured(list.get(), "pgoutput"), "is allowed");
    }

    private static String withPgoutput(String list) {
        return Stream.concat(Arrays.stream(list.split(",")), Stream.of("pgoutput"))
                .map(SourceServerChecks::name)
                .filter(name -> !name.isEmpty())
                .map(name -> Identifier.literal(name).strip())
                .collect(Collectors.joining(", "));
    }

    private static String name(String library) {
        return library.strip().replace("\"", "");
    }

    private static boolean isPgoutput(String library) {
        String name = name(library);
        return name.equals("pgoutput") || name.equals("$libdir/pgoutput");
    }
}
