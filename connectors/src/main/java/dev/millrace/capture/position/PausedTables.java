package dev.millrace.capture.position;

import dev.millrace.capture.position.SourcePosition.SourceLostException;
import dev.millrace.capture.position.TableComparison.Difference;
import dev.millrace.capture.position.TableComparison.Types;
import dev.millrace.capture.position.TablePause.Change;
import dev.millrace.capture.position.TablePause.Loss;
import dev.millrace.capture.position.TablePause.Remedy;
import dev.millrace.change.TableId;
import dev.millrace.postgres.PublishedTable;
import dev.millrace.postgres.PublishedTableReader;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
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
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// The tables that are paused because their definition has changed on the source, and which of
/// these changes an operator accepts. Outlives the runs of the capture. Thread-safe.
public final class PausedTables {

    private final TablePause pause;
    private final Map<TableId, Change> paused = new ConcurrentHashMap<>();
    private final Map<TableId, CompletableFuture<Optional<String>>> accepted =
            new ConcurrentHashMap<>();

    public PausedTables(TablePause pause) {
        this.pause = pause;
    }

    /// The change for which a table is paused; empty if the stream carries its changes as the log
    /// expects them.
    ///
    /// @param now its facts; `null` if no table has its name
    /// @throws SourceLostException if the table does not exist any more
    public Optional<Change> change(
            Connection session, TableId table, PublishedTable known, @Nullable PublishedTable now)
            throws SQLException {
        if (now == null) {
            return Optional.of(
                    new Change(
                            "it was renamed or moved to " + name(session, table, known.oid()),
                            Remedy.RESTORE));
        }
        TableComparison compared = new TableComparison(table, known, now);
        List<Difference> differences = compared.differences(column -> pause.reads(table, column));
        if (differences.isEmpty()) {
            return ofPartitions(session, compared)
                    .map(reason -> new Change(reason, Remedy.ACCEPT_AND_READ));
        }
        List<String> texts = new ArrayList<>();
        Remedy remedy = Remedy.ACCEPT;
        for (Difference each : differences) {
            text(session, each, texts.isEmpty()).ifPresent(texts::add);
            Remedy needed = remedy(each, pause.mayReadAgain(table));
            remedy = needed.compareTo(remedy) > 0 ? needed : remedy;
        }
        return Optional.of(new Change(String.join(", ", texts), remedy));
    }

    /// Why partitions pause the table.
    private Optional<String> ofPartitions(Connection session, TableComparison compared)
            throws SQLException {
        if (!pause.mayReadAgain(compared.table())) {
            // Partitions could change back, and nothing would read what the stream lacks.
            return Optional.empty();
        }
        Optional<String> detached = compared.detached();
        if (detached.isPresent() && pause.pausesFor(compared.table(), false)) {
            return detached;
        }
        if (compared.added().isEmpty() || !pause.pausesFor(compared.table(), true)) {
            return Optional.empty();
        }
        Map<Long, String> changed =
                compared.unexplained(PublishedTableReader.empty(session, compared.added()));
        return compared.added().keySet().stream()
                .flatMap(oid -> Stream.ofNullable(changed.get(oid)))
                .findFirst();
    }

    private static Remedy read(boolean mayReadAgain) {
        return mayReadAgain ? Remedy.ACCEPT_AND_READ : Remedy.REBACKFILL;
    }

    private static String name(Connection session, TableId table, long oid) throws SQLException {
        try (PreparedStatement statement =
                session.prepareStatement(
                        "SELECT n.nspname, c.relname FROM pg_catalog.pg_class c"
                                + " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
                                + " WHERE c.oid = ?::int8::oid")) {
            statement.setLong(1, oid);
            try (ResultSet row = statement.executeQuery()) {
                if (!row.next()) {
                    throw new SourceLostException(table + " no longer exists on the source.");
                }
                return new TableId(row.getString(1), row.getString(2)).toString();
            }
        }
    }

    /// A column that was dropped does not come back: another one gets its name.
    private static Remedy remedy(Difference difference, boolean mayReadAgain) {
        Remedy read = read(mayReadAgain);
        return switch (difference) {
            case Difference.Retyped _ -> Remedy.ACCEPT;
            case Difference.Rewritten _, Difference.Recreated _ -> read;
            case Difference.Dropped _ -> mayReadAgain ? Remedy.RESTORE : read;
            case Difference.Replaced _, Difference.Renamed _ -> Remedy.RESTORE;
        };
    }

    /// Whether a mapping reads a column of the table.
    public boolean isRead(TableId table, String column) {
        return pause.reads(table, column);
    }

    /// @param isFirst whether nothing else says what has changed
    private static Optional<String> text(Connection session, Difference difference, boolean isFirst)
            throws SQLException {
        return switch (difference) {
            case Difference.Replaced _ -> Optional.of("another table has its name");
            case Difference.Renamed(String column, String to) ->
                    Optional.of("column " + column + " was renamed to " + to);
            case Difference.Dropped(String column) ->
                    Optional.of("column " + column + " was dropped");
            case Difference.Recreated(String column, Types types) ->
                    Optional.of(
                            "column "
                                    + column
                                    + " was dropped, and another one has its name"
                                    + (types.before() == types.after()
                                            ? ""
                                            : " (" + text(session, types) + ")"));
            case Difference.Retyped(String column, Types types) ->
                    Optional.of("column " + column + ": " + text(session, types));
            case Difference.Rewritten _ ->
                    isFirst ? Optional.of("ALTER COLUMN TYPE with USING") : Optional.empty();
        };
    }

    private static String text(Connection session, Types types) throws SQLException {
        return PublishedTableReader.typeName(session, types.before())
                + " → "
                + PublishedTableReader.typeName(session, types.after());
    }

    /// Requires that changes in the stream can be related to the known columns.
    ///
    /// @throws SourceLostException if the definition has changed otherwise than by a rewrite
    public void requireSameDefinition(Connection session, TableComparison compared)
            throws SQLException {
        boolean isRedefined =
                compared.differences(column -> pause.reads(compared.table(), column)).stream()
                        .anyMatch(each -> !(each instanceof Difference.Rewritten));
        if (isRedefined) {
            throw new SourceLostException(
                    changed(
                            compared.table(),
                            change(session, compared.table(), compared.known(), compared.now())
                                    .orElseThrow()));
        }
        for (Optional<String> lost : List.of(compared.lostKey(), compared.renamedMeanwhile())) {
            if (lost.isPresent()) {
                throw new SourceLostException(lost.get());
            }
        }
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

    /// What must be read again of a partitioned table that leaves its pause now: partitions may
    /// have come and gone meanwhile, and rows of theirs may be on the target. Empty if every row is
    /// read again anyway.
    ///
    /// @param now its facts
    public Optional<Loss> afterPause(TableId table, PublishedTable now) {
        return now.isPartitioned()
                        && paused.containsKey(table)
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
    /// @return why it is not accepted; empty when it is, and the log has it
    public CompletableFuture<Optional<String>> accept(TableId source) {
        Change change = paused.get(source);
        if (change == null) {
            return CompletableFuture.completedFuture(
                    Optional.of("The definition of " + source + " has not changed"));
        }
        if (!change.remedy().isAcceptable()) {
            return CompletableFuture.completedFuture(Optional.of(refusal(source, change)));
        }
        return accepted.computeIfAbsent(source, _ -> new CompletableFuture<>());
    }

    /// Why no operator can accept a change, and what to do.
    public static String refusal(TableId source, Change change) {
        String what = "The source table %s has changed: %s.".formatted(source, change.difference());
        return switch (change.remedy()) {
            case RESTORE ->
                    what
                            + " The mapping needs the definition as it was. Restore it: the table"
                            + " then continues by itself. If the definition must stay, begin a new"
                            + " migration with a file that fits it";
            case REBACKFILL ->
                    what
                            + " The stream may lack changes of it, so its rows must be read again:"
                            + " run 'millrace rebackfill'";
            case ACCEPT, ACCEPT_AND_READ -> what + " Add --accept-schema to accept it";
        };
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
        // What the stream lacks until the definition is restored would be lost.
        boolean isLost = change.remedy() == Remedy.RESTORE && !pause.mayReadAgain(source);
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
