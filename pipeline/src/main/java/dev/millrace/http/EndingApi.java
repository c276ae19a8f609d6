package dev.millrace.http;

import dev.millrace.ending.Ending;
import dev.millrace.ending.Ending.Kind;
import dev.millrace.ending.MigrationEnd.EndRequest;
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

    EndingApi(MigrationHost host) {
        this.host = host;
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

    record Reply(Ending operation) {}

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
        Ending ending =
                host.endForChange()
                        .end(
                                new EndRequest(
                                        kind,
                                        dryRun,
                                        JournalText.forced(body.force(), reason),
                                        reason.orElse(""),
                                        JournalText.who(body.who()),
                                        Optional.ofNullable(body.expectedPhase()),
                                        renameOld(kind, body),
                                        JournalText.requestKey(requestKey)));
        return ResponseEntity.status(dryRun ? HttpStatus.OK : HttpStatus.ACCEPTED)
                .body(new Reply(ending));
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
