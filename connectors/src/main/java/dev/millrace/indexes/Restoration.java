package dev.millrace.indexes;

import dev.millrace.control.DroppedDefinitions;
import dev.millrace.control.DroppedDefinitions.Definition;
import dev.millrace.control.DroppedDefinitions.Kind;
import dev.millrace.lifecycle.Failure;
import dev.millrace.lifecycle.FailureClassifier;
import dev.millrace.lifecycle.Reason;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.SqlState;
import java.sql.SQLException;
import java.util.Optional;
import java.util.function.Consumer;

/// Creates dropped indexes and foreign keys again while rows are written. Every step is found from
/// the catalog and may be repeated: a killed process leaves at most an invalid index or a foreign
/// key whose rows are not checked, and the next attempt continues from there. An object counts as
/// restored in the transaction that has found its definition in the catalog again. Not thread-safe;
/// confined to the supervisor's thread.
final class Restoration {

    private final TargetSession session;
    private final DroppedDefinitions store;
    private final Consumer<Definition> began;

    /// @param began called when the work on an object begins
    Restoration(TargetSession session, DroppedDefinitions store, Consumer<Definition> began) {
        this.session = session;
        this.store = store;
        this.began = began;
    }

    /// Tries every object once; the failure of one does not stop the others.
    ///
    /// @return the first failure
    Optional<IndexFailure> run(Iterable<Definition> pending) throws SQLException {
        Optional<IndexFailure> first = Optional.empty();
        for (Definition definition : pending) {
            began.accept(definition);
            try {
                restore(definition);
            } catch (SQLException e) {
                if (!isAboutTheObject(e)) {
                    throw e;
                }
                first = first.or(() -> Optional.of(failure(definition, e)));
                removeInvalid(definition);
            } catch (IndexFailure e) {
                first = first.or(() -> Optional.of(e));
            }
        }
        return first;
    }

    private static boolean isAboutTheObject(SQLException failure) {
        return FailureClassifier.rejectsStatement(failure)
                || SqlState.LOCK_NOT_AVAILABLE.matches(failure)
                || SqlState.DEADLOCK_DETECTED.matches(failure);
    }

    private void restore(Definition definition) throws SQLException {
        RestoreStep step = next(definition);
        while (!(step instanceof RestoreStep.Finish)) {
            switch (step) {
                case RestoreStep.Create _ -> create(definition);
                case RestoreStep.Remove _ -> remove(definition);
                case RestoreStep.Validate _ ->
                        session.execute(RestoreStep.Sql.validate(definition));
                case RestoreStep.Conflict(String reason) -> throw conflict(definition, reason);
                case RestoreStep.Finish _ -> {}
            }
            RestoreStep following = next(definition);
            if (following.equals(step)) {
                throw new IllegalStateException("A step of the restoration had no effect.");
            }
            step = following;
        }
        finish(definition);
    }

    private RestoreStep next(Definition definition) throws SQLException {
        return session.inTransaction(
                _ ->
                        session.objects(definition.table())
                                .map(found -> RestoreStep.next(definition, found))
                                .orElseThrow(() -> missingTable(definition)));
    }

    private void create(Definition definition) throws SQLException {
        switch (definition.kind()) {
            case INDEX -> {
                session.execute(
                        "SELECT pg_catalog.set_config('default_tablespace', "
                                + Identifier.literal(definition.tablespace())
                                + ", false)");
                // No lock timeout: it waits for locks and transactions that stop nobody, and a
                // timeout would leave an invalid index.
                session.execute(RestoreStep.Sql.create(definition));
            }
            case FOREIGN_KEY ->
                    session.inTransaction(
                            _ -> {
                                session.execute(RestoreStep.Sql.create(definition));
                                return true;
                            });
        }
    }

    /// The session of a killed process may still be creating the index.
    private void remove(Definition index) throws SQLException {
        Optional<String> builder = session.builderOf(RestoreStep.Sql.index(index));
        if (builder.isPresent()) {
            throw new IndexFailure(
                    new Failure.Retry(
                            "session %s still creates %s; Millrace waits until it ends"
                                    .formatted(builder.get(), index.described())));
        }
        session.execute(RestoreStep.Sql.dropInvalid(index));
    }

    /// An invalid index costs every write, so it is not left until the next attempt.
    private void removeInvalid(Definition definition) throws SQLException {
        if (definition.kind() == Kind.INDEX && next(definition) instanceof RestoreStep.Remove) {
            session.execute(RestoreStep.Sql.dropInvalid(definition));
        }
    }

    private void finish(Definition definition) throws SQLException {
        session.inTransaction(
                connection -> {
                    for (String statement : RestoreStep.Sql.finish(definition)) {
                        session.execute(statement);
                    }
                    store.restored(connection, definition);
                    store.note(
                            connection,
                            "CATCHING_UP",
                            "restore-index",
                            "created again: " + definition.described());
                    return true;
                });
    }

    private static IndexFailure missingTable(Definition definition) {
        return new IndexFailure(
                new Failure.OperatorNeeded(
                        "the table of %s does not exist".formatted(definition.described()),
                        giveUp(definition)));
    }

    private static IndexFailure conflict(Definition definition, String reason) {
        return new IndexFailure(
                new Failure.OperatorNeeded(
                        "%s cannot be created again, because the table has another object of this name: %s"
                                .formatted(definition.described(), reason),
                        "Drop or rename that object. " + giveUp(definition)));
    }

    private static IndexFailure failure(Definition definition, SQLException cause) {
        Failure failure = FailureClassifier.of(cause);
        String reason =
                "%s could not be created again: %s"
                        .formatted(definition.described(), Reason.of(cause));
        if (failure instanceof Failure.Retry) {
            return new IndexFailure(new Failure.Retry(reason), cause);
        }
        String remedy =
                SqlState.FOREIGN_KEY_VIOLATION.matches(cause)
                        ? "Rows refer to rows that do not exist on the target: replicate or correct them; Millrace tries again. "
                        : "Remove the cause; Millrace tries again. ";
        return new IndexFailure(
                new Failure.OperatorNeeded(reason, remedy + giveUp(definition)), cause);
    }

    /// How to do without the object.
    private static String giveUp(Definition definition) {
        return "To do without it, run: DELETE FROM millrace.dropped_definition WHERE table_schema = %s AND table_name = %s AND name = %s;"
                .formatted(
                        Identifier.literal(definition.table().schema()),
                        Identifier.literal(definition.table().name()),
                        Identifier.literal(definition.name()));
    }
}
