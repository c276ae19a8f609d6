package dev.millrace.preflight.plan;

import java.util.Collections;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/// The groups of the checks, for programs and people that look for one kind. Every check has one
/// group; names of checks and groups are stable.
public enum CheckGroup {
    SERVER(
            "server",
            "source.reachable",
            "target.reachable",
            "source.direct",
            "target.direct",
            "source.reconcile-login",
            "target.reconcile-login",
            "source.version",
            "target.version",
            "source.encoding",
            "target.encoding",
            "source.primary",
            "target.primary",
            "target.distinct-database",
            "target.extensions",
            "catalog"),
    REPLICATION(
            "replication",
            "source.wal-level",
            "source.slot",
            "source.wal-sender",
            "source.publication",
            "source.output-plugin",
            "source.kept-wal",
            "source.idle-slot",
            "source.decoding-memory",
            "source.open-transactions"),
    PRIVILEGES(
            "privileges",
            "source.replication-role",
            "source.select-privilege",
            "source.partition-privileges",
            "source.row-security",
            "source.reconcile-select",
            "source.reconcile-row-security",
            "source.reconcile-names",
            "source.reconcile-writes",
            "target.write-privilege",
            "target.control-schema",
            "target.temporary-tables",
            "target.triggers",
            "target.reconcile-select",
            "target.reconcile-row-security",
            "target.reconcile-names",
            "target.reconcile-control",
            "target.reconcile-writes"),
    TABLES(
            "tables",
            "source.table-kind",
            "source.access-method",
            "source.column-names",
            "source.inheritance",
            "source.partitions",
            "source.replica-identity",
            "source.unchanged-values",
            "source.large-objects"),
    TYPES("types", "source.types", "target.types"),
    MAPPING("mapping", "mapping", "mapping.inverse", "wildcard", "queries"),
    TARGET_SCHEMA(
            "target-schema",
            "target.table-kind",
            "target.key",
            "target.rules",
            "target.identity",
            "target.deferrable",
            "target.inheritance",
            "target.empty",
            "target.autovacuum",
            "target.indexes"),
    KAFKA("kafka", "kafka.reachable", "kafka.privileges", "kafka.topics", "kafka.topic-settings"),
    SECURITY("security", "target.statement-log"),
    CAPACITY(
            "capacity",
            "source.connections",
            "target.connections",
            "source.reconcile-connections",
            "target.reconcile-connections",
            "kafka.log-size"),
    SWITCHOVER(
            "switchover",
            "target.clock",
            "target.database-locale",
            "target.database-settings",
            "switchover.activity",
            "switchover.control-schema",
            "switchover.reconcile-control",
            "switchover.kafka",
            "switchover.origin-functions",
            "switchover.origins",
            "switchover.sequences",
            "switchover.source-ownership",
            "switchover.source-triggers",
            "switchover.target-ownership",
            "switchover.target-publication",
            "switchover.target-replica-identity",
            "switchover.target-replication-role",
            "switchover.target-senders",
            "switchover.target-slots",
            "switchover.target-wal-level",
            "switchover.temporary-tables",
            "switchover.way-back");

    private static final Map<String, CheckGroup> BY_CHECK = new TreeMap<>();

    static {
        for (CheckGroup group : values()) {
            for (String check : group.checks) {
                if (BY_CHECK.put(check, group) != null) {
                    throw new IllegalStateException("Two groups have the check " + check + ".");
                }
            }
        }
    }

    private final String id;
    private final Set<String> checks;

    CheckGroup(String id, String... checks) {
        this.id = id;
        this.checks = Set.of(checks);
    }

    /// The name in JSON.
    public String id() {
        return id;
    }

    /// The names of all checks.
    public static Set<String> checks() {
        return Collections.unmodifiableSet(BY_CHECK.keySet());
    }

    /// @throws IllegalArgumentException if no check has the name
    public static CheckGroup of(String check) {
        CheckGroup group = BY_CHECK.get(check);
        if (group == null) {
            throw new IllegalArgumentException("No group has the check '" + check + "'.");
        }
        return group;
    }
}
