package dev.millrace.preflight.plan;

import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// The name of a check of `plan`, with its group. Names are stable: scripts rely on them.
public enum CheckName {
    SOURCE_REACHABLE(Group.SERVER, "source.reachable"),
    TARGET_REACHABLE(Group.SERVER, "target.reachable"),
    SOURCE_DIRECT(Group.SERVER, "source.direct"),
    TARGET_DIRECT(Group.SERVER, "target.direct"),
    SOURCE_RECONCILE_LOGIN(Group.SERVER, "source.reconcile-login"),
    TARGET_RECONCILE_LOGIN(Group.SERVER, "target.reconcile-login"),
    SOURCE_VERSION(Group.SERVER, "source.version"),
    TARGET_VERSION(Group.SERVER, "target.version"),
    SOURCE_ENCODING(Group.SERVER, "source.encoding"),
    TARGET_ENCODING(Group.SERVER, "target.encoding"),
    SOURCE_PRIMARY(Group.SERVER, "source.primary"),
    TARGET_PRIMARY(Group.SERVER, "target.primary"),
    TARGET_DISTINCT_DATABASE(Group.SERVER, "target.distinct-database"),
    TARGET_EXTENSIONS(Group.SERVER, "target.extensions"),
    CATALOG(Group.SERVER, "catalog"),
    SOURCE_WAL_LEVEL(Group.REPLICATION, "source.wal-level"),
    SOURCE_SLOT(Group.REPLICATION, "source.slot"),
    SOURCE_WAL_SENDER(Group.REPLICATION, "source.wal-sender"),
    SOURCE_PUBLICATION(Group.REPLICATION, "source.publication"),
    SOURCE_OUTPUT_PLUGIN(Group.REPLICATION, "source.output-plugin"),
    SOURCE_KEPT_WAL(Group.REPLICATION, "source.kept-wal"),
    SOURCE_IDLE_SLOT(Group.REPLICATION, "source.idle-slot"),
    SOURCE_DECODING_MEMORY(Group.REPLICATION, "source.decoding-memory"),
    SOURCE_OPEN_TRANSACTIONS(Group.REPLICATION, "source.open-transactions"),
    SOURCE_REPLICATION_ROLE(Group.PRIVILEGES, "source.replication-role"),
    SOURCE_SELECT_PRIVILEGE(Group.PRIVILEGES, "source.select-privilege"),
    SOURCE_PARTITION_PRIVILEGES(Group.PRIVILEGES, "source.partition-privileges"),
    SOURCE_COLLATION_PRIVILEGE(Group.PRIVILEGES, "source.collation-privilege"),
    SOURCE_TYPE_PRIVILEGE(Group.PRIVILEGES, "source.type-privilege"),
    SOURCE_ROW_SECURITY(Group.PRIVILEGES, "source.row-security"),
    SOURCE_RECONCILE_SELECT(Group.PRIVILEGES, "source.reconcile-select"),
    SOURCE_RECONCILE_ROW_SECURITY(Group.PRIVILEGES, "source.reconcile-row-security"),
    SOURCE_RECONCILE_NAMES(Group.PRIVILEGES, "source.reconcile-names"),
    SOURCE_RECONCILE_WRITES(Group.PRIVILEGES, "source.reconcile-writes"),
    TARGET_WRITE_PRIVILEGE(Group.PRIVILEGES, "target.write-privilege"),
    TARGET_COLLATION_PRIVILEGE(Group.PRIVILEGES, "target.collation-privilege"),
    TARGET_TYPE_PRIVILEGE(Group.PRIVILEGES, "target.type-privilege"),
    TARGET_CONTROL_SCHEMA(Group.PRIVILEGES, "target.control-schema"),
    TARGET_TEMPORARY_TABLES(Group.PRIVILEGES, "target.temporary-tables"),
    TARGET_TRIGGERS(Group.PRIVILEGES, "target.triggers"),
    TARGET_UNIQUE_VALUES(Group.PRIVILEGES, "target.unique-values"),
    TARGET_RECONCILE_SELECT(Group.PRIVILEGES, "target.reconcile-select"),
    TARGET_RECONCILE_ROW_SECURITY(Group.PRIVILEGES, "target.reconcile-row-security"),
    TARGET_RECONCILE_NAMES(Group.PRIVILEGES, "target.reconcile-names"),
    TARGET_RECONCILE_CONTROL(Group.PRIVILEGES, "target.reconcile-control"),
    TARGET_RECONCILE_WRITES(Group.PRIVILEGES, "target.reconcile-writes"),
    TARGET_ROW_SECURITY(Group.PRIVILEGES, "target.row-security"),
    SOURCE_TABLE_KIND(Group.TABLES, "source.table-kind"),
    SOURCE_ACCESS_METHOD(Group.TABLES, "source.access-method"),
    SOURCE_COLUMN_NAMES(Group.TABLES, "source.column-names"),
    SOURCE_INHERITANCE(Group.TABLES, "source.inheritance"),
    SOURCE_PARTITIONS(Group.TABLES, "source.partitions"),
    SOURCE_REPLICA_IDENTITY(Group.TABLES, "source.replica-identity"),
    SOURCE_UNCHANGED_VALUES(Group.TABLES, "source.unchanged-values"),
    SOURCE_LARGE_OBJECTS(Group.TABLES, "source.large-objects"),
    SOURCE_TYPES(Group.TYPES, "source.types"),
    TARGET_TYPES(Group.TYPES, "target.types"),
    MAPPING(Group.MAPPING, "mapping"),
    MAPPING_INVERSE(Group.MAPPING, "mapping.inverse"),
    WILDCARD(Group.MAPPING, "wildcard"),
    QUERIES(Group.MAPPING, "queries"),
    TARGET_TABLE_KIND(Group.TARGET_SCHEMA, "target.table-kind"),
    TARGET_KEY(Group.TARGET_SCHEMA, "target.key"),
    TARGET_RULES(Group.TARGET_SCHEMA, "target.rules"),
    TARGET_IDENTITY(Group.TARGET_SCHEMA, "target.identity"),
    TARGET_DEFERRABLE(Group.TARGET_SCHEMA, "target.deferrable"),
    TARGET_INHERITANCE(Group.TARGET_SCHEMA, "target.inheritance"),
    TARGET_EMPTY(Group.TARGET_SCHEMA, "target.empty"),
    TARGET_AUTOVACUUM(Group.TARGET_SCHEMA, "target.autovacuum"),
    TARGET_INDEXES(Group.TARGET_SCHEMA, "target.indexes"),
    TARGET_CONSTRAINTS(Group.TARGET_SCHEMA, "target.constraints"),
    KAFKA_REACHABLE(Group.KAFKA, "kafka.reachable"),
    KAFKA_PRIVILEGES(Group.KAFKA, "kafka.privileges"),
    KAFKA_TOPICS(Group.KAFKA, "kafka.topics"),
    KAFKA_TOPIC_SETTINGS(Group.KAFKA, "kafka.topic-settings"),
    KAFKA_PARTITIONS(Group.KAFKA, "kafka.partitions"),
    KAFKA_REPLICATION(Group.KAFKA, "kafka.replication"),
    KAFKA_CREATION(Group.KAFKA, "kafka.creation"),
    TARGET_STATEMENT_LOG(Group.SECURITY, "target.statement-log"),
    SOURCE_TLS(Group.SECURITY, "source.tls"),
    TARGET_TLS(Group.SECURITY, "target.tls"),
    SOURCE_AUTHENTICATION(Group.SECURITY, "source.authentication"),
    TARGET_AUTHENTICATION(Group.SECURITY, "target.authentication"),
    SOURCE_CONNECTIONS(Group.CAPACITY, "source.connections"),
    TARGET_CONNECTIONS(Group.CAPACITY, "target.connections"),
    SOURCE_RECONCILE_CONNECTIONS(Group.CAPACITY, "source.reconcile-connections"),
    TARGET_RECONCILE_CONNECTIONS(Group.CAPACITY, "target.reconcile-connections"),
    KAFKA_LOG_SIZE(Group.CAPACITY, "kafka.log-size"),
    SOURCE_WAL_BUDGET(Group.CAPACITY, "source.wal-budget"),
    SOURCE_ROW_SIZE(Group.CAPACITY, "source.row-size"),
    TARGET_CLOCK(Group.SWITCHOVER, "target.clock"),
    TARGET_DATABASE_LOCALE(Group.SWITCHOVER, "target.database-locale"),
    TARGET_DATABASE_SETTINGS(Group.SWITCHOVER, "target.database-settings"),
    SWITCHOVER_ACTIVITY(Group.SWITCHOVER, "switchover.activity"),
    SWITCHOVER_CONTROL_SCHEMA(Group.SWITCHOVER, "switchover.control-schema"),
    SWITCHOVER_RECONCILE_CONTROL(Group.SWITCHOVER, "switchover.reconcile-control"),
    SWITCHOVER_KAFKA(Group.SWITCHOVER, "switchover.kafka"),
    SWITCHOVER_ORIGIN_FUNCTIONS(Group.SWITCHOVER, "switchover.origin-functions"),
    SWITCHOVER_ORIGINS(Group.SWITCHOVER, "switchover.origins"),
    SWITCHOVER_SEQUENCES(Group.SWITCHOVER, "switchover.sequences"),
    SWITCHOVER_SOURCE_OWNERSHIP(Group.SWITCHOVER, "switchover.source-ownership"),
    SWITCHOVER_SOURCE_TRIGGERS(Group.SWITCHOVER, "switchover.source-triggers"),
    SWITCHOVER_TARGET_OWNERSHIP(Group.SWITCHOVER, "switchover.target-ownership"),
    SWITCHOVER_TARGET_PUBLICATION(Group.SWITCHOVER, "switchover.target-publication"),
    SWITCHOVER_TARGET_REPLICA_IDENTITY(Group.SWITCHOVER, "switchover.target-replica-identity"),
    SWITCHOVER_TARGET_REPLICATION_ROLE(Group.SWITCHOVER, "switchover.target-replication-role"),
    SWITCHOVER_TARGET_SENDERS(Group.SWITCHOVER, "switchover.target-senders"),
    SWITCHOVER_TARGET_SLOTS(Group.SWITCHOVER, "switchover.target-slots"),
    SWITCHOVER_TARGET_WAL_LEVEL(Group.SWITCHOVER, "switchover.target-wal-level"),
    SWITCHOVER_TEMPORARY_TABLES(Group.SWITCHOVER, "switchover.temporary-tables"),
    SWITCHOVER_TYPE_PRIVILEGE(Group.SWITCHOVER, "switchover.type-privilege"),
    SWITCHOVER_WAY_BACK(Group.SWITCHOVER, "switchover.way-back");

    private static final Map<String, CheckName> BY_ID =
            Stream.of(values()).collect(Collectors.toUnmodifiableMap(CheckName::id, name -> name));

    private final Group group;
    private final String id;

    CheckName(Group group, String id) {
        this.group = group;
        this.id = id;
    }

    /// The name that people and programs read: `source.wal-level`.
    public String id() {
        return id;
    }

    public Group group() {
        return group;
    }

    /// @throws IllegalArgumentException if no check has the name
    public static CheckName of(String id) {
        CheckName name = BY_ID.get(id);
        if (name == null) {
            throw new IllegalArgumentException("No check has the name '" + id + "'.");
        }
        return name;
    }

    /// The groups of the checks, for programs and people that look for one kind. Every check has
    /// one group; names of groups are stable.
    public enum Group {
        SERVER("server"),
        REPLICATION("replication"),
        PRIVILEGES("privileges"),
        TABLES("tables"),
        TYPES("types"),
        MAPPING("mapping"),
        TARGET_SCHEMA("target-schema"),
        KAFKA("kafka"),
        SECURITY("security"),
        CAPACITY("capacity"),
        SWITCHOVER("switchover");

        private final String id;

        Group(String id) {
            this.id = id;
        }

        /// The name in JSON.
        public String id() {
            return id;
        }
    }
}
