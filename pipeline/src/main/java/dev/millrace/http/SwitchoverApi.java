package dev.millrace.http;

import dev.millrace.approval.Approval;
import dev.millrace.approval.Approvals.Asked;
import dev.millrace.http.Problems.ProblemException;
import dev.millrace.http.access.AccessMode;
import dev.millrace.migration.MigrationControl.Resolution;
import dev.millrace.switchover.Operation;
import dev.millrace.switchover.Operation.Kind;
import dev.millrace.switchover.SwitchoverRequest;
import dev.millrace.switchover.SwitchoverRequest.Action;
import java.util.List;
import java.util.Optional;
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
import org.springframework.web.bind.annotation.RestController;

/// The moves of the traffic under `/api/v1/`. Thread-safe.
@RestController
@RequestMapping(path = "/api/v1", produces = MediaType.APPLICATION_JSON_VALUE)
public final class SwitchoverApi {

    private final MigrationHost host;

    private final Consent consent;

    SwitchoverApi(MigrationHost host, AccessMode mode) {
        this.host = host;
        this.consent = new Consent(host, mode);
    }

    /// @param cancel go back while that is possible
    /// @param force names of gates that may be closed if they can be forced
    /// @param who the operator, for the journal
    record Body(
            @Nullable Boolean dryRun,
            @Nullable Boolean cancel,
            @Nullable List<@Nullable String> force,
            @Nullable String reason,
            @Nullable String who,
            @Nullable String expectedPhase) {}

    /// @param answer `routed` or `not-routed`
    record Answer(
            @Nullable Boolean dryRun,
            @Nullable String answer,
            @Nullable String reason,
            @Nullable String who,
            @Nullable String expectedPhase) {}

    /// @param operation `null` while the request waits for another approver
    /// @param approval how the request waits; `null` if it need not
    record Reply(@Nullable Operation operation, @Nullable Approval approval) {}

    /// Moves the application's writes to the target, if every gate is open.
    @PostMapping("/switchover")
    ResponseEntity<Reply> switchover(
            @RequestBody Body body,
            @RequestHeader(name = "Idempotency-Key") Optional<String> requestKey) {
        return move(Kind.SWITCHOVER, body, requestKey);
    }

    /// Moves the writes back to the source.
    @PostMapping("/rollback")
    ResponseEntity<Reply> rollback(
            @RequestBody Body body,
            @RequestHeader(name = "Idempotency-Key") Optional<String> requestKey) {
        return move(Kind.ROLLBACK, body, requestKey);
    }

    private ResponseEntity<Reply> move(Kind kind, Body body, Optional<String> requestKey) {
        boolean dryRun = Boolean.TRUE.equals(body.dryRun());
        boolean cancel = Boolean.TRUE.equals(body.cancel());
        if (!dryRun && !cancel) {
            Consent.requireApprover();
        }
        Optional<String> reason = JournalText.of("reason", body.reason());
        SwitchoverRequest asked =
                new SwitchoverRequest(
                        kind,
                        action(dryRun, cancel),
                        JournalText.forced(body.force(), reason),
                        reason.orElse(""),
                        JournalText.who(body.who()),
                        Optional.ofNullable(body.expectedPhase()),
                        JournalText.requestKey(requestKey));
        return asked.action() == Action.MOVE && consent.isOfTwo()
                ? ask(asked)
                : reply(dryRun, host.controlForChange().move(asked));
    }

    /// Refuses at once what has the wrong phase. A closed gate may open until the approval, so it
    /// is judged then. Answers the operation if the request has begun it before.
    private ResponseEntity<Reply> ask(SwitchoverRequest asked) {
        Operation tried = host.controlForChange().move(asked.as(Action.DRY_RUN));
        return tried.state() == Operation.State.DRY_RUN
                ? ResponseEntity.accepted()
                        .body(
                                new Reply(
                                        null,
                                        consent.ask(
                                                new Asked(
                                                        asked.kind().id(),
                                                        asked.forced(),
                                                        asked.reason(),
                                                        asked.expectedPhase(),
                                                        Optional.empty(),
                                                        asked.requestKey()))))
                : reply(false, tried);
    }

    /// Answers whether the application was routed, which an unresolved operation asks.
    @PostMapping("/resolve")
    ResponseEntity<Reply> resolve(@RequestBody Answer body) {
        boolean dryRun = Boolean.TRUE.equals(body.dryRun());
        if (!dryRun) {
            Consent.requireApprover();
        }
        boolean routed = isRouted(body.answer());
        String reason =
                JournalText.of("reason", body.reason())
                        .orElseThrow(
                                () ->
                                        JournalText.invalid(
                                                "'reason' is missing. Say how you know the answer."));
        Operation operation =
                host.controlForChange()
                        .resolve(
                                new Resolution(
                                        routed,
                                        dryRun,
                                        reason,
                                        JournalText.who(body.who()),
                                        Optional.ofNullable(body.expectedPhase())));
        return reply(dryRun, operation);
    }

    /// 202: the operation goes on after the reply.
    private static ResponseEntity<Reply> reply(boolean dryRun, Operation operation) {
        return ResponseEntity.status(dryRun ? HttpStatus.OK : HttpStatus.ACCEPTED)
                .body(new Reply(operation, null));
    }

    private static boolean isRouted(@Nullable String answer) {
        return switch (answer) {
            case "routed" -> true;
            case "not-routed" -> false;
            case null, default ->
                    throw JournalText.invalid("'answer' must be \"routed\" or \"not-routed\".");
        };
    }

    /// An operation that was begun at any time.
    @GetMapping("/operations/{id}")
    Object operation(@PathVariable String id) {
        UUID known = uuid(id);
        return host.ending(known)
                .<Object>map(ending -> ending)
                .or(() -> host.control().operation(known))
                .or(() -> host.control().rebackfill(known))
                .or(() -> host.control().repairs().find(known))
                .orElseThrow(
                        () ->
                                new ProblemException(
                                        Problems.of(
                                                HttpStatus.NOT_FOUND,
                                                "Operation not found",
                                                "This migration has no operation "
                                                        + id
                                                        + ". Use the id of a reply.")));
    }

    static UUID uuid(String id) {
        try {
            return UUID.fromString(id);
        } catch (IllegalArgumentException _) {
            throw JournalText.invalid(
                    "The id in the path is not a UUID. Use the id of a reply, as"
                            + " GET /api/v1/operations/{id}.");
        }
    }

    private static Action action(boolean dryRun, boolean cancel) {
        if (dryRun && cancel) {
            throw JournalText.invalid("'dryRun' and 'cancel' exclude each other.");
        }
        return dryRun ? Action.DRY_RUN : cancel ? Action.CANCEL : Action.MOVE;
    }
}
