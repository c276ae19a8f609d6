package dev.millrace.http;

import dev.millrace.approval.Approval;
import dev.millrace.approval.Approvals.Asked;
import dev.millrace.ending.Ending;
import dev.millrace.ending.MigrationEnd;
import dev.millrace.ending.MigrationEnd.EndRequest;
import dev.millrace.http.Problems.ProblemException;
import dev.millrace.migration.MigrationControl;
import dev.millrace.replication.RefusedException;
import dev.millrace.switchover.Operation.Kind;
import dev.millrace.switchover.SwitchoverRequest;
import dev.millrace.switchover.SwitchoverRequest.Action;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

/// The requests that wait for another person, under `/api/v1/approvals`. Thread-safe.
@RestController
@RequestMapping(path = "/api/v1/approvals", produces = MediaType.APPLICATION_JSON_VALUE)
public final class ApprovalApi {

    private static final String WITHDRAWN = "the request is withdrawn; nothing has begun";

    private final MigrationHost host;

    ApprovalApi(MigrationHost host) {
        this.host = host;
    }

    /// @param dryRun only check that the request waits
    /// @param who the operator, for the journal; counts only without `access` in the file
    record Body(
            @Nullable Boolean dryRun,
            @Nullable String reason,
            @Nullable String who,
            @Nullable String expectedPhase) {}

    record Waiting(List<Approval> approvals) {}

    /// @param operation what has begun, which `GET /api/v1/operations/{id}` shows
    record Reply(Begun operation) {}

    /// @param id `null` after a dry run
    /// @param kind of the request, such as `switchover`
    /// @param state `dryRun` or `withdrawn` if nothing has begun
    record Begun(@Nullable UUID id, String kind, String state, @Nullable String outcome) {}

    /// The requests that wait for another approver, the oldest first.
    @GetMapping
    Waiting list() {
        return new Waiting(host.approvals().pending());
    }

    /// Approves a request that another person has made, and begins what it asks for.
    @PostMapping("/{id}/approve")
    ResponseEntity<Reply> approve(@PathVariable String id, @RequestBody Body body) {
        Consent.requireApprover();
        Approval waiting = waiting(id);
        String phase = phase(body);
        if (Boolean.TRUE.equals(body.dryRun())) {
            return ResponseEntity.ok(reply(null, waiting.kind(), "dryRun", waiting.warning()));
        }
        // Taken before: an approval must not be used up because the service stops.
        MigrationControl control = host.controlForChange();
        MigrationEnd end = host.endForChange();
        Reply reply =
                host.approvals()
                        .approve(
                                waiting.id(),
                                Consent.person(),
                                JournalText.of("reason", body.reason()).orElse(""),
                                phase,
                                (asked, who) -> begin(control, end, asked, who));
        return ResponseEntity.status(HttpStatus.ACCEPTED).body(reply);
    }

    /// Ends the wait of a request. Nothing begins.
    @PostMapping("/{id}/withdraw")
    Reply withdraw(@PathVariable String id, @RequestBody Body body) {
        Approval waiting = waiting(id);
        String phase = phase(body);
        if (Boolean.TRUE.equals(body.dryRun())) {
            return reply(null, waiting.kind(), "dryRun", WITHDRAWN);
        }
        host.approvals()
                .withdraw(
                        waiting.id(),
                        Consent.person(),
                        JournalText.of("reason", body.reason()).orElse(""),
                        phase);
        return reply(null, waiting.kind(), "withdrawn", WITHDRAWN);
    }

    private static Reply begin(
            MigrationControl control, MigrationEnd end, Asked asked, String who) {
        Optional<Kind> move =
                Stream.of(Kind.values()).filter(kind -> kind.id().equals(asked.kind())).findFirst();
        if (move.isPresent()) {
            var begun =
                    control.move(
                            new SwitchoverRequest(
                                    move.get(),
                                    Action.MOVE,
                                    asked.forced(),
                                    asked.reason(),
                                    Optional.of(who),
                                    asked.expectedPhase(),
                                    asked.requestKey()));
            return reply(begun.id(), asked.kind(), begun.state().id(), begun.outcome());
        }
        Ending begun =
                end.end(
                        new EndRequest(
                                Ending.Kind.valueOf(asked.kind().toUpperCase(Locale.ROOT)),
                                false,
                                asked.forced(),
                                asked.reason(),
                                Optional.of(who),
                                asked.expectedPhase(),
                                asked.renameOld(),
                                asked.requestKey()));
        return reply(begun.id(), asked.kind(), begun.state().id(), begun.outcome());
    }

    private static Reply reply(
            @Nullable UUID id, String kind, String state, @Nullable String outcome) {
        return new Reply(new Begun(id, kind, state, outcome));
    }

    /// @throws RefusedException in another phase than the expected one
    private String phase(Body body) {
        String phase = host.controlForChange().status().phase();
        RefusedException.ifWrongPhase(phase, Optional.ofNullable(body.expectedPhase()));
        return phase;
    }

    private Approval waiting(String id) {
        UUID known = SwitchoverApi.uuid(id);
        return host.approvals().pending().stream()
                .filter(each -> each.id().equals(known))
                .findFirst()
                .orElseThrow(
                        () ->
                                new ProblemException(
                                        Problems.of(
                                                HttpStatus.NOT_FOUND,
                                                "Request not found",
                                                "No request with this id waits for an approval: it"
                                                        + " was approved, withdrawn, or has expired."
                                                        + " GET /api/v1/approvals lists those that"
                                                        + " wait.")));
    }
}
