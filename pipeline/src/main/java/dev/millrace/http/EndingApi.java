package dev.millrace.http;

import dev.millrace.approval.Approval;
import dev.millrace.approval.Approvals.Asked;
import dev.millrace.ending.Ending;
import dev.millrace.ending.Ending.Kind;
import dev.millrace.ending.MigrationEnd.EndRequest;
import dev.millrace.http.access.AccessMode;
import dev.millrace.switchover.Operation;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

/// The ends of the migration under `/api/v1/`. Thread-safe.
@RestController
@RequestMapping(path = "/api/v1", produces = MediaType.APPLICATION_JSON_VALUE)
public final class EndingApi {

    private final MigrationHost host;

    private final Consent consent;

    EndingApi(MigrationHost host, AccessMode mode) {
        this.host = host;
        this.consent = new Consent(host, mode);
    }

    /// @param force names of gates that may be closed if they can be forced
    /// @param who the operator, for the journal
    /// @param renameOld suffix that the old source tables get in the end; only of `complete`
    record Body(
            @Nullable Boolean dryRun,
            @Nullable List<@Nullable String> force,
            @Nullable String reason,
            @Nullable String who,
            @Nullable String expectedPhase,
            @Nullable String renameOld) {}

    /// @param operation `null` while the request waits for another approver
    /// @param approval how the request waits; `null` if it need not
    record Reply(@Nullable Ending operation, @Nullable Approval approval) {}

    /// Ends the migration before a switchover, and removes what it created.
    @PostMapping("/abort")
    ResponseEntity<Reply> abort(
            @RequestBody Body body,
            @RequestHeader(name = "Idempotency-Key") Optional<String> requestKey) {
        return end(Kind.ABORT, body, requestKey);
    }

    /// Ends the migration after a switchover, and removes what it created. There is no way back.
    @PostMapping("/complete")
    ResponseEntity<Reply> complete(
            @RequestBody Body body,
            @RequestHeader(name = "Idempotency-Key") Optional<String> requestKey) {
        return end(Kind.COMPLETE, body, requestKey);
    }

    private ResponseEntity<Reply> end(Kind kind, Body body, Optional<String> requestKey) {
        boolean dryRun = Boolean.TRUE.equals(body.dryRun());
        if (!dryRun) {
            Consent.requireApprover();
        }
        Optional<String> reason = JournalText.of("reason", body.reason());
        boolean waits = !dryRun && consent.isOfTwo();
        EndRequest asked =
                new EndRequest(
                        kind,
                        // Refuses at once what cannot be done by anybody.
                        dryRun || waits,
                        JournalText.forced(body.force(), reason),
                        reason.orElse(""),
                        JournalText.who(body.who()),
                        Optional.ofNullable(body.expectedPhase()),
                        renameOld(kind, body),
                        JournalText.requestKey(requestKey));
        Ending ending = host.endForChange().end(asked);
        Reply reply =
                waits && ending.state() == Operation.State.DRY_RUN
                        ? new Reply(null, consent.ask(asked(asked)))
                        : new Reply(ending, null);
        return ResponseEntity.status(dryRun ? HttpStatus.OK : HttpStatus.ACCEPTED).body(reply);
    }

    private static Asked asked(EndRequest request) {
        return new Asked(
                request.kind().id(),
                request.forced(),
                request.reason(),
                request.expectedPhase(),
                request.renameOld(),
                request.requestKey());
    }

    private static Optional<String> renameOld(Kind kind, Body body) {
        Optional<String> suffix = JournalText.of("renameOld", body.renameOld());
        if (suffix.isPresent() && kind == Kind.ABORT) {
            throw JournalText.invalid(
                    "'renameOld' is only possible with complete: after an abort the application stays on the source.");
        }
        return suffix;
    }
}
