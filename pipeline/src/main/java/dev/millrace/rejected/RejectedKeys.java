package dev.millrace.rejected;

import dev.millrace.apply.refusal.KeyRequest;
import dev.millrace.capture.position.PausedTables;
import dev.millrace.capture.position.TablePause;
import dev.millrace.change.TableId;
import dev.millrace.control.JournalStore;
import dev.millrace.control.ParkedKeyReader;
import dev.millrace.control.ParkedKeys;
import dev.millrace.control.ParkedKeys.ParkedKey;
import dev.millrace.control.stopped.StoppedTables;
import dev.millrace.lifecycle.ComponentState;
import dev.millrace.mapping.Mapping;
import dev.millrace.postgres.Database.DatabaseFailure;
import dev.millrace.reconcile.ShownRows;
import dev.millrace.rejected.RejectedChange.Action;
import dev.millrace.rejected.RejectedChange.Outcome;
import dev.millrace.replication.LiveStream;
import dev.millrace.replication.RefusedException;
import dev.millrace.stream.ReplicationStream;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;

/// The keys of one running stream whose changes were set aside, and its stopped tables.
/// Thread-safe.
///
/// @param live the stream that carries the application's changes
/// @param rows what may be shown of the rows of this stream
/// @param phase the name of the migration's phase
/// @param service who the journal names if a client gives no name
public record RejectedKeys(LiveStream live, ShownRows rows, String phase, String service) {

    /// The changes of many keys take a while; a client waits a minute for its answer.
    private static final Duration PATIENCE = Duration.ofSeconds(50);

    private static final String STOPPING =
            "Apply is stopping; it may have completed the request. Start the service, then check"
                    + " 'millrace rejected list'";

    @FunctionalInterface
    private interface Reading<T> {
        T read(ParkedKeyReader keys) throws SQLException;
    }

    /// The keys, the oldest first, without the changes.
    ///
    /// @param table as `schema.name`; empty for all
    public List<RejectedKey> list(Optional<String> table, int most) {
        return read(keys -> keys.list(table.orElse(""), most)).stream().map(this::shown).toList();
    }

    /// A key with the changes that wait; empty if none has the id.
    public Optional<RejectedKey.Detail> find(long id) {
        return read(
                keys -> {
                    Optional<ParkedKey> found = keys.find(id);
                    if (found.isEmpty()) {
                        return Optional.empty();
                    }
                    return Optional.of(
                            new RejectedKey.Detail(
                                    shown(found.get()),
                                    keys.changes(id).stream()
                                            .map(change -> RejectedKey.Change.of(change, rows))
                                            .toList()));
                });
    }

    /// Applies or drops what waits.
    ///
    /// @throws RefusedException when that is not possible now
    public Outcome change(RejectedChange change) {
        RefusedException.ifWrongPhase(phase, change.expectedPhase());
        if (change.action() == Action.SKIP && change.reason().isBlank()) {
            throw new RefusedException(
                    "A key is skipped only for a reason, which the journal keeps. Add --reason");
        }
        if (change.action() == Action.SKIP && change.ids().isEmpty()) {
            throw new RefusedException(
                    "Keys are skipped one by one. Name their ids; see 'millrace rejected list'");
        }
        return change.dryRun() ? expected(change) : made(change);
    }

    /// Lets a stopped table continue: with its keys that wait, then with what it missed.
    ///
    /// @return what happens, for the operator
    /// @throws RefusedException when the table does not continue
    public String resume(TableChange change) {
        RefusedException.ifWrongPhase(phase, change.expectedPhase());
        TableId table =
                stream().tables().targetIds().stream()
                        .map(TableId::whole)
                        .filter(target -> target.toString().equals(change.table()))
                        .findFirst()
                        .orElseThrow(
                                () ->
                                        new RefusedException(
                                                "The migration has no target table '%s'. See 'millrace status' for their names"
                                                        .formatted(change.table())));
        Optional<StoppedTables.Counted> stop =
                live.lag().stops().stream()
                        .filter(counted -> counted.table().table().equals(table))
                        .findFirst();
        if (change.dryRun()) {
            refusal(table, stop, change.acceptSchema())
                    .ifPresent(
                            why -> {
                                throw new RefusedException(why);
                            });
            return stop.filter(counted -> !counted.continues())
                    .map(_ -> "table %s would continue".formatted(table))
                    .orElseThrow(
                            () ->
                                    new RefusedException(
                                            "Table %s is not stopped, or continues already. See 'millrace status'"
                                                    .formatted(table)));
        }
        String who = who(change.who());
        journal(
                change.acceptSchema() ? "table-accept-schema" : "table-resume",
                table.toString(),
                change.reason(),
                who);
        if (change.acceptSchema()) {
            acceptSchema(table, stop.flatMap(StoppedTables.Counted::sourceChange).isPresent());
        }
        KeyRequest.Outcome outcome = answer(new KeyRequest.Resume(table));
        if (outcome.refusal().isPresent()) {
            throw new RefusedException(outcome.refusal().get());
        }
        return "table %s continues: it applies what it missed, and stops again if the cause remains. See 'millrace status'"
                .formatted(table);
    }

    /// What would refuse the request because the source table has changed.
    private Optional<String> refusal(
            TableId target, Optional<StoppedTables.Counted> stop, boolean acceptSchema) {
        Optional<String> change = stop.flatMap(StoppedTables.Counted::sourceChange);
        if (change.isEmpty()) {
            return Optional.empty();
        }
        Map<TableId, TablePause.Change> paused = live.stream().capture().paused().changes();
        Optional<String> refused =
                stream().tables().mappings().stream()
                        .filter(mapping -> mapping.target().table().whole().equals(target))
                        .map(Mapping::source)
                        .flatMap(
                                source ->
                                        Optional.ofNullable(paused.get(source))
                                                .filter(found -> !found.remedy().isAcceptable())
                                                .map(found -> found.text(source, target))
                                                .stream())
                        .findFirst();
        if (refused.isPresent()) {
            return refused;
        }
        return acceptSchema
                ? Optional.empty()
                : Optional.of(
                        "The source table of %s has changed (%s). Check that the target accepts the values, then add --accept-schema"
                                .formatted(target, change.get()));
    }

    /// Returns when the log has the definition, from which on a restart expects it.
    private void acceptSchema(TableId target, boolean hasChanged) {
        PausedTables paused = live.stream().capture().paused();
        Set<TableId> changed = paused.changes().keySet();
        if (hasChanged && changed.isEmpty()) {
            throw new RefusedException(
                    "Capture has not compared the source table yet. Wait until 'millrace status'"
                            + " shows it streaming, then run the command again");
        }
        for (Mapping mapping : stream().tables().mappings()) {
            if (mapping.target().table().whole().equals(target)
                    && changed.contains(mapping.source())) {
                Optional<String> refusal =
                        await(paused.accept(mapping.source(), target), "Capture");
                if (refusal.isPresent()) {
                    throw new RefusedException(refusal.get());
                }
            }
        }
    }

    private Outcome expected(RejectedChange change) {
        Set<Long> waiting =
                read(ParkedKeyReader::open).stream().map(ParkedKey::id).collect(Collectors.toSet());
        Set<Long> chosen = change.ids().isEmpty() ? waiting : change.ids();
        Map<Long, String> unknown = new TreeMap<>();
        chosen.stream()
                .filter(id -> !waiting.contains(id))
                .forEach(id -> unknown.put(id, "No key with this id waits."));
        List<Long> known = chosen.stream().filter(waiting::contains).sorted().toList();
        return new Outcome(text(change.action(), known.size(), unknown.size()), known, unknown);
    }

    private String who(Optional<String> client) {
        return client.orElse(service);
    }

    private Outcome made(RejectedChange change) {
        String who = who(change.who());
        journal("rejected-" + change.action().word(), keys(change), change.reason(), who);
        KeyRequest.Outcome outcome =
                answer(
                        switch (change.action()) {
                            case RETRY -> new KeyRequest.Retry(change.ids());
                            case SKIP -> new KeyRequest.Skip(change.ids(), who, change.reason());
                        });
        return new Outcome(
                text(change.action(), outcome.done().size(), outcome.refused().size()),
                outcome.done().stream().sorted().toList(),
                outcome.refused());
    }

    private static String keys(RejectedChange change) {
        return change.ids().isEmpty()
                ? "all keys"
                : (change.ids().size() == 1 ? "key " : "keys ")
                        + change.ids().stream()
                                .sorted()
                                .map(String::valueOf)
                                .collect(Collectors.joining(", "));
    }

    private void journal(String event, String what, String reason, String who) {
        try {
            new JournalStore(stream().control(), stream().id(), who)
                    .event(phase, event, what, reason);
        } catch (SQLException e) {
            throw new DatabaseFailure("The journal cannot be written.", e);
        }
    }

    private KeyRequest.Outcome answer(KeyRequest request) {
        if (live.stream().applier().state() instanceof ComponentState.Failed failed) {
            throw new RefusedException(
                    "Apply has failed: %s. Remove the cause and start the service again, then run the command again"
                            .formatted(failed.text()));
        }
        if (live.stream().applier().state().isRunning(ComponentState.Activity.PAUSED)) {
            throw new RefusedException(
                    "Apply is paused, so nothing is written to the target. Run 'millrace status' to see why and how it continues, then run the command again");
        }
        return await(live.stream().applier().ask(request), "Apply");
    }

    private static <T> T await(CompletableFuture<T> answer, String component) {
        try {
            return answer.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        } catch (TimeoutException _) {
            answer.cancel(false);
            throw new RefusedException(
                    "%s has not answered within %d s; it may still complete the request. Check 'millrace status' and 'millrace rejected list', then run the command again"
                            .formatted(component, PATIENCE.toSeconds()));
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            answer.cancel(false);
            throw new RefusedException(STOPPING);
        } catch (CancellationException _) {
            throw new RefusedException(STOPPING);
        } catch (ExecutionException e) {
            throw new IllegalStateException("A request is completed only with an outcome.", e);
        }
    }

    private static String text(Action action, int done, int refused) {
        String what =
                switch (action) {
                    case RETRY -> "%d keys applied, %d still wait".formatted(done, refused);
                    case SKIP -> "%d keys skipped, %d not found".formatted(done, refused);
                };
        return refused > 0 && action == Action.RETRY
                ? what + "; see 'millrace rejected list'"
                : what;
    }

    private RejectedKey shown(ParkedKey parked) {
        return RejectedKey.of(parked, keyColumns(parked.table()), rows);
    }

    /// Empty if no mapping writes the table any more.
    private List<String> keyColumns(TableId table) {
        return stream().tables().mappings().stream()
                .filter(mapping -> mapping.target().table().equals(table))
                .findFirst()
                .map(mapping -> mapping.target().keyColumns())
                .orElse(List.of());
    }

    private ReplicationStream stream() {
        return live.with().stream();
    }

    private <T> T read(Reading<T> reading) {
        try {
            return reading.read(
                    new ParkedKeyReader(
                            new ParkedKeys(stream().id()),
                            stream().control(),
                            live.generation().number()));
        } catch (SQLException e) {
            throw new DatabaseFailure("The rejected keys cannot be read.", e);
        }
    }
}
