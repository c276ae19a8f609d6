package dev.millrace.http;

import dev.millrace.http.Problems.ProblemException;
import dev.millrace.repair.Repair;
import dev.millrace.repair.Repair.Action;
import dev.millrace.repair.RepairControl;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/// Repairs rows of the target: `POST /api/v1/repair`. The operation, also a dry run, goes on after
/// the reply; ask for it with `GET operations/{id}`, and for its keys with `GET
/// operations/{id}/keys`. Thread-safe.
@RestController
@RequestMapping(path = "/api/v1", produces = MediaType.APPLICATION_JSON_VALUE)
public final class RepairApi {

    private static final String PAGE = "1000";
    private static final int MAX_PAGE = 10_000;

    private final MigrationHost host;

    RepairApi(MigrationHost host) {
        this.host = host;
    }

    /// @param tables target tables as `schema.name`; absent or empty for all
    /// @param only of `insert`, `update` and `delete`; absent or empty for all
    /// @param limit keys that are repaired at most
    /// @param cancel ends the repair that runs
    /// @param who the operator, for the journal
    record Body(
            @Nullable List<@Nullable String> tables,
            @Nullable List<@Nullable String> only,
            @Nullable Long limit,
            @Nullable Long rowsPerSecond,
            @Nullable Boolean dryRun,
            @Nullable Boolean cancel,
            @Nullable String reason,
            @Nullable String who,
            @Nullable String expectedPhase) {}

    record Reply(Repair operation) {}

    /// @param next for `after` of the next page; `null` after the last key
    record Keys(List<Repair.Key> keys, @Nullable Long next) {}

    /// Repairs the rows of the target that differ, or lists them.
    @PostMapping("/repair")
    ResponseEntity<Reply> repair(
            @RequestBody Body body,
            @RequestHeader(name = "Idempotency-Key") Optional<String> requestKey) {
        boolean dryRun = Boolean.TRUE.equals(body.dryRun());
        boolean cancel = Boolean.TRUE.equals(body.cancel());
        Optional<String> reason = JournalText.of("reason", body.reason());
        if (dryRun && cancel) {
            throw JournalText.invalid("'dryRun' and 'cancel' exclude each other.");
        }
        if (!dryRun && !cancel && reason.isEmpty()) {
            throw JournalText.invalid("'reason' is missing. Say why rows are repaired.");
        }
        List<String> tables = texts("tables", body.tables());
        Set<Action> only = only(body.only());
        OptionalLong limit = positive("limit", body.limit());
        OptionalLong rowsPerSecond = positive("rowsPerSecond", body.rowsPerSecond());
        RepairControl repairs = host.controlForChange().repairs();
        Optional<String> who = JournalText.who(body.who());
        Repair operation =
                cancel
                        ? repairs.cancel(who, reason.orElse(""))
                        : repairs.request(
                                new Repair.Request(
                                        tables,
                                        only,
                                        limit,
                                        rowsPerSecond,
                                        dryRun,
                                        reason.orElse(""),
                                        who,
                                        Optional.ofNullable(body.expectedPhase()),
                                        JournalText.requestKey(requestKey)));
        return ResponseEntity.accepted().body(new Reply(operation));
    }

    private static List<String> texts(String name, @Nullable List<@Nullable String> given) {
        List<@Nullable String> texts = given == null ? List.of() : given;
        if (texts.stream().anyMatch(text -> text == null || text.isBlank())) {
            throw JournalText.invalid("A name in '%s' is empty.".formatted(name));
        }
        return texts.stream().map(String::valueOf).toList();
    }

    private static Set<Action> only(@Nullable List<@Nullable String> given) {
        Set<Action> only = EnumSet.noneOf(Action.class);
        for (String name : texts("only", given)) {
            only.add(
                    Action.of(name)
                            .orElseThrow(
                                    () ->
                                            JournalText.invalid(
                                                    "'only' must contain \"insert\", \"update\" or"
                                                            + " \"delete\".")));
        }
        return only;
    }

    private static OptionalLong positive(String name, @Nullable Long given) {
        if (given == null) {
            return OptionalLong.empty();
        }
        if (given < 1) {
            throw JournalText.invalid("'%s' must be 1 or more.".formatted(name));
        }
        return OptionalLong.of(given);
    }

    /// The last repairs and dry runs, the newest first.
    @GetMapping("/repairs")
    List<Repair.Summary> repairs() {
        return host.control().repairs().recent();
    }

    /// The keys of a repair, in pages.
    @GetMapping("/operations/{id}/keys")
    Keys keys(
            @PathVariable String id,
            @RequestParam(defaultValue = "0") long after,
            @RequestParam(defaultValue = PAGE) int limit) {
        UUID known = SwitchoverApi.uuid(id);
        if (after < 0) {
            throw JournalText.invalid("Invalid 'after'. Use the number of a key, or 0.");
        }
        if (limit < 1 || limit > MAX_PAGE) {
            throw JournalText.invalid(
                    "Invalid limit. Use a number from 1 to %d.".formatted(MAX_PAGE));
        }
        RepairControl repairs = host.control().repairs();
        if (repairs.find(known).isEmpty()) {
            throw new ProblemException(
                    Problems.of(
                            HttpStatus.NOT_FOUND,
                            "Repair not found",
                            "This migration has no repair "
                                    + id
                                    + ". Use the id of a reply of POST /api/v1/repair."));
        }
        List<Repair.Key> keys = repairs.keys(known, after, limit);
        return new Keys(keys, keys.size() < limit ? null : keys.getLast().number());
    }
}
