package dev.millrace.postgres;

import dev.millrace.change.TableId;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/// What the catalog says of one table beyond its columns, as far as a migration has to know it.
///
/// @param root the partitioned table above a partition, else empty
/// @param estimatedRows the planner's estimate, summed over partitions; empty when the table was
///   never analysed
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
        List<Partition> partitions) {

    /// Whether a `*` carries it: not a view, nor a partition, nor a table whose changes are in no
    /// log.
    public boolean isCarried() {
        boolean holdsRows =
                switch (kind) {
                    case TABLE, PARTITIONED_TABLE -> true;
                    case VIEW, MATERIALIZED_VIEW, FOREIGN_TABLE -> false;
                };
        return holdsRows && root.isEmpty() && persistence == Persistence.PERMANENT;
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

    /// @param primaryKey its columns in key order, empty without one; a deferrable one counts here
    /// @param replica the columns by which the log knows a row, in key order, empty when there are
    ///   none; a deferrable primary key never counts, because two rows may share it for a while
    public record Keys(ReplicaIdentity identity, List<String> primaryKey, List<String> replica) {

        public Keys {
            primaryKey = List.copyOf(primaryKey);
            replica = List.copyOf(replica);
        }
    }

    /// Names of columns with a trait, in column order.
    ///
    /// @param defaulted has a default or is an identity, so an INSERT may leave it out
    /// @param toastable may be stored out of line, so an UPDATE that leaves it alone may not carry
    ///   it
    /// @param stored is generated and stored
    /// @param virtual is generated when it is read
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

    /// @param references names of this table's foreign keys
    /// @param referencedBy tables whose foreign keys point here
    /// @param triggers enabled triggers of users, which don't fire with `session_replication_role =
    ///   replica`
    /// @param replicaTriggers enabled triggers of users that fire even so, those of partitions
    ///   included
    /// @param deferrable unique, primary key and exclusion constraints, those of partitions
    ///   included, that are checked by triggers, which don't fire with `session_replication_role =
    ///   replica`: duplicates would land in silence
    /// @param heirs tables that inherit from this one and are no partitions: a SELECT reads their
    ///   rows too, while their changes go by their own names
    /// @param rules that rewrite statements on this table by name; rules of its partitions don't
    public record Dependents(
            List<String> references,
            List<String> referencedBy,
            List<String> triggers,
            List<String> replicaTriggers,
            List<String> deferrable,
            List<String> heirs,
            Rules rules) {

        public Dependents {
            references = List.copyOf(references);
            referencedBy = List.copyOf(referencedBy);
            triggers = List.copyOf(triggers);
            replicaTriggers = List.copyOf(replicaTriggers);
            deferrable = List.copyOf(deferrable);
            heirs = List.copyOf(heirs);
        }
    }

    /// Names of a table's rules by when they apply.
    ///
    /// @param onUpdate every ON UPDATE rule, even a disabled one: INSERT ... ON CONFLICT is an
    ///   error on a table that has one
    /// @param ofOrigin ON INSERT and ON DELETE rules that apply unless `session_replication_role =
    ///   replica`
    /// @param ofReplica ON INSERT and ON DELETE rules that apply if it is `replica`
    public record Rules(List<String> onUpdate, List<String> ofOrigin, List<String> ofReplica) {

        public static final Rules NONE = new Rules(List.of(), List.of(), List.of());

        public Rules {
            onUpdate = List.copyOf(onUpdate);
            ofOrigin = List.copyOf(ofOrigin);
            ofReplica = List.copyOf(ofReplica);
        }
    }

    /// What the session's role may do with the table.
    ///
    /// @param owned the role is the owner or has the owner's rights
    /// @param rowSecurity a policy would hide rows from the role
    public record Access(
            String owner,
            boolean owned,
            boolean schemaUsage,
            boolean select,
            boolean insert,
            boolean update,
            boolean delete,
            boolean rowSecurity) {}

    /// A leaf of a partitioned table: its own identity is what its changes are logged with.
    public record Partition(TableId id, Kind kind, Persistence persistence, Keys keys) {}

    public TableFacts {
        partitions = List.copyOf(partitions);
    }

    public boolean isPartition() {
        return root.isPresent();
    }
}
