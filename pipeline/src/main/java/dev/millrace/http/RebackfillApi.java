package dev.millrace.http;

import dev.millrace.rebackfill.Rebackfill;
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

/// Reads rows again: `POST /api/v1/rebackfill`. The operation goes on after the reply; ask for it
/// with `GET operations/{id}`. Thread-safe.
@RestController
@RequestMapping(path = "/api/v1", produces = MediaType.APPLICATION_JSON_VALUE)
public final class RebackfillApi {

    private final MigrationHost host;

    RebackfillApi(MigrationHost host) {
        this.host = host;
    }

    /// @param table target table as `schema.name`; absent for the whole migration
    /// @param who the operator, for the journal
    record Body(
            @Nullable String table,
            @Nullable Boolean dryRun,
            @Nullable String reason,
            @Nullable String who,
            @Nullable String expectedPhase) {}

    record Reply(Rebackfill operation) {}

    /// Reads the rows of one target table, or of all, again without emptying it.
    @PostMapping("/rebackfill")
    ResponseEntity<Reply> rebackfill(
            @RequestBody Body body,
            @RequestHeader(name = "Idempotency-Key") Optional<String> requestKey) {
        boolean dryRun = Boolean.TRUE.equals(body.dryRun());
        if (body.table() != null && body.table().isBlank()) {
            throw JournalText.invalid(
                    "'table' is empty. Write schema.table, or leave it out to read every table again.");
        }
        Rebackfill operation =
                host.controlForChange()
                        .rebackfill(
                                new Rebackfill.Request(
                                        Optional.ofNullable(body.table()),
                                        JournalText.of("reason", body.reason()).orElse(""),
                                        JournalText.who(body.who()),
                                        Optional.ofNullable(body.expectedPhase()),
                                        JournalText.requestKey(requestKey),
                                        dryRun));
        return ResponseEntity.status(dryRun ? HttpStatus.OK : HttpStatus.ACCEPTED)
                .body(new Reply(operation));
    }
}
