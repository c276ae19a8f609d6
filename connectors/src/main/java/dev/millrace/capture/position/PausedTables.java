package dev.millrace.capture.position;

import dev.millrace.capture.position.SourcePosition.SourceLostException;
import dev.millrace.capture.position.TablePause.Change;
import dev.millrace.capture.position.TablePause.Loss;
import dev.millrace.capture.position.TablePause.Remedy;
import dev.millrace.change.TableId;
import dev.millrace.postgres.PublishedTable;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Collection;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/// The tables that are paused because their definition has changed on the source, and which of
/// these changes an operator accepts. Outlives the runs of the capture. Thread-safe.
public final class PausedTables {

    private final TablePause pause;
    private final DefinitionChanges definitions;
    private final Map<TableId, Change> paused = new ConcurrentHashMap<>();
    private final Map<TableId, CompletableFuture<Optional<String>>> accepted =
            new ConcurrentHashMap<>();

    public PausedTables(TablePause pause) {
        this.pause = pause;
        this.definitions = new DefinitionChanges(pause);
    }

    /// The change for which a table is paused; empty if the stream carries its changes as the log
    /// expects them.
    ///
    /// @param now its facts; `null` if no table has its name
    /// @throws SourceLostException if the table does not exist any more
    public Optional<Change> change(
            Connection session, TableId table, PublishedTable known, @Nullable PublishedTable now)
            throws SQLException {
        return definitions.change(session, table, known, now);
    }

    /// Requires that changes in the stream can be related to the known columns.
    ///
    /// @throws SourceLostException if the definition has changed otherwise than by a rewrite
    public void requireSameDefinition(Connection session, TableComparison compared)
            throws SQLException {
        definitions.requireSameDefinition(session, compared);
    }

    /// Whether a mapping reads a column of the table.
    public boolean isRead(TableId table, String column) {
        return pause.reads(table, column);
    }

    /// What is lost if the table cannot be paused.
    public static String changed(TableId table, Change change) {
        return table + " has changed: " + change.difference() + ".";
    }

    /// What has changed, by source table, as of the last check.
    public Map<TableId, Change> changes() {
        return Map.copyOf(paused);
    }

    /// Whether every row of the table is read again when it continues.
    public boolean isReadAfterPause(TableId table) {
        Change change = paused.get(table);
        return change != null && change.remedy() != Remedy.ACCEPT;
    }

    /// Which of these tables are paused for their definition, also by an earlier process.
    public Set<TableId> stopped(Collection<TableId> sources) throws SQLException {
        return pause.stopped(sources);
    }

    /// What must be read again of a partitioned table that leaves its pause now: partitions may
    /// have come and gone meanwhile, and rows of theirs may be on the target. Empty if every row is
    /// read again anyway.
    ///
    /// @param now its facts
    /// @param earlier whether an earlier process has paused it
    public Optional<Loss> afterPause(TableId table, PublishedTable now, boolean earlier) {
        return now.isPartitioned()
                        && (earlier || paused.containsKey(table))
                        && !isReadAfterPause(table)
                        && pause.mayReadAgain(table)
                ? Optional.of(
                        new Loss(
                                table
                                        + " was paused, and partitions may have come and gone"
                                        + " meanwhile.",
                                false))
                : Optional.empty();
    }

    /// An operator accepts the definition that the source table has now.
    ///
    /// @param target the target table that is to continue
    /// @return why it is not accepted; empty when it is, and the log has it
    public CompletableFuture<Optional<String>> accept(TableId source, TableId target) {
        Change change = paused.get(source);
        if (change == null) {
            return CompletableFuture.completedFuture(
                    Optional.of("The definition of " + source + " has not changed"));
        }
        if (!change.remedy().isAcceptable()) {
            return CompletableFuture.completedFuture(Optional.of(change.text(source, target)));
        }
        return accepted.computeIfAbsent(source, _ -> new CompletableFuture<>());
    }

    /// Whether this change is to be taken over. Capture thread.
    public boolean isAccepted(TableId source, Change change) {
        CompletableFuture<Optional<String>> answer = accepted.get(source);
        if (answer == null) {
            return false;
        }
        if (change.equals(paused.get(source)) && change.remedy().isAcceptable()) {
            return true;
        }
        accepted.remove(source);
        answer.complete(
                Optional.of(
                        "The definition of "
                                + source
                                + " has changed again: "
                                + change.difference()));
        return false;
    }

    /// @return false when the table cannot be paused alone
    public boolean pause(TableId source, Change change) throws SQLException {
        if (change.equals(paused.get(source))) {
            return true;
        }
        // What the stream lacks until the names are restored would be lost.
        boolean isLost = change.remedy().isOfNames() && !pause.mayReadAgain(source);
        if (isLost || !pause.pause(source, change)) {
            return false;
        }
        paused.put(source, change);
        return true;
    }

    /// Lets rows be read again of which the stream lacks changes.
    ///
    /// @throws SourceLostException if that is not possible
    public void readAgain(TableId source, Loss loss) throws SQLException {
        if (!pause.mayReadAgain(source)) {
            throw new SourceLostException(loss.reason());
        }
        pause.readAgain(source, loss);
    }

    /// The log has the present definition of these tables.
    public void restored(Collection<TableId> sources) throws SQLException {
        Set<TableId> changed = new HashSet<>(paused.keySet());
        changed.removeAll(sources);
        pause.restored(sources, changed);
        for (TableId source : sources) {
            paused.remove(source);
            CompletableFuture<Optional<String>> answer = accepted.remove(source);
            if (answer != null) {
                answer.complete(Optional.empty());
            }
        }
    }
}
