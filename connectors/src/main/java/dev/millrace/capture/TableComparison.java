package dev.millrace.capture;

import dev.millrace.change.TableId;
import dev.millrace.postgres.PublishedTable;
import dev.millrace.postgres.PublishedTable.Below;
import dev.millrace.postgres.PublishedTable.Column;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/// Judges two looks at a captured table. Whatever surely or possibly kept changes out of the stream
/// between them is named; the rest (columns added or dropped, indexes, constraints, VACUUM FULL of
/// an ordinary table, a partition created in its place) is nothing. Pure.
record TableComparison(TableId table, PublishedTable known, PublishedTable now) {

    /// Why the stream can't be read as before, whatever has been copied.
    Optional<String> redefined() {
        if (known.oid() != now.oid()) {
            return because("is another table now: it was renamed, moved or made anew");
        }
        if (!known.named().equals(now.named()) && known.owner() == now.owner()) {
            return because("was renamed or moved, even if it is back: changes went by other names");
        }
        if (worse(known.identity(), now.identity())) {
            return because("has another replica identity: changes may lack their key");
        }
        for (Map.Entry<Integer, Column> each : now.columns().entrySet()) {
            Column before = known.columns().get(each.getKey());
            Column column = each.getValue();
            if (before == null ? wasThere(column.name()) : isAnother(before, column)) {
                return because(
                        "has another column " + column.name() + ": renamed, retyped or made anew");
            }
        }
        for (Map.Entry<Long, Below> each : now.below().entrySet()) {
            Below before = known.below().get(each.getKey());
            if (before != null && worse(before.identity(), each.getValue().identity())) {
                return because(
                        "has a partition with another replica identity, " + each.getValue().id());
            }
        }
        return Optional.empty();
    }

    /// Why rows have changed that the stream didn't carry.
    Optional<String> changedUnseen() {
        if (known.file() != now.file() && someColumnWasAltered()) {
            return because(
                    "was rewritten by ALTER COLUMN TYPE: the new values are not in the stream");
        }
        for (Map.Entry<Long, Below> each : known.below().entrySet()) {
            Below after = now.below().get(each.getKey());
            if (after == null) {
                return because(
                        "lost "
                                + each.getValue().id()
                                + " (DETACH or DROP): its rows are not deleted in the stream");
            }
            if (!after.placed().equals(each.getValue().placed())) {
                return because(
                        "has "
                                + after.id()
                                + ", which left its place for a while: changes went by its own name");
            }
        }
        return Optional.empty();
    }

    /// What was rewritten, or came with rows, and why that may have changed rows that the stream
    /// didn't carry, by object id. A TRUNCATE of the whole table rewrites its partitions too and is
    /// in the stream: if it comes there later, it explains them.
    ///
    /// @param empty newcomers that hold nothing
    Map<Long, String> unexplained(Set<Long> empty) {
        Map<Long, String> unexplained = new TreeMap<>();
        for (Map.Entry<Long, Below> each : known.below().entrySet()) {
            Below after = now.below().get(each.getKey());
            if (after != null
                    && after.file() != each.getValue().file()
                    && !known.wasTruncatedInTheStream(after)) {
                unexplained.put(
                        each.getKey(),
                        table
                                + " has a rewritten "
                                + after.id()
                                + ": TRUNCATE of a partition is not in the stream, and VACUUM FULL or CLUSTER can't be told from it");
            }
        }
        newcomers()
                .forEach(
                        (oid, newcomer) -> {
                            boolean whole =
                                    known.isPartitioned()
                                            && (newcomer.created()
                                                    || empty.contains(oid)
                                                    || known.wasTruncatedInTheStream(newcomer));
                            if (!whole) {
                                unexplained.put(
                                        oid,
                                        table
                                                + " got "
                                                + newcomer.id()
                                                + " (ATTACH or INHERIT) with rows in it, not all of which are in the stream");
                            }
                        });
        return unexplained;
    }

    /// What inherits from the table since, by object id.
    Map<Long, Below> newcomers() {
        Map<Long, Below> newcomers = new TreeMap<>(now.below());
        newcomers.keySet().removeAll(known.below().keySet());
        return newcomers;
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

    private boolean wasThere(String column) {
        return known.columns().values().stream().anyMatch(before -> before.name().equals(column));
    }

    private static boolean isAnother(Column before, Column column) {
        return !before.name().equals(column.name()) || before.type() != column.type();
    }

    /// The whole old row holds any key.
    private static boolean worse(String before, String identity) {
        return !before.equals(identity) && !identity.startsWith("f");
    }

    private Optional<String> because(String what) {
        return Optional.of(table + " " + what);
    }
}
