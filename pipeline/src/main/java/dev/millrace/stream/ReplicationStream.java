package dev.millrace.stream;

import dev.millrace.apply.ApplierSettings;
import dev.millrace.apply.TargetTopic;
import dev.millrace.apply.gate.WriteGate;
import dev.millrace.apply.origin.ReplicaRole;
import dev.millrace.apply.origin.SessionOrigin;
import dev.millrace.apply.origin.SessionOrigin.OriginUse;
import dev.millrace.apply.refusal.RejectedLimit;
import dev.millrace.apply.sql.TableRule;
import dev.millrace.backfill.Backfill.ExistingRows;
import dev.millrace.backfill.pace.Pace;
import dev.millrace.capture.CaptureFailures.SnapshotFailures;
import dev.millrace.capture.CaptureSettings;
import dev.millrace.capture.CapturedTable;
import dev.millrace.capture.Watermarks;
import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.change.TableId;
import dev.millrace.change.Topics;
import dev.millrace.control.GenerationStore.SessionSetup;
import dev.millrace.digest.Chunker;
import dev.millrace.indexes.TargetIndexes;
import dev.millrace.mapping.Mapping;
import dev.millrace.mapping.RowMapper;
import dev.millrace.mapping.RowMapper.MappedRow;
import dev.millrace.mappings.RowApplication;
import dev.millrace.postgres.Database;
import dev.millrace.retention.LogRetention;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.spec.MigrationSpec.Endpoint;
import dev.millrace.spec.MigrationSpec.IndexSetting;
import dev.millrace.spec.MigrationSpec.Indexes;
import dev.millrace.spec.source.SchemaChange;
import dev.millrace.sql.Relation;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;

/// One direction of replication: a source, a target, and the name from which its replication slot,
/// publication, topics, consumer groups, transactional id, WAL message prefix, advisory locks and
/// control rows are derived. The forward and the reverse stream of a migration are two values of
/// this type and share no name. Immutable and thread-safe; creating one opens nothing.
///
/// @param name the migration's name, as in the file
/// @param source the database that changes are captured from
/// @param target the database that changes are applied to; it also holds the stream's control rows,
///   because a stored offset commits together with the rows it covers
public record ReplicationStream(
        Direction direction,
        String name,
        Side source,
        Side target,
        Tables tables,
        Settings settings) {

    /// One database of a stream.
    ///
    /// @param endpoint how the capture connects; the same server as `database`
    /// @param database opened under the stream's [#id()], which `pg_stat_activity` shows
    /// @param compared the same database under the login of comparisons, which may only read; the
    ///   same value if they have no login of their own
    public record Side(Endpoint endpoint, Database database, Database compared)
            implements AutoCloseable {

        /// A side with one login.
        public Side(Endpoint endpoint, Database database) {
            this(endpoint, database, database);
        }

        /// Opens no session.
        ///
        /// @param stream the identifier of the stream
        public static Side of(String stream, Endpoint endpoint) {
            Database database = database(stream, endpoint);
            return new Side(
                    endpoint,
                    database,
                    endpoint.reconcile().isPresent()
                            ? database(stream, endpoint.compared())
                            : database);
        }

        private static Database database(String stream, Endpoint endpoint) {
            return new Database(
                    stream, endpoint.url(), endpoint.username(), endpoint.password()::reveal);
        }

        /// Whether comparisons have their own login.
        public boolean comparesApart() {
            return compared != database;
        }

        @Override
        public void close() {
            compared.close();
            database.close();
        }
    }

    /// What a stream replicates.
    ///
    /// @param captured the source tables that the mappings read
    /// @param rules of target tables that have more than the mappings write
    public record Tables(
            List<Mapping> mappings, List<CapturedTable> captured, Map<TableId, TableRule> rules) {

        public Tables {
            mappings = List.copyOf(mappings);
            captured = List.copyOf(captured);
            rules = Map.copyOf(rules);
        }

        /// Tables whose target has what the mappings write.
        public Tables(List<Mapping> mappings, List<CapturedTable> captured) {
            this(mappings, captured, Map.of());
        }

        /// The mappings as both sides are compared: without the columns of which a row that arrives
        /// has only a part.
        public List<Mapping> compared() {
            return mappings.stream()
                    .map(
                            mapping -> {
                                TableRule rule = rules.get(mapping.target().table());
                                return rule == null
                                        ? mapping
                                        : mapping.without(rule.kept().keySet());
                            })
                    .toList();
        }

        public List<Relation> sources() {
            return captured.stream().map(CapturedTable::relation).toList();
        }

        public List<TableId> sourceIds() {
            return captured.stream().map(table -> table.relation().id()).toList();
        }

        /// Each target table once, sorted.
        public List<TableId> targetIds() {
            return mappings.stream()
                    .map(mapping -> mapping.target().table().whole())
                    .distinct()
                    .sorted()
                    .toList();
        }
    }

    /// How a stream runs.
    ///
    /// @param partitions of the changes topic and the target topic
    /// @param kafka client settings, at least `bootstrap.servers`
    /// @param debezium the user's own engine properties
    /// @param replicaRole the way to write without firing triggers that preflight found
    /// @param stateDir a folder of this stream alone
    /// @param retention which records of the log may be deleted
    /// @param backfill how existing rows are read
    /// @param existing whether they are read
    /// @param indexes what happens to indexes and foreign keys of the target tables meanwhile
    /// @param rejected how many keys of a table may wait
    /// @param definitions how often the definitions of both sides are read of which something waits
    /// @param schemaChange what a change of a source table's definition does
    public record Settings(
            int partitions,
            Map<String, Object> kafka,
            Map<String, String> debezium,
            ReplicaRole replicaRole,
            Path stateDir,
            LogRetention.Policy retention,
            Backfill backfill,
            ExistingRows existing,
            IndexSetting indexes,
            RejectedLimit rejected,
            Duration definitions,
            SchemaChange.Setting schemaChange) {

        /// Of a service.
        public static final Duration DEFINITIONS = ApplierSettings.Limits.standard().shapes();

        public Settings {
            kafka = Map.copyOf(kafka);
            debezium = Map.copyOf(debezium);
        }
    }

    /// The identifier of this stream in every name that it uses, and in the control schema.
    public String id() {
        return direction.id(name);
    }

    public Topics topics() {
        return new Topics(id());
    }

    public int partitions() {
        return settings.partitions();
    }

    public Map<String, Object> kafka() {
        return settings.kafka();
    }

    /// The replication slot on the source.
    public String slot() {
        return CaptureSettings.slot(id());
    }

    /// The publication on the source.
    public String publication() {
        return CaptureSettings.publication(id());
    }

    /// Prefix of the WAL messages that carry this stream's watermarks. The advisory lock that
    /// orders them has the same key.
    public String walMessagePrefix() {
        return Watermarks.prefix(id());
    }

    /// The database whose control schema holds this stream's generation, offsets and verdicts.
    public Database control() {
        return target.database();
    }

    /// Opens the sessions of a comparison, which only read, under the logins of comparisons.
    ///
    /// @param purpose of the sessions
    /// @param timeout after which a server cancels a statement; zero for no limit
    public Chunker chunker(String purpose, Duration timeout) {
        return new Chunker(
                id(),
                topics().target(),
                () -> source.compared().connectForLongStatements(purpose, timeout),
                () -> target.compared().connectForLongStatements(purpose, timeout));
    }

    public Watermarks watermarks(int generation) {
        return new Watermarks(id(), generation);
    }

    /// Starts the components of one generation.
    ///
    /// @param snapshots why earlier snapshots of this process failed
    /// @param owner whether this process has the stream's lock at this moment
    /// @param pace pauses and limits the backfill
    /// @param gate pauses apply
    public RunningStream start(
            int generation,
            SnapshotFailures snapshots,
            BooleanSupplier owner,
            Pace pace,
            WriteGate gate,
            InstantSource clock) {
        return RunningStream.start(this, generation, snapshots, owner, pace, gate, clock);
    }

    CaptureSettings capture(int generation) {
        return new CaptureSettings(
                id(),
                generation,
                source.endpoint().url(),
                source.endpoint().username(),
                source.endpoint().password()::reveal,
                tables.captured().stream().map(this::completed).toList(),
                partitions(),
                kafka(),
                settings.debezium(),
                settings.backfill(),
                Optional.of(direction.opposite().id(name)));
    }

    /// The table with the rows that a mapping cannot map before all their cells are read.
    private CapturedTable completed(CapturedTable table) {
        List<RowMapper> mappers =
                tables.mappings().stream()
                        .filter(mapping -> mapping.source().equals(table.relation().id()))
                        .map(Mapping::mapper)
                        .toList();
        CapturedTable completed =
                table.lacking(row -> mappers.stream().anyMatch(mapper -> lacksCells(mapper, row)));
        return tables.mappings().stream()
                .filter(mapping -> mapping.source().equals(table.relation().id()))
                .filter(this::isPartOfRow)
                .findFirst()
                .map(mapping -> completed.orderedBy(row -> wholeKey(mapping, row)))
                .orElse(completed);
    }

    private boolean isPartOfRow(Mapping mapping) {
        TableRule rule = tables.rules().get(mapping.target().table());
        return rule != null && rule.part().isPresent();
    }

    /// The parts of a row have one key, and so one order.
    private static RowKey wholeKey(Mapping mapping, Row row) {
        RowKey key;
        try {
            key = mapping.mapper().key(row).key();
        } catch (IllegalStateException _) {
            // The mapping rejects the row and says why.
            return row.key();
        }
        return RowKey.of(key.table().whole(), key.values().toArray(String[]::new));
    }

    /// @param row an update without all cells
    private static boolean lacksCells(RowMapper mapper, Row row) {
        if (!mapper.concerns(row)) {
            return false;
        }
        return switch (mapper.map(row)) {
            case MappedRow.Incomplete _ -> true;
            // The update may have made the row match the WHERE: the target does not have it.
            case MappedRow.Upsert(Row mapped) -> mapper.isFiltered() && mapped.isPartial();
            case MappedRow.Delete _, MappedRow.Rejected _ -> false;
        };
    }

    RowApplication.Settings mappings(int generation) {
        return new RowApplication.Settings(
                id(), generation, tables.mappings(), kafka(), settings.stateDir(), 1);
    }

    ApplierSettings applier(int generation) {
        return new ApplierSettings(
                id(),
                generation,
                new TargetTopic(topics().target(), partitions(), true),
                settings.replicaRole(),
                origins(),
                kafka(),
                ApplierSettings.Limits.standard(settings.definitions()),
                tables.rules(),
                settings.rejected());
    }

    private OriginUse origins() {
        return switch (direction) {
            case FORWARD -> OriginUse.IF_PERMITTED;
            case REVERSE -> OriginUse.REQUIRED;
        };
    }

    /// Prepares the session that empties the target tables before a generation.
    public SessionSetup emptying() {
        return new SessionOrigin.Setup(
                        id(), 1, ApplierSettings.Limits.standard().writers(), origins())
                .after(ReplicaRole.required(settings.replicaRole()));
    }

    TargetIndexes.Settings indexes(int generation, BooleanSupplier owner) {
        List<TableId> targets = tables.targetIds();
        return new TargetIndexes.Settings(
                id(),
                generation,
                partitions(),
                targets,
                targets.stream()
                        .filter(table -> settings.indexes().of(table) == Indexes.AFTER_BACKFILL)
                        .collect(Collectors.toCollection(TreeSet::new)),
                target.database(),
                owner,
                TargetIndexes.AFTER_FAILURE);
    }

    LogRetention.Settings retention(int generation) {
        return new LogRetention.Settings(
                id(), generation, partitions(), kafka(), control(), settings.retention());
    }
}
