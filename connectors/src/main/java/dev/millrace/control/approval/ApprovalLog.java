package dev.millrace.control.approval;

import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/// Where requests that need two persons are kept. Thread-safe.
public interface ApprovalLog {

    /// @param requester identifies the person who asked
    /// @param who the same person, as the journal has them
    /// @param reason empty if the person gave none
    /// @param forced names of gates
    /// @param renameOld only of `complete`
    record Request(
            UUID id,
            String kind,
            String requester,
            String who,
            String reason,
            Set<String> forced,
            Optional<String> expectedPhase,
            Optional<String> renameOld,
            Optional<String> requestKey,
            Instant requestedAt,
            Instant expiresAt) {}

    /// An entry of the journal.
    ///
    /// @param reason empty if the person gave none
    record Note(String who, String phase, String event, String what, String reason) {}

    /// Adds a request that waits.
    ///
    /// @throws SQLException also if a request of this kind waits already
    void ask(Request request, Note note) throws SQLException;

    /// The requests that wait, the oldest first, also those that have expired meanwhile.
    List<Request> pending() throws SQLException;

    /// Approves a request that waits.
    ///
    /// @param approver identifies the person
    /// @return false if nothing was changed: it does not wait, it has expired, or the person asked
    ///   for it
    boolean approve(UUID id, String approver, Instant now, Note note) throws SQLException;

    /// @return false if nothing was changed, because it is not in the state `from`
    boolean settle(UUID id, String from, String to, Note note) throws SQLException;
}
