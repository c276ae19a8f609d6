package dev.millrace.postgres;

import dev.millrace.change.TableId;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/// The facts of one table, beyond its columns, that matter for a migration. Immutable.
///
/// @param root the partitioned table of a partition
/// @param estimatedRows the planner's estimate, summed over partitions; empty if the table was
///   never analyzed
/// @param bytes of its rows on disk with their TOASTed values, without indexes, summed over
///   partitions
public record TableFacts(
        TableId id,
        Kind kind,
        Persistence persistence,
        Optional<TableId> root,
        Keys keys,
        Columns columns,
        Dependents dependents,
        Access access,
        OptionalLong estimatedRows,
        long bytes,
        List<Partition> partitions) {

    /// Which indexes `x` of `pg_index` refuse rows besides the primary key: unique and exclusion
    /// constraints, and unique indexes.
    public static final String UNIQUE_BESIDES_KEY =
            "(x.indisunique OR x.indisexclusion) AND NOT x.indisprimary";

    /// Whether a `*` in the specification selects the table: not a view or a partition, and its
    /// changes are in the WAL.
    public boolean isCarried() {
        boolean storesRows =
                switch (kind) {
                    case TABLE, PARTITIONED_TABLE -> true;
                    case VIEW, MATERIALIZED_VIEW, FOREIGN_TABLE -> false;
                };
        return storesRows && root.isEmpty() && persistence == Persistence.PERMANENT;
    }

    public enum Kind {
        TABLE,
        PARTITIONED_TABLE,
        VIEW,
        MATERIALIZED_VIEW,
        FOREIGN_TABLE
    }

    public enum Persistence {
        PERMANENT,
        UNLOGGED,
        TEMPORARY
    }

    public enum ReplicaIdentity {
        DEFAULT,
        INDEX,
        FULL,
        NOTHING
    }

    /// @param primaryKey its columns in key order, empty without a primary key; includes a
    ///   deferrable one
    /// @param replica the columns that identify a row in the WAL, in key order, or empty; never a
    ///   deferrable primary key, because two rows may share it temporarily
    public record Keys(ReplicaIdentity identity, List<String> primaryKey, List<String> replica) {

        public Keys {
            primaryKey = List.copyOf(primaryKey);
            replica = List.copyOf(replica);
        }
    }

    /// Names of columns with a property, in column order.
    ///
    /// @param defaulted columns with a default or an identity, which an INSERT may omit
    /// @param toastable columns that may be TOASTed, whose value an UPDATE that does not change it
    ///   may omit
    /// @param stored stored generated columns
    /// @param virtual virtual generated columns
    public record Columns(
            List<String> identityAlways,
            List<String> defaulted,
            List<String> toastable,
            List<String> stored,
            List<String> virtual) {

        public Columns {
            identityAlways = List.copyOf(identityAlways);
            defaulted = List.copyOf(defaulted);
            toastable = List.copyOf(toastable);
            stored = List.copyOf(stored);
            virtual = List.copyOf(virtual);
        }
    }

    /// @param references names of the table's foreign keys
    /// @param referencedBy tables with a foreign key to this table
    /// @param triggers enabled user triggers that do not fire with `session_replication_role =
    ///   replica`
    /// @param replicaTriggers enabled user triggers that also fire in that role, including those of
    ///   partitions, without Millrace's
    /// @param deferrable deferrable unique, primary key and exclusion constraints, including those
    ///   of partitions. Triggers check them and do not fire with `session_replication_role =
    ///   replica`, so duplicates would not be detected
    /// @param uniqueBesidesKey the table or a partition has an index of [#UNIQUE_BESIDES_KEY]
    /// @param inheritingTables tables that inherit from this one without being partitions: a SELECT
    ///   reads their rows too, but their changes carry their own names
    /// @param rules rules that rewrite statements on the table's own name; not the rules of its
    ///   partitions
    public record Dependents(
            List<String> references,
            List<String> referencedBy,
            List<String> triggers,
            List<Member> replicaTriggers,
            List<Member> deferrable,
            boolean uniqueBesidesKey,
            List<String> inheritingTables,
            Rules rules) {

        public Dependents {
            references = List.copyOf(references);
            referencedBy = List.copyOf(referencedBy);
            triggers = List.copyOf(triggers);
            replicaTriggers = List.copyOf(replicaTriggers);
            deferrable = List.copyOf(deferrable);
            inheritingTables = List.copyOf(inheritingTables);
        }
    }

    /// A trigger or constraint.
    ///
    /// @param table the table, or that of its partitions which has it
    public record Member(TableId table, String name) {

        @Override
        public String toString() {
            return name;
        }
    }

    /// Names of a table's rules by when they apply.
    ///
    /// @param onUpdate all ON UPDATE rules, even disabled ones: INSERT ... ON CONFLICT fails on a
    ///   table with such a rule
    /// @param ofOrigin ON INSERT and ON DELETE rules that apply unless `session_replication_role =
    ///   replica`
    /// @param ofReplica ON INSERT and ON DELETE rules that apply with `session_replication_role =
    ///   replica`
    public record Rules(List<String> onUpdate, List<String> ofOrigin, List<String> ofReplica) {

        public static final Rules NONE = new Rules(List.of(), List.of(), List.of());

        public Rules {
            onUpdate = List.copyOf(onUpdate);
            ofOrigin = List.copyOf(ofOrigin);
            ofReplica = List.copyOf(ofReplica);
        }
    }

    /// The privileges of the session's role on the table.
    ///
    /// @param owned the role is the owner or has the owner's rights
    /// @param rowSecurity a row security policy would hide rows from the role
    /// @param foreign which of the table and its partitions the role has no owner's rights to,
    ///   ordered by name
    public record Access(
            String owner,
            boolean owned,
            boolean schemaUsage,
            boolean select,
            boolean insert,
            boolean update,
            boolean delete,
            boolean rowSecurity,
            List<Foreign> foreign) {

        public Access {
            foreign = List.copyOf(foreign);
        }
    }

    /// A table to which the role does not have the owner's rights.
    public record Foreign(TableId id, String owner, boolean ofSuperuser) {}

    /// A leaf partition. Its own replica identity determines what the WAL contains for its changes.
    public record Partition(TableId id, Kind kind, Persistence persistence, Keys keys) {}

    public TableFacts {
        partitions = List.copyOf(partitions);
    }

    public boolean isPartition() {
        return root.isPresent();
    }
}
