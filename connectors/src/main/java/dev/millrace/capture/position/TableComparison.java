package dev.millrace.capture.position;

import dev.millrace.change.TableId;
import dev.millrace.postgres.PublishedTable;
import dev.millrace.postgres.PublishedTable.Column;
import dev.millrace.postgres.PublishedTable.Descendant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Predicate;

/// Compares two states of a captured table and names every difference that kept, or may have kept,
/// changes out of the stream. Other differences are harmless: columns that no mapping reads,
/// indexes, constraints, VACUUM FULL of an ordinary table, a partition that was created in place.
/// Pure.
public record TableComparison(TableId table, PublishedTable known, PublishedTable now) {

    /// A difference of the definition, for which a table is paused.
    public sealed interface Difference {

        /// Another table has the name.
        record Replaced() implements Difference {}

        /// A column that a mapping reads has another name.
        record Renamed(String column, String to) implements Difference {}

        /// A column that a mapping reads does not exist.
        record Dropped(String column) implements Difference {}

        /// A column that a mapping reads was dropped, and another one has its name.
        record Recreated(String column, Types types) implements Difference {}

        record Retyped(String column, Types types) implements Difference {}

        /// ALTER COLUMN TYPE wrote every row, so values may have changed without an event in the
        /// stream.
        record Rewritten() implements Difference {}
    }

    /// @param before object id of the type that the log expects
    public record Types(long before, long after) {}

    /// The differences of name and columns, in the order of the columns.
    ///
    /// @param reads whether a mapping reads the column of this name
    public List<Difference> differences(Predicate<String> reads) {
        if (known.oid() != now.oid()) {
            return List.of(new Difference.Replaced());
        }
        if (known.columns().equals(now.columns())) {
            return List.of();
        }
        List<Difference> differences = new ArrayList<>();
        // A column that was dropped stays known. The later one of the same name counts.
        SortedMap<String, Integer> numbers = new TreeMap<>();
        known.columns().forEach((number, column) -> numbers.put(column.name(), number));
        numbers.values().stream()
                .sorted()
                .filter(number -> reads.test(column(number).name()))
                .forEach(number -> difference(number).ifPresent(differences::add));
        boolean isRetyped = differences.stream().anyMatch(Difference.Retyped.class::isInstance);
        boolean isRewritten =
                known.fileNode() != now.fileNode() && someColumnWasAltered(reads)
                        || now.isPartitioned() && isRetyped && someDescendantWasRewritten();
        if (isRewritten) {
            differences.add(new Difference.Rewritten());
        }
        return List.copyOf(differences);
    }

    private Column column(Integer number) {
        return Objects.requireNonNull(known.columns().get(number));
    }

    private Optional<Difference> difference(Integer number) {
        Column before = column(number);
        Column after = now.columns().get(number);
        if (after != null && !after.name().equals(before.name())) {
            return Optional.of(new Difference.Renamed(before.name(), after.name()));
        }
        if (after != null) {
            return after.type() == before.type()
                    ? Optional.empty()
                    : Optional.of(
                            new Difference.Retyped(
                                    before.name(), new Types(before.type(), after.type())));
        }
        return now.columns().values().stream()
                .filter(column -> column.name().equals(before.name()))
                .findFirst()
                .<Difference>map(
                        column ->
                                new Difference.Recreated(
                                        before.name(), new Types(before.type(), column.type())))
                .or(() -> Optional.of(new Difference.Dropped(before.name())));
    }

    /// Why changes may lack the key of their row. Only a new log helps.
    public Optional<String> lostKey() {
        if (losesKey(known.replicaIdentity(), now.replicaIdentity())) {
            return because(": its replica identity changed, so changes may lack their key.");
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

    /// Why the stream lacks changes of the time in which the table had another name.
    public Optional<String> renamedMeanwhile() {
        return known.oid() == now.oid()
                        && !known.nameVersion().equals(now.nameVersion())
                        && known.owner() == now.owner()
                ? because(
                        " was renamed or moved, possibly back: changes meanwhile carried another"
                                + " name.")
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

    /// Partitions that are, or were for a while, no longer partitions of the table, and why the
    /// stream lacks changes of theirs.
    public Optional<String> detached() {
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
                                + " was detached, possibly for a while, and changes meanwhile"
                                + " carried its own name.");
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

    private boolean someColumnWasAltered(Predicate<String> reads) {
        return known.columns().entrySet().stream()
                .filter(each -> reads.test(each.getValue().name()))
                .anyMatch(
                        each -> {
                            Column after = now.columns().get(each.getKey());
                            return after != null
                                    && !after.version().equals(each.getValue().version());
                        });
    }

    /// REPLICA IDENTITY FULL contains the columns of every key.
    private static boolean losesKey(String before, String replicaIdentity) {
        return !before.equals(replicaIdentity) && !replicaIdentity.startsWith("f");
    }

    private Optional<String> because(String what) {
        return Optional.of(table + what);
    }
}
