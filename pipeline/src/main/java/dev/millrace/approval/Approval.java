package dev.millrace.approval;

import dev.millrace.control.approval.ApprovalLog.Request;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/// A request that waits for another person, as `GET /api/v1/approvals` answers it. Immutable.
///
/// @param kind `switchover`, `rollback`, `complete` or `abort`
/// @param who asked for it
/// @param reason empty if none was given
/// @param forced names of gates that are passed although they are closed
/// @param renameOld suffix for the old source tables; only of `complete`
public record Approval(
        UUID id,
        String kind,
        String who,
        String reason,
        List<String> forced,
        @Nullable String renameOld,
        Instant requestedAt,
        Instant expiresAt) {

    public Approval {
        forced = List.copyOf(forced);
    }

    static Approval of(Request request) {
        return new Approval(
                request.id(),
                request.kind(),
                request.who(),
                request.reason(),
                request.forced().stream().sorted().toList(),
                request.renameOld().orElse(null),
                request.requestedAt(),
                request.expiresAt());
    }

    /// What a person must know, for the status.
    public String warning() {
        return "%s, which %s asked for, waits for another approver until %s. Run 'millrace approve %s'"
                .formatted(kind, who, expiresAt, id);
    }
}
