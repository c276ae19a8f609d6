package dev.millrace.capture.position;

import dev.millrace.capture.position.TableComparison.Alteration;
import dev.millrace.capture.position.TableComparison.Alteration.Types;
import dev.millrace.capture.position.TablePause.Change;
import dev.millrace.change.TableId;
import dev.millrace.postgres.PublishedTableReader;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/// The tables that are paused because their definition has changed on the source, and which of
/// these changes an operator accepts. Outlives the runs of the capture. Thread-safe.
public final class PausedTables {

    private static final String REWRITTEN =
            "Its rows were rewritten (%s), so values may have changed without an event in the"
                    + " stream. They must be read again: run 'millrace rebackfill'";

    private final TablePause pause;
    private final Map<TableId, Change> paused = new ConcurrentHashMap<>();
    private final Map<TableId, CompletableFuture<Optional<String>>> accepted =
            new ConcurrentHashMap<>();

    public PausedTables(TablePause pause) {
        this.pause = pause;
    }

    /// What an operator must accept before the table goes on, in words.
    public static Optional<Change> change(Connection session, Optional<Alteration> alteration)
            throws SQLException {
        if (alteration.isEmpty()) {
            return Optional.empty();
        }
        List<String> differences = new ArrayList<>();
        for (Map.Entry<String, Types> column : alteration.get().types().entrySet()) {
            differences.add(
                    "column "
                            + column.getKey()
                            + ": "
                            + PublishedTableReader.typeName(session, column.getValue().before())
                            + " → "
                            + PublishedTableReader.typeName(session, column.getValue().after()));
        }
        if (differences.isEmpty()) {
            differences.add("ALTER COLUMN TYPE with USING");
        }
        return Optional.of(
                new Change(String.join(", ", differences), alteration.get().isRewritten()));
    }

    /// What has changed, by source table, as of the last check.
    public Map<TableId, Change> changes() {
        return Map.copyOf(paused);
    }

    /// An operator accepts the definition that the source table has now.
    ///
    /// @return why it is not accepted; empty when it is, and the log has it
    public CompletableFuture<Optional<String>> accept(TableId source) {
        Change change = paused.get(source);
        if (change == null) {
            return CompletableFuture.completedFuture(
                    Optional.of("The definition of " + source + " has not changed"));
        }
        if (change.isRewritten()) {
            return CompletableFuture.completedFuture(
                    Optional.of(REWRITTEN.formatted(change.difference())));
        }
        return accepted.computeIfAbsent(source, _ -> new CompletableFuture<>());
    }

    /// Whether this change is to be taken over. Capture thread.
    public boolean isAccepted(TableId source, Change change) {
        CompletableFuture<Optional<String>> answer = accepted.get(source);
        if (answer == null) {
            return false;
        }
        if (change.equals(paused.get(source)) && !change.isRewritten()) {
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
        if (!pause.pause(source, change)) {
            return false;
        }
        paused.put(source, change);
        return true;
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
