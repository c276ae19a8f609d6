package dev.millrace.http;

import dev.millrace.http.Problems.ProblemException;
import dev.millrace.rejected.RejectedChange;
import dev.millrace.rejected.RejectedChange.Action;
import dev.millrace.rejected.RejectedKey;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/// The keys whose changes wait, under `/api/v1/rejected`. A change has taken effect when the
/// response arrives. Thread-safe.
@RestController
@RequestMapping(path = "/api/v1/rejected", produces = MediaType.APPLICATION_JSON_VALUE)
public final class RejectedApi {

    private static final String MOST = "1000";

    private final MigrationHost host;

    RejectedApi(MigrationHost host) {
        this.host = host;
    }

    /// @param ids of the keys; only for a request without an id in its path
    /// @param all every key that waits; only to retry
    /// @param who the operator, for the journal
    record Change(
            @Nullable List<@Nullable Long> ids,
            @Nullable Boolean all,
            @Nullable String reason,
            @Nullable String who,
            @Nullable String expectedPhase,
            @Nullable Boolean dryRun) {}

    record Keys(List<RejectedKey> rejected) {}

    /// @param refused why other keys wait on, by their ids
    record Answer(Operation operation, List<Long> done, Map<Long, String> refused) {}

    /// @param state `done`, or `dryRun` when nothing was changed
    record Operation(String kind, String state, String outcome) {}

    /// The keys whose changes wait, the oldest first.
    @GetMapping
    Keys list(@RequestParam Optional<String> table, @RequestParam(defaultValue = MOST) int limit) {
        if (limit < 1) {
            throw JournalText.invalid("Invalid limit. Use a number from 1.");
        }
        return new Keys(host.control().rejected().list(table, limit));
    }

    /// A key with the changes that wait.
    @GetMapping("/{id}")
    RejectedKey.Detail show(@PathVariable String id) {
        return host.control().rejected().find(id(id)).orElseThrow(() -> unknown(id));
    }

    /// Applies the changes of several keys that wait.
    @PostMapping("/retry")
    Answer retry(@RequestBody Change change) {
        return take(Action.RETRY, ids(change), change);
    }

    /// Drops the changes of several keys that wait.
    @PostMapping("/skip")
    Answer skip(@RequestBody Change change) {
        return take(Action.SKIP, ids(change), change);
    }

    /// Applies the changes of a key that wait.
    @PostMapping("/{id}/retry")
    Answer retry(@PathVariable String id, @RequestBody Change change) {
        return take(Action.RETRY, only(id), change);
    }

    /// Drops the changes of a key that wait.
    @PostMapping("/{id}/skip")
    Answer skip(@PathVariable String id, @RequestBody Change change) {
        return take(Action.SKIP, only(id), change);
    }

    private Set<Long> only(String id) {
        long known = id(id);
        if (host.control().rejected().find(known).isEmpty()) {
            throw unknown(id);
        }
        return Set.of(known);
    }

    private static Set<Long> ids(Change change) {
        List<@Nullable Long> ids = change.ids() == null ? List.of() : change.ids();
        if (ids.isEmpty() != Boolean.TRUE.equals(change.all())) {
            throw JournalText.invalid(
                    "Send either the ids of keys, {\"ids\": [1]}, or {\"all\": true}.");
        }
        if (ids.stream().anyMatch(id -> id == null)) {
            throw JournalText.invalid("An id is null. Send the ids of keys.");
        }
        return Set.copyOf(ids.stream().map(id -> id == null ? 0L : id).toList());
    }

    private Answer take(Action action, Set<Long> ids, Change change) {
        RejectedChange asked =
                new RejectedChange(
                        action,
                        ids,
                        JournalText.of("reason", change.reason()).orElse(""),
                        JournalText.who(change.who()),
                        Optional.ofNullable(change.expectedPhase()),
                        Boolean.TRUE.equals(change.dryRun()));
        RejectedChange.Outcome outcome = host.controlForChange().rejected().change(asked);
        return new Answer(
                new Operation(
                        "rejected-" + action.word(),
                        asked.dryRun() ? "dryRun" : "done",
                        outcome.text()),
                outcome.done(),
                new TreeMap<>(outcome.refused()));
    }

    private static long id(String id) {
        try {
            return Long.parseLong(id);
        } catch (NumberFormatException _) {
            throw unknown(id);
        }
    }

    private static ProblemException unknown(String id) {
        return new ProblemException(
                Problems.of(
                        HttpStatus.NOT_FOUND,
                        "Key not found",
                        "No rejected key has the id '"
                                + id
                                + "'. See GET /api/v1/rejected. A key that was applied is no longer"
                                + " listed."));
    }
}
