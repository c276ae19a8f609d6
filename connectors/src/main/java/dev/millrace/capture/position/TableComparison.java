package dev.millrace.capture.position;

import dev.millrace.change.TableId;
import dev.millrace.postgres.PublishedTable;
import dev.millrace.postgres.PublishedTable.Column;
import dev.millrace.postgres.PublishedTable.Descendant;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/// Compares two states of a captured table and names every difference that kept, or may have kept,
/// changes out of the stream. Other differences are harmless: added or dropped columns, indexes,
/// constraints, VACUUM FULL of an ordinary table, a partition that was created in place. Pure.
public record TableComparison(TableId table, PublishedTable known, PublishedTable now) {

    /// Why changes in the stream can no longer be related to the known table, whether or not any
    /// row changed.
    public Optional<String> redefinition() {
        return redefinition(true);
    }

    /// A change of the definition after which the stream still carries every change of the rows, or
    /// after which only this table must be read again.
    ///
    /// @param types the type before and after, by column
    /// @param isRewritten whether values may have changed without an event in the stream
    public record Alteration(SortedMap<String, Types> types, boolean isRewritten) {

        public record Types(long before, long after) {}

        public Alteration {
            types = Collections.unmodifiableSortedMap(new TreeMap<>(types));
        }
    }

    /// Columns with another type, or a rewriting ALTER, and nothing else that [#redefinition] or
    /// [#unstreamedChange] reports; empty otherwise.
    public Optional<Alteration> alteration() {
        boolean rewritten =
                known.fileNode() != now.fileNode() && someColumnWasAltered()
                        || now.isPartitioned() && someDescendantWasRewritten();
        SortedMap<String, Alteration.Types> types = new TreeMap<>();
        known.columns()
                .forEach(
                        (number, before) -> {
                            Column after = now.columns().get(number);
                            if (after != null && after.type() != before.type()) {
                                types.put(
                                        after.name(),
                                        new Alteration.Types(before.type(), after.type()));
                            }
                        });
        boolean isOnlyThis =
                redefinition(false).isEmpty()
                        && detached().isEmpty()
                        && known.descendants().keySet().equals(now.descendants().keySet());
        return isOnlyThis && (!types.isEmpty() || rewritten && !now.isPartitioned())
                ? Optional.of(new Alteration(types, rewritten))
                : Optional.empty();
    }

    private boolean someDescendantWasRewritten() {
        return known.descendants().entrySet().stream()
                .anyMatch(
                        each -> {
                            Descendant after = now.descendants().get(each.getKey());
                            return after != null && after.fileNode() != each.getValue().fileNode();
                        });
    }

    private Optional<String> redefinition(boolean types) {
        if (known.oid() != now.oid()) {
            return because(" is no longer the same table: it was renamed, moved or recreated.");
        }
        if (!known.nameVersion().equals(now.nameVersion()) && known.owner() == now.owner()) {
            return because(
                    " was renamed or moved, possibly back: changes meanwhile carried another"
                            + " name.");
        }
        if (losesKey(known.replicaIdentity(), now.replicaIdentity())) {
            return because(": its replica identity changed, so changes may lack their key.");
        }
        for (Map.Entry<Integer, Column> each : now.columns().entrySet()) {
            Column before = known.columns().get(each.getKey());
            Column column = each.getValue();
            if (before == null ? wasKnown(column.name()) : differs(before, column, types)) {
                return because(
                        ": column "
                                + column.name()
                                + " was renamed or recreated, or its type changed.");
            }
        }
        for (Map.Entry<Long, Descendant> each : now.descendants().entrySet()) {
            Descendant before = known.descendants().get(each.getKey());
            if (before != null
                    && losesKey(before.replicaIdentity(), each.getValue().replicaIdentity())) {
                return because(": the replica identity of " + each.getValue().id() + " changed.");
            }
        }
        return Optional.empty();
    }

    /// Why the table has changed in a way that the stream does not carry.
    public Optional<String> unstreamedChange() {
        if (known.fileNode() != now.fileNode() && someColumnWasAltered()) {
            return because(
                    " was rewritten by ALTER COLUMN TYPE, and the new values are not in the"
                            + " stream.");
        }
        return detached();
    }

    private Optional<String> detached() {
        for (Map.Entry<Long, Descendant> each : known.descendants().entrySet()) {
            Descendant after = now.descendants().get(each.getKey());
            if (after == null) {
                return because(
                        " lost "
                                + each.getValue().id()
                                + " (DETACH PARTITION or DROP TABLE), and the stream has no deletes"
                                + " of its rows.");
            }
            if (!after.parentVersion().equals(each.getValue().parentVersion())) {
                return because(
                        ": "
                                + after.id()
                                + " was detached temporarily, and changes meanwhile carried its own"
                                + " name.");
            }
        }
        return Optional.empty();
    }

    /// Descendants that were rewritten, or added with rows, and why the stream may lack changes of
    /// theirs, by object id. A TRUNCATE of the partitioned table also rewrites its partitions, and
    /// the stream carries it: if it arrives later, it explains them.
    ///
    /// @param empty added descendants without rows
    public Map<Long, String> unexplained(Set<Long> empty) {
        Map<Long, String> unexplained = new TreeMap<>();
        for (Map.Entry<Long, Descendant> each : known.descendants().entrySet()) {
            Descendant after = now.descendants().get(each.getKey());
            if (after != null
                    && after.fileNode() != each.getValue().fileNode()
                    && !known.wasTruncatedInStream(after)) {
                unexplained.put(
                        each.getKey(),
                        table
                                + ": "
                                + after.id()
                                + " was rewritten. The stream does not carry TRUNCATE of a"
                                + " partition, and VACUUM FULL or CLUSTER cannot be distinguished"
                                + " from it.");
            }
        }
        added().forEach(
                        (oid, each) -> {
                            boolean complete =
                                    known.isPartitioned()
                                            && (each.createdInPlace()
                                                    || empty.contains(oid)
                                                    || known.wasTruncatedInStream(each));
                            if (!complete) {
                                unexplained.put(
                                        oid,
                                        table
                                                + " received "
                                                + each.id()
                                                + " (ATTACH PARTITION or INHERIT) with rows that"
                                                + " are not all in the stream.");
                            }
                        });
        return unexplained;
    }

    /// Tables that have become descendants, by object id.
    public Map<Long, Descendant> added() {
        Map<Long, Descendant> added = new TreeMap<>(now.descendants());
        added.keySet().removeAll(known.descendants().keySet());
        return added;
    }

    private boolean someColumnWasAltered() {
        return known.columns().entrySet().stream()
                .anyMatch(
                        each -> {
                            Column after = now.columns().get(each.getKey());
                            return after != null
                                    && !after.version().equals(each.getValue().version());
                        });
    }

    private boolean wasKnown(String column) {
        return known.columns().values().stream().anyMatch(before -> before.name().equals(column));
    }

    private static boolean differs(Column before, Column column, boolean types) {
        return !before.name().equals(column.name()) || types && before.type() != column.type();
    }

    /// REPLICA IDENTITY FULL contains the columns of every key.
    private static boolean losesKey(String before, String replicaIdentity) {
        return !before.equals(replicaIdentity) && !replicaIdentity.startsWith("f");
    }

    private Optional<String> because(String what) {
        return Optional.of(table + what);
    }
}
