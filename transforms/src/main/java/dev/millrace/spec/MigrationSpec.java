package dev.millrace.spec;

import dev.millrace.change.TableId;
import dev.millrace.problem.Position;
import dev.millrace.spec.flow.FlowSetting;
import dev.millrace.spec.queries.QueryPair;
import dev.millrace.spec.reconcile.ReconcileSetting;
import dev.millrace.spec.source.SchemaChange;
import dev.millrace.spec.source.TruncateSetting;
import dev.millrace.spec.switchover.Switchover;
import dev.millrace.sql.SelectStatement;
import dev.millrace.sql.SelectText;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/// The checked migration file: the tables to migrate, and between which databases. Immutable.
/// Prints no secret and no value that is passed through.
///
/// @param migration names the slot, publication, topics, consumer groups and control rows; matches
///   `[a-z][a-z0-9_]{0,30}`
/// @param dataDir folder of the embedded broker's log and of the topologies' state; absolute
/// @param tables in the order of the file; targets are distinct, and an explicit entry takes
///   precedence over a wildcard
/// @param debezium properties passed to the Debezium connector; contains none that Millrace sets
/// @param backfill how existing rows are read
/// @param indexes what happens to the target's indexes and foreign keys during the backfill
/// @param rejectedLimit how many keys of a table may wait
/// @param truncate what a TRUNCATE of a source table does
/// @param schemaChange what a change of a source table's definition does
/// @param switchover when and how the applications move to the target
/// @param queries statements of the application whose results are compared
/// @param reconcile when the service compares both sides by itself, and what it may cost
/// @param flow when the flow is held by itself
/// @param sensitive the target columns whose values reports show as hashes
public record MigrationSpec(
        String migration,
        Endpoint source,
        Endpoint target,
        Kafka kafka,
        Path dataDir,
        List<TableEntry> tables,
        Map<String, String> debezium,
        Backfill backfill,
        IndexSetting indexes,
        RejectedLimit rejectedLimit,
        TruncateSetting truncate,
        SchemaChange.Setting schemaChange,
        Switchover switchover,
        List<QueryPair> queries,
        ReconcileSetting reconcile,
        FlowSetting flow,
        SensitiveColumns sensitive) {

    public MigrationSpec {
        tables = List.copyOf(tables);
        debezium = Map.copyOf(debezium);
        queries = List.copyOf(queries);
    }

    @Override
    public String toString() {
        return "MigrationSpec[migration="
                + migration
                + ", source="
                + source
                + ", target="
                + target
                + ", kafka="
                + kafka
                + ", dataDir="
                + dataDir
                + ", tables="
                + tables
                + ", debezium="
                + new TreeSet<>(debezium.keySet())
                + ", backfill="
                + backfill
                + ", indexes="
                + indexes
                + ", rejectedLimit="
                + rejectedLimit
                + ", truncate="
                + truncate
                + ", schemaChange="
                + schemaChange
                + ", switchover="
                + switchover
                + ", queries="
                + queries.size()
                + ", reconcile="
                + reconcile
                + ", stopWhen="
                + flow.stopWhen().size()
                + ", sensitive="
                + sensitive
                + "]";
    }

    /// How existing rows reach the log.
    public enum Backfill {
        /// In windows beside the stream; the slot is created first.
        WINDOWS,

        /// In the engine's snapshot, before the stream; the engine creates the slot.
        ENGINE
    }

    /// What happens to secondary indexes and foreign keys of a target table during its backfill.
    public enum Indexes {
        /// They stay.
        KEEP,

        /// They are dropped before the first row and created again when the backfill is complete.
        AFTER_BACKFILL
    }

    /// @param standard for every table that is not in `tables`
    /// @param tables by target table
    public record IndexSetting(Indexes standard, Map<TableId, Indexes> tables) {

        /// Every table keeps its indexes.
        public static final IndexSetting KEEP = new IndexSetting(Indexes.KEEP, Map.of());

        public IndexSetting {
            tables = Map.copyOf(tables);
        }

        public Indexes of(TableId target) {
            return tables.getOrDefault(target, standard);
        }
    }

    /// How many keys of a target table may wait because the target refused one of their changes.
    ///
    /// @param standard for every table that is not in `tables`
    /// @param tables by target table
    public record RejectedLimit(long standard, Map<TableId, Long> tables) {

        /// What applies where the file sets none.
        public static final RejectedLimit STANDARD = new RejectedLimit(10_000, Map.of());

        public RejectedLimit {
            tables = Map.copyOf(tables);
        }
    }

    /// The columns of target tables whose values reports show as hashes.
    public record SensitiveColumns(Map<TableId, Set<String>> tables) {

        public static final SensitiveColumns NONE = new SensitiveColumns(Map.of());

        public SensitiveColumns {
            tables = Map.copyOf(tables);
        }
    }

    /// A PostgreSQL database.
    ///
    /// @param url begins with `jdbc:postgresql://` and contains no credentials
    /// @param reconcile the login of comparisons; empty if they have the same as all others
    public record Endpoint(
            String url, String username, Secret password, Optional<Login> reconcile) {

        /// A database with one login.
        public Endpoint(String url, String username, Secret password) {
            this(url, username, password, Optional.empty());
        }

        /// The same database as comparisons log in to it.
        public Endpoint compared() {
            return reconcile
                    .map(login -> new Endpoint(url, login.username(), login.password()))
                    .orElse(this);
        }
    }

    /// A role that may log in.
    public record Login(String username, Secret password) {}

    /// The Kafka cluster that stores the log.
    public sealed interface Kafka {

        int DEFAULT_PARTITIONS = 4;
        Duration DEFAULT_RETENTION = Duration.ofDays(7);

        /// Partitions of the changes topic and of the target topics. Fixed when the topics are
        /// created.
        int partitions();

        /// How old a record must be before it may be deleted. Unread records are never deleted.
        Duration retention();

        /// A single-node broker in this process; its log is under the data directory.
        record Embedded(int partitions, Duration retention) implements Kafka {}

        /// @param properties how to connect: `security.*`, `sasl.*`, `ssl.*`; may contain secrets
        /// @param login the user and the password, if the properties do not have them
        record External(
                String bootstrapServers,
                int partitions,
                Duration retention,
                Map<String, String> properties,
                Optional<Login> login)
                implements Kafka {

            public External {
                properties = Map.copyOf(properties);
            }

            @Override
            public String toString() {
                return "External[bootstrapServers="
                        + bootstrapServers
                        + ", partitions="
                        + partitions
                        + ", retention="
                        + retention
                        + ", properties="
                        + new TreeSet<>(properties.keySet())
                        + ", login="
                        + login.map(Login::username).orElse("none")
                        + "]";
            }
        }
    }

    /// One entry under `tables`: the declared form of its target tables.
    public sealed interface TableEntry {

        /// Position of the entry's key in the file.
        Position at();

        /// One target table, declared as one SELECT over one source table.
        ///
        /// @param key columns of the target key; empty means the target's primary key
        /// @param reverse SELECTs over the target table that supply columns of the source table;
        ///   none of them has a `*` or a WHERE
        record Select(
                TableId target,
                SelectStatement statement,
                List<String> key,
                List<SelectStatement> reverse,
                Position at)
                implements TableEntry {

            public Select {
                key = List.copyOf(key);
                reverse = List.copyOf(reverse);
            }

            /// An entry without `key` and `reverse`.
            public Select(TableId target, SelectStatement statement, Position at) {
                this(target, statement, List.of(), List.of(), at);
            }

            /// The entry with another statement of the same SELECT.
            public Select with(SelectStatement other) {
                return new Select(target, other, key, reverse, at);
            }

            /// The SELECT as it is in the file.
            public SelectText text() {
                return statement.written();
            }
        }

        /// Every table of a source schema as it is, into the tables of a target schema by name.
        record Wildcard(String targetSchema, String sourceSchema, Position at)
                implements TableEntry {}
    }
}
